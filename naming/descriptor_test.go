package naming

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"vsys/ipc"
)

var sample = Descriptor{
	Tag: TagFile, Name: "hosts", Size: 1234, Mode: 0o644, Owner: "ann",
	Modified: time.Unix(1, 5), Accessed: time.Unix(0, -7), ID: 99,
	Values: map[string]string{"target": "x", "a": ""},
}

// sampleHex is the layout of docs/wire/naming.md, by hand.
const sampleHex = "004c" + "01" + "01" + "000001a4" + "00000000000004d2" +
	"000000003b9aca05" + "fffffffffffffff9" + "0000000000000000" + "0000000000000063" +
	"0005" + "686f737473" + "0003" + "616e6e" + "0002" +
	"01" + "61" + "0000" + "06" + "746172676574" + "0001" + "78"

func TestDescriptorLayout(t *testing.T) {
	got, err := sample.Append([]byte("before"))
	if err != nil {
		t.Fatal(err)
	}
	if h := hex.EncodeToString(got[6:]); h != sampleHex {
		t.Errorf("encoded\n%s, want\n%s", h, sampleHex)
	}
	d, rest, err := DecodeDescriptor(append(got[6:], "after"...))
	if err != nil || string(rest) != "after" {
		t.Fatalf("decoded with %q left, %v", rest, err)
	}
	if !reflect.DeepEqual(d, sample) {
		t.Errorf("decoded %+v, want %+v", d, sample)
	}
}

func TestDescriptorRefused(t *testing.T) {
	good, _ := hex.DecodeString(sampleHex)
	change := func(at int, to byte) []byte {
		b := bytes.Clone(good)
		b[at] = to
		return b
	}
	for what, b := range map[string][]byte{
		"nothing":                 nil,
		"one octet too few":       good[:len(good)-1],
		"a size of nothing":       change(1, 0),
		"a size that cuts it":     change(1, 0x4b),
		"more than a record has":  append(change(1, 0x4d), 0),
		"version 0":               change(2, 0),
		"a name beyond the end":   change(48, 0x80),
		"more values than it has": change(60, 3),
		"keys out of order":       change(62, 'z'),
	} {
		if d, _, err := DecodeDescriptor(b); !errors.Is(err, ipc.BadArgs) {
			t.Errorf("%s: %+v, %v; want %v", what, d, err, ipc.BadArgs)
		}
	}
	later := append(change(2, 2), "and more"...)
	later[1] += 8
	if d, rest, err := DecodeDescriptor(later); err != nil || d.Name != "hosts" || len(rest) > 0 {
		t.Errorf("a later version with more at its end: %+v, %d left, %v", d, len(rest), err)
	}
}

func TestDescriptorTooLong(t *testing.T) {
	long := strings.Repeat("x", 1<<16)
	for what, d := range map[string]Descriptor{
		"name": {Name: long}, "owner": {Owner: long}, "value": {Values: map[string]string{"k": long}},
		"key": {Values: map[string]string{long[:256]: ""}}, "empty key": {Values: map[string]string{"": "x"}},
		"whole": {Name: long[:40000], Owner: long[:40000]},
	} {
		if b, err := d.Append(nil); !errors.Is(err, ipc.BadArgs) || len(b) > 0 {
			t.Errorf("%s: %d octets, %v", what, len(b), err)
		}
	}
	for _, y := range []int{1, 1500, 3000} {
		d := Descriptor{Modified: time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC)}
		b, err := d.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, _, _ := DecodeDescriptor(b); !got.Modified.IsZero() {
			t.Errorf("the year %d reads as %v", y, got.Modified)
		}
	}
}

func TestDescriptorRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ns := rapid.Int64()
		d := Descriptor{
			Tag: Tag(rapid.Uint8().Draw(t, "tag")), Name: rapid.String().Draw(t, "name"),
			Size: rapid.Uint64().Draw(t, "size"), Mode: fs.FileMode(rapid.Uint32().Draw(t, "mode")),
			Modified: instant(ns.Draw(t, "modified")), Changed: instant(ns.Draw(t, "changed")),
			ID: rapid.Uint64().Draw(t, "id"), Owner: rapid.String().Draw(t, "owner"),
		}
		for _, k := range rapid.SliceOf(rapid.StringMatching("[a-z]{1,9}")).Draw(t, "keys") {
			if d.Values == nil {
				d.Values = map[string]string{}
			}
			d.Values[k] = rapid.String().Draw(t, "value")
		}
		b, err := d.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, rest, err := DecodeDescriptor(b)
		if err != nil || len(rest) > 0 {
			t.Fatalf("%d left, %v", len(rest), err)
		}
		in := func(x time.Time) bool { return x.Year() >= 1678 && x.Year() <= 2261 }
		if !in(d.Modified) || !in(d.Changed) {
			return // read as not known
		}
		if !reflect.DeepEqual(got, d) {
			t.Fatalf("decoded %+v, want %+v", got, d)
		}
	})
}

func FuzzDescriptor(f *testing.F) {
	good, _ := hex.DecodeString(sampleHex)
	f.Add(good)
	f.Add(append(good, good...))
	h := Host{Name: "alpha", Number: 1}
	d := h.Descriptor()
	b, _ := d.Append(nil)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := DecodeDescriptors(b)
		var again []byte
		plain := true
		for i := range list {
			d := &list[i]
			plain = plain && reencodes(d)
			HostOf(d)
			PrefixOf(d)
			if _, err := json.Marshal(d); err != nil {
				t.Fatal(err)
			}
			var encodeErr error
			if again, encodeErr = d.Append(again); encodeErr != nil {
				t.Fatalf("what was decoded can't be encoded: %v", encodeErr)
			}
		}
		if err == nil && plain && allVersion1(b) && !bytes.Equal(again, b) {
			t.Fatalf("decoded and encoded %x, was %x", again, b)
		}
	})
}

// reencodes tells whether the times of d survive: those of odd years do not.
func reencodes(d *Descriptor) bool {
	for _, t := range []time.Time{d.Modified, d.Accessed, d.Changed} {
		if !t.IsZero() && nanoseconds(t) == 0 {
			return false
		}
	}
	return true
}

func allVersion1(b []byte) bool {
	for len(b) > 2 {
		if b[2] != descriptorVersion {
			return false
		}
		b = b[int(b[0])<<8|int(b[1]):]
	}
	return true
}

func TestDescriptorJSON(t *testing.T) {
	d := sample
	d.Modified, d.Accessed = time.Unix(1, 5).UTC(), time.Time{}
	got, err := json.Marshal(d)
	const want = `{"type":"file","name":"hosts","size":1234,"mode":"-rw-r--r--","owner":"ann",` +
		`"modified":"1970-01-01T00:00:01.000000005Z","id":99,"values":{"a":"","target":"x"}}`
	if string(got) != want || err != nil {
		t.Errorf("JSON\n%s, %v; want\n%s", got, err, want)
	}
}

func TestInfo(t *testing.T) {
	i := sample.Info()
	var _ fs.DirEntry = i
	var _ fs.FileInfo = i
	if i.Name() != "hosts" || i.Size() != 1234 || i.Mode() != 0o644 || i.IsDir() || !i.ModTime().Equal(time.Unix(1, 5)) {
		t.Errorf("%v", i)
	}
	if d := i.Sys().(*Descriptor); d.ID != 99 {
		t.Errorf("Sys is %+v", d)
	}
	if huge := (Descriptor{Size: 1 << 63}).Info().Size(); huge != 1<<63-1 {
		t.Errorf("a size of 2^63 reads as %d", huge)
	}
}

func TestHost(t *testing.T) {
	h := Host{
		Number: 17, Name: "beta", Server: ipc.MakePID(ipc.MakeLogicalHost(17, 0), 3, 1),
		Address: "192.0.2.7:8145", Epoch: 5, Version: "1.0", Processor: "arm64", Processors: 4,
		Load: 1.25, MemoryTotal: 1 << 34, MemoryFree: 1 << 33, State: HostLost, LastHeard: time.Unix(9, 9),
	}
	d := h.Descriptor()
	got, err := HostOf(&d)
	if err != nil || !reflect.DeepEqual(got, h) {
		t.Errorf("read %+v, %v; want %+v", got, err, h)
	}
	if h.Live() {
		t.Error("a lost host is live")
	}
	j, err := json.Marshal(h)
	const want = `{"number":17,"name":"beta","state":"lost","address":"192.0.2.7:8145","server":"0x00030001-00110000",` +
		`"epoch":5,"version":"1.0","processor":"arm64","processors":4,"load":1.25,"memory_total_bytes":17179869184,` +
		`"memory_free_bytes":8589934592,"last_heard":`
	if !strings.HasPrefix(string(j), want) || err != nil {
		t.Errorf("JSON\n%s, %v; want\n%s", j, err, want)
	}
	for key, bad := range map[string]string{"server": "x", "processors": "-1", "load": "NaN", "epoch": "1e3"} {
		d := h.Descriptor()
		d.Values[key] = bad
		if _, err := HostOf(&d); !errors.Is(err, ipc.BadArgs) {
			t.Errorf("%s %q: %v", key, bad, err)
		}
	}
}

func TestPrefix(t *testing.T) {
	p := Prefix{Name: "/unix/beta", Server: 0x1234, Context: 7, Host: 17, HostName: "beta", Lost: true}
	d := p.Descriptor()
	got, err := PrefixOf(&d)
	if err != nil || got != p {
		t.Errorf("read %+v, %v; want %+v", got, err, p)
	}
	for _, name := range []string{"", "unix", "/unix/", "/a/../b"} {
		d.Name = name
		if _, err := PrefixOf(&d); !errors.Is(err, ipc.BadArgs) {
			t.Errorf("a prefix %q: %v", name, err)
		}
	}
	j, err := json.Marshal(p)
	if string(j) != `{"prefix":"/unix/beta","server":"0x00000000-00001234","context":7,"host":"beta","lost":true}` || err != nil {
		t.Errorf("JSON %s, %v", j, err)
	}
}
