package cert

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

// full returns a domain in which there is something of everything.
func full(t *testing.T) *domain {
	d := newDomain(t, 1)
	for _, name := range []string{"beta", "gamma"} {
		c := d.host(name)
		d.expel(&c)
	}
	d.rotate()
	return d
}

func TestTrustText(t *testing.T) {
	d := full(t)
	for range 5 {
		b := d.trust.Append([]byte("before"))
		p, err := ParseTrust(b[6:])
		if err != nil || !reflect.DeepEqual(p, d.trust) {
			t.Fatalf("%+v, %v; want %+v", p, err, d.trust)
		}
		if len(b)-6 > MaxTrust {
			t.Errorf("a trust of %d octets", len(b)-6)
		}
		d.rotate()
	}
	for n := range d.trust.Append(nil) {
		if _, err := ParseTrust(d.trust.Append(nil)[:n]); err == nil && n != trustLength(&d.trust) {
			t.Errorf("a trust cut after %d octets was taken", n)
		}
	}
	d.trust.Bulletin = Bulletin{}
	if p, err := ParseTrust(d.trust.Append(nil)); err != nil || p.accepted() != MaxKeys {
		t.Errorf("a trust without a bulletin: %v, %v", p, err)
	}
}

// trustLength returns the octets before the bulletin, which may be missing.
func trustLength(t *Trust) int {
	return trustHead + len(t.Keys)*32 + len(t.Successions)*SuccessionSize + len(t.Groups)*GroupKeySize
}

func TestParseRefuses(t *testing.T) {
	d := full(t)
	edit := func(b []byte, at int, v byte) []byte { b[at] = v; return b }
	bulletin := func() []byte { return d.trust.Bulletin.Append(nil) }
	trust := func() []byte { return d.trust.Append(nil) }
	swapped := bulletin()
	for i := range revocationSize {
		swapped[bulletinHead+i], swapped[bulletinHead+revocationSize+i] =
			swapped[bulletinHead+revocationSize+i], swapped[bulletinHead+i]
	}
	for what, err := range map[string]error{
		"bulletin of version 2":          second(ParseBulletin(edit(bulletin(), 0, 2))),
		"bulletin with fewer hosts":      second(ParseBulletin(edit(bulletin(), 1, 1))),
		"bulletin that accepts none":     second(ParseBulletin(edit(bulletin(), 2, 0))),
		"bulletin that accepts too many": second(ParseBulletin(edit(bulletin(), 2, MaxKeys+1))),
		"bulletin of revision 0":         second(ParseBulletin(edit(bulletin(), 23, 0))),
		"bulletin in no order":           second(ParseBulletin(swapped)),
		"bulletin cut":                   second(ParseBulletin(bulletin()[:95])),
		"trust of version 2":             second(ParseTrust(edit(trust(), 0, 2))),
		"trust without keys":             second(ParseTrust(edit(trust(), 1, 0))),
		"trust with too many":            second(ParseTrust(edit(trust(), 2, MaxKeys+1))),
		"trust of another domain":        second(ParseTrust(edit(trust(), 4, ^d.trust.Domain[0]))),
		"trust with a damaged bulletin":  second(ParseTrust(edit(trust(), len(trust())-1, 0xff))),
		"group key cut":                  second(ParseGroupKey(make([]byte, GroupKeySize-1))),
		"group key of generation 0":      second(ParseGroupKey(make([]byte, GroupKeySize))),
		"succession cut":                 second(ParseSuccession(make([]byte, SuccessionSize-1))),
		"succession of version 0":        second(ParseSuccession(make([]byte, SuccessionSize))),
	} {
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// identity checks that parse and appendTo are inverse on what parse takes.
func identity[T any](t *testing.T, in []byte, parse func([]byte) (T, error), appendTo func(*T, []byte) []byte) {
	v, err := parse(in)
	if err != nil {
		if !errors.Is(err, ErrMalformed) {
			t.Fatalf("another error: %v", err)
		}
		return
	}
	if out := appendTo(&v, nil); !bytes.Equal(out, in) {
		t.Fatalf("%x, parsed and appended: %x", in, out)
	}
}

func FuzzParseCertificate(f *testing.F) {
	d := newDomain(&testing.T{}, 1)
	f.Add(d.self.Certificate.Append(nil))
	f.Fuzz(func(t *testing.T, in []byte) {
		identity(t, in, ParseCertificate, (*Certificate).Append)
		if c, err := ParseCertificate(in); err == nil && d.trust.Verify(&c, start) == nil && c != d.self.Certificate {
			t.Fatal("forged")
		}
	})
}

func FuzzParseBulletin(f *testing.F) {
	d := full(&testing.T{})
	f.Add(d.trust.Bulletin.Append(nil))
	f.Fuzz(func(t *testing.T, in []byte) { identity(t, in, ParseBulletin, (*Bulletin).Append) })
}

func FuzzParseSuccession(f *testing.F) {
	d := full(&testing.T{})
	f.Add(d.trust.Successions[0].Append(nil))
	f.Fuzz(func(t *testing.T, in []byte) { identity(t, in, ParseSuccession, (*Succession).Append) })
}

func FuzzParseTrust(f *testing.F) {
	d := full(&testing.T{})
	f.Add(d.trust.Append(nil))
	f.Fuzz(func(t *testing.T, in []byte) { identity(t, in, ParseTrust, (*Trust).Append) })
}
