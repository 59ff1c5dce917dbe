package storage

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	recentWindow   = 65       // newest messages of a room that are kept: a page of 64 and whether there is more
	maxRecentBytes = 16 << 20 // of messages with all they hold, in all rooms
	recentBytes    = 1 << 10  // about what a message takes besides its texts
	wordBytes      = 64       // about what a value among others takes
)

// recents keeps the newest messages of rooms: an agent reads them for every turn. It is exact: what is
// inserted is added once it has committed, what is changed or removed makes its room be read again, and what
// was read before such a change is not kept. The room used longest ago makes place for others.
type recents struct {
	mu    sync.Mutex
	rooms map[roomKey]*recent
	bytes int
	clock uint64 // of uses
}

// roomKey names an agent's room.
type roomKey struct{ agent, room core.UUID }

// recent is the newest messages of a room, newest first. Their parts are never changed.
type recent struct {
	known    bool // as opposed to being read now
	messages []core.Memory
	bytes    int
	used     uint64
	age      uint64 // raised by each change
}

// recentKey tells whether a query is for the newest messages of a room, as they are kept.
func recentKey(agent core.UUID, q core.MemoryQuery) (roomKey, bool) {
	plain := q.Table == core.TableMessages && q.RoomID != "" && q.WorldID == "" && q.EntityID == "" && q.Before == 0 && q.After == 0 &&
		q.Text == "" && q.Offset == 0 && q.Limit > 0 && q.Limit < recentWindow && !q.IncludeEmbedding
	return roomKey{agent, q.RoomID}, plain
}

// page returns the newest n messages and whether there are more, if they are known, and else a ticket for put.
func (c *recents) page(k roomKey, n int) (page []core.Memory, more, ok bool, t ticket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.rooms[k]
	if r == nil {
		if c.rooms == nil {
			c.rooms = map[roomKey]*recent{}
		}
		r = &recent{}
		c.rooms[k] = r
	}
	c.clock++
	r.used = c.clock
	if !r.known {
		return nil, false, false, ticket{r, r.age}
	}
	more = len(r.messages) > n
	return copies(r.messages[:min(n, len(r.messages))]), more, true, ticket{}
}

// ticket is for a room that is being read.
type ticket struct {
	room *recent
	age  uint64
}

// put keeps what was read of a room, newest first, unless it changed meanwhile.
func (c *recents) put(k roomKey, t ticket, read []core.Memory) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := t.room
	if c.rooms[k] != r || r.age != t.age || r.known {
		return
	}
	r.known, r.messages = true, copies(read)
	n := recentBytes
	for i := range read {
		n += weight(&read[i])
	}
	c.weigh(k, r, n)
}

// weigh notes what a room takes now and makes place for it. One that leaves none to others is not kept.
func (c *recents) weigh(k roomKey, r *recent, n int) {
	c.bytes += n - r.bytes
	r.bytes = n
	if n > maxRecentBytes {
		c.drop(k)
	}
	for c.bytes > maxRecentBytes && len(c.rooms) > 1 {
		oldest, found := k, false
		for other, x := range c.rooms {
			if other != k && (!found || x.used < c.rooms[oldest].used) {
				oldest, found = other, true
			}
		}
		c.drop(oldest)
	}
}

// weight is about what a message takes.
func weight(m *core.Memory) int {
	n := recentBytes + len(m.Content.Text) + len(m.Content.Thought) + weightOf(m.Content.Extra) + weightOf(m.Metadata)
	for i := range m.Content.Attachments {
		a := &m.Content.Attachments[i]
		n += len(a.URL) + len(a.Title) + len(a.Description) + len(a.Text) + weightOf(a.Extra)
	}
	return n
}

func weightOf(v any) (n int) {
	switch v := v.(type) {
	case string:
		n = len(v)
	case []any:
		for _, x := range v {
			n += wordBytes + weightOf(x)
		}
	case map[string]any:
		for k, x := range v {
			n += wordBytes + len(k) + weightOf(x)
		}
	}
	return n
}

// add takes messages that were inserted.
func (c *recents) add(inserted []core.Memory) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range inserted {
		k := roomKey{m.AgentID, m.RoomID}
		r := c.rooms[k]
		if r == nil || m.Table != core.TableMessages {
			continue
		}
		r.age++
		if !r.known {
			continue
		}
		i, there := slices.BinarySearchFunc(r.messages, m, newestFirst)
		if there {
			continue // it was read already
		}
		n := r.bytes + weight(&m)
		r.messages = slices.Insert(r.messages, i, copyOf(m))
		if last := len(r.messages) - 1; last == recentWindow {
			n -= weight(&r.messages[last])
			r.messages = slices.Delete(r.messages, last, last+1)
		}
		c.weigh(k, r, n)
	}
}

func newestFirst(a, b core.Memory) int {
	return cmp.Or(cmp.Compare(b.CreatedAt, a.CreatedAt), cmp.Compare(b.ID, a.ID))
}

// forget makes the rooms of an agent be read again, only one if it is named.
func (c *recents) forget(agent, room core.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if room != "" {
		c.drop(roomKey{agent, room})
		return
	}
	for k := range c.rooms {
		if k.agent == agent {
			c.drop(k)
		}
	}
}

// clear makes all rooms be read again.
func (c *recents) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rooms, c.bytes = nil, 0
}

func (c *recents) drop(k roomKey) {
	if r := c.rooms[k]; r != nil {
		c.bytes -= r.bytes
		delete(c.rooms, k)
	}
}

// copies are memories of which a caller may change what it sees first.
func copies(list []core.Memory) []core.Memory {
	out := make([]core.Memory, len(list))
	for i := range list {
		out[i] = copyOf(list[i])
	}
	return out
}

func copyOf(m core.Memory) core.Memory {
	m.Metadata = maps.Clone(m.Metadata)
	m.Content.Extra = maps.Clone(m.Content.Extra)
	m.Content.Attachments = slices.Clone(m.Content.Attachments)
	m.Content.Actions = slices.Clone(m.Content.Actions)
	m.Content.Providers = slices.Clone(m.Content.Providers)
	return m
}
