package pieces

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/runtime/core"
)

// Roster keeps agents in memory: an agents.Store.
type Roster struct {
	mu     sync.Mutex
	agents map[core.UUID]*agents.Agent
	order  []core.UUID // of the active ones
}

// NewRoster returns an empty Roster.
func NewRoster() *Roster { return &Roster{agents: map[core.UUID]*agents.Agent{}} }

// Agent implements [agents.Store].
func (r *Roster) Agent(_ context.Context, id core.UUID) (*agents.Agent, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a, ok := r.agents[id]
	if !ok {
		return nil, agents.ErrNotFound
	}
	found := *a
	return &found, nil
}

// List implements [agents.Store].
func (r *Roster) List(_ context.Context, limit, offset int) ([]agents.Summary, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := []agents.Summary{}
	for id, a := range r.agents {
		c := a.Character
		list = append(list, agents.Summary{ID: id, Name: c.Name, CharacterName: c.Name, Bio: c.Bio.First(), Status: agents.StatusOf(a.Active)})
	}
	slices.SortFunc(list, func(a, b agents.Summary) int {
		return cmp.Or(cmp.Compare(a.Status, b.Status), cmp.Compare(a.Name, b.Name))
	})
	list = list[min(offset, len(list)):]
	return list[:min(limit, len(list))], nil
}

// Insert implements [agents.Store].
func (r *Roster) Insert(_ context.Context, a *agents.Agent) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.agents[a.Character.ID] != nil {
		return &core.Error{Code: core.CodeConflict, Message: "The id is taken"}
	}
	r.put(*a)
	return nil
}

// Update implements [agents.Store].
func (r *Roster) Update(_ context.Context, a *agents.Agent) (*agents.Agent, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.agents[a.Character.ID]
	if old == nil || old.Version != a.Version {
		return nil, &core.Error{Code: core.CodeConflict, Message: "The agent was changed by somebody else"}
	}
	next := *a
	next.Version, next.UpdatedAt = a.Version+1, max(core.Now(), a.UpdatedAt+1)
	r.put(next)
	return &next, nil
}

// put needs r.mu.
func (r *Roster) put(a agents.Agent) {
	id := a.Character.ID
	r.agents[id] = &a
	listed := slices.Contains(r.order, id)
	switch {
	case a.Active && !listed:
		r.order = append(r.order, id)
	case !a.Active && listed:
		r.order = slices.DeleteFunc(r.order, func(other core.UUID) bool { return other == id })
	}
}

// Delete implements [agents.Store].
func (r *Roster) Delete(_ context.Context, id core.UUID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.agents, id)
	r.order = slices.DeleteFunc(r.order, func(other core.UUID) bool { return other == id })
	return nil
}

// Active implements [agents.Store].
func (r *Roster) Active(_ context.Context, limit int) ([]core.UUID, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.order[:min(limit, len(r.order))]), nil
}

// CountActive implements [agents.Store].
func (r *Roster) CountActive(context.Context) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.order), nil
}
