package service

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"vsys/node"
)

// Record is what a host leaves about itself for this machine's users. It is right
// while the host has its state directory.
type Record struct {
	Name    string    `json:"name"` // "" while the host boots
	Number  uint16    `json:"number"`
	Address string    `json:"address"`
	Domain  string    `json:"domain"`
	Process int       `json:"os_pid"`
	Started time.Time `json:"started"`
	Version string    `json:"version"`
	Socket  string    `json:"socket,omitempty"` // "": no program can join
	State   string    `json:"state"`
	Log     string    `json:"log,omitempty"`    // the file; "": standard error
	Config  string    `json:"config,omitempty"` // the file; "": there is none
}

// String says which host it is.
func (r *Record) String() string {
	if r.Name == "" {
		return fmt.Sprintf("a host that boots (process %d)", r.Process)
	}
	return fmt.Sprintf("host %s (process %d, %s)", r.Name, r.Process, r.Address)
}

// recordFile is in the state directory.
const recordFile = "host.json"

// newRecord describes n.
func newRecord(n *node.Node, log, config string) *Record {
	return &Record{
		Name: n.Name(), Number: n.Number(), Address: n.Address(), Domain: n.Domain(),
		Process: os.Getpid(), Started: time.Now(), Version: node.Version(),
		Socket: n.Socket(), State: n.State(), Log: log, Config: config,
	}
}

// write leaves the record in the state directory, in one step.
func (r *Record) write() error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return replace(filepath.Join(r.State, recordFile), append(data, '\n'), 0o600)
}

// replace writes a file as a whole or not at all.
func replace(path string, data []byte, perm fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // unless it has its name by then
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(perm), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Find returns the record of the host that has the state directory, nil if there is
// none. That of a host which boots has a process only.
func Find(state string) (*Record, error) {
	owner, err := node.LockOwner(state)
	if err != nil || owner == 0 {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(state, recordFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	r := &Record{}
	if json.Unmarshal(data, r) != nil || r.Process != owner { // of its last life
		r = &Record{Process: owner, State: state}
	}
	return r, nil
}
