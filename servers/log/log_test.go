package log

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"vsys/ipc"
	"vsys/kernel"
	"vsys/naming"
	"vsys/naming/namingtest"
	"vsys/uio"
	"vsys/uio/uiotest"
)

// start lets a log server of the ring serve on a host alpha until the test ends.
func start(t *testing.T, r *Ring) (*naming.Client, *Server) {
	t.Helper()
	k := kernel.New(kernel.Config{Host: "alpha"})
	t.Cleanup(k.Close)
	hp, err := k.NewServer(t.Context(), "process", 1)
	if err != nil {
		t.Fatal(err)
	}
	namingtest.NewDomain(naming.Host{Number: hp.PID().Host(), Name: "alpha", Server: hp.PID(), State: naming.HostSelf}).Serve(t, hp)
	p, err := k.NewProcess(context.Background(), "log")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Lines: r}
	s.uio.ProbeInterval = 10 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, p) }() // ends with ctx; the cleanup waits for it
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	names := naming.NewClient(k)
	t.Cleanup(names.Close)
	for err = ipc.NotFound; errors.Is(err, ipc.NotFound); {
		_, err = names.Resolve(t.Context(), "/log/alpha")
	}
	if err != nil {
		t.Fatal(err)
	}
	return names, s
}

func filled(lines ...string) *Ring {
	r := &Ring{}
	for _, l := range lines {
		fmt.Fprint(r, l)
	}
	return r
}

func TestNaming(t *testing.T) {
	namingtest.Test(t, func(t *testing.T) namingtest.Target {
		names, _ := start(t, filled("one"))
		return namingtest.Target{Client: names, Root: "/log/alpha", Object: "kernel"}
	})
}

func TestUIO(t *testing.T) {
	uiotest.Test(t, func(t *testing.T) uiotest.Target {
		names, s := start(t, filled("one", "two"))
		return uiotest.Target{
			Client: names, Root: "/log/alpha", Object: "kernel", Contents: []byte("one\ntwo\n"),
			Instances: s.uio.Instances,
		}
	})
}

// TestOpen: the log reads as of its opening, and can't be written or run.
func TestOpen(t *testing.T) {
	r := filled("one\n")
	names, _ := start(t, r)
	f, err := uio.Open(t.Context(), names, "/log/alpha/kernel", uio.Read, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fmt.Fprint(r, "two")
	var got bytes.Buffer
	if _, err := f.WriteTo(&got); err != nil || got.String() != "one\n" {
		t.Errorf("opened before the second line: %q, %v", &got, err)
	}
	d, err := names.Stat(t.Context(), "/log/alpha/kernel")
	if err != nil || d.Size != 8 || d.Modified.IsZero() {
		t.Errorf("described as %+v, %v", d, err)
	}
	for mode, want := range map[uio.Mode]ipc.Code{uio.Write: ipc.ReadOnly, uio.Execute: ipc.NotExecutable} {
		if _, err := uio.Open(t.Context(), names, "/log/alpha/kernel", mode, 0); ipc.CodeOf(err) != want {
			t.Errorf("mode %v: %v, want %v", mode, err, want)
		}
	}
	list, err := uio.ReadDir(t.Context(), names, "/log/alpha")
	if err != nil || len(list) != 1 || list[0].Name != "kernel" {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestRingBounds(t *testing.T) {
	for name, c := range map[string]struct {
		line  string
		count int
		kept  int
	}{
		"few":              {"number", 5, 5},
		"as many as fit":   {"number", MaxLines, MaxLines},
		"too many":         {"number", 3*MaxLines + 7, MaxLines},
		"too large":        {strings.Repeat("x", 1023), 5000, MaxSize / 1024},
		"too long":         {strings.Repeat("x", 2*MaxLine), 2, 2},
		"as large as fits": {strings.Repeat("x", MaxLine-1), MaxSize / MaxLine, MaxSize / MaxLine},
	} {
		r := &Ring{}
		for i := range c.count {
			line := []byte(c.line)
			copy(line, fmt.Sprint(i, " "))
			if n, err := r.Write(line); n != len(line) || err != nil {
				t.Fatal(n, err)
			}
		}
		lines := bytes.Split(bytes.TrimSuffix(r.Bytes(), []byte("\n")), []byte("\n"))
		size, _ := r.state()
		if len(lines) != c.kept || size != len(r.Bytes()) || size > MaxSize {
			t.Errorf("%s: %d lines of %d octets are kept, want %d", name, len(lines), size, c.kept)
		}
		for i, line := range lines {
			if want := fmt.Sprint(c.count-len(lines)+i, " "); !bytes.HasPrefix(line, []byte(want)) || len(line) >= MaxLine {
				t.Fatalf("%s: line %d begins %.10q, want %q; %d octets", name, i, line, want, len(line))
			}
		}
	}
}

func TestRingConcurrency(t *testing.T) {
	r := &Ring{}
	var writing sync.WaitGroup
	for range 8 {
		writing.Go(func() { // ends when it has written
			for range 100 {
				fmt.Fprint(r, "line")
				r.Bytes()
			}
		})
	}
	writing.Wait()
	if got := bytes.Count(r.Bytes(), []byte("line\n")); got != 800 {
		t.Errorf("%d lines", got)
	}
}

func TestHandler(t *testing.T) {
	r, behind := &Ring{}, &bytes.Buffer{}
	next := slog.NewTextHandler(behind, &slog.HandlerOptions{Level: slog.LevelWarn})
	log := slog.New(Handler(r, next)).With("host", "alpha").WithGroup("g")
	log.Debug("debug", "k", 1)
	log.Info("info", "k", 2)
	log.Warn("two\nlines", "k", 3)
	kept := string(r.Bytes())
	if strings.Count(kept, "\n") != 2 || !strings.Contains(kept, "msg=info host=alpha g.k=2") || !strings.Contains(kept, `msg="two\nlines"`) {
		t.Errorf("kept:\n%s", kept)
	}
	if got := behind.String(); strings.Contains(got, "info") || !strings.Contains(got, "host=alpha g.k=3") {
		t.Errorf("behind:\n%s", got)
	}
	verbose := slog.New(Handler(r, slog.NewTextHandler(behind, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if verbose.Debug("fine"); !strings.Contains(string(r.Bytes()), "msg=fine") {
		t.Error("what the handler behind has is not in the ring")
	}
	if slog.New(Handler(r, slog.DiscardHandler)).Enabled(t.Context(), slog.LevelDebug) {
		t.Error("debug is enabled for nobody")
	}
}
