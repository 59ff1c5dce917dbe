package loop

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

var errSlow = errors.New("it took too long")

// place names foreign code for the log.
type place struct {
	plugin string
	kind   string // action, provider, …
	name   string
}

// guarded calls foreign code and turns a panic into an error.
func (r *Runtime) guarded(at place, fn func() error) error {
	err := core.Guard(fn)
	if p, ok := errors.AsType[*core.PanicError](err); ok {
		r.log.Error("panic in plugin code", "plugin", at.plugin, "kind", at.kind, "name", at.name, "panic", p.Error(), "stack", p.Stack)
		return fmt.Errorf("%s %s: %w", at.kind, at.name, err)
	}
	return err
}

// bounded calls foreign code with a time limit (0 = none but that of ctx) and comes back when it is over,
// even if the code does not: what still runs then is waited for by Close.
func bounded[T any](ctx context.Context, r *Runtime, limit time.Duration, at place, fn func(context.Context) (T, error)) (T, error) {
	var cancel context.CancelFunc = func() {}
	if limit > 0 {
		ctx, cancel = context.WithTimeoutCause(ctx, limit, errSlow)
	}
	defer cancel()
	return started(ctx, r, at, fn)(ctx)
}

// started calls foreign code in a goroutine of its own. The returned function waits for it, but not longer
// than ctx lasts, which is to be the same.
func started[T any](ctx context.Context, r *Runtime, at place, fn func(context.Context) (T, error)) func(ctx context.Context) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	r.work.Go(func() {
		var res result
		res.err = r.guarded(at, func() (err error) {
			res.value, err = fn(ctx)
			return err
		})
		done <- res
	})
	return func(ctx context.Context) (T, error) {
		select {
		case res := <-done:
			return res.value, because(ctx, res.err)
		case <-ctx.Done():
		}
		select {
		case res := <-done: // both at once
			return res.value, because(ctx, res.err)
		default:
			var none T
			return none, context.Cause(ctx)
		}
	}
}

// because names the cause of an error that only says that ctx has ended.
func because(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return context.Cause(ctx)
	}
	return err
}

// group counts goroutines. Unlike a sync.WaitGroup it may grow while somebody waits.
type group struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when n becomes 0; nil when nobody waits
}

// Go runs fn in a counted goroutine.
func (g *group) Go(fn func()) {
	done := g.enter()
	go func() {
		defer done()
		fn()
	}()
}

// enter counts the caller until it calls done.
func (g *group) enter() (done func()) {
	g.mu.Lock()
	g.n++
	g.mu.Unlock()
	return g.leave
}

func (g *group) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.n--; g.n == 0 && g.idle != nil {
		close(g.idle)
		g.idle = nil
	}
}

// wait returns when nothing is counted, or with the cause of ctx's end.
func (g *group) wait(ctx context.Context) error {
	g.mu.Lock()
	if g.n == 0 {
		g.mu.Unlock()
		return nil
	}
	if g.idle == nil {
		g.idle = make(chan struct{})
	}
	idle := g.idle
	g.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
