package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// host is a host of the lab, whether it runs or not. The lab's mutex guards it.
type host struct {
	parameters
	proc *process // nil while it does not run
	// paused says that it was stopped by SIGSTOP.
	paused bool
}

// process is a host's OS process.
type process struct {
	cmd   *exec.Cmd
	life  *os.File      // the writing end; closing it ends the host
	ended chan struct{} // closed when it has been waited for
}

// startPatience bounds how long a host takes to boot.
const startPatience = 15 * time.Second

// startProcess starts the host and waits until it is up. ctx ends the wait. Codes:
// those of node.Start.
func (p *parameters) startProcess(ctx context.Context) (*process, error) {
	reportRead, reportWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer reportRead.Close()
	proc, err := p.spawn(reportWrite)
	reportWrite.Close()
	if err != nil {
		return nil, fmt.Errorf("host %s: %w", p.Name, err)
	}
	if err = json.NewEncoder(proc.life).Encode(p); err == nil {
		err = readReport(ctx, reportRead)
	}
	if err != nil {
		proc.stop()
		return nil, err
	}
	return proc, nil
}

// spawn starts the OS process, which writes its report to the given pipe.
func (p *parameters) spawn(report *os.File) (*process, error) {
	if err := os.MkdirAll(p.dir(), 0o700); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(p.dir(), "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	lifeRead, life, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer lifeRead.Close()
	cmd := &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{"vsys", HostVerb, p.Name},
		Stderr: log, ExtraFiles: []*os.File{lifeRead, report},
		// A session of its own keeps the terminal's signals away. A host that is
		// paused goes on when the lab dies, and finds that out.
		SysProcAttr: &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGCONT},
	}
	if err := cmd.Start(); err != nil {
		life.Close()
		return nil, err
	}
	proc := &process{cmd: cmd, life: life, ended: make(chan struct{})}
	go proc.waitLoop()
	return proc, nil
}

// readReport reads what the host reports.
func readReport(ctx context.Context, f *os.File) error {
	stop := context.AfterFunc(ctx, func() { f.Close() })
	defer stop()
	if err := f.SetReadDeadline(time.Now().Add(startPatience)); err != nil {
		return err
	}
	var r report
	switch err := json.NewDecoder(f).Decode(&r); {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("a host ended before it was up: %w", err)
	case r.Error != "":
		return &refusal{r}
	}
	return nil
}

// refusal is why a host did not start, as it said.
type refusal struct{ report }

func (r *refusal) Error() string { return r.report.Error }
func (r *refusal) Unwrap() error { return r.Code }

// waitLoop waits for the process. It ends with it.
func (p *process) waitLoop() {
	_ = p.cmd.Wait() // how a host ends is in its log
	close(p.ended)
}

// stop ends the process kindly, and then by force.
func (p *process) stop() {
	p.life.Close()
	_ = p.cmd.Process.Signal(syscall.SIGCONT) // it may have ended
	select {
	case <-p.ended:
	case <-time.After(2 * stopPatience):
		p.kill()
	}
}

// kill ends the process and all its programs at once, as a loss of power would.
func (p *process) kill() {
	select {
	case <-p.ended: // its id may be another's by now
	default:
		killTree(p.cmd.Process.Pid)
	}
	<-p.ended
	p.life.Close()
}

// signal sends the process a signal.
func (p *process) signal(sig os.Signal) error {
	err := p.cmd.Process.Signal(sig)
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// running tells whether the process has not ended.
func (p *process) running() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}
