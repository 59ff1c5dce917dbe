package memory

import (
	"context"
	"sync"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// tending is which agents' memories are looked after, and whose turn it is.
type tending struct {
	mu     sync.Mutex
	agents map[core.UUID]*tended
	wake   chan struct{}
}

// tended is an agent whose memories are looked after. Whoever made it busy owns lap and failures.
type tended struct {
	rt       core.Runtime
	waiting  bool      // there may be something to do
	due      time.Time // when, if waiting
	busy     bool
	failures int // in a row
	lap      lap
}

func newTending() *tending {
	return &tending{agents: map[core.UUID]*tended{}, wake: make(chan struct{}, 1)}
}

func (g *tending) add(rt core.Runtime) {
	g.mu.Lock()
	g.agents[rt.AgentID()] = &tended{rt: rt}
	g.mu.Unlock()
	g.changed(rt.AgentID())
}

func (g *tending) drop(agent core.UUID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.agents, agent)
}

// has tells whether an agent's memories are looked after still, by this runtime.
func (g *tending) has(t *tended) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.agents[t.rt.AgentID()] == t
}

// changed notes that an agent got memories.
func (g *tending) changed(agent core.UUID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.agents[agent]
	if t == nil || t.waiting {
		return
	}
	t.waiting = true
	if soon := time.Now().Add(embedPause); t.due.Before(soon) { // a model that fails is left in peace
		t.due = soon
	}
	g.ring()
}

func (g *tending) ring() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// next makes the agent busy that is due longest; nil and the time until one is, when none is now.
func (g *tending) next(now time.Time) (first *tended, wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range g.agents {
		if t.waiting && !t.busy && (first == nil || t.due.Before(first.due)) {
			first = t
		}
	}
	if first == nil {
		return nil, time.Hour
	}
	if wait = first.due.Sub(now); wait > 0 {
		return nil, wait
	}
	first.busy, first.waiting = true, false
	return first, 0
}

// done ends what next began.
func (g *tending) done(t *tended, more bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t.busy = false
	switch {
	case err != nil:
		t.failures++
		t.waiting, t.due = true, time.Now().Add(min(lastRetry, firstRetry<<min(t.failures-1, 10)))
	case more:
		t.failures, t.waiting, t.due = 0, true, time.Now()
	default:
		t.failures = 0
	}
	g.ring()
}

// run calls batch for agents that are due, a few at a time, until ctx ends and all calls have returned.
func (g *tending) run(ctx context.Context, batch func(context.Context, *tended) (more bool, err error)) {
	var work sync.WaitGroup
	defer work.Wait()
	slots := make(chan struct{}, embedAgents)
	for ctx.Err() == nil {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		t, wait := g.next(time.Now())
		if t == nil {
			<-slots
			g.sleep(ctx, wait)
			continue
		}
		work.Go(func() {
			defer func() { <-slots }()
			more, err := batch(ctx, t)
			g.done(t, more, err)
		})
	}
}

// sleep waits for a change, but no longer than d.
func (g *tending) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-g.wake:
	case <-timer.C:
	}
}
