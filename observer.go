package eliza

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

// WithObserver tells a host what happens in the server, to count it: [github.com/eliza-go/eliza/runtime/prom] for
// Prometheus, or functions of its own. What of a service that is replaced happens there is not told. A panic in it is
// logged and changes nothing. The last observer counts.
func WithObserver(o runtime.Observer) Option { return func(c *config) { c.observer = o } }

// guardedObserver is an observer whose panics are logged and end there. Some of it is called where nothing else would stop
// them.
func guardedObserver(o runtime.Observer, log *slog.Logger) runtime.Observer {
	call := func(fn func()) {
		defer func() {
			if v := recover(); v != nil {
				log.Error("panic in an observer", "panic", v, "stack", string(debug.Stack()))
			}
		}()
		fn()
	}
	g := runtime.Observer{Attach: o.Attach, Detach: o.Detach}
	if o.Request != nil {
		g.Request = func(method string) func(string, int) {
			var done func(string, int)
			call(func() { done = o.Request(method) })
			if done == nil {
				return func(string, int) {}
			}
			return func(route string, status int) { call(func() { done(route, status) }) }
		}
	}
	if o.Turn != nil {
		g.Turn = func() func(string) {
			var done func(string)
			call(func() { done = o.Turn() })
			if done == nil {
				return func(string) {}
			}
			return func(status string) { call(func() { done(status) }) }
		}
	}
	if o.Limited != nil {
		g.Limited = func(limit string) { call(func() { o.Limited(limit) }) }
	}
	if o.SocketEvent != nil {
		g.SocketEvent = func(event string, took time.Duration, err error) { call(func() { o.SocketEvent(event, took, err) }) }
	}
	if o.StreamDropped != nil {
		g.StreamDropped = func() { call(o.StreamDropped) }
	}
	if o.Accepted != nil {
		g.Accepted = func(byAgent bool) { call(func() { o.Accepted(byAgent) }) }
	}
	if o.Did != nil {
		g.Did = func(d core.Observation) { call(func() { o.Did(d) }) }
	}
	if o.Wrote != nil {
		g.Wrote = func(writes int, took time.Duration) { call(func() { o.Wrote(writes, took) }) }
	}
	return g
}

// attach introduces the observer to a server that is built.
func (s *Server) attach() (err error) {
	if s.cfg.observer.Attach == nil {
		return nil
	}
	sockets := s.gateway.Server()
	g := runtime.Gauges{Sockets: sockets.Of("/").Count, SlowSockets: func() int { return int(sockets.Stats().ClosedSlow) }}
	if db, ok := s.store.(*storage.DB); ok {
		g.Writes = db.Waiting
	}
	if m, ok := s.store.Messaging().(interface {
		Waiting(ctx context.Context) (int, error)
	}); ok && !s.cfg.messaging.replaced {
		g.Deliveries = m.Waiting
	}
	if err = core.Guard(func() error { return s.cfg.observer.Attach(g) }); err != nil {
		return fmt.Errorf("eliza: WithObserver: %w", err)
	}
	return nil
}

// detach says goodbye to it.
func (s *Server) detach() error {
	if s.cfg.observer.Detach == nil {
		return nil
	}
	return core.Guard(func() error { s.cfg.observer.Detach(); return nil })
}

// observedHooks are the host's hooks between those that tell the observer.
func (s *Server) observedHooks() []messaging.Hooks {
	turn, accepted := s.cfg.observer.Turn, s.cfg.observer.Accepted
	var first, last messaging.Hooks
	if accepted != nil {
		last.AfterAccept = func(_ context.Context, a *messaging.Accepted) { accepted(a.Message.ByAgent) }
	}
	if turn != nil {
		var turns sync.Map // *core.Turn → func(status string); a host's hook may put another context in place of ours
		first.BeforeTurn = func(ctx context.Context, t *core.Turn) (context.Context, error) {
			turns.Store(t, turn())
			return ctx, nil
		}
		last.AfterTurn = func(_ context.Context, t *core.Turn, r messaging.AgentResult) {
			if done, ok := turns.LoadAndDelete(t); ok {
				done.(func(string))(messaging.TurnStatus(r))
			}
		}
	}
	if turn == nil && accepted == nil {
		return s.cfg.hooks
	}
	return append(append([]messaging.Hooks{first}, s.cfg.hooks...), last)
}
