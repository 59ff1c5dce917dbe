package messaging

import (
	"cmp"
	"context"
	"sync"

	"github.com/eliza-go/eliza/runtime/core"
)

// follower takes the events that belong to one message, for a reader that may be slower than they come.
type follower struct {
	message core.UUID
	ready   chan struct{} // has one element when there is something new

	mu     sync.Mutex
	events []Event
}

func newFollower(message core.UUID) *follower {
	return &follower{message: message, ready: make(chan struct{}, 1)}
}

// take is the watcher: it never blocks.
func (f *follower) take(e Event) {
	if !f.mine(e) {
		return
	}
	f.mu.Lock()
	f.events = append(f.events, e)
	f.mu.Unlock()
	select {
	case f.ready <- struct{}{}:
	default:
	}
}

func (f *follower) mine(e Event) bool {
	switch e.Kind {
	case KindChunk, KindStreamError:
		return e.Chunk.InReplyTo == f.message
	case KindMessage:
		return answers(e.Message, f.message)
	case KindComplete, KindDeleted:
		return e.MessageID == f.message
	case KindCleared, KindRemoved:
		return true
	}
	return false
}

// answers tells whether m is an agent's reply to a message.
func answers(m *Message, to core.UUID) bool {
	return m.InReplyTo == to && m.ByAgent && m.SourceType != SourceAction
}

func (f *follower) next() []Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	events := f.events
	f.events = nil
	return events
}

// follow accepts a message and follows what comes of it until stop is called.
func follow(ctx context.Context, svc Service, n NewMessage) (a *Accepted, f *follower, stop func(), err error) {
	n.ID = cmp.Or(n.ID, core.NewUUID())
	f = newFollower(n.ID)
	stop, err = svc.Watch(ctx, n.ChannelID, -1, f.take) // before the message, so that no piece is missed
	if err != nil {
		return nil, nil, nil, err
	}
	if a, err = svc.Accept(ctx, n); err != nil || !a.Duplicate {
		if err != nil {
			stop()
		}
		return a, f, stop, err
	}
	stop() // it has happened before: what is kept of it is played again
	f = newFollower(a.Message.ID)
	stop, err = svc.Watch(ctx, n.ChannelID, a.Message.Seq-1, f.take)
	return a, f, stop, err
}
