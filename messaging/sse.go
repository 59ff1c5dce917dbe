package messaging

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/runtime/core"
)

// keepAlive is how often a silent stream sends a comment, so that nothing between closes it.
const keepAlive = 15 * time.Second

// writeTime is how long a reader may take to take one event off the wire.
const writeTime = 30 * time.Second

// sse writes server-sent events (WHATWG HTML, section 9.2), each at once. Who does not read loses the
// connection.
type sse struct {
	res  *echo.Response
	conn *http.ResponseController
}

func newSSE(c echo.Context) sse {
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "text/event-stream")
	h.Set(echo.HeaderCacheControl, "no-cache")
	h.Set(echo.HeaderConnection, "keep-alive")
	h.Set("X-Accel-Buffering", "no")
	c.Response().WriteHeader(http.StatusOK)
	return sse{c.Response(), http.NewResponseController(c.Response())}
}

// send writes and flushes. A connection that cannot be written to cancels the request's context.
func (s sse) send(format string, args ...any) {
	_ = s.conn.SetWriteDeadline(time.Now().Add(writeTime)) // of no use where there is no connection
	fmt.Fprintf(s.res, format, args...)
	s.res.Flush()
	_ = s.conn.SetWriteDeadline(time.Time{})
}

// event writes one event. A number goes ahead in a block of its own, which sets the stream's last id
// without dispatching an event: frames stay "event" and "data".
func (s sse) event(seq int64, name string, data any) {
	if seq > 0 {
		s.send("id: %d\n\n", seq)
	}
	s.numbered(0, name, data)
}

// numbered writes one event with its number, if it has one, in the same block.
func (s sse) numbered(seq int64, name string, data any) {
	b, err := core.EncodeJSON(data)
	if err != nil {
		return
	}
	id := ""
	if seq > 0 {
		id = fmt.Sprintf("id: %d\n", seq)
	}
	s.send("%sevent: %s\ndata: %s\n\n", id, name, b)
}

func (s sse) comment() { s.send(": keep-alive\n\n") }

// chunkFrame and the like are what is in the data of a frame, in the spellings of both generations.
type chunkFrame struct {
	Type      string    `json:"type"`
	MessageID core.UUID `json:"messageId"`
	Chunk     string    `json:"chunk"`
	Text      string    `json:"text"`
	Index     int       `json:"index"`
}

type messageFrame struct {
	Type string `json:"type"`
	broadcastView
}

type doneFrame struct {
	Type string `json:"type"`
	replyView
	Responses []replyView `json:"responses"`
}

type errorFrame struct {
	Type  string `json:"type"`
	Error string `json:"error"`
}

// write passes events on until the message is complete, then ends with exactly one done or error. A reader
// that leaves ends only its own waiting.
func (f *follower) write(ctx context.Context, w sse) {
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	var replies []replyView
	for {
		select {
		case <-f.ready:
		case <-tick.C:
			w.comment()
		case <-ctx.Done():
			why := "The agent has not answered in time; its answer will be in the channel"
			if e, ok := errors.AsType[*core.Error](context.Cause(ctx)); ok {
				why = e.Message // the server ends
			}
			w.event(0, "error", errorFrame{"error", why})
			return
		}
		for _, e := range f.next() {
			switch e.Kind {
			case KindChunk:
				w.event(0, "chunk", chunkFrame{"chunk", e.MessageID, e.Chunk.Text, e.Chunk.Text, e.Chunk.Index})
			case KindMessage:
				w.event(e.Seq, "message", messageFrame{"message", broadcast(e.Message)})
				replies = append(replies, replied(e.Message))
			case KindComplete, KindDeleted, KindCleared, KindRemoved:
				w.end(e.Result, replies)
				return
			}
		}
	}
}

func (s sse) end(r *Result, replies []replyView) {
	if r != nil && r.Status() == "error" {
		s.event(0, "error", errorFrame{"error", r.failure()})
		return
	}
	done := doneFrame{Type: "complete", Responses: replies}
	if len(replies) > 0 {
		done.replyView = replies[len(replies)-1]
	} else {
		done.Actions, done.Responses = []string{"IGNORE"}, []replyView{}
	}
	s.event(0, "done", done)
}
