package service

import (
	"bytes"
	"context"
	"math"
	"time"

	"vsys/node/executive"
	"vsys/servers/process"
	"vsys/uio"
)

// Status is how the host of a state directory is.
type Status struct {
	Running bool `json:"running"`
	*Record
	Uptime  int64  `json:"uptime_seconds,omitempty"` // rounded up
	Teams   int    `json:"teams,omitempty"`
	Live    int    `json:"hosts_live,omitempty"` // with the host itself
	Lost    int    `json:"hosts_lost,omitempty"`
	Problem string `json:"problem,omitempty"` // why it could not be asked

	Security *process.Security `json:"security,omitempty"` // of its domain
}

// askPatience bounds how long a host is asked.
const askPatience = 2 * time.Second

// Ask returns how the host of a state directory is. A host that does not answer has
// a Problem. It blocks for two seconds at most.
func Ask(ctx context.Context, state string) (*Status, error) {
	r, err := Find(state)
	if err != nil || r == nil {
		return &Status{}, err
	}
	s := &Status{Running: true, Record: r}
	if r.Name == "" {
		s.Problem = "it boots"
		return s, nil
	}
	s.Uptime = int64(math.Ceil(time.Since(r.Started).Seconds()))
	if r.Socket == "" {
		s.Problem = "it has no socket to ask it by"
		return s, nil
	}
	if err := s.ask(ctx); err != nil {
		s.Problem = "it does not answer: " + err.Error()
	}
	return s, nil
}

// ask asks the host itself.
func (s *Status) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	session, err := executive.Join(ctx, s.Socket)
	if err != nil {
		return err
	}
	defer session.Close()
	hosts, err := session.Names.Hosts(ctx)
	if err != nil {
		return err
	}
	for i := range hosts {
		if hosts[i].Live() {
			s.Live++
		} else {
			s.Lost++
		}
	}
	var security process.Security
	if err := process.Ask(ctx, session.Names, process.OpSecurity, nil, &security); err != nil {
		return err
	}
	s.Security = &security
	teams, err := uio.ReadFile(ctx, session.Names, "/proc/"+s.Name+"/teams.json")
	s.Teams = max(0, bytes.Count(teams, []byte("\n"))-1) // without the one that asks
	return err
}
