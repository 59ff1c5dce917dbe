package loop

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eliza-go/eliza/internal/tracing"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

const (
	drainGrace    = 5 * time.Second // for turns that may still use a service that is to be stopped
	maxEvaluating = 8               // turns whose evaluators run at once, per agent
)

// Runtime is a running agent with the default brain. Safe for concurrent use. After Close it still answers
// turns, without services and evaluators, so that a turn begun while an agent is renewed is not lost.
type Runtime struct {
	id        core.UUID
	opts      Options
	log       *slog.Logger
	tracer    *tracing.Tracer
	templates *templates
	memories  core.Memories
	plugins   []plugin.Plugin
	set       *abilities

	character atomic.Pointer[core.Character]
	models    atomic.Pointer[models]

	mu       sync.Mutex
	services map[string]service
	order    []string // of services, as they were started

	swap       sync.Mutex // one change of the character at a time
	turns      group
	work       group // goroutines of plugin code and evaluators
	background func(fn func(context.Context))
	stop       context.CancelFunc
	evaluating chan struct{}
}

var (
	_ core.Runtime = (*Runtime)(nil)
	_ core.Swapper = (*Runtime)(nil)
)

func newRuntime(opts Options, t *templates, c *core.Character) *Runtime {
	ctx, cancel := context.WithCancel(context.Background())
	r := &Runtime{
		id: c.ID, opts: opts, log: opts.Logger.With("agent_id", c.ID, "agent_name", c.Name), templates: t,
		memories: opts.Memories(c.ID), plugins: opts.Known.PluginsOf(c), services: map[string]service{},
		stop: cancel, evaluating: make(chan struct{}, maxEvaluating),
	}
	r.tracer = tracing.New(opts.Tracer, r.log)
	r.background = func(fn func(context.Context)) {
		done := r.work.enter() // before the look at ctx, so that Close waits for it
		if ctx.Err() != nil {
			done()
			return
		}
		go func() {
			defer done()
			_ = r.guarded(place{"", "background", "after a turn"}, func() error { // of what it reports nobody waits
				fn(ctx)
				return nil
			})
		}()
	}
	r.set = newAbilities(r.log, r.plugins)
	r.character.Store(c)
	r.models.Store(&models{})
	return r
}

// start initialises plugins, asks them for models and starts their services, in that order.
func (r *Runtime) start(ctx context.Context) error {
	for i := range r.plugins {
		p := &r.plugins[i]
		if p.Init == nil {
			continue
		}
		_, err := bounded(ctx, r, r.opts.ServiceTimeout, place{p.Name, "init", p.Name}, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, p.Init(ctx, r)
		})
		if err != nil {
			return &core.Error{Code: core.CodeStart, Message: "Plugin " + p.Name + " could not be initialised", Err: err}
		}
	}
	r.models.Store(r.mergeModels())
	return r.startServices(ctx)
}

// AgentID implements [core.Runtime].
func (r *Runtime) AgentID() core.UUID { return r.id }

// Character implements [core.Runtime].
func (r *Runtime) Character() *core.Character { return r.character.Load() }

// Models implements [core.Runtime].
func (r *Runtime) Models() core.Models { return r.models.Load().Models }

// Memories implements [core.Runtime].
func (r *Runtime) Memories() core.Memories { return r.memories }

// SwapCharacter implements [core.Swapper]. Plugins are asked for their models again, for keys may have
// changed; a plugin that fails then keeps the ones it gave before.
func (r *Runtime) SwapCharacter(c *core.Character) {
	r.swap.Lock()
	defer r.swap.Unlock()
	r.character.Store(c)
	r.models.Store(r.mergeModels())
}

// Say implements [core.Runtime].
func (r *Runtime) Say(ctx context.Context, channel core.UUID, c core.Content) (core.UUID, error) {
	if r.opts.Sender == nil {
		return "", core.ErrUnsupported
	}
	return r.opts.Sender.Say(ctx, r, channel, c)
}

// Control implements [core.Runtime].
func (r *Runtime) Control(ctx context.Context, channel core.UUID, action, target string) error {
	if r.opts.Sender == nil {
		return core.ErrUnsupported
	}
	return r.opts.Sender.Control(ctx, channel, action, target)
}

// Close implements [core.Runtime]. Turns under way get a moment to end, evaluators are cancelled, then the
// services are stopped. It is safe to call twice.
func (r *Runtime) Close(ctx context.Context) error {
	r.stop()
	grace, cancel := context.WithTimeout(ctx, drainGrace)
	defer cancel()
	if err := r.turns.wait(grace); err != nil {
		r.log.Warn("services are stopped under running turns")
	}
	err := r.stopServices(ctx)
	limited, done := context.WithTimeout(ctx, r.opts.ServiceTimeout)
	defer done()
	if r.work.wait(limited) != nil {
		err = errors.Join(err, errors.New("loop: plugin code does not end"))
	}
	return err
}
