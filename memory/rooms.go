package memory

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// roomTypes are the types of channels, and so of rooms.
var roomTypes = []string{"SELF", "DM", "GROUP", "VOICE_DM", "VOICE_GROUP", "FEED", "THREAD", "WORLD", "FORUM", "API"}

// Ensure implements [Service].
func (m *Manager) Ensure(ctx context.Context, agent core.UUID, name string) error {
	_, err := m.store.Connect(ctx, Connection{
		World: core.World{ID: agent, AgentID: agent, Name: name},
		Room:  core.Room{ID: agent, AgentID: agent, Name: name, Source: "self", Type: "SELF", ChannelID: agent, WorldID: agent},
		Agent: core.Entity{ID: agent, AgentID: agent, Names: []string{name}},
	})
	return err
}

// Worlds implements [Service].
func (m *Manager) Worlds(ctx context.Context, agent core.UUID, limit, offset int) ([]core.World, error) {
	return m.store.Worlds(ctx, agent, limitOf(limit), max(0, offset))
}

// World implements [Service].
func (m *Manager) World(ctx context.Context, agent, id core.UUID) (*core.World, error) {
	return m.store.World(ctx, agent, id)
}

// CreateWorld implements [Service].
func (m *Manager) CreateWorld(ctx context.Context, w core.World) (*core.World, error) {
	if w.ID == "" {
		w.ID = core.NewUUID()
	}
	if w.CreatedAt == 0 {
		w.CreatedAt = core.ISO(m.opts.Now.Now())
	}
	if err := m.store.CreateWorld(ctx, w); err != nil {
		return nil, err
	}
	return &w, nil
}

// PatchWorld implements [Service].
func (m *Manager) PatchWorld(ctx context.Context, agent, id core.UUID, p WorldPatch) (*core.World, error) {
	return m.store.PatchWorld(ctx, agent, id, p)
}

// Rooms implements [Service].
func (m *Manager) Rooms(ctx context.Context, agent core.UUID, limit, offset int) ([]core.Room, error) {
	return m.store.Rooms(ctx, agent, limitOf(limit), max(0, offset))
}

// Room implements [Service].
func (m *Manager) Room(ctx context.Context, agent, id core.UUID) (*core.Room, error) {
	return m.store.Room(ctx, agent, id)
}

// ResolveRoom implements [Service].
func (m *Manager) ResolveRoom(ctx context.Context, agent, id core.UUID) (core.UUID, error) {
	_, err := m.store.Room(ctx, agent, id)
	if errors.Is(err, ErrRoomNotFound) {
		return core.ForAgent(agent, string(id)), nil
	}
	return id, err
}

// CreateRoom implements [Service].
func (m *Manager) CreateRoom(ctx context.Context, r core.Room) (*core.Room, error) {
	if !slices.Contains(roomTypes, r.Type) {
		return nil, core.BadRequest("Invalid field: type")
	}
	if r.ID == "" {
		r.ID = core.NewUUID()
	}
	if r.ChannelID == "" {
		r.ChannelID = r.ID
	}
	if r.WorldID == "" {
		r.WorldID = core.NewUUID()
	}
	r.State = StateFollowed
	return m.store.Connect(ctx, Connection{
		World: core.World{ID: r.WorldID, AgentID: r.AgentID, Name: "World for " + r.Name, ServerID: r.ServerID},
		Room:  r, Agent: core.Entity{ID: r.AgentID, AgentID: r.AgentID},
	})
}

// CreateGroup implements [Service].
func (m *Manager) CreateGroup(ctx context.Context, agent core.UUID, g Group) (*core.Room, error) {
	id := core.ForAgent(agent, string(g.ServerID))
	old, err := m.store.Room(ctx, agent, id)
	switch {
	case err == nil: // what is not given stays
		g.WorldID, g.Name = cmp.Or(g.WorldID, old.WorldID), cmp.Or(g.Name, old.Name)
	case !errors.Is(err, ErrRoomNotFound):
		return nil, err
	}
	g.WorldID = cmp.Or(g.WorldID, g.ServerID)
	g.Name = cmp.Or(g.Name, "Chat "+m.opts.Now.Time().Format(time.DateTime))
	return m.store.Connect(ctx, Connection{
		World: core.World{ID: g.WorldID, AgentID: agent, Name: g.Name, ServerID: string(g.ServerID)},
		Room: core.Room{
			ID: id, AgentID: agent, Name: g.Name, Source: cmp.Or(g.Source, "client"), Type: "API",
			ChannelID: g.ServerID, WorldID: g.WorldID, ServerID: string(g.ServerID), State: StateFollowed, Metadata: g.Metadata,
		},
		Agent: core.Entity{ID: agent, AgentID: agent},
	})
}

// DeleteGroup implements [Service].
func (m *Manager) DeleteGroup(ctx context.Context, id core.UUID) error {
	if err := m.store.ForgetGroup(ctx, id, true); err != nil {
		return err
	}
	m.changed(ctx, scope{})
	return nil
}

// ClearGroup implements [Service].
func (m *Manager) ClearGroup(ctx context.Context, id core.UUID) error {
	return m.store.ForgetGroup(ctx, id, false)
}
