package messaging

import (
	"context"
	"errors"
	"log/slog"

	"github.com/eliza-go/eliza/runtime/core"
)

// guarded calls what others wrote, a store, a brain or a wrapped service, and turns a panic into an error: no
// lane, and no goroutine of ours, ends by it.
func guarded(log *slog.Logger, what string, fn func() error) error {
	err := core.Guard(fn)
	if p, ok := errors.AsType[*core.PanicError](err); ok {
		log.Error("panic", "in", what, "panic", p.Error(), "stack", p.Stack)
	}
	return err
}

// isolated is a brain's part of the transaction that ends its turn. What it registers to be run after the commit is
// guarded as well: by then the turn has ended, and nothing may keep that from being told.
func isolated(log *slog.Logger, commit func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		scoped, hooks := core.WithCommitScope(ctx)
		err := guarded(log, "commit", func() error { return commit(scoped) })
		if err == nil {
			core.AfterCommit(ctx, func() {
				_ = guarded(log, "after a commit", func() error { hooks.Run(); return nil })
			})
		}
		return err
	}
}
