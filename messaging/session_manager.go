package messaging

import (
	"context"
	"errors"
	"maps"
	"unicode/utf8"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

// CreateSession implements [Service].
func (m *Manager) CreateSession(ctx context.Context, n NewSession) (*Session, error) {
	if err := mayActFor(ctx, n.UserID); err != nil {
		return nil, err
	}
	if err := httpapi.Sized("metadata", n.Metadata, maxSessionMetadata); err != nil {
		return nil, err
	}
	rt, err := m.runningAgent(ctx, n.AgentID)
	if err != nil {
		return nil, instead(ErrSessionCreation, err)
	}
	now := core.ISO(m.now())
	s := Session{
		ID: core.NewUUID(), ChannelID: core.NewUUID(), AgentID: n.AgentID, UserID: n.UserID, CreatedAt: now, RenewedAt: now,
		LastActivity: now, Metadata: n.Metadata, Timeouts: m.opts.Sessions.timeouts(rt, n.Timeouts),
	}
	if s.Metadata == nil {
		s.Metadata = map[string]any{}
	}
	s.expire()
	meta := map[string]any{"sessionId": s.ID, "agentId": s.AgentID, "userId": s.UserID, "isDm": true, "channelType": TypeDM}
	for k, v := range s.Metadata {
		if _, ours := meta[k]; !ours {
			meta[k] = v
		}
	}
	err = m.store.CreateSession(ctx, s, NewChannel{
		ID: s.ChannelID, ServerID: core.DefaultServerID, Name: "session-" + string(s.ID), Type: TypeDM, SourceType: "session",
		Metadata: meta, Participants: []core.UUID{s.UserID, s.AgentID},
	})
	if err != nil {
		return nil, instead(ErrSessionCreation, err)
	}
	return &s, nil
}

// Session implements [Service].
func (m *Manager) Session(ctx context.Context, id core.UUID) (*Session, error) {
	s, err := m.store.Session(ctx, id)
	if err == nil && core.Millis(s.ExpiresAt) <= m.now() {
		err = ErrSessionExpired
	}
	return m.unexpired(ctx, id, s, err)
}

// unexpired passes on what was found, but removes a session that has expired.
func (m *Manager) unexpired(ctx context.Context, id core.UUID, s *Session, err error) (*Session, error) {
	if err == nil {
		return s, nil
	}
	if core.CodeOf(err) == core.CodeSessionExpired {
		if err := m.store.DeleteSession(ctx, id); err != nil && core.CodeOf(err) != core.CodeSessionNotFound {
			return nil, err
		}
	}
	return nil, err
}

// Sessions implements [Service].
func (m *Manager) Sessions(ctx context.Context, limit int) ([]Session, SessionStats, error) {
	return m.store.Sessions(ctx, m.now(), limit)
}

// SessionMessage implements [Service].
func (m *Manager) SessionMessage(ctx context.Context, id core.UUID, n NewMessage) (*SessionMessage, error) {
	if err := m.open(); err != nil {
		return nil, err
	}
	switch length := utf8.RuneCountInString(n.Content); {
	case length == 0:
		return nil, core.BadRequest("content must not be empty")
	case length > maxSessionContent:
		return nil, core.BadRequest("content is longer than 4000 characters")
	}
	s, err := m.Session(ctx, id)
	if err != nil {
		return nil, err
	}
	ch, err := m.store.Channel(ctx, s.ChannelID)
	if err != nil {
		return nil, err
	}
	meta := make(map[string]any, len(ch.Metadata)+len(n.Metadata)+1)
	maps.Copy(meta, ch.Metadata)
	maps.Copy(meta, n.Metadata)
	meta["sessionId"] = s.ID
	n.ChannelID, n.ServerID, n.AuthorID, n.Metadata = s.ChannelID, ch.ServerID, s.UserID, meta
	n.SourceType = sourceSession
	if err := m.check(ctx, &n); err != nil { // before it counts as activity
		return nil, err
	}
	out := &SessionMessage{Message: n}
	out.Session, err = m.changeSession(ctx, id, func(s *Session, now core.Millis) error {
		out.Renewed = s.touch(now)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// SessionMessages implements [Service].
func (m *Manager) SessionMessages(ctx context.Context, id core.UUID, p Page) (*MessagePage, error) {
	s, err := m.Session(ctx, id)
	if err != nil {
		return nil, err
	}
	p.ChannelID = s.ChannelID
	return m.Messages(ctx, p)
}

// RenewSession implements [Service].
func (m *Manager) RenewSession(ctx context.Context, id core.UUID) (*Session, error) {
	return m.changeSession(ctx, id, func(s *Session, now core.Millis) error {
		if !s.renew(now) {
			return ErrSessionRenewal
		}
		return nil
	})
}

// TouchSession implements [Service].
func (m *Manager) TouchSession(ctx context.Context, id core.UUID) (*Session, error) {
	return m.changeSession(ctx, id, func(s *Session, now core.Millis) error {
		s.touch(now)
		return nil
	})
}

// PatchSession implements [Service].
func (m *Manager) PatchSession(ctx context.Context, id core.UUID, p SessionTimeoutsPatch) (*Session, error) {
	if err := m.opts.Sessions.check(p); err != nil {
		return nil, err
	}
	return m.changeSession(ctx, id, func(s *Session, _ core.Millis) error {
		s.Timeouts = s.Timeouts.with(p)
		s.expire()
		return nil
	})
}

// changeSession lets fn change a session that has not expired.
func (m *Manager) changeSession(ctx context.Context, id core.UUID, fn func(*Session, core.Millis) error) (*Session, error) {
	s, err := m.store.ChangeSession(ctx, id, func(s *Session) error {
		now := m.now()
		if core.Millis(s.ExpiresAt) <= now {
			return ErrSessionExpired
		}
		return fn(s, now)
	})
	return m.unexpired(ctx, id, s, err)
}

// DeleteSession implements [Service].
func (m *Manager) DeleteSession(ctx context.Context, id core.UUID) error {
	return m.store.DeleteSession(ctx, id)
}

// mayActFor tells whether a request may act in the name of a user.
func mayActFor(ctx context.Context, user core.UUID) error {
	if id := core.IdentityFrom(ctx).EntityID; id != "" && id != user {
		return ErrForbidden
	}
	return nil
}

// runningAgent is an agent that must run; one that does not is ErrAgentNotFound.
func (m *Manager) runningAgent(ctx context.Context, id core.UUID) (core.Runtime, error) {
	agents, err := m.running()
	if err != nil {
		return nil, err
	}
	rt, err := agents.Runtime(ctx, id)
	if code := core.CodeOf(err); err != nil && (code == core.CodeNotFound || code == core.CodeAgentNotFound) {
		return nil, ErrAgentNotFound.With("Agent " + string(id) + " is not running").Wrap(err)
	}
	return rt, err
}

// instead gives an error nobody foresaw the code of what could not be done because of it.
func instead(of *core.Error, err error) error {
	if err == nil || core.CodeOf(err) != core.CodeInternal || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return of.Wrap(err)
}
