package pieces

import (
	"context"
	"sync/atomic"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

// Switchboard is a messaging service that counts what is accepted, and is otherwise the default one. By embedding
// the Manager, and not only the interface, it is run by the server.
type Switchboard struct {
	*messaging.Manager
	Accepted atomic.Int64
}

// Accept implements [messaging.Service].
func (s *Switchboard) Accept(ctx context.Context, m messaging.NewMessage) (*messaging.Accepted, error) {
	s.Accepted.Add(1)
	return s.Manager.Accept(ctx, m)
}

// Mind is a memory service that counts what agents remember, and is otherwise the default one.
type Mind struct {
	*memory.Manager
	Recorded atomic.Int64
}

// For implements [memory.Service].
func (m *Mind) For(agent core.UUID) core.Memories { return counted{m.Manager.For(agent), &m.Recorded} }

type counted struct {
	core.Memories
	n *atomic.Int64
}

// Record implements [core.Memories].
func (c counted) Record(ctx context.Context, memories []core.Memory, logs []core.Log) error {
	c.n.Add(int64(len(memories)))
	return c.Memories.Record(ctx, memories, logs)
}

// Store counts the agents that are written, and is otherwise another store.
type Store struct {
	storage.Store
	Written atomic.Int64
}

// Agents implements [storage.Store].
func (s *Store) Agents() agents.Store { return written{s.Store.Agents(), &s.Written} }

type written struct {
	agents.Store
	n *atomic.Int64
}

// Insert implements [agents.Store].
func (w written) Insert(ctx context.Context, a *agents.Agent) error {
	w.n.Add(1)
	return w.Store.Insert(ctx, a)
}
