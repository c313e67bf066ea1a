package hello

import "fmt"

// EventKind says what an event is about.
type EventKind uint8

const (
	// Joined: Host was not known before.
	Joined EventKind = iota
	// Changed: Host serves other prefixes than before.
	Changed
	// LostHost: Host said goodbye or was silent for too long.
	LostHost
	// Back: Host, which was lost or has booted again, is there.
	Back
	// NameTaken: Host claims the name that By, an elder host, has. Where Host
	// is Self, it must leave or take another name.
	NameTaken
	// NumberTaken: the same with the number.
	NumberTaken
	// PrefixConflict: Host serves Prefix, which By, an elder host, serves too,
	// so that on all other hosts it is By's that counts.
	PrefixConflict
)

// Event is something that the log should know. Kind says which fields count.
type Event struct {
	Kind   EventKind
	Host   Host
	By     Host
	Prefix string
}

// String says it in words.
func (e Event) String() string {
	switch e.Kind {
	case Joined:
		return fmt.Sprintf("host %s has joined from %v", e.Host.Name, e.Host.Addr)
	case Changed:
		return fmt.Sprintf("host %s serves %d prefixes now", e.Host.Name, len(e.Host.Prefixes))
	case LostHost:
		return fmt.Sprintf("host %s is lost", e.Host.Name)
	case Back:
		return fmt.Sprintf("host %s is back from %v", e.Host.Name, e.Host.Addr)
	case NameTaken:
		return fmt.Sprintf("name %s is taken by %v", e.Host.Name, e.By.Addr) + e.wanted()
	case NumberTaken:
		return fmt.Sprintf("host number %#04x of %s is taken by %s at %v", e.Host.Number, e.Host.Name, e.By.Name, e.By.Addr) + e.wanted()
	}
	return fmt.Sprintf("prefix %s is served by %s, which counts, and by %s", e.Prefix, e.By.Name, e.Host.Name)
}

// wanted says where the host is that claims what is taken, unless it is this
// one.
func (e Event) wanted() string {
	if e.Host.State == Self {
		return ""
	}
	return fmt.Sprintf(", and wanted by %v", e.Host.Addr)
}

// maxEvents bounds the events that wait for Events, and the conflicts that are
// remembered as reported.
const maxEvents = 256

// Events returns what has happened since the last call, oldest first. Of more
// than 256 the later ones are dropped.
func (t *Table) Events() []Event {
	ev := t.events
	t.events = nil
	return ev
}

func (t *Table) event(e Event) {
	if len(t.events) < maxEvents {
		t.events = append(t.events, e)
	}
}

// conflictKey tells conflicts apart, so that each is reported once.
type conflictKey struct {
	kind   EventKind
	number uint16
	epoch  uint64
	prefix string
}

// conflict reports, once for this boot of host, that by keeps what host claims.
func (t *Table) conflict(kind EventKind, host, by Host, prefix string) {
	k := conflictKey{kind, host.Number, host.Epoch, prefix}
	if t.reported[k] {
		return
	}
	if len(t.reported) >= maxEvents {
		clear(t.reported)
	}
	t.reported[k] = true
	t.event(Event{Kind: kind, Host: host, By: by, Prefix: prefix})
}

// claim reports that by keeps the name or the number that host claims too.
func (t *Table) claim(host, by Host) {
	if host.Name == by.Name {
		t.conflict(NameTaken, host, by, "")
		return
	}
	t.conflict(NumberTaken, host, by, "")
}
