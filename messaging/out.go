package messaging

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/eliza-go/eliza/runtime/core"
)

// out is the core.Out of one delivery. Once it is closed nothing of the turn is stored or heard any more,
// whatever its brain still does.
type out struct {
	m *Manager
	d *Delivery

	mu     sync.Mutex
	name   string // of the agent
	closed bool
	acting bool
	index  int             // of the next chunk
	hooks  turnHooks       // of the turn, once it has begun
	result AgentResult     // how the turn has ended
	text   strings.Builder // streamed so far, of the coming reply
}

var _ core.Out = (*out)(nil)

func newOut(m *Manager, d *Delivery) *out { return &out{m: m, d: d} }

// speaks sets the name of the agent.
func (o *out) speaks(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.name = name
}

// NextReply implements [core.Out].
func (o *out) NextReply() core.UUID {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.d.ReplyID()
}

// Stream implements [core.Out].
func (o *out) Stream(text string) {
	if text == "" || !utf8.ValidString(text) {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	o.m.seqs.live(Event{
		Kind: KindChunk, ChannelID: o.d.ChannelID, MessageID: o.d.ReplyID(),
		Chunk: &Chunk{AgentID: o.d.AgentID, InReplyTo: o.d.MessageID, Text: text, Index: o.index},
	})
	o.index++
	o.text.WriteString(text)
}

// began gives the out of a turn its hooks.
func (o *out) began(h turnHooks) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hooks = h
}

// observed are the hooks, which are called without the lock.
func (o *out) observed() turnHooks {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.hooks
}

// Send implements [core.Out].
func (o *out) Send(ctx context.Context, c *core.Content) (core.UUID, error) {
	hooks := o.observed()
	said := !empty(c)
	if err := hooks.before(c); err != nil {
		o.fail(err)
		return "", err
	}
	if said && empty(c) {
		o.fail(errSilent)
		return "", nil
	}
	msg, err := o.store(ctx, c)
	if err != nil {
		return "", err
	}
	core.AfterCommit(ctx, func() {
		o.m.seqs.publish(msg.ChannelID, Event{Seq: msg.Seq, Kind: KindMessage, ChannelID: msg.ChannelID, MessageID: msg.ID, Message: msg})
		if o.m.opts.AgentToAgent > 0 {
			o.m.lanes.lookSoon() // other agents may have to react
		}
		hooks.after(msg)
	})
	return msg.ID, nil
}

func (o *out) store(ctx context.Context, c *core.Content) (*Message, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil, ErrLost
	}
	msg, err := o.m.store.Reply(ctx, o.d, o.reply(*c))
	if err != nil {
		return nil, err
	}
	o.d.Replies = append(o.d.Replies, msg.ID)
	o.index = 0
	o.text.Reset()
	return msg, nil
}

// reply needs o.mu.
func (o *out) reply(c core.Content) NewMessage {
	c.Text = strings.ReplaceAll(c.Text, "\x00", "") // not every database could store it
	n := replyMessage(o.d.AgentID, o.name, c)
	n.ID, n.ChannelID, n.ServerID, n.InReplyTo = o.d.ReplyID(), o.d.ChannelID, o.d.Channel.ServerID, o.d.MessageID
	n.AgentRun = o.m.opts.AgentToAgent
	n.Raw, n.Metadata = o.m.published(n.Raw), o.m.published(n.Metadata)
	n.Metadata["channelType"], n.Metadata["isDm"] = o.d.Channel.Type, IsDM(o.d.Channel.Type)
	return n
}

// Progress implements [core.Out].
func (o *out) Progress(ctx context.Context, id core.UUID, c core.Content) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return ErrLost
	}
	n := o.reply(c)
	n.ID, n.SourceType, n.Undeliver = id, SourceAction, true
	a, err := o.m.accept(core.WithIdentity(ctx, core.Identity{}), n) // also while the server closes: the turn may end
	if err != nil || !a.Duplicate {
		return err
	}
	_, err = o.m.EditMessage(ctx, id, Edit{Content: &n.Content, Raw: n.Raw})
	return err
}

// Acting implements [core.Out].
func (o *out) Acting(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed:
		return ErrLost
	case o.acting:
		return nil
	}
	if err := o.m.store.Acting(ctx, o.d); err != nil {
		return err
	}
	o.acting = true
	return nil
}

func (o *out) acted() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.acting
}

func (o *out) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
}

// fail tells clients that a stream they saw the beginning of will not be completed.
func (o *out) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.index == 0 {
		return
	}
	o.m.seqs.live(Event{
		Kind: KindStreamError, ChannelID: o.d.ChannelID, MessageID: o.d.ReplyID(),
		Chunk: &Chunk{AgentID: o.d.AgentID, InReplyTo: o.d.MessageID, Text: o.text.String(), Error: streamError(err)},
	})
	o.index = 0
	o.text.Reset()
}

func streamError(err error) string {
	switch err {
	case errTimeout, errStopped, errDeleted, errShutdown, errSilent:
		return err.Error()
	}
	return clientText(err)
}

// ending is how a turn that returned an outcome ends its delivery.
func (o *out) ending(oc core.Outcome) Ending {
	o.mu.Lock()
	defer o.mu.Unlock()
	e := Ending{State: StateDone, Commit: oc.Commit}
	switch {
	case oc.Reply != nil && !empty(oc.Reply):
		n := o.reply(*oc.Reply)
		e.Reply = &n
	case len(o.d.Replies) == 0:
		e.State, e.Error = StateIgnored, cmp.Or(oc.Reason, "ignored")
	}
	return e
}

// finished notes how the turn's delivery has ended.
func (o *out) finished(state string, ended *Ended) {
	hooks := o.observed()
	o.mu.Lock()
	o.result = AgentResult{AgentID: o.d.AgentID, Status: StatusOf(state), Responses: o.d.Replies}
	o.mu.Unlock()
	for _, e := range ended.Events {
		if e.Kind == KindMessage {
			hooks.after(e.Message)
			o.mu.Lock()
			o.result.Responses = append(slices.Clone(o.result.Responses), e.MessageID)
			o.mu.Unlock()
		}
	}
}

// over tells the hooks that the turn is over, and returns how it ended.
func (o *out) over() AgentResult {
	hooks := o.observed()
	o.mu.Lock()
	r := o.result
	o.mu.Unlock()
	r.AgentID = o.d.AgentID
	hooks.over(r)
	return r
}
