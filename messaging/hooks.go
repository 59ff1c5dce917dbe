package messaging

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

// Hooks are functions of a host's that are called on the way of every message, however it came in: over HTTP, a
// socket, a session, a job or [Manager.Accept]. Nil ones are left out. They are called concurrently,
// and hold up the caller or the turn only; a panic counts as an error and is logged.
type Hooks struct {
	// BeforeAccept sees a message before it is checked and stored, may change it, and refuses it with an error, which
	// the client gets: a [core.Error] as it is, any other as an internal one. It is called for what agents say unasked
	// too, but not for their replies. A message that is sent again passes it again.
	BeforeAccept func(ctx context.Context, m *NewMessage) error
	// AfterAccept is called once a new message is stored: after the commit when ctx carries a transaction.
	AfterAccept func(ctx context.Context, a *Accepted)

	// BeforeTurn is called before an agent is asked for an answer. It may change the turn, which is the agent's alone,
	// and the context it returns is that of the turn, of the other hooks of it and of all the agent does; nil = ctx.
	// An error ends the turn: one that is [ErrIgnore] as "ignored", any other as failed. A turn that a crash
	// interrupted begins again.
	BeforeTurn func(ctx context.Context, t *core.Turn) (context.Context, error)
	// AfterTurn follows every BeforeTurn, with its context. The status is "" when the turn was handed back and begins
	// again, here or elsewhere, and the end is stored otherwise.
	AfterTurn func(ctx context.Context, t *core.Turn, r AgentResult)

	// BeforeReply sees each reply of a turn before it is stored, may change it, and refuses it with an error: one that
	// is [ErrIgnore] leaves it out, any other fails the turn. What of it was streamed has been seen: clients replace it
	// by what is stored, and are told when nothing is.
	BeforeReply func(ctx context.Context, t *core.Turn, c *core.Content) error
	// AfterReply is called once a reply is stored.
	AfterReply func(ctx context.Context, t *core.Turn, m *Message)
}

// StatusHandedBack is the [TurnStatus] of a turn that begins again.
const StatusHandedBack = "handed_back"

// TurnStatus is how a turn ended, as AfterTurn is told: one of the statuses of a [Result], or [StatusHandedBack].
func TurnStatus(r AgentResult) string { return cmp.Or(r.Status, StatusHandedBack) }

// ErrIgnore is returned by hooks to have a turn end, or a reply left out, as if the agent had wanted nothing to say.
var ErrIgnore = errors.New("messaging: ignored by a hook")

// askHooks calls a hook of each, in order, until one returns an error.
func (m *Manager) askHooks(name string, call func(h Hooks) error) error {
	for _, h := range m.opts.Hooks {
		if err := guarded(m.log, name, func() error { return call(h) }); err != nil {
			return err
		}
	}
	return nil
}

// tellHooks calls a hook of each, in order.
func (m *Manager) tellHooks(name string, call func(h Hooks)) {
	for _, h := range m.opts.Hooks {
		_ = guarded(m.log, name, func() error { call(h); return nil }) // the log has it
	}
}

func (m *Manager) beforeAccept(ctx context.Context, n *NewMessage) error {
	return m.askHooks("BeforeAccept", func(h Hooks) error {
		if h.BeforeAccept == nil {
			return nil
		}
		return h.BeforeAccept(ctx, n)
	})
}

func (m *Manager) afterAccept(ctx context.Context, a *Accepted) {
	if len(m.opts.Hooks) == 0 || a.Duplicate {
		return
	}
	core.AfterCommit(ctx, func() {
		m.tellHooks("AfterAccept", func(h Hooks) {
			if h.AfterAccept != nil {
				h.AfterAccept(ctx, a)
			}
		})
	})
}

// beforeTurn returns the context of the turn.
func (m *Manager) beforeTurn(ctx context.Context, t *core.Turn) (context.Context, error) {
	err := m.askHooks("BeforeTurn", func(h Hooks) error {
		if h.BeforeTurn == nil {
			return nil
		}
		next, err := h.BeforeTurn(ctx, t)
		if next != nil {
			ctx = next
		}
		return err
	})
	return ctx, err
}

// turnHooks are the hooks of a turn that has begun. Those of the zero value do nothing.
type turnHooks struct {
	reply   func(c *core.Content) error
	replied func(m *Message)
	ended   func(r AgentResult)
}

func (m *Manager) turnHooks(ctx context.Context, t *core.Turn) turnHooks {
	if len(m.opts.Hooks) == 0 {
		return turnHooks{}
	}
	return turnHooks{
		reply: func(c *core.Content) error {
			return m.askHooks("BeforeReply", func(h Hooks) error {
				if h.BeforeReply == nil {
					return nil
				}
				return h.BeforeReply(ctx, t, c)
			})
		},
		replied: func(msg *Message) {
			m.tellHooks("AfterReply", func(h Hooks) {
				if h.AfterReply != nil {
					h.AfterReply(ctx, t, msg)
				}
			})
		},
		ended: func(r AgentResult) {
			m.tellHooks("AfterTurn", func(h Hooks) {
				if h.AfterTurn != nil {
					h.AfterTurn(ctx, t, r)
				}
			})
		},
	}
}

// before asks about a reply. One that is to be left out is made empty.
func (h turnHooks) before(c *core.Content) error {
	if h.reply == nil || c == nil || empty(c) {
		return nil
	}
	err := h.reply(c)
	if errors.Is(err, ErrIgnore) {
		*c = core.Content{}
		return nil
	}
	return err
}

func (h turnHooks) after(m *Message) {
	if h.replied != nil {
		h.replied(m)
	}
}

func (h turnHooks) over(r AgentResult) {
	if h.ended != nil {
		h.ended(r)
	}
}

// empty tells whether a reply says nothing.
func empty(c *core.Content) bool {
	return strings.TrimSpace(c.Text) == "" && len(c.Attachments) == 0
}
