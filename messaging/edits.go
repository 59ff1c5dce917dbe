package messaging

import (
	"context"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

// Message implements [Service].
func (m *Manager) Message(ctx context.Context, id core.UUID) (*Message, error) {
	return m.store.Message(ctx, id)
}

// SearchMessages implements [Service].
func (m *Manager) SearchMessages(ctx context.Context, s Search) ([]Message, int, error) {
	return m.store.Search(ctx, s)
}

// EditMessage implements [Service].
func (m *Manager) EditMessage(ctx context.Context, id core.UUID, e Edit) (*Message, error) {
	switch {
	case e.Content != nil && len([]rune(*e.Content)) > maxContent:
		return nil, core.BadRequest("content is longer than 100000 characters")
	case e.SourceType != nil && len(*e.SourceType) > 255:
		return nil, core.BadRequest("source_type may have 255 characters")
	}
	e.Raw, e.Metadata = m.published(e.Raw), m.published(e.Metadata)
	if err := httpapi.Sized("metadata", e.Metadata, maxMetadata); err != nil {
		return nil, err
	}
	if err := httpapi.Sized("raw_message", e.Raw, maxRaw); err != nil {
		return nil, err
	}
	ev, err := m.store.EditMessage(ctx, id, e)
	if err != nil {
		return nil, err
	}
	core.AfterCommit(ctx, func() { m.seqs.publish(ev.ChannelID, *ev) })
	return ev.Message, nil
}

// DeleteMessage implements [Service]. Turns the message caused are cancelled, what agents remember of it
// is deleted, the message itself goes last: a deletion that was cut is finished by repeating it.
func (m *Manager) DeleteMessage(ctx context.Context, channel, message core.UUID) error {
	msg, err := m.store.Message(ctx, message)
	if err != nil {
		return err
	}
	if msg.ChannelID != channel {
		return ErrMessageNotFound
	}
	return m.withoutTurns(ctx, func(t *turn) bool { return t.message == message }, func() error {
		if m.opts.Memories != nil {
			if err := m.opts.Memories.ForgetMessage(ctx, message); err != nil {
				return err
			}
		}
		return m.announce(ctx)(m.store.DeleteMessage(ctx, channel, message))
	})
}

// ClearChannel implements [Service].
func (m *Manager) ClearChannel(ctx context.Context, channel core.UUID) error {
	return m.emptied(ctx, channel, false, func() error {
		return m.announce(ctx)(m.store.ClearChannel(ctx, channel))
	})
}

// DeleteChannel implements [Service].
func (m *Manager) DeleteChannel(ctx context.Context, id core.UUID) error {
	return m.emptied(ctx, id, true, func() error {
		if err := m.store.DeleteChannel(ctx, id); err != nil {
			return err
		}
		core.AfterCommit(ctx, func() { m.seqs.remove(id) })
		return nil
	})
}

// emptied calls remove on a channel whose turns have ended and that agents have forgotten.
func (m *Manager) emptied(ctx context.Context, channel core.UUID, dropRooms bool, remove func() error) error {
	if _, err := m.store.Channel(ctx, channel); err != nil {
		return err
	}
	return m.withoutTurns(ctx, func(t *turn) bool { return t.lane.ChannelID == channel }, func() error {
		if m.opts.Memories != nil {
			if err := m.opts.Memories.ForgetChannel(ctx, channel, dropRooms); err != nil {
				return err
			}
		}
		return remove()
	})
}

// announce publishes what a deletion changed.
func (m *Manager) announce(ctx context.Context) func(*Ended, error) error {
	return func(e *Ended, err error) error {
		if err != nil {
			return err
		}
		core.AfterCommit(ctx, func() { m.seqs.publish(e.ChannelID, e.Events...) })
		return nil
	}
}

// Complete implements [Service].
func (m *Manager) Complete(ctx context.Context, channel, server, message core.UUID) error {
	if message != "" {
		msg, err := m.store.Message(ctx, message)
		if err != nil {
			return err
		}
		if channel == "" {
			channel = msg.ChannelID
		}
	}
	ch, err := m.store.Channel(ctx, channel)
	if core.CodeOf(err) == core.CodeChannelNotFound {
		// An outside agent may report for a channel that exists only on its side: the room hears it.
		m.seqs.live(Event{Kind: KindComplete, ChannelID: channel, MessageID: message, Result: &Result{MessageID: message, ServerID: server}})
		return nil
	}
	if err != nil {
		return err
	}
	ev, err := m.store.Complete(ctx, channel, Result{MessageID: message, ServerID: ch.ServerID, DM: IsDM(ch.Type)})
	if err != nil {
		return err
	}
	core.AfterCommit(ctx, func() { m.seqs.publish(channel, *ev) })
	return nil
}
