package memory

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// busTopic carries scopes of connections that changed, as JSON.
const busTopic = "memory"

const (
	defaultConnections  = 8192
	defaultLogAge       = 30 * 24 * time.Hour
	defaultLogsPerAgent = 10_000
)

// States of an agent in a room.
const (
	StateFollowed = "FOLLOWED"
	StateMuted    = "MUTED"
)

// Manager is the default [Service].
type Manager struct {
	store   Store
	opts    Options
	log     *slog.Logger
	cache   *cache
	tending *tending
	unheard func()
}

var _ Runner = (*Manager)(nil)

// New returns a Manager over store. [Manager.Close] ends its subscription to the bus, if it has one.
func New(store Store, opts Options) *Manager {
	if store == nil {
		panic("memory: a store is needed")
	}
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	if opts.Connections <= 0 {
		opts.Connections = defaultConnections
	}
	if opts.LogAge == 0 {
		opts.LogAge = defaultLogAge
	}
	if opts.LogsPerAgent == 0 {
		opts.LogsPerAgent = defaultLogsPerAgent
	}
	m := &Manager{store: store, opts: opts, log: opts.Logger.With("component", "memory"), cache: newCache(opts.Connections), tending: newTending(), unheard: func() {}}
	if opts.Bus != nil {
		m.unheard = opts.Bus.Subscribe(busTopic, m.heard)
	}
	return m
}

// Close stops listening to other processes.
func (m *Manager) Close() { m.unheard() }

// heard drops what another process changed.
func (m *Manager) heard(note []byte) {
	var s scope
	if note != nil && json.Unmarshal(note, &s) != nil {
		return
	}
	m.cache.drop(s)
}

// changed makes a change of connections known, here and elsewhere, once it is stored.
func (m *Manager) changed(ctx context.Context, s scope) {
	core.AfterCommit(ctx, func() {
		m.cache.drop(s)
		if m.opts.Bus == nil {
			return
		}
		note, err := json.Marshal(s)
		if err == nil {
			err = m.opts.Bus.Publish(context.WithoutCancel(ctx), busTopic, note)
		}
		if err != nil {
			m.log.Warn("cannot tell of changed rooms", "err", err)
		}
	})
}

// For implements [Service].
func (m *Manager) For(agent core.UUID) core.Memories { return view{m, agent} }

// limitOf bounds a limit.
func limitOf(n int) int {
	if n <= 0 {
		return DefaultLimit
	}
	return min(n, MaxLimit)
}

// roomIDs are the ids a room may be meant by: its own, or that of its channel.
func roomIDs(agent, id core.UUID) []core.UUID {
	return []core.UUID{id, core.ForAgent(agent, string(id))}
}

// Memories implements [Service].
func (m *Manager) Memories(ctx context.Context, agent core.UUID, q core.MemoryQuery) ([]core.Memory, bool, error) {
	q.Limit = limitOf(q.Limit)
	q.Offset = max(0, q.Offset)
	return m.store.Memories(ctx, agent, q)
}

// PatchMemory implements [Service].
func (m *Manager) PatchMemory(ctx context.Context, agent, id core.UUID, p MemoryPatch) (*core.Memory, error) {
	if err := checkVector(p.Embedding); err != nil {
		return nil, err
	}
	mem, err := m.store.UpdateMemory(ctx, agent, id, p)
	if err == nil {
		m.added(ctx, agent)
	}
	return mem, err
}

// added lets an agent's new texts get their vectors.
func (m *Manager) added(ctx context.Context, agent core.UUID) {
	core.AfterCommit(ctx, func() { m.tending.changed(agent) })
}

// SetEmbedding implements [Service].
func (m *Manager) SetEmbedding(ctx context.Context, agent, id core.UUID, model string, vector []float32) error {
	if err := checkVector(vector); err != nil {
		return err
	}
	_, err := m.store.UpdateMemory(ctx, agent, id, MemoryPatch{Embedding: vector, Model: model})
	return err
}

// DeleteMemory implements [Service].
func (m *Manager) DeleteMemory(ctx context.Context, agent, id core.UUID) error {
	n, err := m.store.DeleteMemories(ctx, agent, []core.UUID{id})
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// DeleteMemories implements [Service].
func (m *Manager) DeleteMemories(ctx context.Context, agent core.UUID) (int64, error) {
	return m.store.DeleteAllMemories(ctx, agent)
}

// DeleteRoomMemories implements [Service].
func (m *Manager) DeleteRoomMemories(ctx context.Context, agent, room core.UUID) error {
	return m.store.DeleteRoomMemories(ctx, agent, room, []string{core.TableMessages, core.TableDocuments, "message", "document", "fragments"})
}

// Relate implements [Service].
func (m *Manager) Relate(ctx context.Context, r core.Relationship) error {
	if r.ID == "" {
		r.ID = core.NewUUID()
	}
	if r.CreatedAt == 0 {
		r.CreatedAt = core.ISO(m.opts.Now.Now())
	}
	return m.store.Relate(ctx, r)
}

// Logs implements [Service].
func (m *Manager) Logs(ctx context.Context, q LogQuery) ([]core.Log, error) {
	q.Limit = limitOf(q.Limit)
	q.Offset = max(0, q.Offset)
	return m.store.Logs(ctx, q)
}

// DeleteLog implements [Service].
func (m *Manager) DeleteLog(ctx context.Context, agent, id core.UUID) error {
	return m.store.DeleteLog(ctx, agent, id)
}

// Sweep implements [Service].
func (m *Manager) Sweep(ctx context.Context) error {
	var before core.Millis
	if m.opts.LogAge > 0 {
		before = core.MillisOf(m.opts.Now.Time().Add(-m.opts.LogAge))
	}
	return m.store.SweepLogs(ctx, before, max(0, m.opts.LogsPerAgent))
}

// ForgetMessage implements [Service].
func (m *Manager) ForgetMessage(ctx context.Context, message core.UUID) error {
	return m.store.ForgetMessage(ctx, message)
}

// ForgetChannel implements [Service].
func (m *Manager) ForgetChannel(ctx context.Context, channel core.UUID, dropRooms bool) error {
	if err := m.store.ForgetChannel(ctx, channel, dropRooms); err != nil {
		return err
	}
	if dropRooms {
		m.changed(ctx, scope{Channel: channel})
	}
	return nil
}

// ForgetAgent implements [Service].
func (m *Manager) ForgetAgent(ctx context.Context, agent core.UUID) error {
	m.Untend(agent)
	if err := m.store.ForgetAgent(ctx, agent); err != nil {
		return err
	}
	m.changed(ctx, scope{Agent: agent})
	return nil
}
