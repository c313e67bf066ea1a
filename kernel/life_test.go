package kernel

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"vsys/ipc"
	"vsys/link/udp"
)

// TestHostThatNeverWas: a host that can't boot leaves no timer of the host table
// behind.
func TestHostThatNeverWas(t *testing.T) {
	other := bootHosts(t, 1, inClear)[0]
	for name, config := range map[string]HostConfig{
		"name in use":   {Name: "alpha", Peers: []netip.AddrPort{other.Addr()}},
		"socket in use": {Name: "beta", Socket: other.config.Socket},
	} {
		t.Run(name, func(t *testing.T) {
			h := &Host{
				config: config, log: slog.New(slog.DiscardHandler),
				teams: map[uint16]*Team{}, dead: map[uint16]*deadTeam{},
			}
			var err error
			if h.ids, err = openIncarnations(""); err != nil {
				t.Fatal(err)
			}
			if h.pool, err = udp.NewPool(netip.MustParseAddrPort("127.0.0.2:0"), 1); err != nil {
				t.Fatal(err)
			}
			defer h.pool.Close()
			wantCode(t, "start", h.start(context.Background()), ipc.DuplicateName)
			if !h.hosts.closed || h.hosts.timer.Stop() {
				t.Error("its timer runs on")
			}
		})
	}
}

// TestCloseDuringNewTeam: a host that is closed while teams are made, and listed,
// leaves none of them alive.
func TestCloseDuringNewTeam(t *testing.T) {
	for range 5 {
		h := bootHosts(t, 1, nil)[0]
		var mu sync.Mutex // guards made
		var made []*Kernel
		started := make(chan struct{}, 1) // a team has been made
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { // ends when the host is closed
				for {
					k, err := h.NewTeam("test")
					if err != nil {
						return
					}
					mu.Lock()
					made = append(made, k)
					mu.Unlock()
					select {
					case started <- struct{}{}:
					default:
					}
					h.Kernels()
				}
			})
		}
		<-started
		h.Close()
		wg.Wait()
		for _, k := range made {
			_, err := k.NewProcess(context.Background(), "late")
			wantCode(t, "NewProcess in a team of a closed host", err, ipc.Aborted)
		}
		_, err := h.NewTeam("late")
		wantCode(t, "NewTeam of a closed host", err, ipc.Aborted)
	}
}

// TestAcceptWithoutDescriptors: teams can join again after descriptors had run
// out. It limits them, so it does that in a Linux process of its own.
func TestAcceptWithoutDescriptors(t *testing.T) {
	const child = "VSYS_TEST_ACCEPT"
	if os.Getenv(child) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=20s")
		cmd.Env = append(os.Environ(), child+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	warned := make(warnings, 16)
	h := bootHosts(t, 1, func(c *HostConfig) { c.Logger = slog.New(slog.NewTextHandler(warned, nil)) })[0]
	restore := limitDescriptors(t)
	c, err := net.Dial("unix", h.config.Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for !strings.Contains(<-warned, "too many open files") {
	}
	restore()
	k, err := Join(context.Background(), h.config.Socket, "later")
	if err != nil {
		t.Fatal(err)
	}
	k.Close()
}

// limitDescriptors leaves this Linux process one descriptor more, until restore
// is called.
func limitDescriptors(t *testing.T) (restore func()) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	free, err := unix.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(free)
	set := func(limit unix.Rlimit) {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
	}
	set(unix.Rlimit{Cur: uint64(free) + 1, Max: old.Max})
	return func() { set(old) }
}

// warnings is where a log goes; what has no room is lost.
type warnings chan string

func (w warnings) Write(line []byte) (int, error) {
	select {
	case w <- string(line):
	default:
	}
	return len(line), nil
}
