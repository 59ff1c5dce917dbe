package eliza

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/runtime/core"
)

const mirrorTries = 5 // to write a row that others write too

// mirrored is an agents service of the host's together with what a server must know of its agents: their rows,
// from which it is decided who answers a message, and the neighbours' part of a start, a stop and a deletion.
type mirrored struct {
	agents.Service
	s *Server

	mu     sync.Mutex
	tended map[core.UUID]core.Runtime // whose memories are looked after
}

func newMirrored(s *Server, svc agents.Service) *mirrored {
	return &mirrored{Service: svc, s: s, tended: map[core.UUID]core.Runtime{}}
}

// Create implements [agents.Service].
func (m *mirrored) Create(ctx context.Context, c *core.Character) (*agents.Agent, bool, error) {
	a, existed, err := m.Service.Create(ctx, c)
	if err == nil {
		err = m.keep(ctx, a, a.Active)
	}
	if err != nil {
		return nil, existed, err
	}
	if !existed {
		m.s.log.Info("agent created", "agent_id", a.Character.ID, "agent_name", a.Character.Name)
	}
	return a, existed, nil
}

// Patch implements [agents.Service].
func (m *mirrored) Patch(ctx context.Context, id core.UUID, patch json.RawMessage) (*agents.Agent, error) {
	a, err := m.Service.Patch(ctx, id, patch)
	if err != nil {
		return nil, err
	}
	return a, m.keep(ctx, a, a.Active)
}

// Start implements [agents.Service].
func (m *mirrored) Start(ctx context.Context, id core.UUID) error {
	if err := m.Service.Start(ctx, id); err != nil {
		return err
	}
	if err := m.runs(ctx, id); err != nil {
		return errors.Join(err, m.Service.Stop(context.WithoutCancel(ctx), id))
	}
	m.s.log.Info("agent started", "agent_id", id)
	return nil
}

// Stop implements [agents.Service].
func (m *mirrored) Stop(ctx context.Context, id core.UUID) error {
	if err := m.Service.Stop(ctx, id); err != nil {
		return err
	}
	return m.rests(context.WithoutCancel(ctx), id)
}

// Delete implements [agents.Service]: the neighbours' part first and the row last, so that a cut deletion is
// finished by repeating it.
func (m *mirrored) Delete(ctx context.Context, id core.UUID) error {
	_, err := m.Service.Get(ctx, id)
	if errors.Is(err, agents.ErrNotFound) {
		_, err = m.s.store.Agents().Agent(ctx, id) // of a deletion that was cut
	}
	if err != nil {
		return err
	}
	if err := m.rests(ctx, id); err != nil {
		return err
	}
	if err := m.s.deleting(ctx, id); err != nil {
		return &core.Error{Code: core.CodeDelete, Message: "The agent could not be deleted", Err: err}
	}
	err = m.Service.Delete(ctx, id)
	if err != nil && !errors.Is(err, agents.ErrNotFound) {
		return err
	}
	return errors.Join(err, m.s.store.Agents().Delete(ctx, id))
}

// Runtime implements [agents.Service].
func (m *mirrored) Runtime(ctx context.Context, id core.UUID) (core.Runtime, error) {
	rt, err := m.Service.Runtime(ctx, id)
	if err != nil {
		return nil, err
	}
	if m.isNew(id, rt) {
		m.s.mind.Tend(rt)
	}
	return rt, nil
}

// isNew notes a runtime and tells whether it is another one than before. One of a type that cannot be compared always
// is.
func (m *mirrored) isNew(id core.UUID, rt core.Runtime) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	same := reflect.TypeOf(rt).Comparable() && reflect.ValueOf(rt).Comparable() && m.tended[id] == rt
	m.tended[id] = rt
	return !same
}

// sync brings the rows in line with the agents the service has when a server starts.
func (m *mirrored) sync(ctx context.Context) error {
	active, err := m.Service.Active(ctx, mostAgents)
	if err != nil {
		return err
	}
	for _, id := range active {
		if err := m.resumes(ctx, id); err != nil {
			return fmt.Errorf("agent %s: %w", id, err)
		}
	}
	rows, err := m.s.store.Agents().Active(ctx, mostAgents)
	for _, id := range rows {
		if err == nil && !slices.Contains(active, id) {
			err = m.rests(ctx, id)
		}
	}
	return err
}

// resumes does what is left to do for an agent that is active: of one that was so before that is nothing but to note
// how it has changed.
func (m *mirrored) resumes(ctx context.Context, id core.UUID) error {
	row, err := m.s.store.Agents().Agent(ctx, id)
	if err != nil || !row.Active {
		return m.runs(ctx, id)
	}
	a, err := m.Service.Get(ctx, id)
	if err != nil {
		return err
	}
	return m.keep(ctx, a, true)
}

// runs does for an agent what has to be done before it becomes active, and makes its row so.
func (m *mirrored) runs(ctx context.Context, id core.UUID) error {
	a, err := m.Service.Get(ctx, id)
	if err != nil {
		return err
	}
	if err := m.know(ctx, a); err != nil {
		return err
	}
	if err := m.s.started(ctx, id); err != nil {
		return err
	}
	return m.keep(ctx, a, true)
}

// know makes sure that an agent has a row.
func (m *mirrored) know(ctx context.Context, a *agents.Agent) error {
	_, err := m.s.store.Agents().Agent(ctx, a.Character.ID)
	if errors.Is(err, agents.ErrNotFound) {
		return m.keep(ctx, a, false)
	}
	return err
}

// rests does for an agent that is not active any more what has to be done.
func (m *mirrored) rests(ctx context.Context, id core.UUID) error {
	m.mu.Lock()
	delete(m.tended, id)
	m.mu.Unlock()
	row, err := m.s.store.Agents().Agent(ctx, id)
	if errors.Is(err, agents.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = m.keep(ctx, row, false)
	}
	if err != nil {
		return err
	}
	return m.s.stopped(ctx, id)
}

// keep writes the row of an agent, unless it says the same.
func (m *mirrored) keep(ctx context.Context, a *agents.Agent, active bool) error {
	rows := m.s.store.Agents()
	var err error
	for range mirrorTries {
		row, missing := rows.Agent(ctx, a.Character.ID)
		switch {
		case errors.Is(missing, agents.ErrNotFound):
			first := *a
			first.Version, first.Active = max(first.Version, 1), active
			err = rows.Insert(ctx, &first)
		case missing != nil:
			return missing
		case row.Active == active && sameJSON(row.Character, a.Character):
			return nil
		default:
			next := *row
			next.Character, next.Active = a.Character, active
			_, err = rows.Update(ctx, &next)
		}
		if core.CodeOf(err) != core.CodeConflict {
			return err
		}
	}
	return err
}

func sameJSON(a, b any) bool {
	x, errX := core.EncodeJSON(a)
	y, errY := core.EncodeJSON(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
