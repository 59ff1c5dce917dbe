package messaging

import (
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

// errAskInTx keeps callers from waiting for what their own transaction holds up.
var errAskInTx = errors.New("messaging: an answer cannot be awaited inside a transaction")

// Ask accepts a message and waits for the answer of all agents concerned. Leaving, by the end of ctx, cancels nothing:
// the answer will be in the channel. When no agent answered and at least one failed, the error has code
// [core.CodeTimeout] or [core.CodeModel] and the answer comes with it.
func Ask(ctx context.Context, svc Service, n NewMessage) (*Answer, error) {
	if core.InTransaction(ctx) {
		return nil, errAskInTx
	}
	a, err := svc.Accept(ctx, n)
	if err != nil {
		return nil, err
	}
	answer, err := svc.Wait(ctx, a.Message.ChannelID, a.Message.ID, a.Message.Seq-1)
	if err != nil {
		return nil, err
	}
	return answer, answer.Result.err()
}

// Stream accepts a message and yields what comes of it, in order: the message itself, then pieces of answers
// ([KindChunk], [KindStreamError]) and answers ([KindMessage]), at last [KindComplete]. An error ends it. To stop
// listening, by leaving the loop or by the end of ctx, cancels nothing: the answer will be in the channel.
func Stream(ctx context.Context, svc Service, n NewMessage) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if core.InTransaction(ctx) {
			yield(Event{}, errAskInTx)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		a, f, stop, err := follow(ctx, svc, n)
		if err != nil {
			yield(Event{}, err)
			return
		}
		defer stop()
		m := a.Message
		if !yield(Event{Seq: m.Seq, Kind: KindMessage, ChannelID: m.ChannelID, MessageID: m.ID, Message: m}, nil) {
			return
		}
		ended := make(chan error, 1) // the service closes, or the message is deleted
		done := make(chan struct{})
		defer func() { cancel(); <-done }()
		go func() {
			defer close(done)
			err := core.Guard(func() error {
				_, err := svc.Wait(ctx, m.ChannelID, m.ID, m.Seq-1)
				return err
			})
			if err != nil {
				ended <- err
			}
		}()
		f.each(ctx, ended, yield)
	}
}

// each yields events until the message is complete.
func (f *follower) each(ctx context.Context, ended <-chan error, yield func(Event, error) bool) {
	for {
		select {
		case <-f.ready:
		case err := <-ended:
			yield(Event{}, err)
			return
		case <-ctx.Done():
			yield(Event{}, ctx.Err())
			return
		}
		for _, e := range f.next() {
			switch {
			case e.Kind == KindRemoved:
				yield(Event{}, ErrChannelNotFound)
				return
			case e.Kind == KindDeleted, e.Kind == KindCleared:
				yield(Event{}, ErrMessageNotFound)
				return
			case !yield(e, nil), e.Kind == KindComplete:
				return
			}
		}
	}
}

// Text is what all replies say, one after the other.
func (a *Answer) Text() string {
	texts := make([]string, len(a.Replies))
	for i, m := range a.Replies {
		texts[i] = m.Content
	}
	return strings.Join(texts, "\n\n")
}

// err is why nobody answered, nil when that was no failure.
func (r *Result) err() error {
	text := r.failure()
	if text == "" {
		return nil
	}
	for _, a := range r.Agents {
		if a.Status == StatusTimeout {
			return &core.Error{Code: core.CodeTimeout, Message: text}
		}
	}
	return &core.Error{Code: core.CodeModel, Message: text}
}
