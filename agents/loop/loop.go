package loop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// Sender is the way of messages nobody asked for.
type Sender interface {
	Say(ctx context.Context, agent core.Runtime, channel core.UUID, c core.Content) (core.UUID, error)
	Control(ctx context.Context, channel core.UUID, action, target string) error
}

// Options is what a brain is made of. Memories is required, the zero value of every other field is usable.
type Options struct {
	Logger  *slog.Logger    // slog.Default() when nil
	Plugins []plugin.Plugin // every agent has them
	Catalog []plugin.Plugin // agents whose character names them have them
	Known   *Plugins        // instead of Plugins and Catalog, when the caller made it already

	Memories func(agent core.UUID) core.Memories
	Sender   Sender                          // nil = agents speak only when asked
	Decrypt  func(string) string             // of secrets at rest; nil = as they are stored
	Setting  func(key string) (string, bool) // the host's settings, asked last
	Files    Files                           // of the server; nil = only what is inside a message is looked at, and images stay as the model gives them

	Services map[string]any // what the host gives all agents, by type; asked after the plugins' own; not changed afterwards

	Now core.Clock // of what is recorded; time.Now when nil

	Tracer  trace.Tracer           // of calls of models, actions and evaluators; nil = they are not traced
	Observe func(core.Observation) // is called at the end of each, concurrently, and must not block; nil = nobody looks

	ProviderTimeout  time.Duration // of one provider or validation; 10 s
	ActionTimeout    time.Duration // of one action; 60 s
	EvaluatorTimeout time.Duration // of one evaluator; 60 s
	ServiceTimeout   time.Duration // of starting or stopping one service, and of one Init; 30 s
	History          int           // messages of the conversation in a prompt; 32
}

func (o Options) withDefaults() (Options, error) {
	if o.Memories == nil {
		return o, errors.New("loop: Memories is needed")
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	o.Logger = o.Logger.With("component", "agent")
	if o.Known == nil {
		o.Known = NewPlugins(o.Logger, o.Plugins, o.Catalog)
	}
	if o.Decrypt == nil {
		o.Decrypt = func(s string) string { return s }
	}
	if o.Setting == nil {
		o.Setting = func(string) (string, bool) { return "", false }
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&o.ProviderTimeout, 10 * time.Second},
		{&o.ActionTimeout, time.Minute},
		{&o.EvaluatorTimeout, time.Minute},
		{&o.ServiceTimeout, 30 * time.Second},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if o.History <= 0 {
		o.History = 32
	}
	return o, nil
}

// New returns a factory of the default brain. The runtimes it builds implement [core.Swapper].
func New(opts Options) (agents.Factory, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	templates := newTemplates()
	return func(ctx context.Context, c *core.Character) (core.Runtime, error) {
		r := newRuntime(opts, templates, c)
		if err := r.start(ctx); err != nil {
			return nil, fmt.Errorf("loop: build %s: %w", c.ID, errors.Join(err, r.Close(ctx)))
		}
		return r, nil
	}, nil
}
