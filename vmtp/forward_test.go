package vmtp

import (
	"testing"
	"time"

	"vsys/ipc"
	"vsys/vmtp/packet"
)

// forward passes the Request that was delivered as key on.
func (tc *testCase) forward(key string, to ipc.PID) bool {
	tc.t.Helper()
	m := tc.delivered(key).Message
	m[8] = 0xAA
	ok := tc.e.Forward(tc.now, tc.delivered(key), &m, to)
	tc.drain()
	return ok
}

// forwardedCase is an endpoint of beta with a Request that server has forwarded
// to third, on gamma.
func forwardedCase(t *testing.T, size int) *testCase {
	tc := newCase(t, beta)
	tc.write(request(1, size, blocks(packet.WantedMask(size))), pattern(size))
	if !tc.forward("client/1>server", third) {
		t.Fatal("it can't be forwarded")
	}
	tc.seen = nil
	return tc
}

// Reference: RFC 1045 §2.9, §5.6.3. A forwarded Request has the same client and
// transaction, one more on its ForwardCount, and the whole segment; the answer
// goes straight to the client.
func TestForward(t *testing.T) {
	tc := newCase(t, beta)
	tc.write(request(1, 600, blocks(3)), pattern(600))
	tc.forward("client/1>server", third)
	tc.want("on to the next", "deliver client/1>server", "gamma.1 < request client/1 to third blocks=0x3 forward=1")
	var m ipc.Message
	if tc.e.Reply(tc.now, tc.delivered("client/1>server"), &m, nil) || tc.forward("client/1>server", third) {
		t.Error("it can be answered or forwarded again")
	}

	next := newCase(t, gamma)
	next.write(request(1, 600, to(third), blocks(3), forwarded(1)), pattern(600))
	next.reply("client/1>third", 0, 0)
	next.want("the next", "deliver client/1>third", "alpha.1 < response client/1 of third forward=1")

	asked := newCase(t, alpha)
	c := asked.send(600, 0)
	asked.seen = nil
	asked.write(answer(c, 0, to(third), forwarded(1)), nil)
	asked.want("the client", "answer of third: ok, 0 octets")
}

// Differs from RFC 1045 §2.9: what the client sends again is passed on, and the
// new server answers the client.
func TestForwarderRelays(t *testing.T) {
	tc := forwardedCase(t, 1024)
	tc.write(request(1, 1024, apg, retrans(1)), nil)
	tc.want("a header", "gamma.1 < request client/1 to third retrans=1 forward=1 APG")
	tc.write(request(1, 1024, blocks(2), retrans(2)), pattern(1024))
	tc.want("blocks", "gamma.1 < request client/1 to third blocks=0x2 retrans=2 forward=1")

	next := newCase(t, gamma)
	next.write(request(1, 1024, to(third), forwarded(1), apg), nil)
	next.want("a next server that has nothing yet", "alpha.1 < notify client/1: 0x0 are here: retry all")
}

// Reference: RFC 1045 §5.7. Within a transaction the ForwardCount tells Requests
// apart: one that comes back to a team that it has passed is a new one, lower
// ones are old.
func TestForwardedBack(t *testing.T) {
	for _, tt := range []struct {
		name string
		to   ipc.PID
		key  string
	}{
		{"to another process", server2, "client/1>server2"},
		{"to the same process", server, "client/1>server"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tc := forwardedCase(t, 0)
			tc.write(request(1, 0, to(tt.to), forwarded(2)), nil)
			tc.want("a new Request", "deliver "+tt.key)
			tc.write(request(1, 0, to(tt.to), forwarded(2)), nil)
			tc.write(request(1, 0, to(server2), forwarded(1)), nil)
			tc.wantIdle("its duplicate, and what came before it")
			tc.write(request(1, 0, apg), nil)
			tc.want("the client asks: relayed once round", "gamma.1 < request client/1 to third forward=1 APG")
			tc.write(request(1, 0, to(tt.to), forwarded(2), apg), nil)
			tc.want("and answered when it comes back, not relayed again", "alpha.1 < notify client/1: 0x0 are here: ok")
			tc.reply(tt.key, 0, 0)
			tc.want("answered", "alpha.1 < response client/1 of "+name(tt.to)+" forward=2")
			tc.write(request(1, 0, to(tt.to), forwarded(2)), nil)
			tc.want("that is repeated", "alpha.1 < response client/1 of "+name(tt.to)+" forward=2")
		})
	}
}

// Reference: RFC 1045 §2.9. ForwardCount is a field of 4 bits.
func TestFifteenForwards(t *testing.T) {
	tc := newCase(t, beta)
	tc.write(request(1, 0, forwarded(14)), nil)
	if !tc.forward("client/1>server", third) {
		t.Error("no 15th forward")
	}
	tc.write(request(2, 0, forwarded(15)), nil)
	if tc.forward("client/2>server", third) {
		t.Error("a 16th forward")
	}
	tc.members = []ipc.PID{server}
	tc.write(request(3, 0, to(group)), nil)
	if tc.forward("client/3>server", third) {
		t.Error("a group's copy was forwarded")
	}
}

// A Forward within the team takes no packet, and what the client sends again
// finds the process that has it now, however often.
func TestRedirect(t *testing.T) {
	tc := newCase(t, beta)
	tc.write(request(1, 0), nil)
	for _, next := range []ipc.PID{server2, server, server2} {
		r := tc.delivered("client/1>server")
		m := r.Message
		if !tc.e.Redirect(tc.now, r, &m, next) {
			t.Fatal("it can't be redirected")
		}
		tc.drain()
		tc.remotes["client/1>server"] = r
	}
	tc.want("from one to the other", "deliver client/1>server", "deliver client/1>server2", "deliver client/1>server", "deliver client/1>server2")
	tc.write(request(1, 0, apg), nil)
	tc.want("repeated", "alpha.1 < notify client/1: 0x0 are here: ok")
	tc.reply("client/1>server2", 0, ipc.FlagDGM)
	tc.want("answered", "alpha.1 < response client/1 of server2")
	tc.write(request(1, 0), nil)
	tc.want("idempotent: the first does it again", "deliver client/1>server")
}

// What can't be given to the process that it was redirected to has been served in
// part, so the client must not try it again.
func TestRedirectThatFails(t *testing.T) {
	tc := newCase(t, beta)
	tc.write(request(1, 0), nil)
	r := tc.delivered("client/1>server")
	m := r.Message
	tc.e.Redirect(tc.now, r, &m, server2)
	tc.drain()
	tc.seen = nil
	tc.e.Refuse(tc.now, r, ipc.Busy)
	tc.drain()
	no := "alpha.1 < notify client/1: 0x0 are here: the server is out of resources"
	tc.want("not busy", no)
	tc.write(request(1, 0, apg), nil)
	tc.want("again", no)

	tc.write(request(2, 0), nil)
	tc.seen = nil
	tc.e.Refuse(tc.now, tc.delivered("client/2>server"), ipc.Busy)
	tc.drain()
	tc.want("that nobody had", "alpha.1 < notify client/2: 0x0 are here: busy")
	tc.write(request(2, 0), nil)
	tc.want("may be tried again", "deliver client/2>server")
}

// An abort goes the way of the Request.
func TestAbortIsRelayed(t *testing.T) {
	tc := forwardedCase(t, 0)
	tc.write(notifyServer(1, server, ipc.ResponseDiscarded, 0), nil)
	tc.want("to the next", "gamma.1 < notify third: client/1 has 0x0 of the answer: the answer was discarded")
	tc.write(request(1, 0, apg), nil)
	tc.want("and no Request after it", "alpha.1 < notify client/1: 0x0 are here: the answer was discarded")
}

// A client that keeps asking wants to know whether the next server lives; its
// forwarder asks the host kernel there, and tells the client.
func TestForwarderWatchesNextHost(t *testing.T) {
	ask := func(tc *testCase) {
		tc.pass(maxTC2)
		tc.seen = nil
		tc.write(request(1, 0, apg), nil)
		tc.want("the client still asks", "gamma.1 < request client/1 to third forward=1 APG", "gamma.0 < probe third")
	}
	t.Run("lives", func(t *testing.T) {
		tc := forwardedCase(t, 0)
		for range 10 {
			ask(tc)
			tc.write(tc.probed(ipc.OK, 0), nil)
			tc.wantIdle("all is well")
		}
	})
	t.Run("gone", func(t *testing.T) {
		tc := forwardedCase(t, 0)
		ask(tc)
		tc.write(tc.probed(ipc.NonexistentEntity, 0), nil)
		gone := "alpha.1 < notify client/1: 0x0 are here: no such process"
		tc.want("the client hears it", gone)
		tc.write(request(1, 0, apg), nil)
		tc.want("and again if it did not", gone)
	})
	t.Run("silent", func(t *testing.T) {
		tc := forwardedCase(t, 0)
		ask(tc)
		start := tc.now
		tc.pass(5 * time.Second)
		if last := tc.seen[len(tc.seen)-1]; last != "alpha.1 < notify client/1: 0x0 are here: host does not answer" {
			t.Errorf("last: %q", last)
		}
		if n := len(tc.seen); n < 20 {
			t.Errorf("given up after %d questions", n)
		}
		if tc.e.Stats().Lost != 1 || tc.now-start > 5*time.Second {
			t.Error("not counted as lost")
		}
	})
}

// A forwarder that hears nothing from the client asks it, and if it still waits
// reminds the next server.
func TestForwarderAsksClient(t *testing.T) {
	tc := forwardedCase(t, 0)
	tc.pass(orphanAfter)
	tc.want("silence", "alpha.1 < probe client")
	tc.write(tc.probed(ipc.OK, firstID+1), nil)
	tc.want("it waits", "gamma.1 < request client/1 to third forward=1 APG", "gamma.0 < probe third")
	tc.write(tc.probed(ipc.OK, 0), nil)
	tc.pass(orphanAfter)
	tc.seen = nil
	tc.write(tc.probed(ipc.OK, firstID+2), nil)
	tc.wantIdle("it has gone on")
	tc.pass(time.Minute)
	tc.wantIdle("the record goes")
	if tc.e.Remotes() != 0 {
		t.Error("it is still there")
	}
}

// The Response to a forwarded Request is sent again even without a segment: the
// client asks elsewhere, and may not get through.
func TestForwardedResponse(t *testing.T) {
	tc := newCase(t, gamma)
	tc.write(request(1, 0, to(third), forwarded(1)), nil)
	tc.reply("client/1>third", 0, 0)
	tc.seen = nil
	tc.pass(keepRecord)
	tc.want("in the end", "alpha.1 < response client/1 of third forward=1 APG")
	tc.write(notifyServer(1, third, ipc.OK, 0), nil)
	tc.pass(time.Minute)
	tc.wantIdle("acknowledged")
}

// A transaction within the team that its server forwards goes out as if it had
// been forwarded from outside.
func TestReaddress(t *testing.T) {
	tc := newCase(t, alpha)
	c := tc.clients[client]
	m := message(600, 0)
	tc.e.Readdress(tc.now, c, &m, server, pattern(600), nil)
	tc.drain()
	tc.want("with a ForwardCount", "beta.1 < request client/1 to server blocks=0x3 forward=1")
	tc.write(answer(c, 0, forwarded(1)), nil)
	tc.want("answered", "answer of server: ok, 0 octets")
}
