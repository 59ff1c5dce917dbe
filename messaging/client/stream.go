package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// silence is how long a stream may say nothing, when the server says something every 15 seconds.
const silence = 60 * time.Second

var errSilent = errors.New("client: the stream has fallen silent")

// Stream is [Messaging.Send] that returns what the agents answer while it is made: first [MessageStored], then
// [StreamChunk] and [MessageBroadcast], and [Done] at the end. An error ends it; breaking off ends only the waiting.
// When the answer is lost on its way, the same message, with its id, may be streamed again: it is not stored twice,
// and what is kept of the answer comes again, without the chunks.
func (m *Messaging) Stream(ctx context.Context, n NewMessage) iter.Seq2[Event, error] {
	return m.c.answer(ctx, m.c.posting(n, transportSSE))
}

// answer reads the answer to a message.
func (c *Client) answer(ctx context.Context, r request) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for b, err := range c.blocks(ctx, r) {
			if err != nil {
				yield(nil, err)
				return
			}
			e, err := answerEvent(b)
			if err != nil {
				yield(nil, err)
				return
			}
			if _, done := e.(*Done); !yield(e, nil) || done {
				return
			}
		}
		yield(nil, fmt.Errorf("client: the answer broke off: %w", io.ErrUnexpectedEOF))
	}
}

func answerEvent(b block) (e Event, err error) {
	switch b.name {
	case "user_message":
		e = &MessageStored{}
	case "chunk":
		e = &StreamChunk{}
	case "message":
		e = &MessageBroadcast{}
	case "done":
		e = &Done{}
	case "error":
		var v struct {
			Error string `json:"error"`
		}
		if core.DecodeJSON(b.data, &v) != nil || v.Error == "" {
			v.Error = "The answer failed"
		}
		return nil, &core.Error{Code: core.CodeProcessing, Message: v.Error}
	default:
		return &Unknown{b.name, b.data}, nil
	}
	if err := core.DecodeJSON(b.data, e); err != nil {
		return nil, fmt.Errorf("client: decode event %s: %w", b.name, err)
	}
	return e, nil
}

// blocks makes a call and reads server-sent events until the stream ends, which is no error. One that falls silent
// has failed: its other end may be gone.
func (c *Client) blocks(ctx context.Context, r request) iter.Seq2[block, error] {
	return func(yield func(block, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		r.accept = "text/event-stream"
		res, err := c.open(ctx, &r)
		if err != nil {
			yield(block{}, err)
			return
		}
		defer res.Body.Close()
		if kind := res.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
			yield(block{}, fmt.Errorf("client: %s %s: a stream was asked for, and the answer is %q", r.method, strings.Join(r.path, "/"), kind))
			return
		}
		watch := time.AfterFunc(silence, func() { cancel(errSilent) })
		defer watch.Stop()
		for in := newBlocks(res.Body, func() { watch.Reset(silence) }); ; {
			b, err := in.next()
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil && ctx.Err() != nil:
				yield(block{}, context.Cause(ctx))
				return
			case err != nil:
				yield(block{}, fmt.Errorf("client: read stream: %w", err))
				return
			}
			watch.Stop() // the reader's own time does not count
			if !yield(b, nil) {
				return
			}
			watch.Reset(silence)
		}
	}
}

// Follow tells what happens in a channel from a position on, over HTTP: what sockets in it get, each change once and in
// order. It reconnects by itself and goes on where it was, or says [Gap]. It ends when the channel is deleted, with
// ctx, and when the server refuses.
func (m *Messaging) Follow(ctx context.Context, channel core.UUID, from Position) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		f := &following{c: m.c, channel: channel, at: from}
		for failures := 0; ; {
			told, over, err := f.connection(ctx, yield)
			if over {
				return
			}
			if told {
				failures = 0
			}
			failures++
			if e, ok := errors.AsType[*core.Error](err); ok && final(e) || ctx.Err() != nil {
				yield(nil, err)
				return
			}
			if err := sleep(ctx, m.c.retry.pause(failures)); err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// final tells whether asking again later would be refused again.
func final(e *core.Error) bool {
	switch e.Code {
	case core.CodeRateLimit, core.CodeUnavailable, core.CodeTimeout, core.CodeInternal:
		return false
	}
	return true
}

// following is a channel that is followed over more than one connection.
type following struct {
	c       *Client
	channel core.UUID
	at      Position // behind the last change that was told
}

// connection tells what comes over one connection. It is over when nobody listens or the channel is gone.
func (f *following) connection(ctx context.Context, yield func(Event, error) bool) (told, over bool, err error) {
	if !f.at.past { // a number is needed, so that nothing is lost with the connection
		page, err := (&Messaging{f.c}).List(ctx, f.channel, MessageQuery{Limit: 1})
		if err != nil {
			return false, false, err
		}
		f.at = After(page.Seq)
	}
	r := get("api", "messaging", "channels", string(f.channel), "events")
	r.header = http.Header{"Last-Event-Id": {f.at.String()}}
	for b, err := range f.c.blocks(ctx, r) {
		if err != nil {
			return told, false, err
		}
		told = true
		e := f.take(b)
		if e == nil {
			continue
		}
		_, gone := e.(*ChannelDeleted)
		if !yield(e, nil) || gone {
			return told, true, nil
		}
	}
	return told, false, io.ErrUnexpectedEOF
}

// take is the event of a block, nil when it was told before.
func (f *following) take(b block) Event {
	m := markOf(b.data)
	if b.name == "gap" {
		e := &Gap{ChannelID: f.channel, After: f.at.seq, Seq: m.Seq}
		f.at = After(m.Seq)
		return e
	}
	if m.Seq > 0 {
		if m.Seq <= f.at.seq {
			return nil
		}
		f.at = After(m.Seq)
	}
	return decodeEvent(b.name, b.data)
}
