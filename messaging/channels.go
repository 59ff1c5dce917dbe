package messaging

import (
	"context"
	"errors"
	"slices"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

const (
	maxParticipants = 1000
	maxName         = 255
)

var channelTypes = []string{TypeSelf, TypeDM, TypeGroup, TypeVoiceDM, TypeVoiceGroup, TypeFeed, TypeThread, TypeWorld, TypeForum, TypeAPI}

// Channel implements [Service].
func (m *Manager) Channel(ctx context.Context, id core.UUID) (*Channel, error) {
	return m.store.Channel(ctx, id)
}

// Channels implements [Service].
func (m *Manager) Channels(ctx context.Context, server core.UUID, limit, offset int) ([]Channel, error) {
	return m.store.Channels(ctx, server, limit, offset)
}

// CreateChannel implements [Service].
func (m *Manager) CreateChannel(ctx context.Context, c NewChannel) (*Channel, error) {
	if c.Type == "" {
		c.Type = TypeGroup
	}
	switch {
	case !slices.Contains(channelTypes, c.Type):
		return nil, core.BadRequest("Invalid channel type: " + c.Type)
	case c.Name == "" || len([]rune(c.Name)) > maxName:
		return nil, core.BadRequest("name must have 1 to 255 characters")
	case len(c.Participants) > maxParticipants:
		return nil, core.BadRequest("at most 1000 participants in one request")
	}
	if err := httpapi.Sized("metadata", c.Metadata, maxMetadata); err != nil {
		return nil, err
	}
	if c.ID == "" {
		c.ID = core.NewUUID()
	}
	return m.store.CreateChannel(ctx, c)
}

// DM implements [Service].
func (m *Manager) DM(ctx context.Context, server, a, b core.UUID) (*Channel, error) {
	if a == b {
		return nil, core.BadRequest("A channel needs two different users")
	}
	switch _, err := m.store.Server(ctx, server); {
	case errors.Is(err, ErrServerNotFound):
		server = core.DefaultServerID
	case err != nil:
		return nil, err
	}
	lower, higher := min(a, b), max(a, b)
	name := "DM-" + string(lower) + "-" + string(higher)
	return m.CreateChannel(ctx, NewChannel{
		ServerID: server, Name: name, Type: TypeDM, DMKey: name, Participants: []core.UUID{a, b},
		Metadata: map[string]any{"user1": a, "user2": b},
	})
}

// PatchChannel implements [Service].
func (m *Manager) PatchChannel(ctx context.Context, id core.UUID, p ChannelPatch) (*Channel, error) {
	switch {
	case p.Name != nil && (*p.Name == "" || len([]rune(*p.Name)) > maxName):
		return nil, core.BadRequest("name must have 1 to 255 characters")
	case len(p.Participants) > maxParticipants:
		return nil, core.BadRequest("at most 1000 participants in one request")
	}
	if err := httpapi.Sized("metadata", p.Metadata, maxMetadata); err != nil {
		return nil, err
	}
	ch, err := m.store.PatchChannel(ctx, id, p)
	if err != nil {
		return nil, err
	}
	core.AfterCommit(ctx, func() { m.seqs.live(Event{Kind: KindUpdated, ChannelID: id, Channel: ch}) })
	return ch, nil
}

// Participants implements [Service].
func (m *Manager) Participants(ctx context.Context, channel core.UUID) ([]core.UUID, error) {
	return m.store.Participants(ctx, channel, false)
}

// ChannelAgents implements [Service].
func (m *Manager) ChannelAgents(ctx context.Context, channel core.UUID) ([]core.UUID, error) {
	return m.store.Participants(ctx, channel, true)
}

// AddAgent implements [Service].
func (m *Manager) AddAgent(ctx context.Context, channel, agent core.UUID) error {
	if err := m.knownAgent(ctx, agent); err != nil {
		return err
	}
	return m.store.AddParticipant(ctx, channel, agent)
}

// RemoveAgent implements [Service].
func (m *Manager) RemoveAgent(ctx context.Context, channel, agent core.UUID) error {
	return m.store.RemoveParticipant(ctx, channel, agent)
}

func (m *Manager) knownAgent(ctx context.Context, agent core.UUID) error {
	agents, err := m.running()
	if err != nil {
		return err
	}
	ok, err := agents.Exists(ctx, agent)
	if err == nil && !ok {
		err = ErrAgentNotFound
	}
	return err
}

// Joined implements [Service].
func (m *Manager) Joined(ctx context.Context, j Join) {
	if j.EntityID == "" {
		return
	}
	who := core.IdentityFrom(ctx)
	select {
	case m.joins <- func(ctx context.Context) { m.join(core.WithIdentity(ctx, who), j) }:
	default:
		m.log.Warn("too many joins at once, agents are not told of this one", "channel_id", j.ChannelID)
	}
}

func (m *Manager) join(ctx context.Context, j Join) {
	agents, err := m.running()
	if err != nil {
		return
	}
	ids := []core.UUID{j.AgentID}
	if j.AgentID == "" {
		if ids, err = m.store.Participants(ctx, j.ChannelID, true); err != nil {
			m.log.Warn("cannot list agents of a channel", "channel_id", j.ChannelID, "err", err)
			return
		}
	}
	for _, id := range ids {
		rt, err := agents.Runtime(ctx, id)
		if err != nil {
			continue // not active: nobody to tell
		}
		if err := rt.Emit(ctx, core.Event{Name: core.EventEntityJoined, Source: "socketio", Data: joinData(j)}); err != nil {
			m.log.Warn("agent did not take a join", "agent_id", id, "err", err)
		}
	}
}

func joinData(j Join) map[string]any {
	dm := isDMMetadata(j.Metadata)
	kind := TypeGroup
	if dm {
		kind = TypeDM
	}
	meta := map[string]any{"originalId": j.EntityID, "username": j.Username, "displayName": j.DisplayName, "type": kind, "isDm": dm}
	for k, v := range j.Metadata {
		meta[k] = v
	}
	return map[string]any{"entityId": j.EntityID, "worldId": j.ServerID, "roomId": j.ChannelID, "metadata": meta}
}

func isDMMetadata(meta map[string]any) bool {
	dm, _ := meta["isDm"].(bool)
	t, _ := meta["channelType"].(string)
	return dm || t == TypeDM
}

// Servers implements [Service].
func (m *Manager) Servers(ctx context.Context, limit int) ([]Server, error) {
	return m.store.Servers(ctx, limit)
}

// CreateServer implements [Service].
func (m *Manager) CreateServer(ctx context.Context, s Server) (*Server, error) {
	if err := httpapi.Sized("metadata", s.Metadata, maxMetadata); err != nil {
		return nil, err
	}
	now := core.ISO(m.now())
	s.ID, s.CreatedAt, s.UpdatedAt = core.NewUUID(), now, now
	if err := m.store.CreateServer(ctx, s); err != nil {
		return nil, err
	}
	return &s, nil
}

// DeleteServer implements [Service].
func (m *Manager) DeleteServer(ctx context.Context, id core.UUID) error {
	if id == core.DefaultServerID {
		return ErrConflict.With("The default message server cannot be deleted")
	}
	if _, err := m.store.Server(ctx, id); err != nil {
		return err
	}
	for {
		channels, err := m.store.Channels(ctx, id, 100, 0)
		if err != nil {
			return err
		}
		if len(channels) == 0 {
			return m.store.DeleteServer(ctx, id)
		}
		for _, ch := range channels {
			if err := m.DeleteChannel(ctx, ch.ID); err != nil && !errors.Is(err, ErrChannelNotFound) {
				return err
			}
		}
	}
}

// SyncChannels implements [Service].
func (m *Manager) SyncChannels(ctx context.Context, server core.UUID, channels []NewChannel) ([]Channel, error) {
	if _, err := m.store.Server(ctx, server); err != nil {
		return nil, err
	}
	for i, c := range channels {
		if c.Type == "" {
			channels[i].Type = TypeGroup
		} else if !slices.Contains(channelTypes, c.Type) {
			return nil, core.BadRequest("Invalid channel type: " + c.Type)
		}
	}
	return m.store.SyncChannels(ctx, server, channels)
}

// ServerAgents implements [Service].
func (m *Manager) ServerAgents(ctx context.Context, server core.UUID) ([]core.UUID, error) {
	return m.store.ServerAgents(ctx, server)
}

// AgentServers implements [Service].
func (m *Manager) AgentServers(ctx context.Context, agent core.UUID) ([]core.UUID, error) {
	return m.store.AgentServers(ctx, agent)
}

// AddServerAgent implements [Service].
func (m *Manager) AddServerAgent(ctx context.Context, server, agent core.UUID) error {
	if _, err := m.store.Server(ctx, server); err != nil {
		return err
	}
	if err := m.knownAgent(ctx, agent); err != nil {
		return err
	}
	return m.store.AddServerAgent(ctx, server, agent)
}

// RemoveServerAgent implements [Service].
func (m *Manager) RemoveServerAgent(ctx context.Context, server, agent core.UUID) error {
	return m.store.RemoveServerAgent(ctx, server, agent)
}
