package shell

import (
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"strings"
)

// traits is what the planner found out about a simple command.
type traits uint8

const (
	placed    traits = 1 << iota // the next word is a placement word
	joinedIn                     // its standard input may be joined to the stage before
	joinedOut                    // its standard output may be joined to the stage after
	ownIn                        // it redirects its own standard input …
	ownOut                       // … output …
	ownErr                       // … error
)

// marker makes the words that the planner puts in front of a command and that
// nobody else can spell, because they hold 64 random bits. "TAG.3 @beta ls" is a
// command with traits 3, "TAG:cd" is our own cd. Whoever sees text of the
// interpreter's (set -x, declare -f) sees markers too, so they are stripped there.
type marker string

func newMarker() marker {
	var b [8]byte
	rand.Read(b[:])
	return marker("v" + hex.EncodeToString(b[:]))
}

// word returns the marker word for t.
func (m marker) word(t traits) string { return string(m) + "." + strconv.Itoa(int(t)) }

// own returns the word that calls our own command name.
func (m marker) own(name string) string { return string(m) + ":" + name }

// path returns a name that only the open handler knows.
func (m marker) path(what string) string { return "/" + string(m) + "/" + what }

// cut takes the marker words off args and returns the traits that the last of
// them names, and whether there was one.
func (m marker) cut(args []string) (t traits, rest []string, found bool) {
	for len(args) > 0 {
		s, ok := strings.CutPrefix(args[0], string(m)+".")
		n, err := strconv.Atoi(s)
		if !ok || err != nil {
			break
		}
		t, args, found = traits(n), args[1:], true
	}
	return t, args, found
}

// ownName returns the name of our own command that word calls.
func (m marker) ownName(word string) (string, bool) {
	return strings.CutPrefix(word, string(m)+":")
}

// strip returns text without marker words and the space after each.
func (m marker) strip(text string) string {
	for {
		i := strings.Index(text, string(m))
		if i < 0 {
			return text
		}
		end := i + len(m) + 1
		for end < len(text) && text[end] >= '0' && text[end] <= '9' {
			end++
		}
		if end < len(text) && text[end] == ' ' {
			end++
		}
		text = text[:i] + text[min(end, len(text)):]
	}
}
