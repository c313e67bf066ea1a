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
	// NameTaken: Host claims the name that By, an elder host, has, and is
	// listed by its alias. Where Host is Self and boots, it must not go on.
	NameTaken
	// NumberTaken: Host claims the number that By has and keeps. Where Host is
	// Self, it must leave and boot again with another number.
	NumberTaken
	// PrefixConflict: Host serves Prefix, which By, an elder host, serves too,
	// so that on all other hosts it is By's that counts.
	PrefixConflict
	// KeyTaken: Host has the key of By, an elder host that lives at another
	// address: one of their state directories is a copy. Where Host is Self, it
	// must leave, and needs a state directory of its own.
	KeyTaken
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
		return fmt.Sprintf("name %s is taken by %v", e.Host.Name, e.By.Addr) + e.wanted(", and listed as "+e.Host.Alias())
	case NumberTaken:
		return fmt.Sprintf("host number %#04x of %s is taken by %s at %v", e.Host.Number, e.Host.Name, e.By.Name, e.By.Addr) + e.wanted("")
	case KeyTaken:
		return e.copied()
	}
	return fmt.Sprintf("prefix %s is served by %s, which counts, and by %s", e.Prefix, e.By.Name, e.Host.Name)
}

// wanted says where the host is that claims what is taken, and more, unless it
// is this one.
func (e Event) wanted(more string) string {
	if e.Host.State == Self {
		return ""
	}
	return fmt.Sprintf(", and wanted by %v", e.Host.Addr) + more
}

// copied says which two hosts have one key, and what to do.
func (e Event) copied() string {
	if e.Host.State == Self {
		return fmt.Sprintf("the host key is that of %s at %v: this state directory is a copy; remove it here, and join the domain again",
			e.By.Name, e.By.Addr)
	}
	return fmt.Sprintf("%s at %v has the host key of %s at %v: a copied state directory; stop the copy, remove its state directory, and join the domain again",
		e.Host.Name, e.Host.Addr, e.By.Name, e.By.Addr)
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
