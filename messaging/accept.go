package messaging

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

const (
	maxContent  = 100_000
	maxMetadata = 64 << 10
	maxRaw      = 256 << 10
)

// Accept implements [Service].
func (m *Manager) Accept(ctx context.Context, n NewMessage) (*Accepted, error) {
	ctx, end := m.traceAccept(ctx, &n)
	a, err := m.hooked(ctx, n)
	end(a, err)
	return a, err
}

// hooked is accept between the hooks.
func (m *Manager) hooked(ctx context.Context, n NewMessage) (*Accepted, error) {
	if err := m.open(); err != nil {
		return nil, err
	}
	if err := m.beforeAccept(ctx, &n); err != nil {
		return nil, err
	}
	a, err := m.accept(ctx, n)
	if err == nil {
		m.afterAccept(ctx, a)
	}
	return a, err
}

func (m *Manager) accept(ctx context.Context, n NewMessage) (*Accepted, error) {
	if err := m.check(ctx, &n); err != nil {
		return nil, err
	}
	a, err := m.store.Accept(ctx, n, m.opts.MaxLane)
	if err != nil || a.Duplicate {
		return a, err
	}
	// The events are made now and handed on after the commit, which is now unless ctx carries a transaction.
	events := []Event{{Seq: a.Message.Seq, Kind: KindMessage, ChannelID: n.ChannelID, MessageID: a.Message.ID, Message: a.Message}}
	if a.Complete != nil {
		events = append(events, Event{Seq: a.Seq, Kind: KindComplete, ChannelID: n.ChannelID, MessageID: a.Message.ID, Result: a.Complete})
	}
	core.AfterCommit(ctx, func() {
		m.seqs.publish(n.ChannelID, events...)
		m.lanes.wake(a.Lanes...)
	})
	return a, nil
}

// check is the last look at a message before it is stored, whichever way it came.
func (m *Manager) check(ctx context.Context, n *NewMessage) error {
	if id := core.IdentityFrom(ctx); id.EntityID != "" && id.EntityID != n.AuthorID {
		return ErrForbidden
	}
	n.AgentRun = m.opts.AgentToAgent
	n.Content = strings.ReplaceAll(n.Content, "\x00", "")
	n.Raw, n.Metadata = m.published(n.Raw), m.published(n.Metadata)
	switch {
	case n.ChannelID == "" || n.AuthorID == "":
		return core.BadRequest("channel and author are required")
	case strings.TrimSpace(n.Content) == "" && len(attachmentsOf(n.Metadata, n.Raw)) == 0:
		return core.BadRequest("content must not be empty")
	case utf8.RuneCountInString(n.Content) > maxContent:
		return core.BadRequest("content is longer than 100000 characters")
	case len(n.SourceType) > 255 || len(n.SourceID) > 255 || len(n.ClientID) > 255:
		return core.BadRequest("source_type, source_id and messageId may have 255 characters")
	}
	if err := httpapi.Sized("metadata", n.Metadata, maxMetadata); err != nil {
		return err
	}
	return httpapi.Sized("raw_message", n.Raw, maxRaw)
}

// Say stores and broadcasts a message of an agent that nobody asked for, and returns its id. The agent is the author,
// whoever ctx says is asking.
func Say(ctx context.Context, svc Service, agent core.Runtime, channel core.UUID, c core.Content) (core.UUID, error) {
	n := replyMessage(agent.AgentID(), agent.Character().Name, c)
	n.ChannelID = channel
	a, err := svc.Accept(core.WithIdentity(ctx, core.Identity{}), n)
	if err != nil {
		return "", err
	}
	return a.Message.ID, nil
}

// Control implements [Service].
func (m *Manager) Control(_ context.Context, channel core.UUID, action, target string) error {
	if action != "enable_input" && action != "disable_input" {
		return core.BadRequest("action must be enable_input or disable_input")
	}
	m.seqs.live(Event{Kind: KindControl, ChannelID: channel, Control: &Control{Action: action, Target: target}})
	return nil
}

// Watch implements [Service].
func (m *Manager) Watch(ctx context.Context, channel core.UUID, after int64, fn func(Event)) (func(), error) {
	return m.seqs.watch(ctx, channel, after, fn)
}
