package packet

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vsys/ipc"
)

var update = flag.Bool("update", false, "write testdata/packets anew")

// vector is a golden packet: its file is testdata/packets/NAME.hex.
type vector struct {
	name    string
	h       Header
	segment []byte
}

func (v *vector) packet() []byte { return v.h.AppendBlocks(nil, v.segment) }

// message returns the message of those words; words left out are zero.
func message(words ...uint32) (m ipc.Message) {
	for i, w := range words {
		m.PutUint32(4*i, w)
	}
	return m
}

const (
	client25593 = ipc.PID(0x000063F9_24080031) // BE-25593-36.8.0.49
	entity7823  = ipc.PID(0x00001E8F_2408004D) // BE-7823-36.8.0.77
	serverLE    = ipc.PID(0x2008A05A_2408004D)
)

// segment601 is V2's: data[i] = 7i + 3.
func segment601() []byte {
	p := make([]byte, 601)
	for i := range p {
		p[i] = byte(7*i + 3)
	}
	return p
}

func vectors() []vector {
	probe := Probe{CREntity: entity7823, Entity: entity7823, AuthDomain: 1}
	v1 := probe.Header(client25593, 42)
	v1.Domain, v1.Flags = 1, MPG
	v2 := Header{
		Client: client25593, Domain: 1, Gap: 4, Transaction: 43, Delivery: 3, Server: serverLE,
		Message: message(0x10900001, 0, 0, 0x01020304, 0x05060708, 0x090A0B0C, 0, 601),
	}
	v3 := v2
	v3.Flags = HCO
	v4 := Header{
		Client: client25593, Domain: 1, Control: APG, Response: true, RetransmitCount: 2, Gap: 3,
		Priority: 12, Transaction: 46, Server: serverLE,
	}
	scattered := Header{
		Client: client25593, Domain: Domain, Control: NRT, Transaction: 47, Delivery: 0x6000, Server: serverLE,
		Message: message(0x30900001, 0, 0, 0, 0, 0, 0x74FF, 0x1D00), NoChecksum: true,
	}
	ours := ipc.MakePID(ipc.MakeLogicalHost(0x0029, 7), 3, 5)
	theirs := ipc.MakePID(ipc.MakeLogicalHost(0x0105, 12), 9, 41)
	retry := Notify{
		Client: theirs, Transaction: 1000, Delivery: 0xFF, Code: ipc.Retry,
		Control: APG | MDG, RetransmitCount: 2, ForwardCount: 1, PGcount: 3, Priority: 8,
	}
	remote := retry
	remote.Remote = true
	discard := Notify{ToServer: true, Client: theirs, Server: ours, Transaction: 1000, Code: ipc.ResponseDiscarded}
	request := probe.Header(theirs, 7)
	answer := ProbeAnswer{Transaction: 42, Process: uint64(entity7823), Principal: 1000, EffectivePrincipal: 0}
	return []vector{
		{"v1-probe", v1, nil},
		{"v2-segment", v2, segment601()},
		{"v3-header-checksum", v3, segment601()},
		{"v4-response", v4, nil},
		{"scattered-blocks", scattered, pattern(0x1D00)},
		{"notify-client", retry.Header(ours, 1), nil},
		{"notify-server", discard.Header(theirs, 2), nil},
		{"notify-remote", remote.Header(ours, 3), nil},
		{"probe-answer", answer.Header(&request, ours), nil},
	}
}

// dump prints h and the packet p in the form of the golden files: a comment
// that Parse reads, then eight words a line.
func dump(h Header, p []byte) string {
	var s strings.Builder
	fmt.Fprintf(&s, "# %v\n", h)
	for i := 0; i < len(p); i += 4 {
		end := " "
		if i%32 == 28 || i+4 == len(p) {
			end = "\n"
		}
		fmt.Fprintf(&s, "%x%s", p[i:i+4], end)
	}
	return s.String()
}

// undump reads what dump prints.
func undump(t *testing.T, s string) (Header, []byte) {
	t.Helper()
	first, rest, _ := strings.Cut(s, "\n")
	h, err := Parse(strings.TrimPrefix(first, "# "))
	if err != nil {
		t.Fatal(err)
	}
	p, err := hex.DecodeString(strings.Join(strings.Fields(rest), ""))
	if err != nil {
		t.Fatal(err)
	}
	return h, p
}

// The golden packets are what is made of their headers, and are taken apart to
// them.
func TestGolden(t *testing.T) {
	for _, v := range vectors() {
		file := filepath.Join("testdata", "packets", v.name+".hex")
		if *update {
			if err := os.WriteFile(file, []byte(dump(v.h, v.packet())), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		h, p := undump(t, string(text))
		if h != v.h {
			t.Errorf("%s: first line\ngot  %v\nwant %v", v.name, h, v.h)
		}
		if got := v.packet(); !bytes.Equal(got, p) {
			t.Errorf("%s:\ngot  %s\nwant %s", v.name, dump(v.h, got), text)
		}
		got, data, err := Decode(p)
		if err != nil || got != v.h {
			t.Errorf("%s: decoded\ngot  %v, %v\nwant %v", v.name, got, err, v.h)
		}
		if want := Gather(nil, v.segment, v.h.Delivery); !bytes.Equal(data, want) {
			t.Errorf("%s: %d octets of data, want %d", v.name, len(data), len(want))
		}
	}
}

// TestVectors compares the first four golden packets with words and checksums
// that were worked out from RFC 1045 by hand (docs/wire/packet.md).
func TestVectors(t *testing.T) {
	segment := make([]byte, 608)
	copy(segment, segment601())
	v2 := "000063f9240800310001%s00000400" + "0000002b000000032008a05a2408004d" +
		"10900001000000000000000001020304" + "05060708090a0b0c0000000000000259" + hex.EncodeToString(segment)
	for i, want := range []string{
		"000063f9240800310001200000000000" + "0000002a0000000040000001e0000100" +
			"0500010100001e8f2408004d00001e8f" + "2408004d000000010000000000000000" + "c95f8bca",
		fmt.Sprintf(v2, "0098") + "a6c0400e",
		fmt.Sprintf(v2, "8098") + "f1b13714",
		"000063f92408003100010000402003c1" + "0000002e000000002008a05a2408004d" +
			strings.Repeat("00", 32) + "b0faffff",
	} {
		v := vectors()[i]
		if got := hex.EncodeToString(v.packet()); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", v.name, got, want)
		}
	}
}
