package sim

import "time"

// trouble makes something go wrong, and comes again until the world is healed.
func (l *load) trouble() {
	w := l.w
	if w.Now() >= l.heal {
		return
	}
	h := w.Hosts()[w.Rand.IntN(len(w.Hosts()))]
	o := w.Hosts()[w.Rand.IntN(len(w.Hosts()))]
	d := l.between(0, 3*time.Second)
	if l.chance(0.2) {
		d = l.between(0, 9*time.Second)
	}
	switch w.Rand.IntN(9) {
	case 0, 1:
		w.Cut(h, o, true)
		w.After(d, func() { w.Cut(h, o, false) })
	case 2, 3:
		w.Cut(h, o, true)
		w.Cut(o, h, true)
		w.After(d, func() { w.Cut(h, o, false); w.Cut(o, h, false) })
	case 4:
		l.crash(h, d)
	case 5:
		l.crashTeam(h, d)
	case 6:
		h.Pause()
		w.After(d, h.Resume)
	case 7:
		l.replaceServer()
	case 8:
		w.Network.Loss = 0.3 * w.Rand.Float64()
	}
	w.After(l.between(0, 2*time.Second), l.trouble)
}

// crash ends a host, and its clients with it, and boots it again later.
func (l *load) crash(h *Host, d time.Duration) {
	h.Crash()
	l.recount()
	l.w.After(d, func() { l.boot(h) })
}

func (l *load) boot(h *Host) {
	if !h.Up() {
		h.Boot()
		l.inhabit(teamsOf(h))
	}
}

func (l *load) crashTeam(h *Host, d time.Duration) {
	h.CrashTeam()
	l.recount()
	l.w.After(d, func() { l.startTeam(h) })
}

func (l *load) startTeam(h *Host) {
	if h.Up() && h.Team(1) == nil {
		h.StartTeam()
		l.inhabit([]*Team{h.Team(1)})
	}
}

// inhabit starts servers and a client in teams that have just begun.
func (l *load) inhabit(teams []*Team) {
	l.populate(teams)
	for _, t := range teams {
		l.newClient(t, 5)
	}
}

// recount leaves out the calls of clients that have died.
func (l *load) recount() {
	l.open, l.left = 0, 0
	for _, c := range l.all {
		if c.team.Alive() {
			l.left += c.left
			if c.call != nil {
				l.open++
			}
		}
	}
}

// replaceServer destroys a server process and starts another.
func (l *load) replaceServer() {
	s := l.servers[l.w.Rand.IntN(len(l.servers))]
	if !s.alive() || s.team.Host.paused {
		return
	}
	l.w.Note("%v is destroyed", s.proc.PID())
	s.destroy()
	l.newServer(s.team)
}

// healAll ends all trouble.
func (l *load) healAll() {
	w := l.w
	w.MendAll()
	w.Network.Loss = 0
	for _, h := range w.Hosts() {
		h.Resume()
		l.boot(h)
		l.startTeam(h)
	}
}
