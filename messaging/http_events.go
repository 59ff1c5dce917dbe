package messaging

import (
	"cmp"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
)

// maxBehind is how many events a reader of a stream may be behind before the stream ends: it may come back
// with the last number it has.
const maxBehind = 10_000

type gapView struct {
	place
	Seq int64 `json:"seq"` // the channel's head: live events come after it
}

// events answers with what the room of a channel gets, as server-sent events, from the number on that the
// client has, or from now on.
func (h *Handler) events(c echo.Context) error {
	ctx := c.Request().Context()
	channel, err := httpapi.UUIDParam(c, "channelId")
	if err != nil {
		return err
	}
	after := int64(-1)
	if s := cmp.Or(c.QueryParam("afterSeq"), c.Request().Header.Get("Last-Event-ID")); s != "" {
		if after, err = seqOf(s, "afterSeq"); err != nil {
			return err
		}
	}
	if _, err := h.svc.Channel(ctx, channel); err != nil {
		return err
	}
	s := &stream{ready: make(chan struct{}, 1)}
	cancel, err := h.svc.Watch(ctx, channel, after, s.take)
	gap, head := err == error(ErrGap), int64(0)
	if gap {
		cancel, err = h.svc.Watch(ctx, channel, -1, s.take)
	}
	if err != nil {
		return err
	}
	defer cancel()
	if gap { // what comes after this number is heard
		ch, err := h.svc.Channel(ctx, channel)
		if err != nil {
			return err
		}
		head = ch.Head
	}
	w := newSSE(c)
	if gap {
		w.event(0, "gap", gapView{placeOf(channel), head})
	} else {
		w.comment()
	}
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			w.comment()
		case <-s.ready:
			events, more := s.next()
			for _, e := range events {
				if e.Seq == 0 || e.Seq > head {
					h.sent(w, e)
				}
			}
			if !more {
				if s.behind && h.opts.Dropped != nil {
					h.opts.Dropped()
				}
				return nil
			}
		}
	}
}

// sent writes what the room gets for an event. The number comes with the last of it.
func (h *Handler) sent(w sse, e Event) {
	list := frames(e, func(r *Result) bool { return controls(h.opts.InputControl, r.DM) })
	for i, f := range list {
		seq := int64(0)
		if i == len(list)-1 {
			seq = e.Seq
		}
		w.numbered(seq, f.name, f.data)
	}
}

// stream is a channel's events on their way to a reader that may be slower than they come.
type stream struct {
	ready chan struct{} // has one element when there is something new

	mu     sync.Mutex
	events []Event
	ended  bool // the channel is gone, or the reader too far behind
	behind bool
}

// take is the watcher: it never blocks.
func (s *stream) take(e Event) {
	s.mu.Lock()
	if !s.ended {
		s.events = append(s.events, e)
		s.behind = len(s.events) > maxBehind
		s.ended = e.Kind == KindRemoved || s.behind
	}
	s.mu.Unlock()
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

func (s *stream) next() (events []Event, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	events, s.events = s.events, nil
	return events, !s.ended
}
