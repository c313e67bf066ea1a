package naming

import "time"

// Age makes all that the client's cache holds older by d.
func (c *Client) Age(d time.Duration) {
	c.cache.mu.Lock()
	defer c.cache.mu.Unlock()
	for prefix, e := range c.cache.entries {
		e.used = e.used.Add(-d)
		c.cache.entries[prefix] = e
	}
}
