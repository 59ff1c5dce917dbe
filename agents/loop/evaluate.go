package loop

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// evaluate runs the evaluators of a finished turn, all at once. It is done as well as can be: when too many
// turns are looked at already, this one is not.
func (u *turn) evaluate(ctx context.Context) {
	if len(u.r.set.evaluators) == 0 {
		return
	}
	select {
	case u.r.evaluating <- struct{}{}:
		defer func() { <-u.r.evaluating }()
	default:
		u.r.log.Warn("evaluators are left out, too many turns at once", "run_id", u.run)
		return
	}
	responded := u.responded()
	var wg sync.WaitGroup
	for _, e := range u.r.set.evaluators {
		if e.Run != nil && (responded || e.AlwaysRun) {
			wg.Go(func() { u.evaluateBy(ctx, e) })
		}
	}
	wg.Wait()
	if _, logs := u.take(); len(logs) > 0 && ctx.Err() == nil {
		if err := u.r.memories.Record(ctx, nil, logs); err != nil {
			u.r.log.Warn("cannot record evaluators", "run_id", u.run, "err", err)
		}
	}
}

func (u *turn) evaluateBy(ctx context.Context, e evaluator) {
	began := time.Now()
	ran, err := bounded(ctx, u.r, u.r.opts.EvaluatorTimeout, place{e.plugin, "evaluator", e.Name}, func(ctx context.Context) (bool, error) {
		call := u.call()
		call.Generate = u.generator(call.State, "", nil)
		if e.Validate != nil {
			if ok, err := e.Validate(ctx, call); err != nil || !ok {
				return false, err
			}
		}
		_, err := e.Run(ctx, call)
		return true, err
	})
	if err != nil && ctx.Err() == nil {
		u.r.log.Warn("evaluator failed", "plugin", e.plugin, "evaluator", e.Name, "err", err)
	}
	if ran || err != nil {
		body := map[string]any{"runId": string(u.run), "evaluator": e.Name, "success": err == nil, "duration": time.Since(began).Milliseconds()}
		u.note("evaluator", u.r.id, body)
	}
}

// responded tells whether the agent said something in this turn.
func (u *turn) responded() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	i := slices.IndexFunc(u.recent, func(m core.Memory) bool { return m.ID == u.memory.ID })
	return i >= 0 && slices.ContainsFunc(u.recent[i+1:], func(m core.Memory) bool { return m.EntityID == u.r.id })
}
