package core

import (
	"context"
	"sync"
)

// Bus carries small notes inside a process and between processes. It is lossy by contract and never the
// record: whoever misses a note finds the truth in the store.
type Bus interface {
	// Publish sends a note of at most 7 KiB, after the commit it tells of.
	Publish(ctx context.Context, topic string, note []byte) error
	// Subscribe calls fn for each note until cancel. fn must not block. A nil note says that some were lost.
	Subscribe(topic string, fn func(note []byte)) (cancel func())
}

type commitKey struct{}

// CommitScope collects what is to run once a transaction has committed.
type CommitScope struct {
	mu   sync.Mutex
	fns  []func()
	done bool
}

// WithCommitScope returns a context whose [AfterCommit] calls are collected in the returned scope. It is
// for those who open transactions.
func WithCommitScope(ctx context.Context) (context.Context, *CommitScope) {
	s := &CommitScope{}
	return context.WithValue(ctx, commitKey{}, s), s
}

// Run calls what was collected, in order, once. What is registered after that, by a hook too, runs at once. A hook
// that panics keeps no other from running: the panic goes on when all have.
func (s *CommitScope) Run() {
	s.mu.Lock()
	fns := s.fns
	s.fns, s.done = nil, true
	s.mu.Unlock()
	runAll(fns)
}

// runAll calls each, the ones after one that panics too.
func runAll(fns []func()) {
	if len(fns) == 0 {
		return
	}
	defer runAll(fns[1:])
	fns[0]()
}

// AfterCommit runs fn once the transaction carried by ctx has committed, never if it rolls back, and at
// once when ctx carries none.
func AfterCommit(ctx context.Context, fn func()) {
	s, ok := ctx.Value(commitKey{}).(*CommitScope)
	if !ok {
		fn()
		return
	}
	s.mu.Lock()
	done := s.done
	if !done {
		s.fns = append(s.fns, fn)
	}
	s.mu.Unlock()
	if done {
		fn()
	}
}

// InTransaction tells whether ctx carries a transaction that has not committed: to wait for others, who may
// need the database, would wait for ever.
func InTransaction(ctx context.Context) bool {
	s, ok := ctx.Value(commitKey{}).(*CommitScope)
	if !ok {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.done
}
