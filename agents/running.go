package agents

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/eliza-go/eliza/runtime/core"
)

// Start implements [Service].
func (m *Manager) Start(ctx context.Context, id core.UUID) error {
	a, err := m.store.Agent(ctx, id)
	if err != nil {
		return err
	}
	if _, err := m.built(ctx, a); err != nil {
		return notStarted(err)
	}
	if m.opts.Started != nil {
		if err := m.guarded("start", id, func() error { return m.opts.Started(ctx, id) }); err != nil {
			m.discard(ctx, id)
			return notStarted(err)
		}
	}
	changed, err := m.setActive(ctx, id, true)
	if err != nil {
		m.discard(ctx, id)
		return err
	}
	if changed {
		m.log.Info("agent started", "agent_id", id, "agent_name", a.Character.Name)
	}
	return nil
}

// notStarted is why an agent could not be started; one that was deleted in the meantime is just not there.
func notStarted(err error) error {
	switch core.CodeOf(err) {
	case core.CodeNotFound, core.CodeUnavailable:
		return err
	case core.CodeAgentNotFound: // as neighbours call it
		return ErrNotFound
	}
	return &core.Error{Code: core.CodeStart, Message: "The agent could not be started", Err: err}
}

// Stop implements [Service].
func (m *Manager) Stop(ctx context.Context, id core.UUID) error {
	changed, err := m.setActive(ctx, id, false)
	if err != nil {
		return err
	}
	if !changed {
		return ErrNotRunning
	}
	ctx = context.WithoutCancel(ctx) // what has begun is finished, whoever leaves
	if m.opts.Stopped != nil {
		if err := m.guarded("stop", id, func() error { return m.opts.Stopped(ctx, id) }); err != nil {
			return fmt.Errorf("agents: stop %s: %w", id, err)
		}
	}
	name := m.discard(ctx, id)
	m.log.Info("agent stopped", "agent_id", id, "agent_name", name)
	return nil
}

// Runtime implements [Service]. The version of the row is compared each time, so that a change made by any
// process is seen before the next turn.
func (m *Manager) Runtime(ctx context.Context, id core.UUID) (core.Runtime, error) {
	a, err := m.row(ctx, id)
	if err != nil {
		return nil, err
	}
	if !a.Active {
		return nil, ErrNotRunning
	}
	return m.built(ctx, a)
}

// built returns the runtime of a row: the one there is when it is as new, else a renewed one.
func (m *Manager) built(ctx context.Context, a *Agent) (core.Runtime, error) {
	id := a.Character.ID
	m.mu.Lock()
	r, closed := m.running[id], m.closed
	m.mu.Unlock()
	if closed {
		return nil, errClosed
	}
	if r != nil && r.version >= a.Version {
		return r.rt, nil
	}
	// One build at a time and agent; it outlives the caller who happened to ask first.
	v, err, _ := m.starts.Do(string(id), func() (rt any, err error) {
		err = m.guarded("build", id, func() (err error) {
			rt, err = m.renew(context.WithoutCancel(ctx), a)
			return err
		})
		return rt, err
	})
	if err != nil {
		return nil, err
	}
	return v.(core.Runtime), nil
}

// renew swaps the character of a running agent, or builds one when there is none or its plugins changed.
func (m *Manager) renew(ctx context.Context, a *Agent) (core.Runtime, error) {
	id, plugins := a.Character.ID, m.pluginSet(a.Character)
	m.mu.Lock()
	old := m.running[id]
	m.mu.Unlock()
	if old != nil && old.version >= a.Version {
		return old.rt, nil
	}
	if m.swapped(old, plugins, a.Character) {
		m.mu.Lock()
		m.running[id] = &running{rt: old.rt, version: a.Version, plugins: plugins}
		m.mu.Unlock()
		if m.opts.Swapped != nil {
			m.opts.Swapped(old.rt)
		}
		return old.rt, nil
	}
	rt, err := m.build(ctx, a.Character)
	if err != nil {
		return nil, err
	}
	if rt == nil {
		return nil, fmt.Errorf("agents: the factory made nothing of %s", id)
	}
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil, errors.Join(errClosed, rt.Close(ctx))
	}
	m.running[id] = &running{rt: rt, version: a.Version, plugins: plugins}
	m.mu.Unlock()
	if old != nil {
		m.closeRuntime(ctx, id, old.rt)
	}
	return rt, nil
}

// swapped tells whether a running agent took its changed character. One that panics at it is built anew.
func (m *Manager) swapped(r *running, plugins []string, c *core.Character) bool {
	if r == nil || !slices.Equal(r.plugins, plugins) {
		return false
	}
	s, ok := r.rt.(core.Swapper)
	return ok && m.guarded("swap", c.ID, func() error { s.SwapCharacter(c); return nil }) == nil
}

// guarded calls foreign code and turns its panic into an error.
func (m *Manager) guarded(what string, id core.UUID, fn func() error) error {
	err := core.Guard(fn)
	if p, ok := errors.AsType[*core.PanicError](err); ok {
		m.log.Error("panic", "in", what, "agent_id", id, "panic", p.Error(), "stack", p.Stack)
		return fmt.Errorf("agents: %s of %s: %w", what, id, err)
	}
	return err
}

// discard closes an agent's runtime, if there is one, and returns its name.
func (m *Manager) discard(ctx context.Context, id core.UUID) string {
	m.mu.Lock()
	r := m.running[id]
	delete(m.running, id)
	m.mu.Unlock()
	if r == nil {
		return ""
	}
	m.closeRuntime(ctx, id, r.rt)
	return r.rt.Character().Name
}

func (m *Manager) closeRuntime(ctx context.Context, id core.UUID, rt core.Runtime) {
	if err := m.guarded("close", id, func() error { return rt.Close(context.WithoutCancel(ctx)) }); err != nil {
		m.log.Warn("agent did not close well", "agent_id", id, "err", err)
	}
}

// Close closes all runtimes and waits for deletions under way, bounded by ctx. The stored state stays: active
// agents run again later.
func (m *Manager) Close(ctx context.Context) error {
	m.mu.Lock()
	m.closed = true
	all := m.running
	m.running = map[core.UUID]*running{}
	m.mu.Unlock()
	m.unheard()
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	for id, r := range all {
		wg.Go(func() {
			if err := m.guarded("close", id, func() error { return r.rt.Close(ctx) }); err != nil {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	select {
	case <-m.deleted():
	case <-ctx.Done():
		errs = append(errs, errors.New("agents: a deletion was cut, repeat it"))
	}
	return errors.Join(errs...)
}

// deleted is closed when no deletion is under way.
func (m *Manager) deleted() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.deletions.Wait()
	}()
	return done
}
