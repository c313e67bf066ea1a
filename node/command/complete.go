package command

import (
	"context"
	"strings"

	"vsys/uio"
)

// Complete returns the names that word, which may be relative, can be made longer
// to, with a slash at the end of those that lead on. It returns nothing where a
// server does not answer before ctx ends.
func (e *Env) Complete(ctx context.Context, word string) []string {
	dir, base := "", word
	if i := strings.LastIndexByte(word, '/'); i >= 0 {
		dir, base = word[:i+1], word[i+1:]
	}
	in := dir
	if in == "" {
		in = "."
	}
	name, err := e.abs(in)
	if err != nil {
		return nil
	}
	list, err := uio.ReadDir(ctx, e.Names, name)
	if err != nil {
		return nil
	}
	var names []string
	for i := range list {
		d := &list[i]
		if !strings.HasPrefix(d.Name, base) || base == "" && strings.HasPrefix(d.Name, ".") {
			continue
		}
		found := dir + d.Name
		if d.IsContext() {
			found += "/"
		}
		names = append(names, found)
	}
	return names
}
