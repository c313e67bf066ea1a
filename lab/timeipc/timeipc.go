package timeipc

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"vsys/ipc"
	"vsys/kernel"
)

// Config says how to measure. The zero value is right for most.
type Config struct {
	Rounds int      // 0: 9
	Calls  int      // in a round, of each case; 0: 2,000
	Serve  []string // arguments that make this program call Serve; what and where follow
}

// Row is one line of the result. Times are in nanoseconds.
type Row struct {
	Case      string  `json:"case"`
	Octets    int     `json:"octets"`
	Median    int64   `json:"median_ns"`
	P99       int64   `json:"p99_ns"`
	Allocs    float64 `json:"allocations"` // a transaction, in the client's program
	Yardstick string  `json:"yardstick,omitempty"`
	Ratio     float64 `json:"ratio,omitempty"` // to the yardstick's median
}

// Measure runs all cases and returns their rows. It starts processes and ends
// them before it returns. Cancelling ctx ends it between two rounds.
func Measure(ctx context.Context, c Config) ([]Row, error) {
	b := &bench{config: c}
	if b.config.Rounds == 0 {
		b.config.Rounds = 9
	}
	if b.config.Calls == 0 {
		b.config.Calls = 2000
	}
	ctx, cancel := context.WithCancel(ctx)
	defer b.close()
	defer b.loops.Wait()
	defer cancel()
	if err := b.setUp(ctx); err != nil {
		return nil, fmt.Errorf("timeipc: %w", err)
	}
	for round := range b.config.Rounds + 1 {
		if err := b.round(ctx, round); err != nil {
			return nil, fmt.Errorf("timeipc: %w", err)
		}
	}
	return b.rows()
}

// bench is one measurement.
type bench struct {
	config  Config
	cases   []*testCase
	closers []func()
	loops   sync.WaitGroup
}

func (b *bench) close() {
	for _, f := range slices.Backward(b.closers) {
		f()
	}
}

// setUp starts the servers and makes the cases.
func (b *bench) setUp(ctx context.Context) error {
	socket := fmt.Sprintf("@vsys-timeipc-%d", os.Getpid())
	h, err := kernel.NewHost(ctx, kernel.HostConfig{
		Name: "timeipc", Addr: netip.MustParseAddrPort("127.0.0.1:0"), Socket: socket,
	})
	if err != nil {
		return err
	}
	b.closers = append(b.closers, h.Close)
	k, err := h.NewTeam("timeipc")
	if err != nil {
		return err
	}
	local, err := k.NewProcess(ctx, "timeipc server")
	if err != nil {
		return err
	}
	b.loops.Go(func() { serveEcho(local) }) // ends when ctx is done
	b.cases = append(b.cases, b.channel(ctx))
	team, err := b.server(ctx, "team", socket)
	if err != nil {
		return err
	}
	far, err := b.server(ctx, "host", h.Addr().String())
	if err != nil {
		return err
	}
	near, err := ipc.ParsePID(team)
	if err != nil {
		return err
	}
	remote, err := ipc.ParsePID(far)
	if err != nil {
		return err
	}
	for _, size := range sizes {
		if err := b.yardsticks(ctx, socket, size); err != nil {
			return err
		}
	}
	for _, where := range []struct {
		name, yardstick string
		pid             ipc.PID
	}{{"same team", "channel", local.PID()}, {"same host", "unix", near}, {"two hosts", "udp", remote}} {
		for _, size := range sizes {
			yardstick := where.yardstick
			if yardstick != "channel" {
				yardstick = fmt.Sprint(yardstick, size)
			}
			t, err := send(where.name, yardstick, size, k, where.pid)
			if err != nil {
				return err
			}
			b.cases = append(b.cases, t)
		}
	}
	return nil
}

// yardsticks adds the cases of plain sockets.
func (b *bench) yardsticks(ctx context.Context, socket string, size int) error {
	name := fmt.Sprint(socket, "-unix-", size)
	if _, err := b.server(ctx, "unix", name); err != nil {
		return err
	}
	own := &net.UnixAddr{Name: name + "-client", Net: "unixgram"}
	u, err := net.DialUnix("unixgram", own, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return err
	}
	b.closers = append(b.closers, func() { u.Close() })
	addr, err := b.server(ctx, "udp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	c, err := net.Dial("udp", addr)
	if err != nil {
		return err
	}
	b.closers = append(b.closers, func() { c.Close() })
	b.cases = append(b.cases,
		datagrams(fmt.Sprint("unix", size), size, u),
		datagrams(fmt.Sprint("udp", size), size, c))
	return nil
}

// server starts a process that serves and returns what it says of where.
func (b *bench) server(ctx context.Context, what, where string) (string, error) {
	args := append(slices.Clone(b.config.Serve), what, where)
	exe, err := os.Executable()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, exe, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	b.closers = append(b.closers, func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	var line string
	if _, err := fmt.Fscanln(out, &line); err != nil {
		return "", fmt.Errorf("the %s server did not start: %w", what, err)
	}
	return line, nil
}

// round measures each case once; round 0 only warms up.
func (b *bench) round(ctx context.Context, round int) error {
	byName := map[string]time.Duration{}
	for _, t := range b.cases {
		if err := ctx.Err(); err != nil {
			return err
		}
		t.times = t.times[:0]
		for range b.config.Calls {
			start := time.Now()
			if err := t.call(); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			t.times = append(t.times, time.Since(start))
		}
		if round == 0 {
			continue
		}
		t.all = append(t.all, t.times...)
		median := percentile(t.times, 50)
		t.medians = append(t.medians, median)
		byName[t.name] = median
		if y := byName[t.yardstick]; y > 0 {
			t.ratios = append(t.ratios, float64(median)/float64(y))
		}
	}
	return nil
}

func (b *bench) rows() ([]Row, error) {
	var rows []Row
	for _, t := range b.cases {
		r := Row{
			Case: t.name, Octets: t.size, Yardstick: t.yardstick,
			Median: int64(percentile(t.medians, 50)), P99: int64(percentile(t.all, 99)),
		}
		if len(t.ratios) > 0 {
			slices.Sort(t.ratios)
			r.Ratio = t.ratios[len(t.ratios)/2]
		}
		var err error
		if r.Allocs, err = allocations(t.call, b.config.Calls); err != nil {
			return nil, fmt.Errorf("timeipc: %s: %w", t.name, err)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// allocations returns how many a call makes, on average.
func allocations(f call, calls int) (float64, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range calls {
		if err := f(); err != nil {
			return 0, err
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(calls), nil
}

func percentile(d []time.Duration, p int) time.Duration {
	slices.Sort(d)
	return d[min(len(d)*p/100, len(d)-1)]
}

// Print writes rows as a table.
func Print(w io.Writer, rows []Row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "case\toctets\tmedian\t99th\tallocations\tratio\t")
	for _, r := range rows {
		ratio := ""
		if r.Ratio != 0 {
			ratio = fmt.Sprintf("%.2f × %s", r.Ratio, r.Yardstick)
		}
		fmt.Fprintf(t, "%s\t%d\t%.2f µs\t%.1f µs\t%.1f\t%s\t\n", r.Case, r.Octets,
			float64(r.Median)/1000, float64(r.P99)/1000, r.Allocs, ratio)
	}
	return t.Flush()
}
