package wire

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// What the session of TestSecrecy sends: names and data that nothing else has. Each
// is short enough for one packet and long enough not to come up by chance.
const (
	secretFile   = "quince-and-medlar"
	secretData   = "the vault opens at seven past four"
	secretDir    = "heron-by-the-weir"
	secretOutput = "kestrel above the ridge"
)

// session is a first boot and work with files and programs of another machine, all of
// it captured; it returns the path of the capture.
func (w *world) session(boot func()) string {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "pcap")
	c, err := w.Capture(path)
	if err != nil {
		w.t.Fatal(err)
	}
	boot()
	dir := filepath.Join(w.Machine(0).Home(), secretDir)
	text := strings.Repeat(secretData+"\n", 2000)
	put := w.Machine(0).Command(w.t.Context(), "sh", "-c", fmt.Sprintf("mkdir %s && cat >%[1]s/%s", dir, secretFile))
	put.Stdin = strings.NewReader(text)
	if out, err := put.CombinedOutput(); err != nil {
		w.t.Fatalf("%v: %s", err, out)
	}
	far := "/unix/" + w.Machine(0).Name + dir
	if out := w.do(1, "ls", far); out != secretFile+"\n" {
		w.t.Errorf("ls: %q", out)
	}
	if out := w.do(1, "cat", far+"/"+secretFile); out != text {
		w.t.Errorf("cat: %d octets, want %d", len(out), len(text))
	}
	half := len(secretOutput) / 2
	script := fmt.Sprintf("sh -c 'echo \"%s\"\"%s\"' @%s", secretOutput[:half], secretOutput[half:], w.Machine(0).Name)
	if out := w.do(1, "exec", "-c", script); out != secretOutput+"\n" {
		w.t.Errorf("exec: %q", out)
	}
	if err := c.Close(); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// found returns which of the names and data are in the capture.
func found(t *testing.T, path string, more ...string) (names []string, octets int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append(more, secretFile, secretData, secretDir, secretOutput) {
		if bytes.Contains(b, []byte(s)) {
			names = append(names, s)
		}
	}
	return names, len(b)
}

// TestSecrecy searches the capture of a whole session, from the first boot on, for
// the names and data sent. In a clear domain the same search finds them.
func TestSecrecy(t *testing.T) {
	t.Run("sealed", func(t *testing.T) {
		w := newWorld(t, Config{Machines: 2})
		path := w.session(func() { w.domain(0, 1) })
		words := strings.Split(strings.Split(w.codes[0], "@")[0], "-")
		more := append(w.names(), strings.Join(words[1:], "-"), words[1]+"-"+words[2], words[2]+" "+words[3])
		names, octets := found(t, path, more...)
		packets, err := ReadPackets(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("sealed: %d octets captured in %d packets of UDP, %d of %d names and data in it", octets, len(packets), len(names), len(more)+4)
		if len(names) > 0 || len(packets) < 50 {
			t.Errorf("%d packets show %q", len(packets), names)
		}
	})
	t.Run("clear", func(t *testing.T) {
		w := newWorld(t, Config{Machines: 2})
		path := w.session(func() {
			for i := range 2 {
				w.do(i, "boot", "--clear")
			}
			if err := w.see(1, 0, time.Now().Add(bootPatience)); err != nil {
				t.Fatal(err)
			}
		})
		names, octets := found(t, path, w.names()...)
		t.Logf("clear: %d octets captured, %d of %d names and data in it", octets, len(names), 4+2)
		if len(names) != 4+2 {
			t.Errorf("the search finds only %q", names)
		}
	})
}

// names returns the machines' names.
func (w *world) names() (all []string) {
	for i := range w.Machines() {
		all = append(all, w.Machine(i).Name)
	}
	return all
}

// TestTwoDomains has two domains on one wire: neither knows the other's hosts, nor
// what they serve.
func TestTwoDomains(t *testing.T) {
	w := newWorld(t, Config{Machines: 4})
	w.domain(0, 1)
	w.domain(2, 3)
	// By now each has heard the other's hellos.
	for i := range 4 {
		of := i / 2 * 2
		var got []string
		for _, h := range w.hosts(i) {
			name, _, _ := strings.Cut(h, " ")
			got = append(got, name)
		}
		if want := w.names()[of : of+2]; !slices.Equal(got, want) {
			t.Errorf("%s knows %v, want %v", w.Machine(i).Name, got, want)
		}
		if out, err := w.try(bootPatience, i, "ls", "/unix/"+w.Machine(3-of).Name+"/"); err == nil {
			t.Errorf("%s sees into the other domain: %q", w.Machine(i).Name, out)
		}
	}
	t.Logf("two domains: %v and %v", w.hosts(0), w.hosts(2))
}
