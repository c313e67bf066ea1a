package naming

import (
	"context"
	"io/fs"
	"maps"
	"slices"

	"vsys/ipc"
)

// Beneath returns what prefixes and aliases put into the context name, beside
// what a server may have there: one descriptor for each next component, by
// ascending name. A component that leads to several servers, or only on to
// longer prefixes, is a TagContext, else it is a TagPrefix with the values of
// Prefix.Descriptor; one whose only hosts are lost has the value "state" "lost".
// An alias is a TagLink with the value "target". It blocks. Codes of Do.
func (c *Client) Beneath(ctx context.Context, name string) ([]Descriptor, error) {
	clean, err := c.binds.expand(name)
	if err != nil {
		return nil, &ipc.OpError{Op: "naming.Beneath", Name: name, Err: err}
	}
	prefixes, err := c.Prefixes(ctx, clean)
	if err != nil {
		return nil, err
	}
	found := make(map[string]Descriptor)
	for i := range prefixes {
		p := &prefixes[i]
		next := Beneath(clean, p.Name)
		if next == "" {
			continue
		}
		d, known := found[next]
		found[next] = merge(d, known, child(clean, next, p))
	}
	for _, b := range c.Bindings() {
		if next := Beneath(clean, b.Prefix); next != "" {
			found[next] = alias(clean, next, b)
		}
	}
	list := make([]Descriptor, 0, len(found))
	for _, k := range slices.Sorted(maps.Keys(found)) {
		list = append(list, found[k])
	}
	return list, nil
}

// child describes the component next of the context name, which leads to p.
func child(name, next string, p *Prefix) Descriptor {
	d := p.Descriptor()
	if !Covers(p.Name, slash(name)+next) {
		state := d.Value("state")
		d = virtualDescriptor(next)
		d.Values = map[string]string{"state": state}
	}
	d.Name = next
	return d
}

// slash returns name with a slash at its end.
func slash(name string) string {
	if name == "/" {
		return name
	}
	return name + "/"
}

// merge joins what two prefixes say of one component. A prefix that is the
// component itself tells more than a longer one, and a live one than a lost one.
func merge(d Descriptor, known bool, e Descriptor) Descriptor {
	lost := func(d *Descriptor) bool { return d.Value("state") == string(HostLost) }
	switch {
	case !known:
		return e
	case lost(&d) != lost(&e):
		if lost(&d) {
			return e
		}
		return d
	case d.Tag != TagPrefix && e.Tag == TagPrefix:
		return e
	}
	return d
}

// alias describes the component next of the context name, which a binding has.
func alias(name, next string, b Binding) Descriptor {
	d := virtualDescriptor(next)
	if b.Prefix == slash(name)+next {
		d.Tag, d.Values = TagLink, map[string]string{"target": b.Target}
	}
	return d
}

// virtualDescriptor describes a context that only holds prefixes.
func virtualDescriptor(name string) Descriptor {
	return Descriptor{Tag: TagContext, Name: name, Mode: fs.ModeDir | 0o555}
}

// beneath tells whether there are aliases beneath name, which is clean.
func (b *bindings) beneath(name string) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return slices.ContainsFunc(b.list, func(x Binding) bool { return Beneath(name, x.Prefix) != "" })
}
