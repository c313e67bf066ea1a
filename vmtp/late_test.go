package vmtp

import (
	"testing"

	"vsys/ipc"
)

// Late copies of a Request that has been delivered: whatever has happened since,
// it must not be executed a second time. The simulator found most of these.
func TestLateCopyIsNotExecuted(t *testing.T) {
	const key = "client/1>server"
	for _, tt := range []struct {
		name  string
		since func(tc *testCase)
	}{
		{"answered", func(tc *testCase) { tc.reply(key, 0, 0) }},
		{"answered, acknowledged", func(tc *testCase) {
			tc.reply(key, 600, 0)
			tc.write(notifyServer(1, server, ipc.OK, 0), nil)
		}},
		{"aborted", func(tc *testCase) { tc.write(notifyServer(1, server, ipc.ResponseDiscarded, 0), nil) }},
		{"orphaned", func(tc *testCase) {
			tc.pass(orphanAfter)
			tc.write(tc.probed(ipc.NonexistentEntity, 0), nil)
		}},
		{"the server died", func(tc *testCase) { tc.e.Bury(tc.now, server); tc.drain() }},
		{"a newer Request", func(tc *testCase) { tc.write(request(2, 0), nil) }},
		{"a newer Request, refused", func(tc *testCase) { tc.write(request(2, 0, to(server.WithProcess(99))), nil) }},
		{"a newer one, aborted while it came", func(tc *testCase) {
			tc.write(request(2, 1024, blocks(1)), pattern(1024))
			tc.write(notifyServer(2, server, ipc.ResponseDiscarded, 0), nil)
		}},
		{"a newer one that never came whole", func(tc *testCase) {
			tc.write(request(2, 1024, blocks(1)), pattern(1024))
			tc.pass(keepRecord / 2)
		}},
		{"repeated for long, as others of a group work", func(tc *testCase) {
			tc.reply(key, 0, 0)
			for range 30 {
				tc.write(request(1, 0), nil)
				tc.pass(keepRecord / 3)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tc := newCase(t, beta)
			tc.write(request(1, 0), nil)
			tt.since(tc)
			tc.seen = nil
			before := tc.e.Stats().Deliveries
			tc.write(request(1, 0, retrans(1)), nil)
			tc.write(request(1, 0, apg, retrans(2)), nil)
			if tc.e.Stats().Deliveries != before {
				t.Errorf("it was: %q", tc.seen)
			}
		})
	}
}

// A member of a group that has said that it has nothing to say is not asked again
// as long as the client asks the others.
func TestGroupMemberKeepsSilent(t *testing.T) {
	tc := newCase(t, beta)
	tc.members = []ipc.PID{server}
	tc.write(request(1, 0, to(group)), nil)
	tc.seen = nil
	var m ipc.Message
	m.SetCode(ipc.ResponseDiscarded)
	tc.e.Reply(tc.now, tc.delivered("client/1>server"), &m, nil)
	for range 30 {
		tc.pass(keepRecord / 3)
		tc.write(request(1, 0, to(group), apg), nil)
	}
	tc.wantIdle("not a packet, not a delivery")
}

// A client that got an error no longer waits, and says so when it is probed.
func TestFailedClientIsNotAwaiting(t *testing.T) {
	tc := newCase(t, alpha)
	c := tc.send(0, 0)
	id := c.Transaction()
	tc.write(notifyClient(c, ipc.NonexistentEntity, 0), nil)
	if c.Transaction() == id {
		t.Error("a server that probes thinks that it does")
	}
}

// A client whose RETRYs come through, and none of whose answers do, is not given
// up.
func TestResponseThatIsLostAgainAndAgain(t *testing.T) {
	tc := newCase(t, beta)
	tc.write(request(1, 0), nil)
	tc.reply("client/1>server", 600, 0)
	for range 50 {
		tc.pass(ackWait)
		tc.write(notifyServer(1, server, ipc.Retry, 0), nil)
	}
	tc.seen = nil
	tc.write(notifyServer(1, server, ipc.Retry, 1), nil)
	tc.want("still there", "alpha.1 < response client/1 of server blocks=0x2")
}
