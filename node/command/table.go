package command

// All returns the commands, by name. It is a function because help, which is one
// of them, reads it.
func All() []*Command {
	return []*Command{
		bind, cat, cmpCommand, cp, expel, groups, head, helpCommand(), hosts, invite, kill, ls, mkdir, mv, rm, rmdir, rotate, run,
		stat, stats, tail, teams, tee, touch, unbind, wc, where,
	}
}

// Find returns the command called name, nil if there is none.
func Find(name string) *Command {
	for _, c := range All() {
		if c.Name == name {
			return c
		}
	}
	return nil
}
