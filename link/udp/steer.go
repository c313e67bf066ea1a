package udp

import (
	"os"

	"golang.org/x/sys/unix"
)

// steering returns the program that picks a member of a pool of n: the frame's
// slot (package link/frame: marker in octet 0, slot in octets 2 and 3), or 0
// where the datagram is no frame or has no such slot. Linux would spread what
// is out of range over all members, so the program doesn't let it get that
// far. A load beyond the end of a short datagram ends the program with 0.
func steering(n int) []unix.SockFilter {
	const (
		load8   = unix.BPF_LD | unix.BPF_B | unix.BPF_ABS
		load16  = unix.BPF_LD | unix.BPF_H | unix.BPF_ABS
		and     = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K
		ifEqual = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		ifLeast = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		retA    = unix.BPF_RET | unix.BPF_A
		retK    = unix.BPF_RET | unix.BPF_K
	)
	return []unix.SockFilter{
		{Code: load8, K: 0},
		{Code: and, K: 0xC0},
		{Code: ifEqual, K: 0x40, Jf: 3}, // no frame: to the end
		{Code: load16, K: 2},
		{Code: ifLeast, K: uint32(n), Jt: 1}, // no such slot: to the end
		{Code: retA},
		{Code: retK, K: 0},
	}
}

// steer gives the group of socket fd, a member, the program for n members. It
// replaces the one before without a gap.
func steer(fd, n int) error {
	program := steering(n)
	err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF,
		&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
	return os.NewSyscallError("attach steering program", err)
}
