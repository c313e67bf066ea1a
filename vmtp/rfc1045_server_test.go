package vmtp

import (
	"bytes"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/vmtp/packet"
)

// Reference: RFC 1045 §2.5.4, §5.7. What a repeated Request meets, in each state
// of the server's record.
func TestDuplicateRequest(t *testing.T) {
	const key = "client/1>server"
	for _, tt := range []struct {
		name   string
		before func(tc *testCase)
		opts   []option
		want   []string
	}{
		{"receiving", func(tc *testCase) { tc.write(request(1, 1024, blocks(1)), pattern(1024)) },
			[]option{blocks(1)}, nil},
		{"receiving, header only", func(tc *testCase) { tc.write(request(1, 1024, blocks(1)), pattern(1024)) },
			[]option{apg}, []string{"alpha.1 < notify client/1: 0x1 are here: retry"}},
		{"processing", func(tc *testCase) { tc.write(request(1, 1024, blocks(3)), pattern(1024)) },
			[]option{blocks(3)}, nil},
		{"processing, with APG", func(tc *testCase) { tc.write(request(1, 1024, blocks(3)), pattern(1024)) },
			[]option{apg}, []string{"alpha.1 < notify client/1: 0x3 are here: ok"}},
		{"responded", func(tc *testCase) {
			tc.write(request(1, 1024, blocks(3)), pattern(1024))
			tc.reply(key, 0, 0)
		}, []option{apg, retrans(3)}, []string{"alpha.1 < response client/1 of server retrans=3"}},
		{"responded with a segment", func(tc *testCase) {
			tc.write(request(1, 1024, blocks(3)), pattern(1024))
			tc.reply(key, 600, 0)
		}, []option{apg}, []string{"alpha.1 < response client/1 of server blocks=0x3"}},
		{"acknowledged", func(tc *testCase) {
			tc.write(request(1, 1024, blocks(3)), pattern(1024))
			tc.reply(key, 600, 0)
			tc.write(notifyServer(1, server, ipc.OK, 0), nil)
		}, []option{apg}, []string{"alpha.1 < notify client/1: 0x0 are here: the answer was discarded"}},
		{"aborted", func(tc *testCase) {
			tc.write(request(1, 1024, blocks(3)), pattern(1024))
			tc.write(notifyServer(1, server, ipc.ResponseDiscarded, 0), nil)
		}, []option{apg}, []string{"alpha.1 < notify client/1: 0x0 are here: the answer was discarded"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tc := newCase(t, beta)
			tt.before(tc)
			tc.seen = nil
			tc.write(request(1, 1024, tt.opts...), pattern(1024))
			tc.want("what answers it", tt.want...)
			if tc.e.Stats().Deliveries > 1 {
				t.Error("it was executed twice")
			}
		})
	}
}

// Reference: RFC 1045 §2.5.3. The client's next Request acknowledges the Response
// and frees what is held for it.
func TestNextRequestAcknowledgesResponse(t *testing.T) {
	tc := newCase(t, beta)
	tc.write(request(1, 0), nil)
	tc.reply("client/1>server", 16384, 0)
	if len(tc.e.buffers) != 0 {
		t.Fatal("the Response is not held")
	}
	tc.seen = nil
	tc.write(request(2, 0), nil)
	tc.want("the next", "deliver client/2>server")
	if len(tc.e.buffers) != 1 || tc.e.Remotes() != 1 {
		t.Errorf("%d buffers are free, %d records held, want 1, 1", len(tc.e.buffers), tc.e.Remotes())
	}
	tc.write(notifyServer(1, server, ipc.Retry, 0), nil)
	tc.wantIdle("the first can't be asked for any more")
}

// Reference: RFC 1045 §2.5.3. A notify acknowledges the Response as well.
func TestNotifyAcknowledgesResponse(t *testing.T) {
	for _, code := range []ipc.Code{ipc.OK, ipc.ResponseDiscarded, ipc.NonexistentEntity, ipc.BadTransactionID} {
		tc := newCase(t, beta)
		tc.write(request(1, 0), nil)
		tc.reply("client/1>server", 600, 0)
		tc.write(notifyServer(1, server, code, 0), nil)
		tc.seen = nil
		if len(tc.e.buffers) != 1 {
			t.Errorf("%v: what was held is not free", code)
		}
		tc.pass(time.Minute)
		tc.wantIdle("it is not sent again")
		if tc.e.Remotes() != 0 {
			t.Errorf("%v: the record is still there", code)
		}
	}
}

// Reference: RFC 1045 §2.5.1. Older transactions are delayed duplicates; the order
// is one of serial numbers.
func TestOlderTransaction(t *testing.T) {
	tc := newCase(t, beta)
	tc.write(request(5, 0), nil)
	tc.seen = nil
	tc.write(request(4, 0), nil)
	tc.write(request(4, 0, apg), nil)
	tc.write(request(1<<31+6, 0), nil)
	tc.wantIdle("these came before")
	if got := tc.e.Stats().Stale; got != 3 {
		t.Errorf("%d old packets are counted", got)
	}
	tc.write(request(1<<31+4, 0), nil)
	tc.want("this one after", "withdraw client/5>server", "deliver client/-2147483644>server")
}

// Reference: RFC 1045 §2.3, §5.7. A newer Request ends the one in service.
func TestNewerRequestEndsTheOlder(t *testing.T) {
	tc := newCase(t, beta)
	tc.write(request(1, 0), nil)
	old := tc.delivered("client/1>server")
	tc.seen = nil
	tc.write(request(2, 0), nil)
	tc.want("the kernel hears of both", "withdraw client/1>server", "deliver client/2>server")
	var m ipc.Message
	if tc.e.Reply(tc.now, old, &m, nil) || tc.e.Find(client, firstID+1, server) != nil {
		t.Error("the first can still be answered")
	}
}

// Reference: RFC 1045 §2.5.4. A header alone: what needs no more just runs, else
// all is asked for.
func TestHeaderWithoutRecord(t *testing.T) {
	tc := newCase(t, beta)
	tc.write(request(1, 0, apg, retrans(2)), nil)
	tc.want("no segment", "alpha.1 < notify client/1: 0x0 are here: ok", "deliver client/1>server")
	tc.write(request(2, 1024, apg, retrans(2)), nil)
	tc.want("a segment, none of which is here", "withdraw client/1>server", "alpha.1 < notify client/2: 0x0 are here: retry all")
	tc.write(request(2, 1024, blocks(3), retrans(3)), pattern(1024))
	tc.want("it came", "deliver client/2>server")
	if r := tc.delivered("client/2>server"); !bytes.Equal(r.Data, pattern(1024)) {
		t.Error("with other octets")
	}
}

// Reference: RFC 1045 §2.13, §5.9. What is missing when the packets stop is asked
// for; if that is in vain, what came is dropped.
func TestRequestBlocksAreAskedFor(t *testing.T) {
	tc := newCase(t, beta)
	tc.write(request(1, 2000, blocks(0xA)), pattern(2000))
	tc.pass(blockGap)
	ask := "alpha.1 < notify client/1: 0xa are here: retry"
	tc.want("TS1 passed", ask)
	tc.write(request(1, 2000, blocks(0x8), retrans(1)), pattern(2000))
	tc.wantIdle("nothing new")
	tc.pass(time.Second)
	tc.want("four times more", ask, ask, ask, ask)
	if len(tc.e.buffers) != 1 {
		t.Error("what came is still held")
	}
	tc.write(request(1, 2000, blocks(0x5), retrans(2)), pattern(2000))
	tc.wantIdle("that was complete, had the rest been kept")
	tc.write(request(1, 2000, blocks(0xA), retrans(3)), pattern(2000))
	tc.want("so all is needed again", "deliver client/1>server")
}

// Reference: RFC 1045 §2.13. Packets of one group have the same message; others
// are no part of it.
func TestPacketOfAnotherMessage(t *testing.T) {
	tc := newCase(t, beta)
	tc.write(request(1, 1024, blocks(1)), pattern(1024))
	tc.write(request(1, 1024, blocks(2), func(h *packet.Header) { h.Message[5] = 1 }), pattern(1024))
	tc.wantIdle("a group that was never sent")
	tc.write(request(1, 1024, blocks(2)), pattern(1024))
	tc.want("the real one", "deliver client/1>server")
}

// Reference: RFC 1045 §2.13. APG asks for an acknowledgement of the group.
func TestWholeRequestIsAcknowledged(t *testing.T) {
	tc := newCase(t, beta)
	tc.write(request(1, 600, blocks(3), apg), pattern(600))
	tc.want("said so", "alpha.1 < notify client/1: 0x3 are here: ok", "deliver client/1>server")
}

// Reference: RFC 1045 §2.13, §5.8. The client says what it has of the Response.
func TestResponseBlocksAreSentAgain(t *testing.T) {
	for _, tt := range []struct {
		name  string
		code  ipc.Code
		has   uint32
		flags uint32
		want  []string
	}{
		{"some are missing", ipc.Retry, 0x6, 0, []string{"alpha.1 < response client/1 of server blocks=0x9"}},
		{"all are", ipc.RetryAll, 0x6, 0, []string{"alpha.1 < response client/1 of server blocks=0xf"}},
		{"none is", ipc.Retry, 0xF, 0, nil},
		{"idempotent (§2.5.4): not kept", ipc.Retry, 0x6, ipc.FlagDGM, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tc := newCase(t, beta)
			tc.write(request(1, 0), nil)
			tc.reply("client/1>server", 2000, tt.flags)
			tc.seen = nil
			tc.write(notifyServer(1, server, tt.code, tt.has), nil)
			tc.want("the rest", tt.want...)
		})
	}
}

// Reference: RFC 1045 §5.9. A Response with a segment is sent again, its header
// alone, with APG, until it is acknowledged; after ResponseRetries it is dropped.
func TestUnacknowledgedResponse(t *testing.T) {
	tc := newCase(t, beta)
	tc.write(request(1, 0), nil)
	tc.reply("client/1>server", 600, 0)
	tc.want("sent", "deliver client/1>server", "alpha.1 < response client/1 of server blocks=0x3")
	tc.pass(ackWait)
	tc.want("TS5 passed", "alpha.1 < response client/1 of server APG")
	tc.write(notifyServer(1, server, ipc.Retry, 0), nil)
	tc.want("the client has nothing of it", "alpha.1 < response client/1 of server blocks=0x3")
	tc.pass(2 * time.Minute)
	h := "alpha.1 < response client/1 of server APG"
	tc.want("as often as it may be", h, h, h, h, h)
	if tc.e.Remotes() != 0 || len(tc.e.buffers) != 1 {
		t.Errorf("%d records are left, %d buffers free", tc.e.Remotes(), len(tc.e.buffers))
	}
}

// Differs from RFC 1045 §2.5.4: a Response without a segment is not sent again
// unless the client asks, which costs no more than its record.
func TestResponseWithoutSegment(t *testing.T) {
	tc := newCase(t, beta)
	tc.write(request(1, 0), nil)
	tc.reply("client/1>server", 0, 0)
	tc.seen = nil
	tc.pass(keepRecord - 1)
	tc.write(request(1, 0, apg), nil)
	tc.want("the client asks", "alpha.1 < response client/1 of server")
	tc.pass(keepRecord - 1)
	tc.write(request(1, 0, apg), nil)
	tc.want("again: one that asks is not given up", "alpha.1 < response client/1 of server")
	tc.pass(time.Minute)
	tc.wantIdle("never unasked")
	if tc.e.Remotes() != 0 {
		t.Error("the record is still there")
	}
}

// Reference: RFC 1045 §2.5.4. An idempotent Response is neither kept nor sent
// again: a repeated Request is served again.
func TestIdempotentResponseIsRedone(t *testing.T) {
	tc := newCase(t, beta)
	tc.write(request(1, 0), nil)
	tc.reply("client/1>server", 600, ipc.FlagDGM)
	tc.want("answered", "deliver client/1>server", "alpha.1 < response client/1 of server blocks=0x3")
	if r := tc.delivered("client/1>server"); r.answer != nil {
		t.Error("the Response is kept")
	}
	tc.write(request(1, 0, apg, retrans(1)), nil)
	tc.want("again", "alpha.1 < notify client/1: 0x0 are here: ok", "deliver client/1>server")
	tc.reply("client/1>server", 600, ipc.FlagDGM)
	tc.want("anew", "alpha.1 < response client/1 of server blocks=0x3 retrans=1")
}

// Reference: RFC 1045 §5.6.2. A server that answers RESPONSE_DISCARDED says
// nothing.
func TestServerSaysNothing(t *testing.T) {
	tc := newCase(t, beta)
	tc.write(request(1, 0), nil)
	tc.seen = nil
	var m ipc.Message
	m.SetCode(ipc.ResponseDiscarded)
	if !tc.e.Reply(tc.now, tc.delivered("client/1>server"), &m, nil) {
		t.Error("it may not")
	}
	tc.drain()
	tc.wantIdle("no packet")
	tc.write(request(1, 0, apg), nil)
	tc.want("but a client that asks is told", "alpha.1 < notify client/1: 0x0 are here: the answer was discarded")
}

// Reference: RFC 1045 §5.7, §2.8. What can't be delivered is answered so, once
// and without a record.
func TestRefusedRequest(t *testing.T) {
	tc := newCase(t, beta)
	tc.accepts[server2] = ipc.Busy
	for _, tt := range []struct {
		name string
		h    packet.Header
		want []string
	}{
		{"nobody", request(1, 0, to(server.WithProcess(99))), []string{"alpha.1 < notify client/1: 0x0 are here: no such process"}},
		{"full", request(1, 0, to(server2)), []string{"alpha.1 < notify client/1: 0x0 are here: busy"}},
		{"conditional, and not waiting", request(1, 0, flagged(ipc.FlagCMD)), []string{"alpha.1 < notify client/1: 0x0 are here: not awaiting a message"}},
		{"a datagram for nobody", request(1, 0, to(server.WithProcess(99)), flagged(ipc.FlagDGM)), nil},
	} {
		tc.write(tt.h, nil)
		tc.want(tt.name, tt.want...)
	}
	if tc.e.Remotes() != 0 {
		t.Errorf("%d records", tc.e.Remotes())
	}
}

// Reference: RFC 1045 §2.7. Each member of a group has its own copy and its own
// answer; those who have nothing to say keep silent.
func TestGroupRequest(t *testing.T) {
	tc := newCase(t, beta)
	tc.members = []ipc.PID{server, server2, server.WithProcess(99)}
	tc.write(request(1, 600, to(group), blocks(3)), pattern(600))
	tc.want("to those who are there", "deliver client/1>server", "deliver client/1>server2")
	tc.reply("client/1>server2", 0, 0)
	tc.want("in its own name", "alpha.1 < response client/1 of server2")
	tc.write(request(1, 600, to(group), apg), pattern(600))
	tc.want("repeated", "alpha.1 < notify client/1: 0x3 are here: ok", "alpha.1 < response client/1 of server2")
	tc.write(notifyServer(1, server2, ipc.OK, 0), nil)
	tc.seen = nil
	tc.write(request(1, 600, to(group), blocks(3)), pattern(600))
	tc.wantIdle("one works, the other has been heard")
	tc.reply("client/1>server", 0, 0)
	tc.want("the other member", "alpha.1 < response client/1 of server")
	tc.pass(time.Minute)
	if tc.e.Remotes() != 0 {
		t.Error("records are left")
	}
}

// Reference: RFC 1045 §2.7, §4.6.1. A datagram: delivered, and over.
func TestDatagramAtServer(t *testing.T) {
	tc := newCase(t, beta)
	tc.write(request(1, 0, flagged(ipc.FlagDGM)), nil)
	tc.want("delivered", "deliver client/1>server")
	r := tc.delivered("client/1>server")
	tc.pass(10 * time.Second)
	tc.wantIdle("it may wait to be received: nobody is probed")
	tc.e.Received(tc.now, r)
	var m ipc.Message
	if tc.e.Reply(tc.now, r, &m, nil) {
		t.Error("it can be answered")
	}
	tc.pass(time.Minute)
	tc.wantIdle("no packet")
	if tc.e.Remotes() != 0 {
		t.Error("a record is left")
	}
}

// Reference: RFC 1045 §5.9. After TS2 without a word the client is probed; a
// Request that nobody waits for is dropped.
func TestOrphan(t *testing.T) {
	for _, tt := range []struct {
		name string
		code ipc.Code
		id   uint32
		want []string
	}{
		{"waits", ipc.OK, firstID + 1, nil},
		{"gone", ipc.NonexistentEntity, 0, []string{"withdraw client/1>server"}},
		{"has gone on", ipc.OK, firstID + 2, []string{"withdraw client/1>server"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tc := newCase(t, beta)
			tc.write(request(1, 0), nil)
			tc.seen = nil
			tc.pass(orphanAfter - 1)
			tc.wantIdle("not yet")
			tc.pass(1)
			tc.want("TS2 passed", "alpha.1 < probe client")
			tc.write(tc.probed(tt.code, tt.id), nil)
			tc.want("the answer", tt.want...)
			tc.pass(orphanAfter - 1)
			tc.wantIdle("and then silence again")
		})
	}
	tc := newCase(t, beta)
	tc.write(request(1, 0), nil)
	tc.pass(2 * orphanAfter)
	if last := tc.seen[len(tc.seen)-1]; last != "withdraw client/1>server" || tc.e.Stats().Orphans != 1 {
		t.Errorf("a client that does not answer: %q", last)
	}
}

// A client that retransmits is not probed.
func TestClientThatRetransmits(t *testing.T) {
	tc := newCase(t, beta)
	tc.write(request(1, 0), nil)
	for range 20 {
		tc.pass(time.Second)
		tc.write(request(1, 0), nil)
	}
	tc.want("no probe", "deliver client/1>server")
}

// Reference: RFC 1045 §4.8, §2.10. The module answers probes about its entities.
func TestProbeIsAnswered(t *testing.T) {
	tc := newCase(t, alpha)
	c := tc.send(0, 0)
	tc.seen = nil
	probe := packet.Probe{CREntity: client, Entity: client}
	tc.write(probe.Header(server.WithProcess(0), 9), nil)
	tc.want("alive, with its transaction", "beta.1 < probed: ok, at client/1")
	tc.e.Abort(tc.now, c)
	tc.drain()
	tc.seen = nil
	probe.Entity = client.WithProcess(99)
	tc.write(probe.Header(server.WithProcess(0), 9), nil)
	tc.want("nobody", "beta.1 < probed: no such process")
}

// Reference: RFC 1045 §5.7. Records are kept against duplicates for longer than a
// client goes on, and no longer; they are bounded.
func TestRecordsAreBounded(t *testing.T) {
	tc := newCase(t, beta)
	for i := range uint32(MaxRemotes) {
		h := request(1, 0, from(client&^0xFFFF_FFFF|ipc.PID(i+100)<<16|1))
		tc.e.Packet(tc.now, &h, nil)
	}
	tc.e.Actions()
	tc.write(request(1, 0), nil)
	tc.want("one too many", "alpha.1 < notify client/1: 0x0 are here: busy")
	if tc.e.Stats().Overflow != 1 {
		t.Errorf("%d are counted", tc.e.Stats().Overflow)
	}
	tc.pass(time.Minute)
	tc.seen = nil
	if tc.e.Remotes() != 0 {
		t.Fatalf("%d are left after a minute", tc.e.Remotes())
	}
	tc.write(request(1, 0), nil)
	tc.want("room again", "deliver client/1>server")
}

// Reference: RFC 1045 §5.7. So is the memory for their packet groups.
func TestBuffersAreBounded(t *testing.T) {
	tc := newCase(t, beta)
	data := pattern(512)
	for i := range uint32(MaxBuffers) {
		h := request(1, 1024, blocks(1), from(client&^0xFFFF_FFFF|ipc.PID(i+100)<<16|1))
		tc.e.Packet(tc.now, &h, data) // half a Request each
	}
	tc.e.Actions()
	tc.write(request(1, 512, blocks(0)), nil)
	tc.want("no more memory", "alpha.1 < notify client/1: 0x0 are here: busy")
	tc.pass(time.Minute)
	tc.seen = nil
	tc.write(request(1, 0), nil)
	tc.want("memory again", "deliver client/1>server")
}

// Differs from RFC 1045 §2.3: a client that gives up says so.
func TestAbortAtServer(t *testing.T) {
	tc := newCase(t, beta)
	tc.write(request(1, 1024, blocks(1)), pattern(1024))
	tc.write(notifyServer(1, server, ipc.ResponseDiscarded, 0), nil)
	tc.pass(time.Second)
	tc.wantIdle("while its Request was received: nothing is asked for")
	tc.write(request(2, 0), nil)
	tc.seen = nil
	tc.write(notifyServer(2, server, ipc.ResponseDiscarded, 0), nil)
	tc.want("while it was served", "withdraw client/2>server")
	tc.write(notifyServer(2, server, ipc.ResponseDiscarded, 0), nil)
	tc.wantIdle("twice")
}

// The death of a server process is told to its clients, also to those that don't
// hear it the first time.
func TestBury(t *testing.T) {
	tc := newCase(t, beta)
	tc.write(request(1, 0), nil)
	tc.write(request(1, 0, from(client2)), nil)
	tc.write(request(1, 0, from(third), to(server2)), nil)
	tc.seen = nil
	tc.e.Bury(tc.now, server)
	tc.drain()
	gone := "alpha.1 < notify client/1: 0x0 are here: no such process"
	tc.want("in the order of their identifiers", gone, "alpha.1 < notify client2/1: 0x0 are here: no such process")
	tc.write(request(1, 0, apg), nil)
	tc.want("again: it is not delivered to a successor", gone)
}
