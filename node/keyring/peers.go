package keyring

import (
	"fmt"
	"net/netip"
	"strings"
)

// MaxPeers is the most addresses that are kept.
const MaxPeers = 256

const peersHead = "# Where hosts of this domain were last, one ADDRESS:PORT a line. They are greeted at boot.\n"

// formatPeers makes the text of the file. Addresses beyond MaxPeers are left out.
func formatPeers(peers []netip.AddrPort) []byte {
	b := []byte(peersHead)
	for _, a := range peers[:min(len(peers), MaxPeers)] {
		b = append(a.AppendTo(b), '\n')
	}
	return b
}

// parsePeers reads the file; empty lines and what follows # count nothing.
func parsePeers(path string, text []byte) (peers []netip.AddrPort, err error) {
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		a, err := netip.ParseAddrPort(line)
		if err != nil || a.Port() == 0 || a.Addr().IsUnspecified() || len(peers) == MaxPeers {
			e := damaged(path, fmt.Sprintf("line %d: %q is not one of up to %d addresses as 10.0.0.7:8145", n, line, MaxPeers)).(*Error)
			e.Try = "mend the line, or remove the file: it is made again"
			return nil, e
		}
		peers = append(peers, a)
	}
	return peers, nil
}
