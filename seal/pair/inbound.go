package pair

// Inbound returns all sessions by which frames may come: of each host the newest,
// and those that end soon. Half-open ones, of which there may be many, are not among
// them: ByID has them.
func (t *Table) Inbound() []*Session {
	all := make([]*Session, 0, len(t.sessions))
	for _, s := range t.sessions {
		all = append(all, s)
	}
	return all
}
