package loop

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// evaluate runs the evaluators of a finished turn that have something to do, all at once. It is done as well
// as can be: when too many turns are looked at already, this one is not.
func (u *turn) evaluate(ctx context.Context) {
	due := u.due(ctx)
	if len(due) == 0 {
		return
	}
	select {
	case u.r.evaluating <- struct{}{}:
		defer func() { <-u.r.evaluating }()
	default:
		u.r.log.Warn("evaluators are left out, too many turns at once", "run_id", u.run)
		return
	}
	var wg sync.WaitGroup
	for _, e := range due {
		wg.Go(func() { u.evaluateBy(ctx, e) })
	}
	wg.Wait()
	if _, logs := u.take(); len(logs) > 0 && ctx.Err() == nil {
		if err := u.r.memories.Record(ctx, nil, logs); err != nil {
			u.r.log.Warn("cannot record evaluators", "run_id", u.run, "err", err)
		}
	}
}

// due are the evaluators that are valid now.
func (u *turn) due(ctx context.Context) []evaluator {
	var out []evaluator
	if len(u.r.set.evaluators) == 0 {
		return nil
	}
	responded := u.responded()
	for _, e := range u.r.set.evaluators {
		if !responded && !e.AlwaysRun {
			continue
		}
		ok := e.Validate == nil
		if !ok {
			call := u.call()
			var err error
			ok, err = bounded(ctx, u.r, u.r.opts.ProviderTimeout, place{e.plugin, "evaluator", e.Name}, func(ctx context.Context) (bool, error) {
				return e.Validate(ctx, call)
			})
			if err != nil && ctx.Err() == nil {
				u.r.log.Warn("evaluator failed", "plugin", e.plugin, "evaluator", e.Name, "err", err)
			}
			ok = ok && err == nil
		}
		if ok {
			out = append(out, e)
		}
	}
	return out
}

func (u *turn) evaluateBy(ctx context.Context, e evaluator) {
	began := time.Now()
	watched, seen := u.r.see(ctx, core.ObservedEvaluator, e.Name, "evaluate", e.Name, attribute.String("eliza.evaluator.name", e.Name))
	result, err := bounded(watched, u.r, u.r.opts.EvaluatorTimeout, place{e.plugin, "evaluator", e.Name}, func(ctx context.Context) (plugin.Result, error) {
		call := u.call()
		call.Generate = u.generator(call.State, "", nil)
		return e.Run(ctx, call)
	})
	seen.end(err)
	if err != nil && ctx.Err() == nil {
		u.r.log.Warn("evaluator failed", "plugin", e.plugin, "evaluator", e.Name, "err", err)
	}
	u.note("evaluator", u.r.id, map[string]any{
		"runId": string(u.run), "evaluator": e.Name, "success": err == nil, "duration": time.Since(began).Milliseconds(), "result": result.Text,
	})
}

// responded tells whether the agent said something in this turn.
func (u *turn) responded() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	i := slices.IndexFunc(u.recent, func(m core.Memory) bool { return m.ID == u.memory.ID })
	return i >= 0 && slices.ContainsFunc(u.recent[i+1:], func(m core.Memory) bool { return m.EntityID == u.r.id })
}
