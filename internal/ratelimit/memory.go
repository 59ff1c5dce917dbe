package ratelimit

import (
	"container/heap"
	"context"
	"hash/maphash"
	"sync"
	"time"
)

// DefaultClients is how many windows a [Memory] keeps when no number is given.
const DefaultClients = 100_000

const shards = 16

// Store counts requests.
type Store interface {
	// Take counts one request of key and returns how many there were in its window, this one included, and
	// when the window ends. A window begins with the first request after the end of the one before. Above
	// limit the count need not be exact.
	Take(ctx context.Context, key string, limit int, window time.Duration) (count int, reset time.Time, err error)
}

// Memory is a [Store] in memory: bounded, and emptied as windows end. When it is full the window that ends
// first makes room. Safe for concurrent use.
type Memory struct {
	now    func() time.Time
	seed   maphash.Seed
	shards [shards]shard
}

var _ Store = (*Memory)(nil)

type shard struct {
	mu      sync.Mutex
	size    int
	windows map[string]*window
	ends    ends
}

type window struct {
	key   string
	count int
	reset time.Time
}

// NewMemory returns an empty store of at most so many windows, about [DefaultClients] when 0, on a clock,
// [time.Now] when nil.
func NewMemory(clients int, now func() time.Time) *Memory {
	if clients <= 0 {
		clients = DefaultClients
	}
	if now == nil {
		now = time.Now
	}
	m := &Memory{now: now, seed: maphash.MakeSeed()}
	for i := range m.shards {
		m.shards[i].size = max(1, clients/shards)
		m.shards[i].windows = map[string]*window{}
	}
	return m
}

// Take implements [Store]. It never fails.
func (m *Memory) Take(_ context.Context, key string, limit int, length time.Duration) (int, time.Time, error) {
	now := m.now()
	s := &m.shards[maphash.String(m.seed, key)%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.windows[key]
	if w == nil || !now.Before(w.reset) {
		s.makeRoom(now)
		w = &window{key: key, reset: now.Add(length)}
		s.windows[key] = w
		heap.Push(&s.ends, w)
	}
	if w.count <= limit {
		w.count++
	}
	return w.count, w.reset, nil
}

// makeRoom drops the windows that have ended, and one more if there is no place for another.
func (s *shard) makeRoom(now time.Time) {
	for len(s.ends) > 0 && (len(s.ends) >= s.size || !now.Before(s.ends[0].reset)) {
		delete(s.windows, heap.Pop(&s.ends).(*window).key)
	}
}

// Len is how many windows are kept.
func (m *Memory) Len() int {
	n := 0
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		n += len(s.windows)
		s.mu.Unlock()
	}
	return n
}

// ends is a heap of windows, the one that ends first on top.
type ends []*window

func (e ends) Len() int           { return len(e) }
func (e ends) Less(i, j int) bool { return e[i].reset.Before(e[j].reset) }
func (e ends) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *ends) Push(w any)        { *e = append(*e, w.(*window)) }

func (e *ends) Pop() any {
	last := len(*e) - 1
	w := (*e)[last]
	(*e)[last] = nil
	*e = (*e)[:last]
	return w
}
