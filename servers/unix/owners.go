package unix

import (
	"os/user"
	"strconv"
	"sync"
	"time"
)

// owners caches the names of users and groups, which are in files that Go reads
// anew for each question.
type owners struct {
	mu     sync.Mutex
	users  map[uint32]string // guarded by mu
	groups map[uint32]string // guarded by mu
	since  time.Time         // guarded by mu; when both were empty
}

const (
	ownersTerm = time.Minute // how long a name is believed
	maxOwners  = 4096        // of users and groups each
)

// user returns the name of a user, the number if it has none.
func (o *owners) user(id uint32) string {
	return o.name(id, &o.users, func(id string) (string, error) {
		u, err := user.LookupId(id)
		if err != nil {
			return "", err
		}
		return u.Username, nil
	})
}

// group returns the name of a group, the number if it has none.
func (o *owners) group(id uint32) string {
	return o.name(id, &o.groups, func(id string) (string, error) {
		g, err := user.LookupGroupId(id)
		if err != nil {
			return "", err
		}
		return g.Name, nil
	})
}

// name returns the name of id, from names or else by lookup.
func (o *owners) name(id uint32, names *map[uint32]string, lookup func(string) (string, error)) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if now := time.Now(); now.Sub(o.since) > ownersTerm {
		o.users, o.groups, o.since = make(map[uint32]string), make(map[uint32]string), now
	}
	if name, known := (*names)[id]; known {
		return name
	}
	if len(*names) == maxOwners {
		clear(*names)
	}
	number := strconv.FormatUint(uint64(id), 10)
	name, err := lookup(number)
	if err != nil || name == "" {
		name = number
	}
	(*names)[id] = name
	return name
}
