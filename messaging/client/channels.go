package client

import (
	"cmp"
	"context"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// Channels are the calls on where people and agents talk.
type Channels struct{ c *Client }

// Types of channels clients make most.
const (
	TypeDM    = "DM"
	TypeGroup = "GROUP"
)

// Channel is where people and agents talk.
type Channel struct {
	ID         core.UUID      `json:"id"`
	ServerID   core.UUID      `json:"messageServerId"`
	Name       string         `json:"name"`
	Type       string         `json:"type"`
	SourceType string         `json:"sourceType"`
	SourceID   string         `json:"sourceId"`
	Topic      string         `json:"topic"`
	Metadata   map[string]any `json:"metadata"`
	CreatedAt  core.ISO       `json:"createdAt"`
	UpdatedAt  core.ISO       `json:"updatedAt"`
}

type channelList struct {
	Channels []Channel `json:"channels"`
}

// NewChannel is a channel to be made. Only Name is required.
type NewChannel struct {
	Name         string         `json:"name"`
	ServerID     core.UUID      `json:"messageServerId"`                     // the default message server when empty
	Type         string         `json:"type,omitempty"`                      // GROUP when empty
	Participants []core.UUID    `json:"participantCentralUserIds,omitempty"` // people and agents
	Topic        string         `json:"topic,omitempty"`
	SourceType   string         `json:"sourceType,omitempty"`
	SourceID     string         `json:"sourceId,omitempty"`
	Metadata     map[string]any `json:"metadata,omitempty"`
}

// ChannelPatch replaces, as a whole, what is not nil.
type ChannelPatch struct {
	Name         *string        `json:"name,omitempty"`
	Topic        *string        `json:"topic,omitempty"`
	Metadata     map[string]any `json:"metadata,omitempty"`
	Participants *[]core.UUID   `json:"participantCentralUserIds,omitempty"`
}

// List returns the channels of a message server, latest change first. An unknown one has none.
func (ch *Channels) List(ctx context.Context, server core.UUID, p Page) ([]Channel, error) {
	v, err := data[channelList](ctx, ch.c, get("api", "messaging", "message-servers", string(server), "channels").with(p.query()))
	if err != nil {
		return nil, err
	}
	return v.Channels, nil
}

// Create makes a channel. Agents among its participants react when they belong to its message server.
func (ch *Channels) Create(ctx context.Context, n NewChannel) (*Channel, error) {
	n.ServerID = cmp.Or(n.ServerID, core.DefaultServerID)
	return data[Channel](ctx, ch.c, post(n, "api", "messaging", "channels"))
}

// Direct finds or makes the one direct channel of the two on the default message server, whoever asks.
func (ch *Channels) Direct(ctx context.Context, user, other core.UUID) (*Channel, error) {
	q := params{}.id("currentUserId", user).id("targetUserId", other)
	return data[Channel](ctx, ch.c, get("api", "messaging", "dm-channel").with(q.values()))
}

// Get returns a channel.
func (ch *Channels) Get(ctx context.Context, channel core.UUID) (*Channel, error) {
	return data[Channel](ctx, ch.c, get("api", "messaging", "channels", string(channel), "details"))
}

// Update changes a channel and returns it as it is then. Clients in it get [ChannelUpdated].
func (ch *Channels) Update(ctx context.Context, channel core.UUID, p ChannelPatch) (*Channel, error) {
	return data[Channel](ctx, ch.c, patch(p, "api", "messaging", "channels", string(channel)))
}

// Delete removes a channel with all that is in it. Clients in it get [ChannelDeleted].
func (ch *Channels) Delete(ctx context.Context, channel core.UUID) error {
	return ch.c.none(ctx, remove("api", "messaging", "channels", string(channel)))
}

// Participants lists who takes part. An unknown channel has none.
func (ch *Channels) Participants(ctx context.Context, channel core.UUID) ([]core.UUID, error) {
	return list[core.UUID](ctx, ch.c, get("api", "messaging", "channels", string(channel), "participants"))
}

// Agents lists the agents among the participants.
func (ch *Channels) Agents(ctx context.Context, channel core.UUID) ([]core.UUID, error) {
	v, err := data[struct {
		Agents []core.UUID `json:"agents"`
	}](ctx, ch.c, get("api", "messaging", "channels", string(channel), "agents"))
	if err != nil {
		return nil, err
	}
	return v.Agents, nil
}

// AddAgent has an agent take part from the next message on. Repeating it is harmless.
func (ch *Channels) AddAgent(ctx context.Context, channel, agent core.UUID) error {
	r := post(agentBody{agent}, "api", "messaging", "channels", string(channel), "agents")
	r.repeatable = true
	return ch.c.none(ctx, r)
}

// RemoveAgent is the end of that. [core.CodeNotFound] when the agent does not take part.
func (ch *Channels) RemoveAgent(ctx context.Context, channel, agent core.UUID) error {
	return ch.c.none(ctx, remove("api", "messaging", "channels", string(channel), "agents", string(agent)))
}

// Title is a name for a conversation.
type Title struct {
	Title  string `json:"title"`  // empty when none was made
	Reason string `json:"reason"` // why there is none
}

// Title has an agent's model name a conversation by its limit latest messages (50 when 0), those before a moment
// unless it is zero.
func (ch *Channels) Title(ctx context.Context, channel, agent core.UUID, limit int, before time.Time) (*Title, error) {
	q := params{}.count("limit", limit).moment("before", before)
	return data[Title](ctx, ch.c, post(agentBody{agent}, "api", "messaging", "channels", string(channel), "generate-title").with(q.values()))
}
