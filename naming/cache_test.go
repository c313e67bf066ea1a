package naming

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// TestCacheLongest holds the cache to a dumb one: a list of which all is tried.
func TestCacheLongest(t *testing.T) {
	name := rapid.StringMatching("(/[ab]{1,2}){1,4}|/")
	rapid.Check(t, func(t *rapid.T) {
		var c cache
		model := map[string]entry{}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				e := entry{prefix: name.Draw(t, "prefix"), context: rapid.Uint32().Draw(t, "context")}
				c.put(e)
				model[e.prefix] = e
			},
			"drop": func(t *rapid.T) {
				prefix := name.Draw(t, "prefix")
				c.drop(model[prefix])
				delete(model, prefix)
			},
			"drop what has changed": func(t *rapid.T) {
				e := model[name.Draw(t, "prefix")]
				e.server++
				c.drop(e)
			},
			"longest": func(t *rapid.T) {
				n := name.Draw(t, "name")
				var want entry
				for prefix, e := range model {
					if Covers(prefix, n) && len(prefix) > len(want.prefix) {
						want = e
					}
				}
				got, ok := c.longest(n)
				if ok != (want.prefix != "") || !got.same(want) {
					t.Fatalf("%q is covered by %+v, want %+v", n, got, want)
				}
			},
		})
	})
}

func TestCacheIsBounded(t *testing.T) {
	var c cache
	for i := range maxEntries + 100 {
		c.put(entry{prefix: fmt.Sprintf("/%d", i)})
	}
	if len(c.entries) != maxEntries {
		t.Errorf("%d entries, want %d", len(c.entries), maxEntries)
	}
	if _, ok := c.longest(fmt.Sprintf("/%d", maxEntries+99)); !ok {
		t.Error("the last one is not there")
	}
}
