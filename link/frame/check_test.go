package frame

import "testing"

func TestCheckTag(t *testing.T) {
	b := AppendCheckTag(append(Header{Type: Hello}.Append(nil), "who is there"...))
	if !CheckTag(b) {
		t.Fatal("the tag does not fit the frame that it was made for")
	}
	if _, body, err := Decode(b); err != nil || string(body) != "who is there" {
		t.Errorf("Decode: %q, %v", body, err)
	}
	for bit := range len(b) * 8 {
		b[bit/8] ^= 1 << (bit % 8)
		if CheckTag(b) {
			t.Errorf("bit %d is flipped, and the tag fits", bit)
		}
		b[bit/8] ^= 1 << (bit % 8)
	}
	for n := Overhead; n < len(b); n++ {
		if CheckTag(b[:n]) {
			t.Errorf("cut to %d octets, and the tag fits", n)
		}
	}
}
