package packet

import (
	"bytes"
	"log/slog"
	"math/rand"
	"strings"
	"testing"
)

const words0 = "00000000-00000000-00000000-00000000-00000000-00000000-00000000-00000000"

func TestString(t *testing.T) {
	v := vectors()
	for _, tt := range []struct {
		h    Header
		want string
	}{
		{v[0].h, "request 0x000063f9-24080031 42 0x40000001-e0000100 domain=1 MPG " +
			"05000101-00001e8f-2408004d-00001e8f-2408004d-00000001-00000000-00000000"},
		{v[1].h, "request 0x000063f9-24080031 43 0x2008a05a-2408004d delivery=0x3 gap=4 domain=1 " +
			"10900001-00000000-00000000-01020304-05060708-090a0b0c-00000000-00000259"},
		{v[3].h, "response 0x000063f9-24080031 46 0x2008a05a-2408004d retrans=2 pgcount=3 priority=12 domain=1 APG " + words0},
		{Header{Domain: Domain, NoChecksum: true}, "request 0x00000000-00000000 0 0x00000000-00000000 nosum " + words0},
		{Header{Flags: allFlags, Control: allControl, Version: 7, Domain: 8191, ForwardCount: 15},
			"request 0x00000000-00000000 0 0x00000000-00000000 forward=15 version=7 domain=8191 " +
				"HCO EPG MPG NRS APG NSR NER NRT MDG CMG STI DRT " + words0},
	} {
		if got := tt.h.String(); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
		if got, err := Parse(tt.want); err != nil || got != tt.h {
			t.Errorf("%s is read as\n%v, %v", tt.want, got, err)
		}
	}
}

func TestStringRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewSource(5))
	for range 1000 {
		h, _ := randomHeader(rnd)
		if got, err := Parse(h.String()); err != nil || got != h {
			t.Fatalf("%v is read as %v, %v", h, got, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	const front, back = "request 0x00000000-00000001 42 0x00000000-00000002 ", " " + words0
	if _, err := Parse(front + "gap=1 APG" + back); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ s, why string }{
		{"", "too few fields"},
		{"request", "too few fields"},
		{strings.TrimSpace(front), "too few fields"},
		{"reply 0x00000000-00000001 42 0x00000000-00000002 " + words0, "neither request nor response"},
		{"request 1 42 0x00000000-00000002 " + words0, "process identifier"},
		{"request 0x00000000-00000001 -42 0x00000000-00000002 " + words0, "invalid syntax"},
		{"request 0x00000000-00000001 4294967296 0x00000000-00000002 " + words0, "out of range"},
		{"request 0x00000000-00000001 42 2 " + words0, "process identifier"},
		{front + "gap=256" + back, "out of range"},
		{front + "retrans=8" + back, "out of range"},
		{front + "domain=8192" + back, "out of range"},
		{front + "gap=" + back, "invalid syntax"},
		{front + "pgcount=1" + back, "does not go with"},
		{front + "colour=1" + back, `no field "colour"`},
		{front + "XYZ" + back, `no flag "XYZ"`},
		{front + "nosum=1" + back, `no field "nosum"`},
		{front + "APG APG" + back, "two of APG"},
		{front + "gap=1 gap=1" + back, "two of gap"},
		{front + "00000000", "message has 1 words"},
		{front + words0 + "-00000000", "message has 9 words"},
		{front + strings.Replace(words0, "0", "x", 1), "invalid byte"},
		{front + strings.Replace(words0, "00", "", 1), "is not a word"},
	} {
		_, err := Parse(tt.s)
		if err == nil || !strings.Contains(err.Error(), tt.why) {
			t.Errorf("%q: %v, want %q", tt.s, err, tt.why)
		}
	}
}

func TestLogValue(t *testing.T) {
	var out bytes.Buffer
	h := vectors()[0].h
	slog.New(slog.NewTextHandler(&out, nil)).Info("received", "packet", h)
	if want := `packet="` + h.String() + `"`; !strings.Contains(out.String(), want) {
		t.Errorf("logged %s, want %s", out.String(), want)
	}
}

// FuzzParse: no input makes Parse panic, and what it takes String prints so
// that it is read back.
func FuzzParse(f *testing.F) {
	for _, v := range vectors() {
		f.Add(v.h.String())
	}
	f.Add("response 0x00000000-00000001 1 0x00000000-00000002 pgcount=0x10 DRT nosum " + words0)
	f.Fuzz(func(t *testing.T, s string) {
		h, err := Parse(s)
		if err != nil {
			return
		}
		if again, err := Parse(h.String()); err != nil || again != h {
			t.Fatalf("%q is read as %v, and that as %v, %v", s, h, again, err)
		}
	})
}
