package messaging

import (
	"context"

	"github.com/eliza-go/eliza/runtime/core"
)

// Message implements [Service].
func (m *Manager) Message(ctx context.Context, id core.UUID) (*Message, error) {
	return m.store.Message(ctx, id)
}

// Messages implements [Service].
func (m *Manager) Messages(ctx context.Context, p Page) ([]Message, bool, error) {
	return m.store.Messages(ctx, p)
}

// SearchMessages implements [Service].
func (m *Manager) SearchMessages(ctx context.Context, s Search) ([]Message, int, error) {
	return m.store.Search(ctx, s)
}

// EditMessage implements [Service].
func (m *Manager) EditMessage(ctx context.Context, id core.UUID, e Edit) (*Message, error) {
	if err := sized("metadata", e.Metadata, maxMetadata); err != nil {
		return nil, err
	}
	if err := sized("raw_message", e.Raw, maxRaw); err != nil {
		return nil, err
	}
	ev, err := m.store.EditMessage(ctx, id, e)
	if err != nil {
		return nil, err
	}
	core.AfterCommit(ctx, func() { m.seqs.publish(ctx, ev.ChannelID, *ev) })
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
	m.cancelTurns(func(t *turn) bool { return t.message == message })
	if m.opts.Memories != nil {
		if err := m.opts.Memories.ForgetMessage(ctx, message); err != nil {
			return err
		}
	}
	return m.announce(ctx)(m.store.DeleteMessage(ctx, channel, message))
}

// ClearChannel implements [Service].
func (m *Manager) ClearChannel(ctx context.Context, channel core.UUID) error {
	if _, err := m.store.Channel(ctx, channel); err != nil {
		return err
	}
	if err := m.forgetChannel(ctx, channel, false); err != nil {
		return err
	}
	return m.announce(ctx)(m.store.ClearChannel(ctx, channel))
}

// DeleteChannel implements [Service].
func (m *Manager) DeleteChannel(ctx context.Context, id core.UUID) error {
	if _, err := m.store.Channel(ctx, id); err != nil {
		return err
	}
	if err := m.forgetChannel(ctx, id, true); err != nil {
		return err
	}
	if err := m.store.DeleteChannel(ctx, id); err != nil {
		return err
	}
	core.AfterCommit(ctx, func() { m.seqs.live(Event{Kind: KindRemoved, ChannelID: id}) })
	return nil
}

func (m *Manager) forgetChannel(ctx context.Context, channel core.UUID, dropRooms bool) error {
	m.cancelTurns(func(t *turn) bool { return t.lane.ChannelID == channel })
	if m.opts.Memories == nil {
		return nil
	}
	return m.opts.Memories.ForgetChannel(ctx, channel, dropRooms)
}

// cancelTurns waits for the turns it cancels, so that they remember nothing after the deletion.
func (m *Manager) cancelTurns(match func(*turn) bool) {
	for _, done := range m.lanes.cancel(match, errDeleted) {
		<-done
	}
}

// announce publishes what a deletion changed.
func (m *Manager) announce(ctx context.Context) func(*Ended, error) error {
	return func(e *Ended, err error) error {
		if err != nil {
			return err
		}
		core.AfterCommit(ctx, func() { m.seqs.publish(ctx, e.ChannelID, e.Events...) })
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
	core.AfterCommit(ctx, func() { m.seqs.publish(ctx, channel, *ev) })
	return nil
}
