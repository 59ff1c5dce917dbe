package messaging

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// Why a turn was cancelled; [context.Cause] of the turn's context tells the brain.
var (
	errTimeout  = errors.New("the turn took too long")
	errStopped  = errors.New("the agent was stopped")
	errDeleted  = errors.New("the message was deleted")
	errShutdown = errors.New("the server is shutting down")
	errSilent   = errors.New("the agent did not answer")
)

const (
	brainGrace = 2 * time.Second // how long a brain may take to return once its context has ended
	handBack   = 3 * time.Second // how long cancelled turns may take to be given back to the store
)

// turn is one delivery being answered by this process.
type turn struct {
	id      core.UUID // of the delivery
	lane    Lane
	message core.UUID
	cancel  context.CancelCauseFunc
	done    chan struct{} // closed when the delivery has ended here, whatever its brain still does
}

type turnKey struct{}

// others narrows match to the turns that ctx does not belong to: a turn that waited for its own end, because
// its brain stops its agent or clears its channel, would wait for ever.
func others(ctx context.Context, match func(*turn) bool) func(*turn) bool {
	own, _ := ctx.Value(turnKey{}).(*turn)
	return func(t *turn) bool { return t != own && match(t) }
}

// bar cancels turns of a kind at their beginning.
type bar struct {
	match  func(*turn) bool
	cause  error
	lifted bool // but kept for what was being claimed then
}

// bar cancels the turns that match, and those that begin before lift is called, or were being claimed then.
// It returns channels that are closed when those under way have ended.
func (l *lanes) bar(match func(*turn) bool, cause error) (done []<-chan struct{}, lift func()) {
	b := &bar{match: match, cause: cause}
	l.mu.Lock()
	l.bars = append(l.bars, b)
	l.mu.Unlock()
	return l.cancel(match, cause), func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		b.lifted = true
		if !l.claiming {
			l.bars = slices.DeleteFunc(l.bars, func(other *bar) bool { return other == b })
		}
	}
}

// cancel ends the turns that match and returns channels that are closed when they have ended.
func (l *lanes) cancel(match func(*turn) bool, cause error) (done []<-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range l.turns {
		if match(t) {
			t.cancel(cause)
			done = append(done, t.done)
		}
	}
	return done
}

// of returns the deliveries being answered in turns that match, and their ends.
func (l *lanes) of(match func(*turn) bool) (ids []core.UUID, done []<-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, t := range l.turns {
		if match(t) {
			ids, done = append(ids, id), append(done, t.done)
		}
	}
	return ids, done
}

// await waits until all are closed, or ctx ends.
func await(ctx context.Context, done []<-chan struct{}) error {
	for _, d := range done {
		select {
		case <-d:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// drain starts no further turn and waits for those under way; those that are not done when ctx is are
// cancelled and handed back to the store.
func (l *lanes) drain(ctx context.Context) error {
	l.mu.Lock()
	l.draining = true
	l.mu.Unlock()
	all := func(*turn) bool { return true }
	_, done := l.of(all)
	err := await(ctx, done)
	if err == nil {
		return nil
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), handBack)
	defer cancel()
	if await(limited, l.cancel(all, errShutdown)) != nil {
		l.m.log.Error("turns were not handed back in time")
	}
	return err
}

// StopAgent ends what an agent has to do: queued deliveries at once, turns under way when they are not
// done after grace. Their messages complete with status "stopped". Inside a transaction it waits for
// nothing, and turns under way are cancelled when that commits.
func (m *Manager) StopAgent(ctx context.Context, agent core.UUID, grace time.Duration) error {
	theirs := func(t *turn) bool { return t.lane.AgentID == agent }
	running, _ := m.lanes.of(theirs)
	// What begins from here on was claimed before it could be ended.
	_, lift := m.lanes.bar(func(t *turn) bool { return theirs(t) && !slices.Contains(running, t.id) }, errStopped)
	defer lift()
	ended, err := m.store.EndAgent(ctx, agent, running)
	if err != nil {
		return err
	}
	core.AfterCommit(ctx, func() {
		for _, e := range ended {
			m.seqs.publish(e.ChannelID, e.Events...)
		}
	})
	awaited := others(ctx, theirs)
	if core.InTransaction(ctx) {
		core.AfterCommit(ctx, func() { m.lanes.cancel(awaited, errStopped) })
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	_, done := m.lanes.of(awaited)
	if await(limited, done) == nil {
		return nil
	}
	return await(ctx, m.lanes.cancel(awaited, errStopped))
}

// ForgetAgent removes an agent that is deleted from channels and message servers. What it said stays.
func (m *Manager) ForgetAgent(ctx context.Context, agent core.UUID) error {
	if err := m.StopAgent(ctx, agent, 0); err != nil {
		return err
	}
	return m.store.ForgetAgent(ctx, agent)
}

// withoutTurns cancels the turns that match, waits for their end and lets none begin until remove has
// returned: so they remember nothing after a deletion. Inside a transaction it waits for nothing, and turns
// are cancelled when that commits.
func (m *Manager) withoutTurns(ctx context.Context, match func(*turn) bool, remove func() error) error {
	match = others(ctx, match)
	if core.InTransaction(ctx) {
		core.AfterCommit(ctx, func() { m.lanes.cancel(match, errDeleted) })
		return remove()
	}
	done, lift := m.lanes.bar(match, errDeleted)
	defer lift()
	if err := await(ctx, done); err != nil {
		return err
	}
	return remove()
}
