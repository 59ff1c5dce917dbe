package messaging

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	claimBatch = 64   // deliveries taken in one transaction
	dueBatch   = 4096 // lanes looked up at once
)

// lanes takes deliveries from the store and runs their turns: one at a time in a lane, within the limits
// per agent and in all. Agents are served round-robin, the lanes of an agent in the order they became
// ready. The stored rows are the truth; what is kept here only says where to look first.
type lanes struct {
	m     *Manager
	kick  chan struct{}
	owner string

	mu       sync.Mutex
	known    map[Lane]*laneState
	agents   map[core.UUID]*agentLanes
	line     []*agentLanes // agents with a ready lane and room for a turn, in the order they are served
	turns    map[core.UUID]*turn
	bars     []*bar
	claiming bool // deliveries may have been taken whose turns are not known yet
	look     bool // the store has to be looked through
	draining bool
}

type laneState struct {
	busy   bool // claimed or running
	queued bool // ready
	dirty  bool // something came while busy
}

// agentLanes are the lanes of one agent.
type agentLanes struct {
	id      core.UUID
	ready   []Lane
	inLine  bool
	spilled bool // a lane found no room in ready: it is found by looking through the store
	turns   int  // at once, with those whose brain does not heed their end
}

func newLanes(m *Manager) *lanes {
	return &lanes{
		m: m, kick: make(chan struct{}, 1), owner: string(core.NewUUID()),
		known: map[Lane]*laneState{}, agents: map[core.UUID]*agentLanes{}, turns: map[core.UUID]*turn{},
	}
}

// backlog is how many ready lanes of an agent are remembered.
func (l *lanes) backlog() int { return 4 * l.m.opts.MaxAgent }

// wake says that lanes have something to do.
func (l *lanes) wake(lanes ...Lane) {
	if len(lanes) == 0 {
		return
	}
	l.mu.Lock()
	for _, lane := range lanes {
		l.enqueue(lane)
	}
	l.mu.Unlock()
	l.nudge()
}

// lookSoon has the store looked through before the next poll.
func (l *lanes) lookSoon() {
	l.mu.Lock()
	l.look = true
	l.mu.Unlock()
	l.nudge()
}

func (l *lanes) nudge() {
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// agent needs l.mu, as all of the following do that say nothing else.
func (l *lanes) agent(id core.UUID) *agentLanes {
	a := l.agents[id]
	if a == nil {
		a = &agentLanes{id: id}
		l.agents[id] = a
	}
	return a
}

func (l *lanes) enqueue(lane Lane) {
	s := l.known[lane]
	switch {
	case s != nil && s.busy:
		s.dirty = true
		return
	case s != nil && s.queued:
		return
	}
	a := l.agent(lane.AgentID)
	if len(a.ready) >= l.backlog() {
		a.spilled = true
		delete(l.known, lane)
		return
	}
	l.known[lane] = &laneState{queued: true}
	a.ready = append(a.ready, lane)
	l.settle(a)
}

// settle puts an agent where it belongs after a change.
func (l *lanes) settle(a *agentLanes) {
	if a.spilled && len(a.ready) <= l.backlog()/2 {
		l.look = true
	}
	switch {
	case !a.inLine && len(a.ready) > 0 && a.turns < l.m.opts.MaxAgent:
		a.inLine = true
		l.line = append(l.line, a)
	case len(a.ready) == 0 && a.turns == 0 && !a.spilled:
		delete(l.agents, a.id)
	}
}

// run claims and starts turns until ctx ends.
func (l *lanes) run(ctx context.Context) {
	var turns sync.WaitGroup
	defer turns.Wait()
	tick := time.NewTicker(l.m.opts.Poll)
	defer tick.Stop()
	sweep := true // what an earlier process left
	for {
		if sweep {
			l.reap(ctx)
		}
		if l.looks() || sweep {
			l.search(ctx)
		}
		for batch := l.take(); len(batch) > 0; batch = l.take() {
			l.claim(ctx, &turns, batch)
		}
		select {
		case <-ctx.Done():
			l.bar(func(*turn) bool { return true }, errShutdown)
			return
		case <-l.kick:
			sweep = false
		case <-tick.C:
			sweep = true
		}
	}
}

// looks tells whether the store has to be looked through now. What spills from here on asks again.
func (l *lanes) looks() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	look := l.look
	l.look = false
	return look
}

// search looks through the store for lanes that have something to do.
func (l *lanes) search(ctx context.Context) {
	l.mu.Lock()
	for _, a := range l.agents {
		a.spilled = false
		l.settle(a)
	}
	l.mu.Unlock()
	var lanes []Lane
	err := guarded(l.m.log, "search", func() (err error) {
		lanes, err = l.m.store.Due(ctx, l.backlog(), dueBatch)
		return err
	})
	if err != nil && ctx.Err() == nil {
		l.m.log.Warn("cannot look for deliveries", "err", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	found := make(map[core.UUID]int)
	for _, lane := range lanes {
		l.enqueue(lane)
		found[lane.AgentID]++
	}
	for id, n := range found {
		if n >= l.backlog() || len(lanes) >= dueBatch {
			l.agent(id).spilled = true // there may be more
		}
	}
}

// take returns ready lanes that may run now and marks them busy. It locks.
func (l *lanes) take() []Lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.draining {
		return nil
	}
	var batch []Lane
	for room := min(claimBatch, l.m.opts.MaxTurns-len(l.turns)); len(batch) < room && len(l.line) > 0; {
		a := l.line[0]
		l.line = l.line[1:]
		lane := a.ready[0]
		a.ready, a.inLine = a.ready[1:], false
		a.turns++
		*l.known[lane] = laneState{busy: true}
		batch = append(batch, lane)
		l.settle(a)
	}
	return batch
}

// claim takes deliveries of the lanes and starts their turns. It locks.
func (l *lanes) claim(ctx context.Context, turns *sync.WaitGroup, batch []Lane) {
	l.mu.Lock()
	l.claiming = true
	l.mu.Unlock()
	var claimed []Delivery
	err := guarded(l.m.log, "claim", func() (err error) {
		claimed, err = l.m.store.Claim(ctx, l.owner, l.m.opts.Lease, batch, len(batch))
		return err
	})
	if err != nil && ctx.Err() == nil {
		l.m.log.Warn("cannot claim deliveries", "err", err)
	}
	got := make(map[Lane]bool, len(claimed))
	for i := range claimed {
		d := &claimed[i]
		got[d.Lane] = true
		t, turnCtx := l.begin(ctx, d)
		turns.Go(func() {
			var left <-chan struct{}
			err := guarded(l.m.log, "a lane", func() error { left = l.m.turn(turnCtx, d); return nil })
			if err != nil {
				_ = guarded(l.m.log, "a lane", func() error { l.m.broken(d, err); return nil })
			}
			l.end(d, t, left)
		})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, lane := range batch {
		if !got[lane] {
			l.rest(lane, err != nil) // after an error the next poll looks again
			l.leave(lane.AgentID)
		}
	}
	l.claiming = false
	l.bars = slices.DeleteFunc(l.bars, func(b *bar) bool { return b.lifted })
	if l.look && err == nil {
		l.nudge()
	}
}

// begin notes a turn that starts. It locks.
func (l *lanes) begin(ctx context.Context, d *Delivery) (*turn, context.Context) {
	t := &turn{id: d.ID, lane: d.Lane, message: d.MessageID, done: make(chan struct{})}
	turnCtx, cancel := context.WithCancelCause(context.WithValue(context.WithoutCancel(ctx), turnKey{}, t))
	t.cancel = cancel
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turns[d.ID] = t
	if l.draining {
		t.cancel(errShutdown)
	}
	for _, b := range l.bars {
		if b.match(t) {
			t.cancel(b.cause)
		}
	}
	return t, turnCtx
}

// end notes that a turn has ended: its lane goes on. While its brain has not returned it counts among the
// turns of its agent. It locks.
func (l *lanes) end(d *Delivery, t *turn, left <-chan struct{}) {
	t.cancel(nil)
	l.mu.Lock()
	delete(l.turns, d.ID)
	l.rest(d.Lane, false)
	if d.More {
		l.enqueue(d.Lane)
	}
	if left == nil {
		l.leave(d.AgentID)
	}
	again := len(l.line) > 0 || l.look
	l.mu.Unlock()
	close(t.done)
	if again {
		l.nudge()
	}
	if left != nil {
		<-left
		l.mu.Lock()
		l.leave(d.AgentID)
		l.mu.Unlock()
		l.nudge()
	}
}

// leave makes room for another turn of an agent.
func (l *lanes) leave(agent core.UUID) {
	a := l.agent(agent)
	a.turns--
	l.settle(a)
}

// rest marks a lane as not busy and forgets it when nothing waits.
func (l *lanes) rest(lane Lane, failed bool) {
	s := l.known[lane]
	delete(l.known, lane)
	if s != nil && s.dirty && !failed {
		l.enqueue(lane)
	}
}

// reap ends what nobody will answer any more and gives back what was lost. It locks nothing.
func (l *lanes) reap(ctx context.Context) {
	var ended []Ended
	err := guarded(l.m.log, "reap", func() (err error) {
		ended, err = l.m.store.Reap(ctx, l.m.opts.DeliveryTTL, l.m.opts.MaxLost)
		return err
	})
	if err != nil && ctx.Err() == nil {
		l.m.log.Warn("cannot reap deliveries", "err", err)
	}
	for _, e := range ended {
		l.m.seqs.publish(e.ChannelID, e.Events...)
	}
}
