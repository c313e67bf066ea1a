package lab

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"vsys/ipc"
	"vsys/kernel"
	"vsys/link/faulty"
	"vsys/node"
	"vsys/servers/unix"
)

// HostVerb is the first argument of this program as a host of a lab.
const HostVerb = "lab-host"

// The files that a host inherits from its lab.
const (
	lifeFd   = 3 // to read: its parameters, then nothing until it is to end
	reportFd = 4 // to write: its report
)

// parameters are what a lab tells a host: one JSON value.
type parameters struct {
	Name   string           `json:"name"`
	Addr   netip.AddrPort   `json:"addr"`
	Peers  []netip.AddrPort `json:"peers"`
	Socket string           `json:"socket"`
	Root   string           `json:"root"` // the lab's directory
	Mark   string           `json:"mark"`
	MTU    int              `json:"mtu"`
	Faults faulty.Config    `json:"faults"`
	Member *kernel.Member   `json:"member"` // nil: the domain is clear
}

func (p *parameters) dir() string { return filepath.Join(p.Root, p.Name) }

// report is what a host tells the lab when it is up, or why it can't be.
type report struct {
	Error string   `json:"error,omitempty"`
	Code  ipc.Code `json:"code,omitempty"`
}

// stopPatience bounds how long a host takes to end. Its programs have half a
// second to do so.
const stopPatience = 900 * time.Millisecond

// HostMain is the main function of a host of a lab. It returns the exit status.
func HostMain() int {
	life, out := os.NewFile(lifeFd, "life"), os.NewFile(reportFd, "report")
	var p parameters
	in := json.NewDecoder(life)
	if err := in.Decode(&p); err != nil {
		slog.Error("a host of a lab is started by a lab", "err", err)
		return 1
	}
	// Programs inherit the mark; this process's own environment does not show it.
	if err := os.Setenv(markName, p.Mark); err != nil {
		slog.Error("environment", "err", err)
		return 1
	}
	lock, err := node.LockDir(p.dir())
	if err != nil {
		slog.Error("directory", "err", err)
		return 1
	}
	ctx, end := context.WithCancel(context.Background())
	defer end()
	go func() { // ends when the lab ends, or with this process
		_, _ = io.Copy(io.Discard, io.MultiReader(in.Buffered(), life))
		end()
	}()
	n, err := p.start(ctx)
	r := report{}
	if err != nil {
		r = report{err.Error(), ipc.CodeOf(err)}
	}
	err = errors.Join(err, json.NewEncoder(out).Encode(r), out.Close())
	if err != nil {
		slog.Error("host did not start", "host", p.Name, "err", err)
	} else {
		<-ctx.Done()
	}
	p.stop(n)
	lock.Close()
	removeAbandoned(p.Root)
	return 0
}

// start boots the host.
func (p *parameters) start(ctx context.Context) (*node.Node, error) {
	files := filepath.Join(p.dir(), "files")
	if err := os.MkdirAll(files, 0o755); err != nil {
		return nil, err
	}
	return node.Start(ctx, node.Config{
		Name: p.Name, Addr: p.Addr, Peers: p.Peers, Socket: p.Socket,
		State:   filepath.Join(p.dir(), "state"),
		Exports: []unix.Export{{Path: "/"}, {Name: "lab", Path: files, Writable: true}},
		Member:  p.Member, Clear: p.Member == nil,
		MTU: p.MTU, Faults: p.Faults, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
}

// stop ends the host, its programs and its files, in bounded time.
func (p *parameters) stop(n *node.Node) {
	closed := make(chan struct{})
	go func() { // ends when the host is closed, or with this process
		defer close(closed)
		if n != nil {
			n.Close()
		}
	}()
	select {
	case <-closed:
	case <-time.After(stopPatience):
	}
	killMarked(p.Mark)
	_ = removeAll(p.dir()) // what stays is removed by the lab, or by the next one
}
