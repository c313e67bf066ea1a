package enroll

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"vsys/ipc"
)

// known is a code with a known text: the wire format of codes must not change.
var known = Code{Number: 7, Secret: [10]byte{0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99}}

const knownText = "7-abandon-math-mimic-master-filter-design-carbon-cheap"

func TestWordList(t *testing.T) {
	if len(words) != 1<<wordBits || !slices.IsSorted(words) {
		t.Fatalf("%d words, sorted: %v", len(words), slices.IsSorted(words))
	}
	for i := 1; i < len(words); i++ {
		a, b := words[i-1], words[i]
		if a[:min(len(a), abbreviation)] == b[:min(len(b), abbreviation)] {
			t.Errorf("%s and %s are the same when cut", a, b)
		}
	}
}

func TestCodeText(t *testing.T) {
	if s := known.String(); s != knownText {
		t.Errorf("%s, want %s", s, knownText)
	}
	r := rand.NewChaCha8([32]byte{1})
	for n := range MaxNumber {
		c, err := newCode(uint8(n+1), r)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseCode(c.String())
		if err != nil || !reflect.DeepEqual(back, c) {
			t.Fatalf("%v, parsed: %v, %v", c, back, err)
		}
	}
}

func TestParseCode(t *testing.T) {
	short := strings.Split(knownText, "-")
	for i, w := range short {
		short[i] = w[:min(4, len(w))]
	}
	at := func(list ...string) Code {
		c := known
		for _, a := range list {
			c.Addresses = append(c.Addresses, netip.MustParseAddrPort(a))
		}
		return c
	}
	for s, want := range map[string]Code{
		knownText:                                 known,
		strings.ToUpper(knownText):                known,
		strings.ReplaceAll(knownText, "-", " "):   known,
		"  " + strings.Join(short, "--") + " \n":  known,
		knownText + "@":                           known,
		knownText + "@10.0.0.7":                   at("10.0.0.7:0"),
		knownText + " @ 10.0.0.7:99, [fe80::1]:8": at("10.0.0.7:99", "[fe80::1]:8"),
		knownText + "@fe80::1%eth0,[::2]":         at("[fe80::1%eth0]:0", "[::2]:0"),
	} {
		c, err := ParseCode(s)
		if err != nil || !reflect.DeepEqual(c, want) {
			t.Errorf("%q: %v, %v", s, c, err)
		}
		if again, err := ParseCode(want.String()); err != nil || !reflect.DeepEqual(again, want) {
			t.Errorf("%q: %v, %v", want.String(), again, err)
		}
	}
}

func TestParseCodeRefuses(t *testing.T) {
	swap := func(old, new string) string { return strings.Replace(knownText, old, new, 1) }
	for s, says := range map[string]string{
		"":                               `it begins with a number`,
		"-":                              `it begins with a number`,
		"otter":                          `"otter" is not a number from 1 to 99`,
		swap("7", "0"):                   `"0" is not a number`,
		swap("7", "100"):                 `"100" is not a number`,
		"7-abandon":                      `the code has 1 words after its number, not 8`,
		knownText + "-zoo":               `the code has 9 words`,
		swap("filter", "fitler"):         `"fitler" is not a word of the list; did you mean "filter"?`,
		swap("math", "maath"):            `"maath" is not a word of the list; did you mean "math"?`,
		swap("mimic", "mim"):             `"mim" is not a word of the list`,
		swap("mimic", "mimics"):          `did you mean "mimic"?`,
		swap("mimic", "mömic"):           `did you mean "mimic"?`,
		swap("master", "matter"):         `is "matter" meant to be "master"?`,
		swap("math-mimic", "mimic-math"): `are "mimic" and "math" exchanged?`,
		swap("7", "8"):                   ``,
		swap("abandon", "zebra"):         ``,
		knownText + "@localhost":         `"localhost" is not an address`,
		knownText + "@0.0.0.0":           `"0.0.0.0" is not an address`,
		knownText + "@10.0.0.7:99999":    `is not an address`,
		knownText + "@" + strings.Repeat("10.0.0.1,", 9): `9 addresses`,
	} {
		c, err := ParseCode(s)
		if err == nil || !errors.Is(err, ipc.BadArgs) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, %v; want %q", s, c, err, says)
		}
	}
}

func TestSlips(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"otter", "otter", 0}, {"oter", "otter", 1}, {"ottter", "otter", 1}, {"otetr", "otter", 1},
		{"after", "otter", 2}, {"", "zoo", 3}, {"ca", "abc", 3}} {
		if got := slips(c.a, c.b); got != c.want || slips(c.b, c.a) != c.want {
			t.Errorf("%q to %q: %d slips, want %d", c.a, c.b, got, c.want)
		}
	}
}

// TestChecksum counts how many codes with one word changed are taken: about one
// in 256.
func TestChecksum(t *testing.T) {
	taken := 0
	for j := range words {
		w := known.indices()
		w[3] = j
		if _, ok := fromIndices(7, w); ok {
			taken++
		}
	}
	if taken < 2 || taken > 24 { // 8 are expected, the right one beside
		t.Errorf("%d of 2048 are taken", taken)
	}
}

func FuzzParseCode(f *testing.F) {
	f.Add(knownText)
	f.Add("7 aban math@1.2.3.4:5,[::1]:6")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCode(s)
		if err != nil {
			if !errors.Is(err, ipc.BadArgs) {
				t.Fatal(err)
			}
			return
		}
		again, err := ParseCode(c.String())
		if err != nil || !reflect.DeepEqual(again, c) {
			t.Fatalf("%q: %v; its text parsed: %v, %v", s, c, again, err)
		}
	})
}
