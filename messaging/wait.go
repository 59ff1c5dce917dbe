package messaging

import (
	"context"
	"sync"

	"github.com/eliza-go/eliza/runtime/core"
)

// Wait implements [Service]: it watches the channel from a number before the message's completion on. It
// ends with ErrMessageNotFound when there is no such message, and with ErrShuttingDown when the Manager
// closes: the message is answered by whoever comes next.
func (m *Manager) Wait(ctx context.Context, channel, message core.UUID, after int64) (*Answer, error) {
	c := newCollector(message)
	cancel, err := m.Watch(ctx, channel, after, c.take)
	for err == error(ErrGap) { // more has happened since than is replayed at once
		if after, err = m.collect(ctx, c, channel, after); err == nil {
			cancel, err = m.Watch(ctx, channel, after, c.take)
		}
	}
	if err != nil {
		return nil, err
	}
	defer cancel()
	if !c.met() { // of a message that is gone no event will come
		if _, err := m.store.Message(ctx, message); err != nil && !c.ended() {
			return nil, err
		}
	}
	select {
	case <-c.done:
		return c.answer(), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-m.closed:
		if c.ended() {
			return c.answer(), nil
		}
		return nil, ErrShuttingDown
	}
}

// collect gives kept events to c and returns the number of the last.
func (m *Manager) collect(ctx context.Context, c *collector, channel core.UUID, after int64) (int64, error) {
	kept, err := m.store.Events(ctx, channel, after, replayLimit)
	if err != nil || len(kept.Events) == 0 {
		return kept.Head, err
	}
	for _, e := range kept.Events {
		c.take(e)
	}
	return kept.Events[len(kept.Events)-1].Seq, nil
}

// collector gathers the replies to one message until it is complete.
type collector struct {
	message core.UUID
	done    chan struct{}

	mu     sync.Mutex
	seen   bool // the message itself
	result Answer
}

func newCollector(message core.UUID) *collector {
	return &collector{message: message, done: make(chan struct{})}
}

func (c *collector) take(e Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.result.Result != nil {
		return
	}
	switch e.Kind {
	case KindMessage:
		c.seen = c.seen || e.MessageID == c.message
		if answers(e.Message, c.message) {
			c.result.Replies = append(c.result.Replies, e.Message)
		}
	case KindComplete:
		if e.MessageID == c.message {
			c.result.Result = e.Result
			close(c.done)
		}
	case KindDeleted: // its completion went with it, if it had one
		if e.MessageID == c.message {
			c.stopped()
		}
	case KindCleared, KindRemoved:
		c.stopped()
	}
}

// stopped is the end of a message that is gone.
func (c *collector) stopped() {
	c.result.Result = &Result{MessageID: c.message, Agents: []AgentResult{{Status: StatusStopped}}}
	close(c.done)
}

// met tells whether the message is known to have been there: what becomes of it is heard.
func (c *collector) met() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen || c.result.Result != nil
}

func (c *collector) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

func (c *collector) answer() *Answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.result
	a.Failure = a.Result.failure()
	return &a
}
