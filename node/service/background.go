package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"vsys/node"
)

// BootPatience is how long Background waits until a host serves.
const BootPatience = 10 * time.Second

// reportVariable is set for a host in the background: the descriptor to report on.
// What it reports is its Record, or in words why it is none.
const reportVariable = "VSYS_BOOT_REPORT"

// reportFd is that descriptor, the first after the standard ones.
const reportFd = 3

// maxLog is the size from which on a log file is put aside, in octets.
const maxLog = 8 << 20

// Failure is what a host in the background said when it could not be one.
type Failure struct {
	Text   string // as it is to be printed
	Status int    // its exit status
}

// Error returns the text.
func (f *Failure) Error() string { return f.Text }

// Background runs this program once more, with the arguments args, as a host in a
// session of its own, its output in the file log, and returns its record when it
// serves. It waits at most BootPatience, and ends the host if ctx ends before. The
// error is a *Failure if the host itself has said what is wrong.
func Background(ctx context.Context, args []string, log string) (*Record, error) {
	out, err := openLog(log)
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	defer out.Close()
	report, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer report.Close()
	own, err := os.Executable()
	if err != nil {
		w.Close()
		return nil, err
	}
	cmd := exec.Command(own, args...)
	cmd.Env = append(withoutManager(os.Environ()), fmt.Sprint(reportVariable, "=", reportFd))
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = out, out, []*os.File{w}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	w.Close()
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { report.SetReadDeadline(time.Now()) })
	defer stop()
	report.SetReadDeadline(time.Now().Add(BootPatience))
	said, err := io.ReadAll(report)
	r := &Record{}
	if err == nil && json.Unmarshal(said, r) == nil {
		return r, cmd.Process.Release()
	}
	if err != nil {
		cmd.Process.Kill() // it has not ended, as its end of the pipe is open
	}
	ended := cmd.Wait()
	return nil, failed(ctx, string(said), err, ended, log)
}

// failed says why there is no host: what it said, how reading that and how its
// process ended.
func failed(ctx context.Context, said string, reading, ended error, log string) error {
	var exit *exec.ExitError
	try := "tail " + log
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(reading, os.ErrDeadlineExceeded):
		return &node.Refusal{Err: fmt.Errorf("the host did not serve within %v, and was ended", BootPatience), Try: try}
	case reading != nil:
		return reading
	case said != "" && errors.As(ended, &exit):
		return &Failure{said, exit.ExitCode()}
	case ended == nil:
		ended = errors.New("it gave no reason")
	}
	return &node.Refusal{Err: fmt.Errorf("the host has ended before it served: %w", ended), Try: try}
}

// withoutManager returns the environment without what is for this process only.
func withoutManager(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains([]string{notifySocket, watchdogTime, watchdogPID, listenFds, listenPID, listenFdNames}, name)
	})
}

// openLog opens the log file to append to it. One that has grown large is put aside.
func openLog(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".old"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
}

// Reporter is how a host in the background reports to Background.
type Reporter struct{ f *os.File }

// NewReporter returns the reporter of this process, nil if it is not in the
// background. Programs that the host starts don't inherit it.
func NewReporter() *Reporter {
	if os.Getenv(reportVariable) != fmt.Sprint(reportFd) {
		return nil
	}
	os.Unsetenv(reportVariable)
	syscall.CloseOnExec(reportFd)
	return &Reporter{os.NewFile(reportFd, "report")}
}

// Ready reports that the host serves.
func (r *Reporter) Ready(record *Record) {
	report := r.f
	r.f = os.Stderr
	defer report.Close()
	_ = json.NewEncoder(report).Encode(record) // who waited for it may be gone
}

// Write reports why there is no host, or in the log why there is none any more.
func (r *Reporter) Write(p []byte) (int, error) { return r.f.Write(p) }
