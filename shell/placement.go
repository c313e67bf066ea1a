package shell

import (
	"regexp"
	"slices"

	"mvdan.cc/sh/v3/syntax"
)

// A placement word says where a command runs. It is the first or the last word
// of a simple command, unquoted: @, a letter, then letters, digits and hyphens;
// or @$var, @"$var", whose value is looked at when the command runs. It is found
// when the text is parsed, so data never becomes placement.

var placementWord = regexp.MustCompile(`^@[A-Za-z][A-Za-z0-9-]*$`)

// anyHost is the host name that stands for the least loaded host.
const anyHost = "any"

// placement returns w as a placement word that expands to exactly one field, nil
// if it is none.
func placement(w *syntax.Word) *syntax.Word {
	if placementWord.MatchString(w.Lit()) {
		return w
	}
	if len(w.Parts) != 2 {
		return nil
	}
	at, ok := w.Parts[0].(*syntax.Lit)
	if !ok || at.Value != "@" {
		return nil
	}
	part := w.Parts[1]
	if quoted, ok := part.(*syntax.DblQuoted); ok && len(quoted.Parts) == 1 {
		part = quoted.Parts[0]
	}
	if param, ok := part.(*syntax.ParamExp); !ok || !isPlain(param) {
		return nil
	}
	return &syntax.Word{Parts: []syntax.WordPart{at,
		&syntax.DblQuoted{Left: part.Pos(), Right: part.End(), Parts: []syntax.WordPart{part}}}}
}

// isPlain tells whether p is $name or ${name}, and not what $0 and $! became.
func isPlain(p *syntax.ParamExp) bool {
	return p.Param != nil && syntax.ValidName(p.Param.Value) && !slices.Contains(workedOut, p.Param.Value) &&
		!p.Excl && !p.Length && !p.Width && !p.IsSet && p.NestedParam == nil && p.Index == nil &&
		p.Slice == nil && p.Repl == nil && p.Names == 0 && p.Exp == nil
}

// cutPlacement takes the placement word off a command's words.
func cutPlacement(file string, words []*syntax.Word) (place *syntax.Word, rest []*syntax.Word, err error) {
	n := len(words)
	first, last := placement(words[0]), placement(words[n-1])
	switch {
	case first == nil && last == nil:
		return nil, words, nil
	case n == 1:
		return nil, nil, errorAt(file, words[0].Pos(), "a placement word needs a command to place")
	case first != nil && last != nil:
		return nil, nil, errorAt(file, last.Pos(), "two placement words; a command runs in one place")
	case first != nil:
		return first, words[1:], nil
	}
	return last, words[:n-1], nil
}

// wordAt makes a word of plain characters.
func wordAt(pos syntax.Pos, text string) *syntax.Word {
	return &syntax.Word{Parts: []syntax.WordPart{&syntax.Lit{ValuePos: pos, ValueEnd: pos, Value: text}}}
}
