package client

import (
	"context"

	"github.com/eliza-go/eliza/runtime/core"
)

// Servers are the calls on message servers: groups of channels and the agents that take part in them.
type Servers struct{ c *Client }

// MessageServer is a group of channels.
type MessageServer struct {
	ID         core.UUID      `json:"id"`
	Name       string         `json:"name"`
	SourceType string         `json:"sourceType"`
	SourceID   string         `json:"sourceId"`
	Metadata   map[string]any `json:"metadata"`
	CreatedAt  core.ISO       `json:"createdAt"`
	UpdatedAt  core.ISO       `json:"updatedAt"`
}

// NewServer is a message server to be made. Name and SourceType, the platform it is for, are required.
type NewServer struct {
	Name       string         `json:"name"`
	SourceType string         `json:"sourceType"`
	SourceID   string         `json:"sourceId,omitempty"`
	Metadata   map[string]any `json:"metadata,omitempty"`
}

// List returns message servers in the order they were made, limit of them at most, or as many as the server gives.
func (s *Servers) List(ctx context.Context, limit int) ([]MessageServer, error) {
	v, err := data[struct {
		Servers []MessageServer `json:"messageServers"`
	}](ctx, s.c, get("api", "messaging", "message-servers").with(Page{Limit: limit}.query()))
	if err != nil {
		return nil, err
	}
	return v.Servers, nil
}

// Create makes a message server.
func (s *Servers) Create(ctx context.Context, n NewServer) (*MessageServer, error) {
	return data[MessageServer](ctx, s.c, post(n, "api", "messaging", "message-servers"))
}

// Delete removes a message server with its channels and their messages. The default one cannot be deleted.
func (s *Servers) Delete(ctx context.Context, server core.UUID) error {
	return s.c.none(ctx, remove("api", "messaging", "message-servers", string(server)))
}

// Current is the message server clients make their channels on.
func (s *Servers) Current(ctx context.Context) (core.UUID, error) {
	v, err := data[struct {
		ID core.UUID `json:"messageServerId"`
	}](ctx, s.c, get("api", "messaging", "message-server", "current"))
	if err != nil {
		return "", err
	}
	return v.ID, nil
}

// Agents lists the agents of a message server. An unknown one has none.
func (s *Servers) Agents(ctx context.Context, server core.UUID) ([]core.UUID, error) {
	v, err := data[struct {
		Agents []core.UUID `json:"agents"`
	}](ctx, s.c, get("api", "messaging", "message-servers", string(server), "agents"))
	if err != nil {
		return nil, err
	}
	return v.Agents, nil
}

type agentBody struct {
	Agent core.UUID `json:"agentId"`
}

// AddAgent has an agent react in the channels of a message server that it takes part in. Repeating it is harmless.
func (s *Servers) AddAgent(ctx context.Context, server, agent core.UUID) error {
	r := post(agentBody{agent}, "api", "messaging", "message-servers", string(server), "agents")
	r.repeatable = true
	return s.c.none(ctx, r)
}

// RemoveAgent is the end of that. An agent that does not belong to the message server counts as removed.
func (s *Servers) RemoveAgent(ctx context.Context, server, agent core.UUID) error {
	return s.c.none(ctx, remove("api", "messaging", "message-servers", string(server), "agents", string(agent)))
}

// OfAgent lists the message servers of an agent.
func (s *Servers) OfAgent(ctx context.Context, agent core.UUID) ([]core.UUID, error) {
	v, err := data[struct {
		Servers []core.UUID `json:"messageServers"`
	}](ctx, s.c, get("api", "messaging", "agents", string(agent), "message-servers"))
	if err != nil {
		return nil, err
	}
	return v.Servers, nil
}

// SyncedChannel is a channel of another platform.
type SyncedChannel struct {
	Name     string `json:"name"`
	Type     string `json:"type,omitempty"`
	SourceID string `json:"sourceId,omitempty"`
}

// Sync makes a channel for each entry whose SourceID is new on the message server, renames the others, and
// returns them all.
func (s *Servers) Sync(ctx context.Context, server core.UUID, channels []SyncedChannel) ([]Channel, error) {
	body := struct {
		Channels []SyncedChannel `json:"channels"`
	}{channels}
	v, err := data[channelList](ctx, s.c, post(body, "api", "messaging", "message-servers", string(server), "sync-channels"))
	if err != nil {
		return nil, err
	}
	return v.Channels, nil
}
