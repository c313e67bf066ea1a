package faulty

import "time"

// Implementation constants.
const (
	defaultDelay = 2 * time.Millisecond
	heldMax      = 64 // datagrams held back at a time; further ones are not
	behindMax    = 4  // later datagrams that overtake one, at most
)

// Config says how bad the network is. The zero value is a good one. The
// fractions, 0 to 1, are of all datagrams sent.
type Config struct {
	Seed      uint64
	Loss      float64       // fraction lost
	Duplicate float64       // fraction sent twice
	Reorder   float64       // fraction overtaken by later ones
	Delay     time.Duration // how long a reordered one is held, at most; 0 means 2 ms
}

func (c Config) delay() time.Duration {
	if c.Delay <= 0 {
		return defaultDelay
	}
	return c.Delay
}

// good tells whether nothing is to be done.
func (c Config) good() bool { return c.Loss <= 0 && c.Duplicate <= 0 && c.Reorder <= 0 }
