package eliza

import (
	"context"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

var errShuttingDown = &core.Error{Code: core.CodeUnavailable, Message: "The server is shutting down", RetryAfter: time.Second}

// requestGrace is how long requests under way may take to notice that the server ends them.
const requestGrace = 5 * time.Second

// inflight are the requests under way. They are let in, ended and waited for here.
type inflight struct {
	gone context.Context // done when the requests under way are to end
	end  context.CancelCauseFunc

	mu     sync.Mutex
	closed bool
	n      int
	idle   chan struct{} // closed when closed and the last one is out
}

func newInflight() *inflight {
	f := &inflight{idle: make(chan struct{})}
	f.gone, f.end = context.WithCancelCause(context.Background())
	return f
}

func (f *inflight) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.n++
	return true
}

func (f *inflight) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n--; f.closed && f.n == 0 {
		close(f.idle)
	}
}

// close lets nobody in any more. Call it once.
func (f *inflight) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed = true; f.n == 0 {
		close(f.idle)
	}
}

// finish ends the requests that are under way still and waits for them a while.
func (f *inflight) finish() {
	f.end(errShuttingDown)
	select {
	case <-f.idle:
	case <-time.After(requestGrace):
	}
}

// gate refuses requests whose address is too long, and all once the server is shutting down, and ends those that
// last longer.
func (s *Server) gate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if len(c.Request().RequestURI) > maxURL {
			return httpapi.WriteError(c, s.log, core.BadRequest("The address of the request is too long"))
		}
		if !s.requests.enter() {
			return httpapi.WriteError(c, s.log, errShuttingDown)
		}
		defer s.requests.leave()
		ctx, cancel := context.WithCancelCause(c.Request().Context())
		defer cancel(nil)
		defer context.AfterFunc(s.requests.gone, func() { cancel(errShuttingDown) })()
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

// maxURL is how long the address of a request may be, in bytes.
const maxURL = 8 << 10
