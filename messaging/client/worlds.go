package client

import (
	"context"

	"github.com/eliza-go/eliza/runtime/core"
)

// NewWorld is a world to be made.
type NewWorld struct {
	Name     string         `json:"name"`
	ServerID string         `json:"serverId,omitempty"` // free text
	Metadata map[string]any `json:"metadata,omitempty"`
}

// WorldPatch renames a world, unless Name is empty, and merges metadata, one level deep.
type WorldPatch struct {
	Name     string         `json:"name,omitempty"`
	Metadata map[string]any `json:"metadata,omitempty"`
	Settings map[string]any `json:"settings,omitempty"` // kept as metadata.settings
}

type worldAnswer struct {
	World core.World `json:"world"`
}

// Worlds lists the worlds of an agent, or with an empty id of all, oldest first.
func (m *Memory) Worlds(ctx context.Context, agent core.UUID, p Page) ([]core.World, error) {
	v, err := data[struct {
		Worlds []core.World `json:"worlds"`
	}](ctx, m.c, get("api", "agents", "worlds").with(params(p.query()).id("agentId", agent).values()))
	if err != nil {
		return nil, err
	}
	return v.Worlds, nil
}

// CreateWorld makes a world of an agent's.
func (m *Memory) CreateWorld(ctx context.Context, agent core.UUID, w NewWorld) (*core.World, error) {
	return world(ctx, m.c, post(w, "api", "agents", string(agent), "worlds"))
}

// UpdateWorld changes a world and returns it as it is then.
func (m *Memory) UpdateWorld(ctx context.Context, agent, id core.UUID, p WorldPatch) (*core.World, error) {
	return world(ctx, m.c, patch(p, "api", "agents", string(agent), "worlds", string(id)))
}

func world(ctx context.Context, c *Client, r request) (*core.World, error) {
	v, err := data[worldAnswer](ctx, c, r)
	if err != nil {
		return nil, err
	}
	return &v.World, nil
}
