package memory

import (
	"sync"

	"github.com/eliza-go/eliza/runtime/core"
)

// cacheKey names a connection.
type cacheKey struct {
	agent, channel, author core.UUID
}

// cached is a connection that is in the store, and what it was made from.
type cached struct {
	made connecting
	room core.Room
}

// connecting is what of a turn ends up in the records: when it changes they are written again.
type connecting struct {
	server                                          core.UUID
	channelType, channelName, authorName, srv, from string
}

// scope selects cached connections; empty fields match any.
type scope struct {
	Agent   core.UUID `json:"a,omitempty"`
	Room    core.UUID `json:"r,omitempty"`
	Channel core.UUID `json:"c,omitempty"`
}

func (s scope) matches(k cacheKey, c cached) bool {
	return (s.Agent == "" || s.Agent == k.agent) && (s.Room == "" || s.Room == c.room.ID) && (s.Channel == "" || s.Channel == k.channel)
}

// cache remembers connections in two halves: when the newer one is full the older one is dropped, so what
// is used stays and the size is bounded.
type cache struct {
	half int

	mu       sync.Mutex
	age      uint64 // raised by every drop
	new, old map[cacheKey]cached
}

func newCache(size int) *cache {
	return &cache{half: max(1, size/2), new: map[cacheKey]cached{}}
}

// get also returns the age to hand to put: what was read before a drop must not be remembered after it.
func (c *cache) get(k cacheKey) (v cached, ok bool, age uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok = c.new[k]; ok {
		return v, true, c.age
	}
	if v, ok = c.old[k]; ok {
		c.add(k, v)
	}
	return v, ok, c.age
}

func (c *cache) put(k cacheKey, v cached, age uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if age == c.age {
		c.add(k, v)
	}
}

// add needs mu.
func (c *cache) add(k cacheKey, v cached) {
	if len(c.new) >= c.half {
		c.old, c.new = c.new, map[cacheKey]cached{}
	}
	c.new[k] = v
}

func (c *cache) drop(s scope) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.age++
	for _, half := range [...]map[cacheKey]cached{c.new, c.old} {
		for k, v := range half {
			if s.matches(k, v) {
				delete(half, k)
			}
		}
	}
}
