package ipc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing"
)

func TestPIDFields(t *testing.T) {
	p := MakePID(MakeLogicalHost(0x1234, 0x00AB), 0x5678, 0x9ABC)
	if p.Host() != 0x1234 || p.Team() != 0xAB || p.Process() != 0x9ABC || p.Incarnation() != 0x678 || p.IsGroup() {
		t.Errorf("fields of %v are %x %x %x %x", p, p.Host(), p.Team(), p.Process(), p.Incarnation())
	}
	if p>>60 != 0 {
		t.Errorf("an incarnation of 13 bits sets type bits: %v", p)
	}
	q := p.WithProcess(7)
	if q.Process() != 7 || !q.SameTeam(p) || q.LogicalHost() != p.LogicalHost() {
		t.Errorf("%v is no other process of %v's team", q, p)
	}
	if MakePID(p.LogicalHost(), 0x679, 7).SameTeam(q) {
		t.Error("two incarnations are one team")
	}
	if StaticGroup(1).SameTeam(StaticGroup(1)) {
		t.Error("a group is in a team")
	}
}

func TestPIDText(t *testing.T) {
	for _, p := range []PID{0, 1, CSNHGroup, ManagerGroup, MakePID(MakeLogicalHost(7, 12), 5, 41), ^PID(0)} {
		got, err := ParsePID(p.String())
		if err != nil || got != p {
			t.Errorf("ParsePID(%q) = %v, %v", p.String(), got, err)
		}
	}
	for _, s := range []string{"", "0x", "12", "0x00000001", "00000001-00000002", "0x0000001-000000002", "0x0000000g-00000000", "0x+0000001-00000002"} {
		if p, err := ParsePID(s); err == nil {
			t.Errorf("ParsePID(%q) = %v, want an error", s, p)
		}
	}
	p := MakePID(MakeLogicalHost(7, 12), 5, 41)
	if got := p.Name("beta"); got != "beta.12:41" {
		t.Errorf("Name = %q", got)
	}
	if got := p.Name(""); got != p.String() {
		t.Errorf("Name of an unknown host = %q", got)
	}
}

func TestGroups(t *testing.T) {
	if ManagerGroup != 0x40000001_E0000100 {
		t.Errorf("ManagerGroup = %v, RFC 1045 has RG-1-224.0.1.0", ManagerGroup)
	}
	seen := map[PID]bool{}
	for i := range uint32(300) {
		g := DynamicGroup(i * 2654435761)
		if !g.IsGroup() || g&TypeUGP == 0 || g&(TypeRAE|TypeRES) != 0 {
			t.Errorf("%v has wrong type bits", g)
		}
		if low := uint32(g); low>>4 != 0xEF510000>>4 {
			t.Errorf("%v is at no address of 239.81.0.0 to .15", g)
		}
		if seen[g] {
			t.Errorf("%v comes twice", g)
		}
		seen[g] = true
	}
	if h := StaticGroup(3).Host(); h < MulticastHostsFirst || h > MulticastHostsLast {
		t.Errorf("a group looks like a process of host %x", h)
	}
}

func TestMessage(t *testing.T) {
	var m Message
	m.SetOp(MakeOp(InterfaceUIO, 3))
	m.Set(FlagCRE)
	if m.Op() != MakeOp(InterfaceUIO, 3) || m.Op().Interface() != InterfaceUIO || !m.Has(FlagPIC|FlagCRE) {
		t.Errorf("op %x of %v", m.Op(), &m)
	}
	m.SetSegmentSize(MaxSegment)
	m.SetCapacity(12)
	if m.SegmentSize() != MaxSegment || m.Capacity() != 12 || !m.Has(FlagSDA) {
		t.Errorf("segment %d, capacity %d", m.SegmentSize(), m.Capacity())
	}
	m.SetSegmentSize(0)
	if m.SegmentSize() != 0 || m.Has(FlagSDA) {
		t.Error("no segment, yet FlagSDA")
	}
	m.Set(FlagDGM)
	m.SetCode(NotFound)
	if m.Code() != NotFound || m.Has(FlagPIC) || m.Has(FlagCRE) || !m.Has(FlagDGM) {
		t.Errorf("code word of %v", &m)
	}
	p := MakePID(MakeLogicalHost(1, 2), 3, 4)
	m.PutPID(4, p)
	m.PutUint16(12, 0xABCD)
	m.PutUint32(14, 0x12345678)
	if m.PID(4) != p || m.Uint16(12) != 0xABCD || m.Uint32(14) != 0x12345678 || len(m.User()) != UserSize || m.User()[8] != 0xAB {
		t.Errorf("user data of %v", &m)
	}
}

func TestCodesAreErrors(t *testing.T) {
	for code, want := range map[Code]error{
		NotFound: fs.ErrNotExist, DuplicateName: fs.ErrExist, ReadOnly: fs.ErrPermission,
		EndOfFile: io.EOF, UserTimeout: context.DeadlineExceeded, Aborted: context.Canceled,
	} {
		err := fmt.Errorf("around: %w", &OpError{Op: "x.Y", Name: "/a", Host: "beta", Err: code})
		if !errors.Is(err, want) || CodeOf(err) != code {
			t.Errorf("%v is not %v, or has code %v", err, want, CodeOf(err))
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%v is everything", err)
		}
	}
	if OK.Err() != nil || CodeOf(nil) != OK || CodeOf(io.EOF) != InternalError {
		t.Error("OK is an error, or an error is OK")
	}
	for c := range InternalError + 1 {
		if c > NoAuthenticator && c < IllegalRequest {
			continue // reserved for VMTP
		}
		if codeText[c] == "" {
			t.Errorf("code %d has no text", uint32(c))
		}
	}
}

func TestOpErrorText(t *testing.T) {
	pid := MakePID(MakeLogicalHost(7, 12), 5, 41)
	for _, c := range []struct {
		err  OpError
		want string
	}{
		{OpError{Op: "uio.Open", Name: "/a/b", Host: "beta", Err: Unreachable}, "uio.Open /a/b on beta: unreachable"},
		{OpError{Op: "ipc.Send", PID: pid, Host: "beta", Err: Busy}, "ipc.Send beta.12:41: busy"},
		{OpError{Op: "ipc.Send", PID: pid, Err: Busy}, "ipc.Send " + pid.String() + ": busy"},
		{OpError{Op: "ipc.Receive", Err: Aborted}, "ipc.Receive: aborted"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
