package messaging

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/eliza-go/eliza/internal/tracing"
	"github.com/eliza-go/eliza/runtime/core"
)

// Options tunes a [Manager]. The zero value is ready to use.
type Options struct {
	Logger   *slog.Logger // slog.Default() when nil
	Memories Memories     // told of deletions; nil when agents keep no memories

	TurnTimeout  time.Duration // of one turn; 5 minutes when 0
	DeliveryTTL  time.Duration // after which a delivery nobody took ends as expired; 1 hour when 0
	Lease        time.Duration // of a delivery taken by this process; 3 s when 0
	Poll         time.Duration // how often stored deliveries are looked through, as a net; 500 ms when 0
	Retention    time.Duration // of ended deliveries; 7 days when 0
	MaxLane      int           // unfinished deliveries of a lane before messages are refused; 100 when 0
	MaxTurns     int           // turns at once; 512 when 0
	MaxAgent     int           // turns at once of one agent; 64 when 0
	MaxLost      int           // how often a turn that was lost to a crash is tried again; 3 when 0
	AgentToAgent int           // agent messages in a row that are delivered to other agents; 0 = none
	InputControl string        // "dm" (default), "all" or "off": where clients' input is disabled during a turn

	Hooks []Hooks // called in order, see there

	Tracer trace.Tracer // of accepted messages and of turns; nil = they are not traced

	PublicURL func(string) string // the address of an attachment given by its place on this machine; as it is when nil

	Sessions SessionOptions
	Now      func() time.Time // the clock sessions and jobs expire by, and message servers are made by; time.Now when nil
}

// withDefaults fills what is unset.
func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{
		{&o.TurnTimeout, 5 * time.Minute},
		{&o.DeliveryTTL, time.Hour},
		{&o.Lease, 3 * time.Second},
		{&o.Poll, 500 * time.Millisecond},
		{&o.Retention, 7 * 24 * time.Hour},
	} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	for _, d := range []struct {
		v   *int
		def int
	}{{&o.MaxLane, 100}, {&o.MaxTurns, 512}, {&o.MaxAgent, 64}, {&o.MaxLost, 3}} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	if o.InputControl == "" {
		o.InputControl = "dm"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Sessions = o.Sessions.withDefaults()
	return o
}

// Manager is the default [Service]. Until [Manager.Start] it stores messages but no agent answers.
type Manager struct {
	store Store
	opts  Options
	log   *slog.Logger
	seqs  *sequencers
	pages pages
	lanes *lanes

	tracer  *tracing.Tracer
	origins origins

	joins chan func(context.Context) // what agents are to be told

	mu      sync.Mutex
	started bool
	closing bool
	agents  Agents
	stop    context.CancelFunc
	wg      sync.WaitGroup

	close  sync.Once
	closed chan struct{} // closed when no message is answered any more, and nothing is tried again
}

const (
	joinQueue   = 1024             // joins that may wait; more are not told to agents
	joinWorkers = 8                // agents that are told at once
	joinLimit   = 10 * time.Second // of telling one
)

var _ Runner = (*Manager)(nil)

// New returns a Manager over store. It starts nothing.
func New(store Store, opts Options) *Manager {
	if store == nil {
		panic("messaging.New: nil store")
	}
	opts = opts.withDefaults()
	m := &Manager{
		store: store, opts: opts, log: opts.Logger.With("component", "messaging"),
		joins: make(chan func(context.Context), joinQueue), closed: make(chan struct{}),
	}
	m.seqs = newSequencers(store, m.log)
	m.lanes = newLanes(m)
	m.tracer = tracing.New(opts.Tracer, m.log)
	return m
}

// Start makes sure the default message server exists, resumes what an earlier process left and lets agents
// answer, until ctx ends or [Manager.Shutdown] is called. Without agents people talk to each other.
func (m *Manager) Start(ctx context.Context, agents Agents) (err error) {
	m.mu.Lock()
	if m.started || m.closing {
		m.mu.Unlock()
		return errors.New("messaging: started twice or after Shutdown")
	}
	m.started = true
	m.mu.Unlock()
	now := core.ISO(m.now())
	err = m.store.EnsureServer(ctx, Server{ID: core.DefaultServerID, Name: "Default Server", SourceType: "eliza_default", CreatedAt: now, UpdatedAt: now})
	if err == nil {
		err = m.store.VoidLeases(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case err != nil:
		m.started = false
		return err
	case m.closing:
		return ErrShuttingDown
	}
	if agents == nil {
		agents = nobody{}
	}
	run, stop := context.WithCancel(ctx)
	m.agents, m.stop = agents, stop
	m.wg.Go(func() { m.lanes.run(run) })
	m.wg.Go(func() { m.housekeep(run) })
	for range joinWorkers {
		m.wg.Go(func() { m.tell(run) })
	}
	return nil
}

// Shutdown refuses new messages, lets the turns under way end until ctx does, hands the others back to the
// store and stops. It waits a few seconds longer than ctx at most. Safe twice and without Start.
func (m *Manager) Shutdown(ctx context.Context) error {
	m.mu.Lock()
	m.closing = true
	stop := m.stop
	m.mu.Unlock()
	var err error
	if stop != nil {
		err = m.lanes.drain(ctx)
		stop()
	}
	m.close.Do(func() { close(m.closed) })
	ended := make(chan struct{})
	go func() { // ends with what it waits for
		m.wg.Wait()
		close(ended)
	}()
	limit := time.NewTimer(handBack)
	defer limit.Stop()
	select {
	case <-ended:
	case <-limit.C:
		err = errors.Join(err, errors.New("messaging: agents that do not heed the end of their turns are still at work"))
	}
	if m.opts.Sessions.ClearOnShutdown && stop != nil {
		err = errors.Join(err, guarded(m.log, "sweep", func() error { return m.store.SweepSessions(context.WithoutCancel(ctx), math.MaxInt64) }))
	}
	return err
}

// housekeep removes what is no longer needed, now and then.
func (m *Manager) housekeep(ctx context.Context) {
	tick, expiry := time.NewTicker(10*time.Minute), time.NewTicker(m.opts.Sessions.Cleanup)
	defer tick.Stop()
	defer expiry.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-expiry.C:
			if err := guarded(m.log, "sweep", func() error { return m.sweepExpired(ctx) }); err != nil && ctx.Err() == nil {
				m.log.Warn("sweep of sessions and jobs failed", "err", err)
			}
		case <-tick.C:
			if err := guarded(m.log, "sweep", func() error { return m.store.Sweep(ctx, m.opts.Retention, 24*time.Hour) }); err != nil && ctx.Err() == nil {
				m.log.Warn("sweep failed", "err", err)
			}
		}
	}
}

// sweepExpired removes sessions that have expired and jobs that ended long enough ago: all have when they expire.
func (m *Manager) sweepExpired(ctx context.Context) error {
	now := m.now()
	return errors.Join(m.store.SweepSessions(ctx, now), m.store.SweepJobs(ctx, now-core.Millis(jobRetention.Milliseconds())))
}

// now is the time by the clock of the options.
func (m *Manager) now() core.Millis { return core.MillisOf(m.opts.Now()) }

// nobody is no agents.
type nobody struct{}

func (nobody) Runtime(context.Context, core.UUID) (core.Runtime, error) { return nil, ErrAgentNotFound }
func (nobody) Exists(context.Context, core.UUID) (bool, error)          { return false, nil }

// running returns the agents, or why nothing can be done now.
func (m *Manager) running() (Agents, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closing:
		return nil, ErrShuttingDown
	case m.agents == nil:
		return nil, &core.Error{Code: core.CodeUnavailable, Message: "The server has not started", RetryAfter: time.Second}
	}
	return m.agents, nil
}

func (m *Manager) open() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closing {
		return ErrShuttingDown
	}
	return nil
}

// tell tells agents who joined until ctx ends.
func (m *Manager) tell(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case fn := <-m.joins:
			m.told(ctx, fn)
		}
	}
}

func (m *Manager) told(ctx context.Context, fn func(context.Context)) {
	ctx, cancel := context.WithTimeout(ctx, joinLimit)
	defer cancel()
	_ = guarded(m.log, "join", func() error { fn(ctx); return nil })
}
