package messaging

import (
	"context"
	"sync"

	"github.com/eliza-go/eliza/runtime/core"
)

// Wait implements [Service]: it watches the channel from a number before the message's completion on.
func (m *Manager) Wait(ctx context.Context, channel, message core.UUID, after int64) (*Answer, error) {
	c := newCollector(message)
	cancel, err := m.Watch(ctx, channel, after, c.take)
	if err != nil {
		return nil, err
	}
	defer cancel()
	select {
	case <-c.done:
		return c.answer(), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// collector gathers the replies to one message until it is complete.
type collector struct {
	message core.UUID
	done    chan struct{}

	mu     sync.Mutex
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
		if answers(e.Message, c.message) {
			c.result.Replies = append(c.result.Replies, e.Message)
		}
	case KindComplete:
		if e.MessageID == c.message {
			c.result.Result = e.Result
			close(c.done)
		}
	case KindRemoved: // the channel is gone, and the message with it
		c.result.Result = &Result{MessageID: c.message, Agents: []AgentResult{{Status: StatusStopped}}}
		close(c.done)
	}
}

func (c *collector) answer() *Answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.result
	a.Failure = a.Result.failure()
	return &a
}
