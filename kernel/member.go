package kernel

import (
	"net/netip"

	"vsys/seal/cert"
)

// Member is what a host of a sealed domain is and knows when it boots, and where
// it keeps what changes.
type Member struct {
	Identity cert.Identity
	Trust    cert.Trust
	Keeper   cert.DomainKey // nil: it is no keeper

	// Save keeps the member on disk, whole; it may block. nil: it is not kept.
	Save func(Member) error `json:"-"`
	// Join answers a frame of a machine that wants to join, or returns nil; it may
	// block. nil: nobody is let in.
	Join func(JoinFrame) []byte `json:"-"`
}

// JoinFrame is a frame of type Join, as it came from an address, and what the host
// that is to answer it knows.
type JoinFrame struct {
	Frame  []byte
	From   netip.AddrPort
	Member Member
}
