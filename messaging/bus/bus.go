// Package bus is the [core.Bus] of one process: notes go from publisher to subscribers in memory. Buses
// between processes live in packages of their own below this one.
package bus

import (
	"context"
	"errors"
	"sync"

	"github.com/eliza-go/eliza/runtime/core"
)

// MaxNote is the largest note a bus carries, in bytes: what every implementation can.
const MaxNote = 7 << 10

// Memory is an in-process bus. The zero value is ready to use; safe for concurrent use.
type Memory struct {
	mu     sync.RWMutex
	topics map[string]map[*subscription]struct{}
}

type subscription struct{ fn func(note []byte) }

var _ core.Bus = (*Memory)(nil)

// Publish calls the subscribers of topic, one after the other, before it returns. One that panics keeps no other
// from the note; the error tells of it.
func (m *Memory) Publish(_ context.Context, topic string, note []byte) error {
	if len(note) > MaxNote {
		return errors.New("bus: a note is larger than 7 KiB")
	}
	m.mu.RLock()
	subs := make([]*subscription, 0, len(m.topics[topic]))
	for s := range m.topics[topic] {
		subs = append(subs, s)
	}
	m.mu.RUnlock()
	var errs []error
	for _, s := range subs {
		errs = append(errs, core.Guard(func() error { s.fn(note); return nil }))
	}
	return errors.Join(errs...)
}

// Subscribe calls fn for each note on topic until cancel, which may be called more than once. A call that
// has begun may still be running when cancel returns.
func (m *Memory) Subscribe(topic string, fn func(note []byte)) (cancel func()) {
	s := &subscription{fn}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.topics == nil {
		m.topics = map[string]map[*subscription]struct{}{}
	}
	if m.topics[topic] == nil {
		m.topics[topic] = map[*subscription]struct{}{}
	}
	m.topics[topic][s] = struct{}{}
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.topics[topic], s)
		if len(m.topics[topic]) == 0 {
			delete(m.topics, topic)
		}
	}
}
