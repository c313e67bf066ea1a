package shell

import (
	"context"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/syntax"
)

// traps remembers what trap was given, because a copy of the interpreter comes
// without. It may be used by any goroutine.
type traps struct {
	mu sync.Mutex
	m  map[string]string // text by condition, EXIT or ERR; guarded by mu
}

// note remembers a call of trap with planned text.
func (t *traps) note(text string, conditions []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.m == nil {
		t.m = map[string]string{}
	}
	for _, c := range conditions {
		t.m[c] = text
	}
}

// restore sets the traps in s's interpreter.
func (t *traps) restore(ctx context.Context, s *Shell) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for condition, text := range t.m {
		words := []string{"trap", "--", text, condition}
		for i, w := range words {
			words[i], _ = syntax.Quote(w, syntax.LangBash)
		}
		file, err := syntax.NewParser().Parse(strings.NewReader(strings.Join(words, " ")), "")
		if err != nil {
			continue
		}
		s.quietly(ctx, file.Stmts[0])
	}
}
