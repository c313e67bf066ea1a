package shell

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/syntax"
)

// aliases are names that stand for the first words of a command. They are
// expanded when a line is planned, so an alias may hold a placement word. It may
// be used by any goroutine.
type aliases struct {
	mu    sync.Mutex
	texts map[string]string // guarded by mu
}

func newAliases() *aliases { return &aliases{texts: map[string]string{}} }

// words returns what name stands for, and whether the word after it may be an
// alias too, because the text ends in a blank.
func (a *aliases) words(name string) (words []*syntax.Word, more, ok bool) {
	text, ok := a.get(name)
	if !ok {
		return nil, false, false
	}
	words, err := aliasWords(text)
	return words, strings.TrimRight(text, " \t") != text, err == nil
}

func aliasWords(text string) (words []*syntax.Word, _ error) {
	for w, err := range syntax.NewParser().WordsSeq(strings.NewReader(text)) {
		if err != nil {
			return nil, err
		}
		words = append(words, w)
	}
	return words, nil
}

func (a *aliases) get(name string) (string, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	text, ok := a.texts[name]
	return text, ok
}

// set makes name stand for text, which must be a list of words.
func (a *aliases) set(name, text string) error {
	if _, err := aliasWords(text); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.texts[name] = text
	return nil
}

// remove forgets name and tells whether it was there.
func (a *aliases) remove(name string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.texts[name]
	delete(a.texts, name)
	return ok
}

// names returns the aliases in order.
func (a *aliases) names() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Sorted(maps.Keys(a.texts))
}

// expand expands the aliases at the front of each simple command of file. No
// name is expanded twice in one command.
func (a *aliases) expand(file *syntax.File) {
	syntax.Walk(file, func(n syntax.Node) bool {
		if call, ok := n.(*syntax.CallExpr); ok {
			a.expandCall(call)
		}
		return true
	})
}

func (a *aliases) expandCall(call *syntax.CallExpr) {
	seen := map[string]bool{}
	for i := 0; i < len(call.Args); {
		name := call.Args[i].Lit()
		words, more, ok := a.words(name)
		if !ok || seen[name] {
			return
		}
		seen[name] = true
		call.Args = slices.Concat(call.Args[:i], words, call.Args[i+1:])
		if more {
			i += len(words)
		}
	}
}
