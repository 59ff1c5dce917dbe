package agents

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	busTopic    = "agents"        // notes carry the id of a changed agent
	rowFresh    = 2 * time.Second // how old a row may be that no note has made invalid
	updateTries = 5
)

// Options tunes a [Manager]. The zero value is ready to use.
type Options struct {
	Logger *slog.Logger // slog.Default() when nil
	Cipher *Cipher      // of secrets at rest; that of the default salt when nil
	Now    core.Clock   // of an agent's creation; time.Now when nil

	// KnownPlugin tells which plugin names mean something here: only their set decides whether a patched
	// agent is restarted. nil = all.
	KnownPlugin func(name string) bool

	// Started, Stopped and Deleting let neighbours do their part. Started runs before an agent becomes
	// active, Stopped after it has become inactive, Deleting before its own row goes; all may be repeated.
	Started  func(ctx context.Context, id core.UUID) error
	Stopped  func(ctx context.Context, id core.UUID) error
	Deleting func(ctx context.Context, id core.UUID) error
	// Swapped runs after a running agent took over a changed character without being rebuilt.
	Swapped func(rt core.Runtime)
}

// Manager is the default [Service].
type Manager struct {
	store Store
	build Factory
	bus   core.Bus
	opts  Options
	log   *slog.Logger

	starts  singleflight.Group
	unheard func()

	deletions sync.WaitGroup

	mu      sync.Mutex
	running map[core.UUID]*running
	rows    map[core.UUID]cachedRow
	closed  bool
}

// running is a built agent.
type running struct {
	rt      core.Runtime
	version int64
	plugins []string
}

type cachedRow struct {
	agent *Agent
	until time.Time
}

var _ Runner = (*Manager)(nil)

// New returns a Manager. bus may be nil: then no other process hears of changes.
func New(store Store, build Factory, bus core.Bus, opts Options) (*Manager, error) {
	if store == nil || build == nil {
		return nil, errors.New("agents: a store and a factory are needed")
	}
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	if opts.Cipher == nil {
		c, err := NewCipher(DefaultSalt, false)
		if err != nil {
			return nil, err
		}
		opts.Cipher = c
	}
	m := &Manager{
		store: store, build: build, bus: bus, opts: opts, log: opts.Logger.With("component", "agents"),
		running: map[core.UUID]*running{}, rows: map[core.UUID]cachedRow{}, unheard: func() {},
	}
	if bus != nil {
		m.unheard = bus.Subscribe(busTopic, m.heard)
	}
	return m, nil
}

// heard drops what another process changed.
func (m *Manager) heard(note []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if note == nil {
		clear(m.rows)
		return
	}
	delete(m.rows, core.UUID(note))
}

// changed makes a stored change known, here and elsewhere.
func (m *Manager) changed(ctx context.Context, id core.UUID) {
	m.mu.Lock()
	delete(m.rows, id)
	m.mu.Unlock()
	if m.bus == nil {
		return
	}
	core.AfterCommit(ctx, func() {
		if err := m.bus.Publish(context.WithoutCancel(ctx), busTopic, []byte(id)); err != nil {
			m.log.Warn("cannot tell of a changed agent", "agent_id", id, "err", err)
		}
	})
}

// row returns an agent, at most rowFresh old.
func (m *Manager) row(ctx context.Context, id core.UUID) (*Agent, error) {
	m.mu.Lock()
	c, ok := m.rows[id]
	m.mu.Unlock()
	if ok && time.Now().Before(c.until) {
		return c.agent, nil
	}
	a, err := m.store.Agent(ctx, id)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.rows) > 10_000 {
		clear(m.rows)
	}
	m.rows[id] = cachedRow{a, time.Now().Add(rowFresh)}
	return a, nil
}

// List implements [Service].
func (m *Manager) List(ctx context.Context, limit, offset int) ([]Summary, error) {
	return m.store.List(ctx, limit, offset)
}

// Get implements [Service].
func (m *Manager) Get(ctx context.Context, id core.UUID) (*Agent, error) {
	return m.store.Agent(ctx, id)
}

// Exists implements [Service].
func (m *Manager) Exists(ctx context.Context, id core.UUID) (bool, error) {
	_, err := m.row(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Active implements [Service].
func (m *Manager) Active(ctx context.Context, limit int) ([]core.UUID, error) {
	return m.store.Active(ctx, limit)
}

// CountActive implements [Service].
func (m *Manager) CountActive(ctx context.Context) (int, error) { return m.store.CountActive(ctx) }

// Create implements [Service].
func (m *Manager) Create(ctx context.Context, c *core.Character) (*Agent, bool, error) {
	c = m.opts.Cipher.seal(c)
	if c.ID == "" {
		c.ID = core.StringToUUID(c.Name)
	}
	now := m.opts.Now.Now()
	a := &Agent{Character: c, Version: 1, CreatedAt: now, UpdatedAt: now}
	err := m.store.Insert(ctx, a)
	for range updateTries {
		if err == nil || core.CodeOf(err) != core.CodeConflict {
			break
		}
		old, missing := m.store.Agent(ctx, c.ID)
		if !errors.Is(missing, ErrNotFound) {
			return old, true, missing
		}
		err = m.store.Insert(ctx, a) // the old one was deleted in the meantime
	}
	if err != nil {
		return nil, false, err
	}
	m.changed(ctx, c.ID)
	m.log.Info("agent created", "agent_id", c.ID, "agent_name", c.Name)
	return a, false, nil
}

// Patch implements [Service].
func (m *Manager) Patch(ctx context.Context, id core.UUID, patch json.RawMessage) (*Agent, error) {
	before, after, err := m.update(ctx, id, func(a *Agent) (bool, error) {
		c, changed, err := patched(a.Character, patch)
		if err == nil && changed {
			a.Character = m.opts.Cipher.seal(c)
		}
		return changed, err
	})
	if err != nil || before.Version == after.Version || !after.Active {
		return after, err
	}
	if _, err := m.Runtime(ctx, id); err != nil {
		if errors.Is(err, ErrNotRunning) { // stopped or deleted in the meantime: the change is stored all the same
			return after, nil
		}
		m.log.Error("patched agent did not start, taking the patch back", "agent_id", id, "agent_name", before.Character.Name, "err", err)
		_, _, back := m.update(ctx, id, func(a *Agent) (bool, error) {
			a.Character = before.Character
			return true, nil
		})
		return nil, &core.Error{Code: core.CodeUpdate, Message: "The agent did not start with these changes; they were taken back", Err: errors.Join(err, back)}
	}
	return after, nil
}

// update changes a stored agent by read, change and compare-and-set.
func (m *Manager) update(ctx context.Context, id core.UUID, change func(a *Agent) (bool, error)) (before, after *Agent, err error) {
	for range updateTries {
		before, err = m.store.Agent(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		next := *before
		changed, err := change(&next)
		if err != nil || !changed {
			return before, before, err
		}
		after, err = m.store.Update(ctx, &next)
		if core.CodeOf(err) == core.CodeConflict && err != nil {
			continue // somebody was quicker: change what they left
		}
		if err == nil {
			m.changed(ctx, id)
		}
		return before, after, err
	}
	return nil, nil, &core.Error{Code: core.CodeConflict, Message: "The agent is being changed by others, try again"}
}

func (m *Manager) setActive(ctx context.Context, id core.UUID, active bool) (changed bool, err error) {
	_, _, err = m.update(ctx, id, func(a *Agent) (bool, error) {
		changed = a.Active != active
		a.Active = active
		return changed, nil
	})
	return changed, err
}

// Delete implements [Service].
func (m *Manager) Delete(ctx context.Context, id core.UUID) error {
	m.mu.Lock()
	closed := m.closed
	if !closed {
		m.deletions.Add(1)
	}
	m.mu.Unlock()
	if closed {
		return errClosed
	}
	defer m.deletions.Done()
	a, err := m.store.Agent(ctx, id)
	if err != nil {
		return err
	}
	if err := m.Stop(ctx, id); err != nil && !errors.Is(err, ErrNotRunning) {
		return err
	}
	if m.opts.Deleting != nil {
		if err := m.guarded("delete", id, func() error { return m.opts.Deleting(ctx, id) }); err != nil {
			return &core.Error{Code: core.CodeDelete, Message: "The agent could not be deleted", Err: err}
		}
	}
	if err := m.store.Delete(ctx, id); err != nil {
		return err
	}
	m.changed(ctx, id)
	m.log.Info("agent deleted", "agent_id", id, "agent_name", a.Character.Name)
	return nil
}

// pluginSet is the sorted set of plugin names that mean something here.
func (m *Manager) pluginSet(c *core.Character) []string {
	var names []string
	for _, n := range c.Plugins {
		if m.opts.KnownPlugin == nil || m.opts.KnownPlugin(n) {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
