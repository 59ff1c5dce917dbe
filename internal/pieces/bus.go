package pieces

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/eliza-go/eliza/runtime/core"
)

// Bus hands notes to whoever is subscribed, and counts them. The zero value is ready to use.
type Bus struct {
	Notes atomic.Int64

	mu   sync.Mutex
	next int
	subs map[string]map[int]func([]byte)
}

var _ core.Bus = (*Bus)(nil)

// Publish implements [core.Bus].
func (b *Bus) Publish(_ context.Context, topic string, note []byte) error {
	b.Notes.Add(1)
	b.mu.Lock()
	var all []func([]byte)
	for _, fn := range b.subs[topic] {
		all = append(all, fn)
	}
	b.mu.Unlock()
	for _, fn := range all {
		fn(note)
	}
	return nil
}

// Subscribe implements [core.Bus].
func (b *Bus) Subscribe(topic string, fn func([]byte)) func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.subs == nil {
		b.subs = map[string]map[int]func([]byte){}
	}
	if b.subs[topic] == nil {
		b.subs[topic] = map[int]func([]byte){}
	}
	id := b.next
	b.next++
	b.subs[topic][id] = fn
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.subs[topic], id)
	}
}
