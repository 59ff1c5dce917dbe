package eliza

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

// Names host code meets most.
type (
	UUID      = core.UUID
	Character = core.Character
	Content   = core.Content
	Error     = core.Error
	Identity  = core.Identity
)

// drainTime bounds how long [Server.Run] lets turns under way end before it hands them back to the store.
const drainTime = 10 * time.Second

// Server is a whole server: its services, and the routes that serve them. Safe for concurrent use.
type Server struct {
	cfg   *config
	log   *slog.Logger
	logs  *runtime.Logs
	store storage.Store
	parts

	handler  func() http.Handler
	requests *inflight
	work     sync.WaitGroup
	cancel   context.CancelFunc // of what Start began

	start, stop, quits sync.Once
	startErr, stopErr  error
	quitting           chan struct{} // closed when a request asked for the end
}

// NewServer checks the options, opens the database and brings its schema, and that of plugins, up to date. It starts nothing;
// whoever has a Server calls [Server.Shutdown] in the end.
func NewServer(opts ...Option) (*Server, error) {
	cfg, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	logs := runtime.NewLogs(cfg.logSize)
	logs.Now = cfg.now
	s := &Server{cfg: cfg, logs: logs, requests: newInflight(), quitting: make(chan struct{}), log: slog.New(slog.NewMultiHandler(cfg.log.Handler(), logs.Handler(cfg.logLevel)))}
	s.handler = sync.OnceValue(func() http.Handler { return s.newHandler(false) })
	if s.store, err = cfg.openStore(s.log); err != nil {
		return nil, err
	}
	if cfg.salt == "" || cfg.salt == agents.DefaultSalt {
		s.log.Warn("agents' secrets are encrypted with the well-known salt: whoever reads the database, or an agent's page, can read them")
	}
	err = s.build()
	if err == nil {
		err = s.attach()
	}
	if err != nil {
		return nil, errors.Join(err, s.closeStore())
	}
	return s, nil
}

// Start begins to answer: what an earlier process left unanswered first. It returns when that is under
// way, and ends when ctx does or [Server.Shutdown] is called. A second call does nothing.
func (s *Server) Start(ctx context.Context) error {
	s.start.Do(func() {
		ctx, s.cancel = context.WithCancel(ctx)
		if s.startErr = s.lanes.Start(ctx, s.agents); s.startErr != nil {
			return
		}
		if s.mirror != nil {
			if s.startErr = s.mirror.sync(ctx); s.startErr != nil {
				return
			}
		}
		for name, work := range map[string]func(context.Context){
			"embed": s.mind.Embed, "housekeep": s.housekeep, "wake": s.wakeServices, "sweep files": s.sweepFiles,
		} {
			s.work.Go(func() { _ = s.guarded(name, func() error { work(ctx); return nil }) })
		}
	})
	return s.startErr
}

// Shutdown refuses new requests, lets turns under way end until ctx does and hands the others back to the
// store, ends the requests that wait still, tells sockets to reconnect, and closes what the server opened.
// Safe twice, at any time, and without Start.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop.Do(func() {
		s.requests.close()
		s.start.Do(func() { s.startErr = errors.New("eliza: Start after Shutdown") }) // or waits for the one under way
		drained := s.lanes.Shutdown(ctx)
		if s.cancel != nil {
			s.cancel()
		}
		s.requests.finish()
		s.work.Wait()
		sockets := s.gateway.Shutdown(ctx)
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
		defer cancel()
		brains := s.agency.Close(bounded)
		s.mind.Close()
		detached := s.detach()
		s.stopErr = errors.Join(drained, sockets, brains, detached, s.closeStore())
	})
	return s.stopErr
}

// quit makes [Server.Serve] return and shuts down, and does not wait for either. Who calls Shutdown meanwhile
// waits for the same end.
func (s *Server) quit() {
	s.quits.Do(func() {
		close(s.quitting)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), drainTime)
			defer cancel()
			if err := s.guarded("shutdown", func() error { return s.Shutdown(ctx) }); err != nil {
				s.log.Error("shutdown failed", "err", err)
			}
		}()
	})
}

// closeStore closes the store unless it is the host's.
func (s *Server) closeStore() error {
	if s.cfg.store != nil {
		return nil
	}
	return s.store.Close()
}

// Addr is where [Server.Run] listens.
func (s *Server) Addr() string { return s.cfg.addr }

// Run starts, listens (see [WithAddr]) and serves until ctx ends or a request stops the server, then shuts
// down.
func (s *Server) Run(ctx context.Context) error {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.cfg.addr)
	if err != nil {
		return errors.Join(fmt.Errorf("eliza: listen: %w", err), s.Shutdown(ctx))
	}
	return s.Serve(ctx, ln)
}

// Serve is [Server.Run] on a listener, which it closes.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	// Turns outlive ctx: they are drained, not cut.
	if err := s.Start(context.WithoutCancel(ctx)); err != nil {
		return errors.Join(err, ln.Close(), s.Shutdown(ctx))
	}
	web := &http.Server{
		Handler: s.newHandler(true), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(ln) }()
	s.log.Info("listening", "address", ln.Addr().String(), "database", s.cfg.where())
	if s.cfg.open {
		s.log.Warn("no key is set: whoever reaches the server may use it")
	}
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	case <-s.quitting:
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	err = errors.Join(err, s.Shutdown(bounded), web.Shutdown(bounded), web.Close())
	s.log.Info("stopped")
	return err
}

// Agents is the agents service, as wrapped or replaced.
func (s *Server) Agents() agents.Service { return s.agents }

// Messaging is the messaging service, as wrapped or replaced.
func (s *Server) Messaging() messaging.Service { return s.messaging }

// Memory is the memory service, as wrapped or replaced.
func (s *Server) Memory() memory.Service { return s.memory }

// WithTx runs fn in one transaction: what it stores through the server's services with its ctx, and the
// host's own rows through tx, are committed together, or not at all when fn returns an error. Messages are
// broadcast and answered after the commit. On SQLite it holds the only writer: keep it short.
func (s *Server) WithTx(ctx context.Context, fn func(ctx context.Context, tx *gorm.DB) error) error {
	return s.store.WithTx(ctx, fn)
}

// housekeep removes what agents' logs need no longer, now and then.
func (s *Server) housekeep(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.guarded("sweep", func() error { return s.memory.Sweep(ctx) }); err != nil && ctx.Err() == nil {
				s.log.Warn("sweep failed", "err", err)
			}
		}
	}
}

// guarded calls what a host may have replaced or wrapped, in a goroutine of ours, and turns its panic into an error.
func (s *Server) guarded(what string, fn func() error) error {
	err := core.Guard(fn)
	if p, ok := errors.AsType[*core.PanicError](err); ok {
		s.log.Error("panic", "in", what, "panic", p.Error(), "stack", p.Stack)
	}
	return err
}

// sweepFiles removes what uploads left behind that a crash cut.
func (s *Server) sweepFiles(ctx context.Context) {
	if s.folder == nil {
		return
	}
	if err := s.folder.Sweep(ctx, time.Hour); err != nil && ctx.Err() == nil {
		s.log.Warn("files of cut uploads were not removed", "err", err)
	}
}

// wakeServices builds the active agents that have a plugin with a service: the others wait for their first
// message.
func (s *Server) wakeServices(ctx context.Context) {
	if !s.hasServices() {
		return
	}
	ids, err := s.agents.Active(ctx, mostAgents)
	if err != nil {
		s.log.Error("cannot list active agents", "err", err)
	}
	for _, id := range ids {
		err := s.guarded("wake", func() error {
			a, err := s.agents.Get(ctx, id)
			if err != nil || !servesAlways(s.plugins.PluginsOf(a.Character)) {
				return nil
			}
			_, err = s.agents.Runtime(ctx, id)
			return err
		})
		if err != nil && ctx.Err() == nil {
			s.log.Error("agent with a service did not start", "agent_id", id, "err", err)
		}
	}
}
