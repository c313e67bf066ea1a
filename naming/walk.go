package naming

// Tree is what a server supplies to have its names interpreted by [Walk]. N is
// the server's own type for what a name stands for.
type Tree[N any] interface {
	// Context returns what a context id stands for. InvalidContext.
	Context(id uint32) (N, error)
	// Step returns what component stands for in n, or an *Elsewhere. NotFound,
	// NotAContext (n is none), NoPermission.
	Step(n N, component string) (N, error)
}

// Walk interprets all of the rest of r's name in t and returns what it stands
// for. Where that fails r.Index is at the component that it was, and where it is
// Elsewhere just after it.
func Walk[N any](t Tree[N], r *Request) (N, error) {
	n, err := t.Context(r.Context)
	for err == nil && r.Peek() != "" {
		n, err = step(t, r, n)
	}
	return n, err
}

// WalkParent interprets all but the last component of r's name, and returns
// that component with the context that it is to be interpreted in. The
// component is "" if the name ends where the context begins.
func WalkParent[N any](t Tree[N], r *Request) (N, string, error) {
	n, err := t.Context(r.Context)
	for err == nil {
		ahead := *r
		ahead.Advance()
		if ahead.Peek() == "" {
			return n, r.Peek(), nil
		}
		n, err = step(t, r, n)
	}
	return n, "", err
}

// step interprets one component.
func step[N any](t Tree[N], r *Request, n N) (N, error) {
	next, err := t.Step(n, r.Peek())
	if _, elsewhere := err.(*Elsewhere); err == nil || elsewhere {
		r.Advance()
	}
	return next, err
}
