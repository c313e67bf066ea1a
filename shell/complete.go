package shell

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// completeTime is how long completion may keep the user waiting for V; whatever
// comes later is there at the next try. queryTime bounds the asking itself.
const (
	completeTime = 150 * time.Millisecond
	queryTime    = 5 * time.Second
)

// completer completes the last word of a line: a host after @, a command at the
// beginning, a V name elsewhere. It never waits longer than completeTime. It is
// for one goroutine.
type completer struct {
	s       *Shell
	dir     func() string
	queries sync.WaitGroup
	stop    context.CancelFunc
	ctx     context.Context // ends the queries

	mu   sync.Mutex
	dirs map[string][]string      // what is in a directory, directories with a slash; guarded by mu
	asks map[string]chan struct{} // queries under way, closed when done; guarded by mu
}

// Bounds of the completer's memory and of its queries under way.
const (
	maxDirs = 64
	maxAsks = 4
)

func newCompleter(ctx context.Context, s *Shell, dir func() string) *completer {
	c := &completer{s: s, dir: dir, dirs: map[string][]string{}, asks: map[string]chan struct{}{}}
	c.ctx, c.stop = context.WithCancel(ctx)
	return c
}

// close ends the queries and waits for them.
func (c *completer) close() {
	c.stop()
	c.queries.Wait()
}

// Do returns what may follow the part of line before pos, for the line editor,
// and how much of it is the word's. A word that is complete ends.
func (c *completer) Do(line []rune, pos int) (rest [][]rune, length int) {
	start, word, quote := lastWord(string(line[:pos]))
	found := c.complete(string(line[:pos]))
	for _, name := range found {
		end := quoteRest(name[len(word):], quote)
		if len(found) == 1 && !strings.HasSuffix(name, "/") {
			if quote != 0 {
				end += string(quote)
			}
			end += " "
		}
		rest = append(rest, []rune(end))
	}
	return rest, len([]rune(string(line[:pos])[start:]))
}

// lastWord returns where the last word of line begins, what it is without its
// quotes, and the quote that is still open in it, 0 if none is.
func lastWord(line string) (start int, word string, quote rune) {
	var b strings.Builder
	escaped := false
	for i, r := range line {
		switch {
		case escaped:
			escaped = false
			b.WriteRune(r)
		case r == '\\' && quote != '\'':
			escaped = true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
		case quote == 0 && strings.ContainsRune(" \t\n;|&(){}<>", r):
			start = i + 1
			b.Reset()
		default:
			b.WriteRune(r)
		}
	}
	return start, b.String(), quote
}

// quoteRest quotes text that continues a word in which quote is open.
func quoteRest(text string, quote rune) string {
	special := " \t\n;|&(){}<>'\"\\$`*?[]!#~"
	switch quote {
	case '\'':
		return strings.ReplaceAll(text, "'", `'\''`)
	case '"':
		special = "\"\\$`"
	}
	var b strings.Builder
	for _, r := range text {
		if strings.ContainsRune(special, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// complete returns what the last word of line may become, unquoted and in order.
func (c *completer) complete(line string) []string {
	start, word, _ := lastWord(line)
	before := strings.TrimRight(line[:start], " \t")
	first := before == "" || strings.ContainsAny(before[len(before)-1:], ";|&({\n")
	var found []string
	switch {
	case strings.HasPrefix(word, "@"):
		found = c.hosts()
	case first && !strings.Contains(word, "/"):
		found = c.commands()
	default:
		found = c.files(word)
	}
	found = slices.DeleteFunc(found, func(s string) bool { return !strings.HasPrefix(s, word) })
	slices.Sort(found)
	return slices.Compact(found)
}

func (c *completer) hosts() []string {
	words := []string{"@" + anyHost}
	for _, h := range c.s.sys.HostNames() {
		words = append(words, "@"+h)
	}
	return words
}

// commands are the names that need no host to be asked.
func (c *completer) commands() []string {
	words := c.s.plan.aliases.names()
	for name := range c.s.own {
		if isOwn(c.s, name) {
			words = append(words, name)
		}
	}
	for name := range c.s.builtins {
		words = append(words, name)
	}
	c.s.plan.mu.Lock()
	defer c.s.plan.mu.Unlock()
	for name := range c.s.plan.functions {
		words = append(words, name)
	}
	return append(words, "echo", "printf", "read", "export", "unset", "set", "exit", "eval", "exec", "trap",
		"test", "true", "false", "if", "for", "while", "case", "function")
}

// files returns the names in the directory that word leads to, each as word
// would be with it.
func (c *completer) files(word string) []string {
	prefix := word[:strings.LastIndex(word, "/")+1]
	dir := absName(c.dir(), prefix)
	if rest, ok := strings.CutPrefix(prefix, "~/"); ok {
		dir = absName(c.s.env.Get("HOME").String(), rest)
	}
	names := c.list(dir)
	var words []string
	for _, name := range names {
		if strings.HasPrefix(name, ".") && !strings.HasPrefix(word[len(prefix):], ".") {
			continue // hidden
		}
		words = append(words, prefix+name)
	}
	return words
}

// list returns what is in dir, or what was in it when it was last asked.
func (c *completer) list(dir string) []string {
	c.mu.Lock()
	done := c.asks[dir]
	if done == nil && len(c.asks) < maxAsks {
		done = make(chan struct{})
		c.asks[dir] = done
		// It ends within queryTime; close waits for it.
		c.queries.Go(func() { c.ask(dir, done) })
	}
	c.mu.Unlock()
	timer := time.NewTimer(completeTime)
	defer timer.Stop()
	if done != nil {
		select {
		case <-done:
		case <-timer.C:
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.dirs[dir])
}

func (c *completer) ask(dir string, done chan struct{}) {
	ctx, cancel := context.WithTimeout(c.ctx, queryTime)
	defer cancel()
	entries, err := c.s.sys.ReadDir(ctx, dir)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
		if e.IsDir() {
			names[i] += "/"
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.dirs) >= maxDirs {
		clear(c.dirs)
	}
	if err == nil {
		c.dirs[dir] = names
	}
	delete(c.asks, dir)
	close(done)
}
