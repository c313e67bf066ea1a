package pair

// Inbound returns all sessions by which frames may come: of each host the newest
// and those that end soon, and the half-open ones.
func (t *Table) Inbound() []*Session {
	all := make([]*Session, 0, len(t.sessions)+len(t.half))
	for _, s := range t.sessions {
		all = append(all, s)
	}
	for _, a := range t.half {
		if a.verdict == Welcome {
			all = append(all, a.session)
		}
	}
	return all
}
