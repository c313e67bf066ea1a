package hello

import (
	"encoding/hex"
	"errors"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the golden packets")

// sampleBody is a hello with every field.
func sampleBody() *Body {
	h := host(1, 1_700_000_000_000_000_000)
	h.Addr = netip.AddrPort{}
	h.Load, h.MemoryFree = 125, 3<<30
	h.Addresses = []netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:8145"), netip.MustParseAddrPort("[fd00::1]:8145")}
	return &Body{
		Kind: Full, Flags: Ask, Revision: 3, Interval: time.Second, Host: h,
		Neighbours: []netip.AddrPort{
			netip.MustParseAddrPort("127.0.0.3:9000"), netip.MustParseAddrPort("[fd00::7]:8145"),
		},
	}
}

func headOnly(k Kind) *Body {
	return &Body{Kind: k, Revision: 3, Interval: time.Second, Host: Host{Number: 2, Epoch: 9, Load: 1, MemoryFree: 2}}
}

func TestGoldenPackets(t *testing.T) {
	for name, p := range map[string]*Body{"hello": sampleBody(), "beat": headOnly(Beat), "goodbye": headOnly(Goodbye)} {
		file := filepath.Join("testdata", "packets", name+".hex")
		got := hex.EncodeToString(p.Append(nil)) + "\n"
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
		b, err := hex.DecodeString(strings.TrimSpace(string(want)))
		if err != nil {
			t.Fatal(err)
		}
		if q, err := Decode(b); err != nil || !reflect.DeepEqual(p, q) {
			t.Errorf("%s decodes to %+v, %v", name, q, err)
		}
	}
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	if b := headOnly(Beat).Append([]byte("x")); b[0] != 'x' || len(b) != 1+headSize {
		t.Errorf("%q", b)
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := sampleBody().Append(nil)
	set := func(i int, v ...byte) []byte {
		b := append([]byte(nil), good...)
		copy(b[i:], v)
		return b
	}
	with := func(change func(*Body)) []byte {
		p := sampleBody()
		change(p)
		return p.Append(nil)
	}
	field := func(typ byte, v string) []byte { return appendField(append([]byte(nil), good...), typ, []byte(v)) }
	for name, b := range map[string][]byte{
		"nothing":            nil,
		"part of the head":   good[:headSize-1],
		"no fields":          good[:headSize],
		"part of a field":    good[:len(good)-1],
		"part of a head":     append(append([]byte(nil), good...), 1, 0),
		"too long":           append(append([]byte(nil), good...), make([]byte, MaxBody)...),
		"version 0":          set(0, 0),
		"a later format":     set(0, 2, 2),
		"kind 0":             set(2, 0),
		"kind 9":             set(2, 9),
		"number 0":           set(4, 0, 0),
		"multicast number":   set(4, 0xE0, 1),
		"kernel elsewhere":   set(4, 0, 3),
		"no name":            with(func(p *Body) { p.Host.Name = "" }),
		"bad name":           with(func(p *Body) { p.Host.Name = "a/b" }),
		"long name":          with(func(p *Body) { p.Host.Name = strings.Repeat("a", 64) }),
		"no kernel":          with(func(p *Body) { p.Host.Kernel = 0 }),
		"long version":       with(func(p *Body) { p.Host.Version = strings.Repeat("1", 256) }),
		"long processor":     with(func(p *Body) { p.Host.Processor = strings.Repeat("1", 256) }),
		"prefix relative":    with(func(p *Body) { p.Host.Prefixes[0].Name = "unix" }),
		"prefix elsewhere":   with(func(p *Body) { p.Host.Prefixes[0].Server = host(4, 1).Kernel }),
		"short kernel":       field(fieldKernel, "1234567"),
		"long processors":    field(fieldProcessors, "123"),
		"empty memory":       field(fieldMemoryTotal, ""),
		"short prefix":       field(fieldPrefix, "12345678901"),
		"address of 5":       field(fieldNeighbour, "12345"),
		"address without IP": field(fieldNeighbour, "1"),
		"port 0":             field(fieldNeighbour, "\x7f\x00\x00\x01\x00\x00"),
		"own address of 5":   field(fieldAddress, "12345"),
		"own port 0":         field(fieldAddress, "\x7f\x00\x00\x01\x00\x00"),
	} {
		if p, err := Decode(b); p != nil || !errors.Is(err, ErrBody) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

// Padding means nothing, to whatever size.
func TestPadding(t *testing.T) {
	for _, p := range []*Body{sampleBody(), headOnly(Beat)} {
		b := p.Append(nil)
		for size := len(b); size <= MaxBody; size++ {
			c := pad(slices.Clone(b), size)
			if q, err := Decode(c); err != nil || len(c) != size || !reflect.DeepEqual(p, q) {
				t.Fatalf("%v of %d octets: %+v, %v", p.Kind, size, q, err)
			}
		}
		if c := pad(slices.Clone(b), 10); len(c) != len(b) {
			t.Errorf("padded to 10 it has %d octets", len(c))
		}
	}
}

func TestByMulticast(t *testing.T) {
	p := headOnly(Beat)
	if ByMulticast(p.Append(nil)) {
		t.Error("a beat to one host is by multicast")
	}
	p.Flags = Multicast
	if b := p.Append(nil); !ByMulticast(b) || ByMulticast(b[:headSize-1]) || ByMulticast(nil) {
		t.Error("a beat to all is not, or a part of it is")
	}
}

// D13: a host of the next version, which sends more, is understood.
func TestLaterVersionsAreUnderstood(t *testing.T) {
	want := sampleBody()
	b := appendField(want.Append(nil), 200, []byte("what a later version says"))
	b[0], b[1], b[3] = 2, 1, b[3]|0x80
	got, err := Decode(b)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("hello: %+v, %v", got, err)
	}
	want.Host.Addresses = slices.Repeat(want.Host.Addresses[:1], maxAddresses+1) // of a host that has more
	if got, err = Decode(want.Append(nil)); err != nil || len(got.Host.Addresses) != maxAddresses {
		t.Errorf("hello with many addresses: %+v, %v", got, err)
	}
	b = append(headOnly(Beat).Append(nil), "more"...)
	b[0] = 2
	if got, err = Decode(b); err != nil || !reflect.DeepEqual(got, headOnly(Beat)) {
		t.Errorf("beat: %+v, %v", got, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(sampleBody().Append(nil))
	f.Add(headOnly(Beat).Append(nil))
	f.Add(headOnly(Goodbye).Append(nil))
	f.Add(appendField(sampleBody().Append(nil), 200, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Decode(b)
		if err != nil {
			return
		}
		q, err := Decode(p.Append(nil))
		if err != nil || !reflect.DeepEqual(p, q) {
			t.Errorf("%+v\nbecame %+v, %v", p, q, err)
		}
	})
}

func TestValidNames(t *testing.T) {
	for name, want := range map[string]bool{
		"beta": true, "Beta-7.lab_2": true, "7": true, strings.Repeat("a", 63): true,
		"": false, "-a": false, ".": false, "a b": false, "a/b": false, "ä": false, "a\x00": false,
		strings.Repeat("a", 64): false,
	} {
		if got := ValidName(name); got != want {
			t.Errorf("ValidName(%q) = %v", name, got)
		}
	}
	for name, want := range map[string]bool{
		"/": true, "/bin": true, "/unix/beta": true, "/" + strings.Repeat("a", 254): true,
		"": false, "bin": false, "/bin/": false, "//bin": false, "/a\x00": false,
		"/" + strings.Repeat("a", 255): false,
	} {
		if got := ValidPrefix(name); got != want {
			t.Errorf("ValidPrefix(%q) = %v", name, got)
		}
	}
}
