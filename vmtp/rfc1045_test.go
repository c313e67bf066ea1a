package vmtp

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/vmtp/packet"
)

// One test per claim of RFC 1045, with the section it comes from. Those of the
// client first, then those of the server.

// Reference: RFC 1045 §2.5.3. A Request is acknowledged by its Response.
func TestResponseAcknowledgesRequest(t *testing.T) {
	tc := newCase(t, alpha)
	c := tc.send(0, 0)
	tc.want("a Request of one packet", "beta.1 < request client/1 to server")
	tc.write(answer(c, 0), nil)
	tc.want("the answer ends the transaction, without a packet more", "answer of server: ok, 0 octets")
	if tc.e.Outstanding() != 0 {
		t.Errorf("%d transactions are outstanding", tc.e.Outstanding())
	}
	tc.pass(time.Minute)
	tc.wantIdle("nothing is sent again")
}

// Reference: RFC 1045 §2.5.1. Transactions of a client are numbered one after the
// other; the first number is random.
func TestTransactionIdentifiers(t *testing.T) {
	tc := newCase(t, alpha)
	first := tc.clients[client].Transaction()
	if other := tc.clients[client2].Transaction(); first == other || first == 0 {
		t.Errorf("two clients begin with %d and %d", first, other)
	}
	for i := range uint32(3) {
		c := tc.send(0, 0)
		if c.Transaction() != first+1+i {
			t.Errorf("transaction %d of a client has the identifier %d after %d", i+1, c.Transaction(), first)
		}
		tc.write(answer(c, 0), nil)
	}
}

// Reference: RFC 1045 §2.5.4. What is sent again is the header alone, with APG; a
// RetransmitCount tells the transmissions apart. Differs: the wait doubles.
func TestRequestIsSentAgain(t *testing.T) {
	tc := newCase(t, alpha)
	tc.send(2000, 0)
	tc.want("the whole packet group", "beta.1 < request client/1 to server blocks=0xf")
	for i, wait := range []time.Duration{firstTC2, 2 * firstTC2, 4 * firstTC2} {
		tc.pass(wait - 1)
		tc.wantIdle("too early")
		tc.pass(1)
		tc.want("the header", fmt.Sprintf("beta.1 < request client/1 to server retrans=%d APG", i+1))
	}
}

// Reference: RFC 1045 §2.13. The server says what it has; the client sends the
// rest.
func TestRequestBlocksAreSentAgain(t *testing.T) {
	for _, tt := range []struct {
		name     string
		code     ipc.Code
		has      uint32
		want     []string
		transmit int
	}{
		{"some are missing", ipc.Retry, 0x5, []string{"beta.1 < request client/1 to server blocks=0xa retrans=1"}, 1},
		{"the last is", ipc.Retry, 0x7, []string{"beta.1 < request client/1 to server blocks=0x8 retrans=1"}, 1},
		{"all are", ipc.Retry, 0, []string{"beta.1 < request client/1 to server blocks=0xf retrans=1"}, 1},
		{"all are, said so (§4.8)", ipc.RetryAll, 0, []string{"beta.1 < request client/1 to server blocks=0xf retrans=1"}, 1},
		{"none is", ipc.Retry, 0xF, nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tc := newCase(t, alpha)
			c := tc.send(2000, 0)
			tc.seen = nil
			tc.write(notifyClient(c, tt.code, tt.has), nil)
			tc.want("the complement of what is there", tt.want...)
			if got := tc.e.Stats().Retransmissions; got != uint64(tt.transmit) {
				t.Errorf("%d retransmissions are counted, want %d", got, tt.transmit)
			}
		})
	}
}

// Reference: RFC 1045 §2.13, §4.9. A Response arrives in any order; what is
// missing when its packets stop is asked for, by mask.
func TestResponseBlocksAreAskedFor(t *testing.T) {
	tc := newCase(t, alpha)
	c := tc.send(0, 2000)
	tc.seen = nil
	segment := pattern(2000)
	tc.write(answer(c, 2000, blocks(0x8)), segment)
	tc.pass(blockGap - 1)
	tc.write(answer(c, 2000, blocks(0x1)), segment)
	tc.pass(blockGap - 1)
	tc.wantIdle("each packet starts the wait anew")
	tc.pass(1)
	tc.want("TC3 passed", "beta.1 < notify server: client/1 has 0x9 of the answer: retry")
	tc.write(answer(c, 2000, blocks(0x4)), segment)
	tc.write(answer(c, 2000, blocks(0x5)), segment)
	tc.pass(blockGap)
	tc.want("one is still missing", "beta.1 < notify server: client/1 has 0xd of the answer: retry")
	tc.write(answer(c, 2000, blocks(0x2)), segment)
	tc.want("whole", "answer of server: ok, 2000 octets")
	if !bytes.Equal(tc.response.Data, segment) {
		t.Error("the segment has the wrong octets in it")
	}
	tc.write(answer(c, 2000, blocks(0xF)), segment)
	tc.wantIdle("a duplicate of the Response")
}

// Reference: RFC 1045 §4.9. Blocks that don't come after all are no reason to
// give up: the Request is sent again.
func TestResponseThatStops(t *testing.T) {
	tc := newCase(t, alpha)
	c := tc.send(0, 1024)
	tc.write(answer(c, 1024, blocks(1)), pattern(1024))
	tc.seen = nil
	tc.pass(blockGap + 2*blockGap + 4*blockGap + 8*blockGap + 16*blockGap + 32*blockGap)
	ask := "beta.1 < notify server: client/1 has 0x1 of the answer: retry"
	tc.want("asked for, then the Request again", ask, ask, ask, ask, ask, "beta.1 < request client/1 to server retrans=1 APG")
	tc.write(answer(c, 1024, blocks(2)), pattern(1024))
	tc.want("what had come was kept", "answer of server: ok, 1024 octets")
}

// Reference: RFC 1045 §2.5.4. An idempotent Response can't be asked for by
// blocks: the Request is sent again.
func TestIdempotentResponseLosesBlocks(t *testing.T) {
	tc := newCase(t, alpha)
	c := tc.send(0, 1024)
	tc.seen = nil
	tc.write(answer(c, 1024, blocks(1), flagged(ipc.FlagDGM)), pattern(1024))
	tc.pass(blockGap)
	tc.want("the Request, not a question", "beta.1 < request client/1 to server retrans=1 APG")
	tc.write(answer(c, 1024, blocks(2), flagged(ipc.FlagDGM)), pattern(1024))
	tc.want("the redone answer completes the first", "answer of server: ok, 1024 octets")
}

// Reference: RFC 1045 §2.4. A Response that is larger than the room for it is
// cut off.
func TestResponseIsTruncated(t *testing.T) {
	tc := newCase(t, alpha)
	c := tc.send(0, 600)
	tc.seen = nil
	tc.write(answer(c, 2000, blocks(0xF)), pattern(2000))
	tc.want("what fits", "answer of server: ok, 600 octets")
	if !tc.response.Truncated || !bytes.Equal(tc.response.Data, pattern(2000)[:600]) {
		t.Error("not said to be cut off, or other octets")
	}
}

// Reference: RFC 1045 §2.5.3, §4.7.1. A Response with APG is acknowledged, at
// once and each time, by a notify; of an old one the server learns that it is no
// longer wanted.
func TestResponseIsAcknowledged(t *testing.T) {
	tc := newCase(t, alpha)
	c := tc.send(0, 0)
	tc.seen = nil
	first := answer(c, 0, apg)
	tc.write(first, nil)
	tc.want("new", "beta.1 < notify server: client/1 has 0x0 of the answer: ok", "answer of server: ok, 0 octets")
	tc.write(first, nil)
	tc.want("again", "beta.1 < notify server: client/1 has 0x0 of the answer: ok")
	tc.send(0, 0)
	tc.seen = nil
	tc.write(first, nil)
	tc.want("old", "beta.1 < notify server: client/0 has 0x0 of the answer: the answer was discarded")
	first.Control = 0
	tc.write(first, nil)
	tc.wantIdle("old, and nobody asks")
	first.Control, first.Client = packet.APG, client.WithProcess(99)
	tc.write(first, nil)
	tc.want("for nobody", fmt.Sprintf("beta.1 < notify server: %v/%d has 0x0 of the answer: no such process", first.Client, int32(first.Transaction-firstID)))
}

// Reference: RFC 1045 §4.8. What the server's module says of a Request.
func TestNotifyClientCodes(t *testing.T) {
	for _, tt := range []struct {
		code ipc.Code
		want string // "" means that the client goes on waiting
	}{
		{ipc.OK, ""},
		{ipc.Busy, ""},
		{ipc.NonexistentEntity, "fail: no such process"},
		{ipc.NoPermission, "fail: permission denied"},
		{ipc.NotAwaitingMsg, "fail: not awaiting a message"},
		{ipc.VMTPError, "fail: protocol error"},
		{ipc.BadTransactionID, "fail: old transaction"},
		{ipc.ResponseDiscarded, "fail: the answer was discarded"},
		{ipc.RetransTimeout, "fail: host does not answer"},
	} {
		tc := newCase(t, alpha)
		c := tc.send(0, 0)
		tc.seen = nil
		tc.write(notifyClient(c, tt.code, 0), nil)
		if tt.want == "" {
			tc.wantIdle(tt.code.String())
			tc.write(answer(c, 0), nil)
			tc.want(tt.code.String()+", then the answer", "answer of server: ok, 0 octets")
			continue
		}
		tc.want(tt.code.String(), tt.want)
	}
}

// Reference: RFC 1045 §4.8. A notify that is not about the transaction in
// progress is ignored.
func TestNotifyOfAnotherTransaction(t *testing.T) {
	tc := newCase(t, alpha)
	c := tc.send(0, 0)
	old := notifyClient(c, ipc.NonexistentEntity, 0)
	tc.write(answer(c, 0), nil)
	tc.seen = nil
	tc.write(old, nil)
	tc.wantIdle("the transaction has ended")
	tc.send(0, 0)
	tc.seen = nil
	tc.write(old, nil)
	tc.wantIdle("another is in progress")
}

// Reference: RFC 1045 §4.8. BUSY: try again later, as long as the user wants.
func TestBusyServer(t *testing.T) {
	tc := newCase(t, alpha)
	c := tc.send(0, 0)
	for i := range 20 {
		tc.write(notifyClient(c, ipc.Busy, 0), nil)
		tc.seen = nil
		tc.pass(maxTC2)
		if i > 0 && len(tc.seen) > 2 {
			t.Fatalf("a busy server is asked more than once a second or two: %v", tc.seen)
		}
	}
	tc.write(answer(c, 0), nil)
	if tc.response == nil {
		t.Error("it was not waited for")
	}
}

// Reference: RFC 1045 §4.8. A server that says that it has the Request is waited
// for, for ever, and asked once a second.
func TestSlowServer(t *testing.T) {
	tc := newCase(t, alpha)
	c := tc.send(0, 0)
	tc.pass(3 * time.Second)
	for range 600 {
		tc.write(notifyClient(c, ipc.OK, 0), nil)
		tc.seen = nil
		tc.pass(maxTC2)
		if len(tc.seen) > 1 {
			t.Fatalf("more than one packet a second: %v", tc.seen)
		}
	}
	tc.seen = nil
	tc.write(answer(c, 0), nil)
	tc.want("after ten minutes", "answer of server: ok, 0 octets")
}

// silence lets the time until the client gives up pass, and returns how long
// that was.
func (tc *testCase) silence() time.Duration {
	start := tc.now
	for tc.now < start+time.Minute && tc.e.Outstanding() > 0 {
		tc.pass(10 * time.Millisecond)
	}
	return tc.now - start
}

// Reference: RFC 1045 §2.5.5, §4.9. After RequestRetries in vain a server is
// given up. Differs: its host is asked first, and only one that is silent
// altogether is given up, within five seconds.
func TestSilentHost(t *testing.T) {
	tc := newCase(t, alpha)
	tc.send(0, 0)
	if d := tc.silence(); d < LostAfter || d > 5*time.Second {
		t.Errorf("given up after %v", d)
	}
	if last := tc.seen[len(tc.seen)-1]; last != "fail: host does not answer" {
		t.Errorf("it ended with %q", last)
	}
	probes := tc.e.Stats().Probes
	if probes < 10 || len(tc.e.probes) != 0 {
		t.Errorf("the host kernel was asked %d times, %d questions are left", probes, len(tc.e.probes))
	}
	if tc.e.Stats().Lost != 1 {
		t.Errorf("%d lost transactions are counted", tc.e.Stats().Lost)
	}
}

// Differs from RFC 1045 §4.9: a host that answers for a team that does not keeps
// the client waiting, and one that says that the server is gone ends the wait at
// once.
func TestHostKernelIsAsked(t *testing.T) {
	tc := newCase(t, alpha)
	c := tc.send(0, 0)
	tc.pass(firstTC2*(1+2+4+8) + 2*maxTC2)
	if last := tc.seen[len(tc.seen)-2]; last != "beta.0 < probe server" {
		t.Fatalf("before the Request is sent again, %q", last)
	}
	for range 20 {
		tc.write(tc.probed(ipc.OK, 0), nil)
		tc.pass(3 * time.Second)
	}
	if c.state != clientAwaiting {
		t.Fatalf("a host that answers was given up")
	}
	tc.seen = nil
	tc.write(tc.probed(ipc.NonexistentEntity, 0), nil)
	tc.want("the server is gone", "fail: no such process")
}

// A move, whose server is the management module of a team, asks for that team.
func TestHostKernelIsAskedForTheManager(t *testing.T) {
	tc := newCase(t, alpha)
	m := message(0, 0)
	m.Set(ipc.FlagCRE)
	m.PutPID(ipc.UserOffset, server)
	tc.e.Send(tc.now, tc.clients[client], &m, ipc.ManagerGroup, beta, nil, nil)
	tc.drain()
	tc.seen = nil
	tc.pass(3 * time.Second)
	want := "beta.0 < probe " + server.WithProcess(0).String()
	for _, s := range tc.seen {
		if s == want {
			return
		}
	}
	t.Errorf("no %q in %q", want, tc.seen)
}

// Reference: RFC 1045 §2.5.5. Response times are smoothed, told apart by the
// RetransmitCount, and bounded.
func TestResponseTimesAreMeasured(t *testing.T) {
	tc := newCase(t, alpha)
	tc.e.peer(beta.Host()).sample(40 * time.Millisecond)
	c := tc.send(0, 0)
	tc.pass(30 * time.Millisecond)
	tc.write(answer(c, 0), nil)
	p := *tc.e.peer(beta.Host())
	if p.srtt >= 40*time.Millisecond || p.srtt <= 30*time.Millisecond {
		t.Errorf("40 ms, then 30 ms: smoothed to %v", p.srtt)
	}
	c = tc.send(0, 0)
	tc.pass(500 * time.Millisecond)
	tc.write(answer(c, 0, retrans(0)), nil)
	if *tc.e.peer(beta.Host()) != p {
		t.Error("the answer to an earlier transmission was taken for one to the last")
	}
}

// Reference: RFC 1045 §2.3, §4.6.1. A client has one transaction at a time: the
// next ends it.
func TestNextSendEndsTheLast(t *testing.T) {
	tc := newCase(t, alpha)
	old := answer(tc.send(0, 0), 0)
	c := tc.send(0, 0)
	tc.seen = nil
	tc.write(old, nil)
	tc.wantIdle("an answer to the first")
	tc.write(answer(c, 0), nil)
	tc.want("an answer to the second", "answer of server: ok, 0 octets")
}

// Reference: RFC 1045 §4.6.1. A datagram is sent, and that is all.
func TestDatagramIsSentOnce(t *testing.T) {
	tc := newCase(t, alpha)
	m := message(600, 0)
	m.Set(ipc.FlagDGM)
	tc.e.Send(tc.now, tc.clients[client], &m, server, beta, pattern(600), nil)
	tc.drain()
	tc.want("once", "beta.1 < request client/1 to server blocks=0x3")
	if tc.e.Outstanding() != 0 {
		t.Error("it is waited for")
	}
	tc.pass(time.Minute)
	tc.wantIdle("never again")
}

// Differs from RFC 1045 §2.3, where a server learns from the next Request that
// the last is no longer wanted: it is told.
func TestAbortIsTold(t *testing.T) {
	tc := newCase(t, alpha)
	c := tc.send(0, 0)
	late := answer(c, 0)
	tc.seen = nil
	tc.e.Abort(tc.now, c)
	tc.drain()
	tc.want("the server hears of it", "beta.1 < notify server: client/0 has 0x0 of the answer: the answer was discarded")
	tc.write(late, nil)
	tc.pass(time.Minute)
	tc.wantIdle("an answer that comes too late")
	if c.Transaction() != late.Transaction+1 {
		t.Error("a server that probes would think that the client still waits")
	}
}

// Reference: RFC 1045 §2.7. Every member of a group may answer once; the Request
// is sent again until the first does.
func TestGroupResponses(t *testing.T) {
	tc := newCase(t, alpha)
	c := tc.clients[client]
	m := message(0, 1024)
	tc.e.Send(tc.now, c, &m, group, alpha&^0xFFFF, nil, nil)
	tc.drain()
	tc.want("by way of the host kernel", "alpha.0 < request client/1 to group")
	tc.pass(groupTC1)
	tc.want("nobody yet", "alpha.0 < request client/1 to group retrans=1 APG")
	tc.write(answer(c, 0), nil)
	tc.want("the first", "answer of server: ok, 0 octets")
	tc.write(answer(c, 0), nil)
	tc.write(answer(c, 0, apg), nil)
	tc.want("the first again", "beta.1 < notify server: client/1 has 0x0 of the answer: ok")
	tc.write(answer(c, 1024, to(third), blocks(1)), pattern(1024))
	tc.wantIdle("half of the second")
	tc.pass(blockGap)
	tc.want("the other half is asked for", "gamma.1 < notify third: client/1 has 0x1 of the answer: retry")
	tc.write(answer(c, 1024, to(third), blocks(2)), pattern(1024))
	tc.want("the second", "answer of third: ok, 1024 octets")
	tc.pass(time.Minute)
	tc.wantIdle("after an answer nothing is sent again")
	tc.send(0, 0)
	tc.seen = nil
	tc.write(answer(c, 0, to(server2), func(h *packet.Header) { h.Transaction-- }), nil)
	tc.wantIdle("one that comes after the next Send")
}

// Reference: RFC 1045 §4.9. A group of which nobody answers is given up after
// RequestRetries.
func TestGroupThatIsEmpty(t *testing.T) {
	tc := newCase(t, alpha)
	m := message(0, 0)
	tc.e.Send(tc.now, tc.clients[client], &m, group, alpha&^0xFFFF, nil, nil)
	tc.drain()
	tc.silence()
	if n := len(tc.seen); n != 2+RequestRetries || tc.seen[n-1] != "fail: host does not answer" {
		t.Errorf("seen: %q", tc.seen)
	}
}

// A group's member of whose answer nothing but the header came does not end the
// wait for others, nor is it waited for without an end.
func TestGroupResponseThatStops(t *testing.T) {
	tc := newCase(t, alpha)
	c := tc.clients[client]
	m := message(0, 1024)
	tc.e.Send(tc.now, c, &m, group, alpha&^0xFFFF, nil, nil)
	tc.drain()
	tc.write(answer(c, 1024), nil)
	tc.pass(blockGap)
	if tc.silence() > 10*time.Second {
		t.Error("waits without an end")
	}
	if got := tc.seen[len(tc.seen)-1]; got != "fail: host does not answer" {
		t.Errorf("ended with %q", got)
	}
}

// A team that died in the middle of its answer may be followed by one that
// answers otherwise.
func TestAnotherServerFinishes(t *testing.T) {
	tc := newCase(t, alpha)
	c := tc.send(0, 1024)
	tc.write(answer(c, 1024, blocks(1)), pattern(1024))
	tc.seen = nil
	tc.write(answer(c, 0, to(server2)), nil)
	tc.wantIdle("while the first may still finish, it counts")
	tc.pass(time.Second)
	tc.seen = nil
	tc.write(answer(c, 0, to(server2)), nil)
	tc.want("when it does not, another may", "answer of server2: ok, 0 octets")
}

// Reference: RFC 1045 §4.7. Packets of other versions and domains are ignored.
func TestForeignPackets(t *testing.T) {
	tc := newCase(t, beta)
	tc.write(request(1, 0, func(h *packet.Header) { h.Version = 1 }), nil)
	tc.write(request(1, 0, func(h *packet.Header) { h.Domain = 1 }), nil)
	tc.wantIdle("neither is for us")
	if got := tc.e.Stats().Foreign; got != 2 {
		t.Errorf("%d foreign packets are counted", got)
	}
	tc.write(request(1, 0), nil)
	tc.want("this one is", "deliver client/1>server")
}
