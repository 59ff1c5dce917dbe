package client

import (
	"context"

	"github.com/eliza-go/eliza/runtime/core"
)

// Room is a channel as one agent knows it.
type Room struct {
	core.Room
	WorldName string `json:"worldName"` // only of [Memory.Room]
}

// NewRoom is a room to be made.
type NewRoom struct {
	Name     string         `json:"name"`
	Type     string         `json:"type,omitempty"`   // DM when empty
	Source   string         `json:"source,omitempty"` // client when empty
	WorldID  core.UUID      `json:"worldId,omitempty"`
	ServerID string         `json:"serverId,omitempty"` // free text
	Metadata map[string]any `json:"metadata,omitempty"`
}

// Rooms lists the rooms an agent takes part in, newest first.
func (m *Memory) Rooms(ctx context.Context, agent core.UUID, p Page) ([]core.Room, error) {
	v, err := data[struct {
		Rooms []core.Room `json:"rooms"`
	}](ctx, m.c, get("api", "memory", string(agent), "rooms").with(p.query()))
	if err != nil {
		return nil, err
	}
	return v.Rooms, nil
}

// Room returns a room of an agent's.
func (m *Memory) Room(ctx context.Context, agent, room core.UUID) (*Room, error) {
	return data[Room](ctx, m.c, get("api", "memory", string(agent), "rooms", string(room)))
}

// CreateRoom makes a room an agent follows, and its world when that is not there.
func (m *Memory) CreateRoom(ctx context.Context, agent core.UUID, r NewRoom) (*core.Room, error) {
	return data[core.Room](ctx, m.c, post(r, "api", "memory", string(agent), "rooms"))
}

// NewGroup is a room for each of several agents.
type NewGroup struct {
	AgentIDs []core.UUID    `json:"agentIds"`
	Name     string         `json:"name,omitempty"`
	Source   string         `json:"source,omitempty"`
	WorldID  core.UUID      `json:"worldId,omitempty"` // the server's id when empty
	Metadata map[string]any `json:"metadata,omitempty"`
}

// Group is what came of [Memory.CreateGroup].
type Group struct {
	Rooms  []GroupRoom    `json:"data"`
	Failed []GroupFailure `json:"errors"` // agents whose room could not be made
}

// GroupRoom is one agent's room in a group.
type GroupRoom struct {
	ID      core.UUID `json:"id"`
	Name    string    `json:"name"`
	Source  string    `json:"source"`
	WorldID core.UUID `json:"worldId"`
}

// GroupFailure is why an agent has no room in a group.
type GroupFailure struct {
	AgentID string    `json:"agentId"`
	Code    core.Code `json:"code"`
	Message string    `json:"message"`
}

// CreateGroup makes one room per agent in a shared world. Repeating it is harmless. When only some rooms could be
// made, there is no error and Failed tells of the others.
func (m *Memory) CreateGroup(ctx context.Context, server core.UUID, g NewGroup) (*Group, error) {
	r := post(g, "api", "memory", "groups", string(server))
	r.repeatable = true
	return whole[Group](ctx, m.c, r)
}

// DeleteGroup removes the rooms of a world or message server, of all agents, with what is in them.
func (m *Memory) DeleteGroup(ctx context.Context, server core.UUID) error {
	return m.c.none(ctx, remove("api", "memory", "groups", string(server)))
}

// ClearGroup deletes the messages agents remember from the rooms of a world or message server.
func (m *Memory) ClearGroup(ctx context.Context, server core.UUID) error {
	return m.c.none(ctx, remove("api", "memory", "groups", string(server), "memories"))
}
