package memory

import (
	"fmt"
	"testing"

	"github.com/eliza-go/eliza/runtime/core"
)

func TestCache(t *testing.T) {
	t.Parallel()
	key := func(i int) cacheKey {
		return cacheKey{agent: core.UUID(fmt.Sprint(i % 2)), channel: core.UUID(fmt.Sprint(i))}
	}

	t.Run("bounded, and what is used stays", func(t *testing.T) {
		t.Parallel()
		c := newCache(8)
		for i := range 100 {
			c.put(key(i), cached{}, 0)
			if _, ok, _ := c.get(key(0)); !ok {
				t.Fatalf("the first was lost after %d", i)
			}
		}
		if n := len(c.new) + len(c.old); n > 8 {
			t.Errorf("%d remembered, want at most 8", n)
		}
	})
	t.Run("drops by scope", func(t *testing.T) {
		t.Parallel()
		for name, c := range map[string]struct {
			scope scope
			left  int
		}{
			"agent": {scope{Agent: "0"}, 2}, "channel": {scope{Channel: "1"}, 3}, "room": {scope{Room: "r3"}, 3},
			"both": {scope{Agent: "0", Room: "r3"}, 4}, "all": {scope{}, 0},
		} {
			cache := newCache(8)
			for i := range 4 {
				cache.put(key(i), cached{room: core.Room{ID: core.UUID(fmt.Sprint("r", i))}}, 0)
			}
			if cache.drop(c.scope); len(cache.new)+len(cache.old) != c.left {
				t.Errorf("%s: %d left, want %d", name, len(cache.new)+len(cache.old), c.left)
			}
		}
	})
	t.Run("what was read before a drop is not remembered", func(t *testing.T) {
		t.Parallel()
		c := newCache(8)
		_, _, age := c.get(key(1))
		c.drop(scope{Agent: "x"})
		c.put(key(1), cached{}, age)
		if _, ok, _ := c.get(key(1)); ok {
			t.Error("remembered")
		}
	})
}
