package enroll

import (
	"bytes"
	"encoding/hex"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/flynn/noise"
)

// TestNoiseVectors holds the library to its published vectors of our handshake.
func TestNoiseVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/noise.txt")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(strings.TrimSpace(string(text)), "\n\n")[1:]
	if len(blocks) != 4 {
		t.Fatalf("%d vectors", len(blocks))
	}
	for _, block := range blocks {
		v := map[string][]byte{}
		for line := range strings.SplitSeq(block, "\n") {
			name, value, _ := strings.Cut(line, "=")
			v[name], _ = hex.DecodeString(value) // that of "handshake" is no hex
		}
		testVector(t, v)
		for _, name := range []string{"preshared_key", "gen_resp_ephemeral"} { // the test can fail
			w := maps.Clone(v)
			w[name] = bytes.Clone(v[name])
			w[name][0] ^= 0x40
			if vectorError(t, w) == "" {
				t.Errorf("the vector holds with another %s", name)
			}
		}
	}
}

func testVector(t *testing.T, v map[string][]byte) {
	if why := vectorError(t, v); why != "" {
		t.Error(why)
	}
}

// vectorError runs one vector and says what is wrong.
func vectorError(t *testing.T, v map[string][]byte) string {
	t.Helper()
	state := func(initiator bool, seed []byte) *noise.HandshakeState {
		h, err := noise.NewHandshakeState(noise.Config{
			CipherSuite: suite, Random: bytes.NewReader(seed), Pattern: noise.HandshakeNN, Initiator: initiator,
			Prologue: v["prologue"], PresharedKey: v["preshared_key"],
		})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	a, b := state(true, v["gen_init_ephemeral"]), state(false, v["gen_resp_ephemeral"])
	m0, _, _, err := a.WriteMessage(nil, v["msg_0_payload"])
	if err != nil || !bytes.Equal(m0, v["msg_0_ciphertext"]) {
		return "message 0 differs"
	}
	p0, _, _, err := b.ReadMessage(nil, m0)
	if err != nil || !bytes.Equal(p0, v["msg_0_payload"]) {
		return "message 0 can't be read"
	}
	m1, toA, toB, err := b.WriteMessage(nil, v["msg_1_payload"])
	if err != nil || !bytes.Equal(m1, v["msg_1_ciphertext"]) {
		return "message 1 differs"
	}
	p1, _, _, err := a.ReadMessage(nil, m1)
	if err != nil || !bytes.Equal(p1, v["msg_1_payload"]) {
		return "message 1 can't be read"
	}
	for _, x := range []struct {
		c    *noise.CipherState
		name string
	}{{toA, "msg_2"}, {toB, "msg_3"}} {
		if m, _ := x.c.Encrypt(nil, nil, v[x.name+"_payload"]); !bytes.Equal(m, v[x.name+"_ciphertext"]) {
			return x.name + " differs"
		}
	}
	return ""
}
