package hello

import (
	"testing"
	"time"
)

// sleep lets n do nothing for d while the world goes on; then it wakes up.
func (w *world) sleep(n *node, d time.Duration) {
	n.down = true
	w.run(d)
	n.down = false
}

// A machine that slept does not take the others for lost: it asks them first.
func TestSuspendAndResume(t *testing.T) {
	for _, multicast := range []bool{false, true} {
		for _, first := range []string{"tick", "packet", "suspect", "change"} {
			w := newWorld(t, 70, 0.05)
			w.multicast = multicast
			nodes := w.bootAll(4)
			w.run(5 * time.Second)
			x := nodes[0]
			w.sleep(x, time.Hour)
			if nodes[1].state("h000") != "lost" {
				t.Fatal("the others have not lost it")
			}
			switch first {
			case "tick":
				w.send(x, x.Tick(w.now, nil))
			case "packet":
				p := nodes[1].packet(x.addr, Beat, 0)
				w.deliver(event{from: Sender{Addr: nodes[1].addr}, to: x, body: p.Body})
			case "suspect":
				w.send(x, x.Suspect(w.now, 3, nil))
			case "change":
				out, err := x.AddPrefix(w.now, Prefix{Name: "/new", Server: x.self.Prefixes[0].Server}, nil)
				if err != nil {
					t.Fatal(err)
				}
				w.send(x, out)
			}
			w.until("all know all", 500*time.Millisecond, w.allKnowAll)
			w.run(5 * time.Second)
			for _, o := range nodes[1:] {
				if x.saw(LostHost, o.self.Name) {
					t.Errorf("multicast %v, woken by a %s: it lost %s", multicast, first, o.self.Name)
				}
			}
		}
	}
}

// Those that really went away meanwhile are lost a second after the awakening.
func TestResumeElsewhere(t *testing.T) {
	w := newWorld(t, 71, 0)
	nodes := w.bootAll(3)
	w.run(5 * time.Second)
	x := nodes[0]
	x.down, nodes[1].down = true, true
	w.run(10 * time.Minute)
	x.down = false
	w.send(x, x.Tick(w.now, nil))
	took := w.until("lost", 2*time.Second, func() bool { return x.state("h001") == "lost" })
	if took < 900*time.Millisecond || took > 1200*time.Millisecond || x.state("h002") != "live" {
		t.Errorf("lost after %v; the other is %s", took, x.state("h002"))
	}
}

// A tick that comes a little late is none of that: who is silent is lost.
func TestLateTick(t *testing.T) {
	for late, want := range map[time.Duration]State{lateTime - 200*time.Millisecond: Lost, lateTime + 200*time.Millisecond: Live} {
		x := alone().started0()
		hear(t, x, 0, host(1, 1), Full, 1)
		x.Suspect(0, 2, nil)
		x.Tick(x.round.at+late, nil)
		if h, _ := x.ByNumber(2); h.State != want {
			t.Errorf("%v late: %v, want %v", late, h.State, want)
		}
	}
}

// A thousand hosts are not asked all at once after an awakening.
func TestResumeInALargeDomain(t *testing.T) {
	w := newWorld(t, 72, 0)
	w.multicast = true
	x := w.acquaint(1000)[0]
	now := w.now + time.Hour
	most, out := 0, x.Tick(now, nil)
	for end := now + 9*time.Second; now < end; now = x.Deadline() {
		if now > end-8*time.Second {
			most = max(most, len(out))
		}
		out = x.Tick(now, nil)
	}
	if most > 40 {
		t.Errorf("%d packets at once", most)
	}
}
