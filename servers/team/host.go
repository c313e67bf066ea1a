package team

import (
	"context"
	"encoding/binary"
	"os"

	"vsys/ipc"
	"vsys/naming"
	"vsys/program"
)

// queryHost answers OpQueryHost: what the host's kernel server says of the host,
// with what only the team server knows.
func (s *Server) queryHost(ctx context.Context) ([]byte, error) {
	hosts, err := s.names.Hosts(ctx)
	if err != nil {
		return nil, err
	}
	for i := range hosts {
		if hosts[i].State == naming.HostSelf {
			info := program.HostInfo{Host: hosts[i], Programs: len(s.table.list()), Users: users()}
			d := info.Descriptor()
			return d.Append(nil)
		}
	}
	return nil, ipc.HostUnknown
}

// users returns how many sessions of people who are logged in Linux has on
// record.
func users() int {
	b, err := os.ReadFile("/run/utmp")
	if err != nil {
		return 0 // this system keeps no record
	}
	return countUsers(b)
}

// A record of utmp (utmp(5)): 384 octets, the first two its type.
const (
	utmpSize    = 384
	utmpProcess = 7 // USER_PROCESS
)

func countUsers(utmp []byte) int {
	n := 0
	for ; len(utmp) >= utmpSize; utmp = utmp[utmpSize:] {
		if binary.NativeEndian.Uint16(utmp) == utmpProcess {
			n++
		}
	}
	return n
}
