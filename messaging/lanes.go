package messaging

import (
	"context"
	"errors"
	"sync"
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

const claimBatch = 64

// lanes takes deliveries from the store and runs their turns: one at a time in a lane, within the limits
// per agent and in all, lanes served in the order they became ready. The stored rows are the truth; what
// is kept here only says where to look first.
type lanes struct {
	m     *Manager
	kick  chan struct{}
	owner string

	mu       sync.Mutex
	ready    []Lane
	known    map[Lane]*laneState
	agents   map[core.UUID]int // turns at once
	turns    map[core.UUID]*turn
	draining bool
	idle     chan struct{} // closed when draining and the last turn ended
}

type laneState struct {
	busy   bool // claimed or running
	queued bool // in ready
	dirty  bool // something came while busy
}

// turn is one delivery being answered by this process.
type turn struct {
	lane    Lane
	message core.UUID
	cancel  context.CancelCauseFunc
	done    chan struct{}
}

func newLanes(m *Manager) *lanes {
	return &lanes{
		m: m, kick: make(chan struct{}, 1), owner: string(core.NewUUID()), idle: make(chan struct{}),
		known: map[Lane]*laneState{}, agents: map[core.UUID]int{}, turns: map[core.UUID]*turn{},
	}
}

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

func (l *lanes) nudge() {
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// enqueue needs l.mu.
func (l *lanes) enqueue(lane Lane) {
	s := l.known[lane]
	if s == nil {
		s = &laneState{}
		l.known[lane] = s
	}
	switch {
	case s.busy:
		s.dirty = true
	case !s.queued:
		s.queued = true
		l.ready = append(l.ready, lane)
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
			l.claim(ctx, &turns, nil, l.free())
		}
		for batch := l.take(); len(batch) > 0; batch = l.take() {
			l.claim(ctx, &turns, batch, len(batch))
		}
		select {
		case <-ctx.Done():
			l.cancel(func(*turn) bool { return true }, errShutdown)
			return
		case <-l.kick:
			sweep = false
		case <-tick.C:
			sweep = true
		}
	}
}

// take returns ready lanes that may run now and marks them busy.
func (l *lanes) take() []Lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.draining {
		return nil
	}
	room := min(claimBatch, l.m.opts.MaxTurns-len(l.turns))
	var batch, rest []Lane
	extra := map[core.UUID]int{}
	for i, lane := range l.ready {
		if len(batch) >= room {
			rest = append(rest, l.ready[i:]...)
			break
		}
		if l.agents[lane.AgentID]+extra[lane.AgentID] >= l.m.opts.MaxAgent {
			rest = append(rest, lane)
			continue
		}
		extra[lane.AgentID]++
		s := l.known[lane]
		s.queued, s.busy, s.dirty = false, true, false
		batch = append(batch, lane)
	}
	l.ready = rest
	return batch
}

func (l *lanes) free() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.draining {
		return 0
	}
	return min(claimBatch, l.m.opts.MaxTurns-len(l.turns))
}

// claim takes deliveries of the lanes, of any lane when batch is empty, and starts their turns.
func (l *lanes) claim(ctx context.Context, turns *sync.WaitGroup, batch []Lane, most int) {
	if most <= 0 {
		return
	}
	claimed, err := l.m.store.Claim(ctx, l.owner, l.m.opts.Lease, batch, most)
	if err != nil && ctx.Err() == nil {
		l.m.log.Warn("cannot claim deliveries", "err", err)
	}
	got := make(map[Lane]bool, len(claimed))
	for i := range claimed {
		d := &claimed[i]
		got[d.Lane] = true
		t, turnCtx := l.begin(ctx, d)
		turns.Go(func() {
			defer l.end(d, t)
			l.m.turn(turnCtx, d)
		})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, lane := range batch {
		if !got[lane] {
			l.rest(lane, err != nil) // after an error the sweep looks again
		}
	}
}

func (l *lanes) begin(ctx context.Context, d *Delivery) (*turn, context.Context) {
	turnCtx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	t := &turn{lane: d.Lane, message: d.MessageID, cancel: cancel, done: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.known[d.Lane]
	if s == nil {
		s = &laneState{}
		l.known[d.Lane] = s
	}
	s.busy = true
	l.agents[d.AgentID]++
	l.turns[d.ID] = t
	return t, turnCtx
}

func (l *lanes) end(d *Delivery, t *turn) {
	t.cancel(nil)
	l.mu.Lock()
	delete(l.turns, d.ID)
	if l.agents[d.AgentID]--; l.agents[d.AgentID] == 0 {
		delete(l.agents, d.AgentID)
	}
	more := d.More
	l.rest(d.Lane, false)
	if more {
		l.enqueue(d.Lane)
	}
	if l.draining && len(l.turns) == 0 {
		select {
		case <-l.idle:
		default:
			close(l.idle)
		}
	}
	again := len(l.ready) > 0
	l.mu.Unlock()
	close(t.done)
	if again {
		l.nudge()
	}
}

// rest marks a lane as not busy and forgets it when nothing waits. It needs l.mu.
func (l *lanes) rest(lane Lane, failed bool) {
	s := l.known[lane]
	if s == nil {
		return
	}
	s.busy = false
	switch {
	case s.dirty && !failed:
		s.dirty = false
		l.enqueue(lane)
	case !s.queued:
		delete(l.known, lane)
	}
}

// reap ends what nobody will answer any more and gives back what was lost.
func (l *lanes) reap(ctx context.Context) {
	ended, err := l.m.store.Reap(ctx, l.m.opts.DeliveryTTL, l.m.opts.MaxLost)
	if err != nil && ctx.Err() == nil {
		l.m.log.Warn("cannot reap deliveries", "err", err)
	}
	for _, e := range ended {
		l.m.seqs.publish(ctx, e.ChannelID, e.Events...)
	}
}

// cancel ends the turns that match and returns channels that are closed when they have ended.
func (l *lanes) cancel(match func(*turn) bool, cause error) []<-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	var done []<-chan struct{}
	for _, t := range l.turns {
		if match(t) {
			t.cancel(cause)
			done = append(done, t.done)
		}
	}
	return done
}

// of returns the deliveries of an agent that are being answered, and their ends.
func (l *lanes) of(agent core.UUID) (ids []core.UUID, done []<-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, t := range l.turns {
		if t.lane.AgentID == agent {
			ids, done = append(ids, id), append(done, t.done)
		}
	}
	return ids, done
}

// drain starts no further turn and waits for those under way; those that are not done when ctx is are
// cancelled and handed back to the store.
func (l *lanes) drain(ctx context.Context) error {
	l.mu.Lock()
	l.draining = true
	empty := len(l.turns) == 0
	l.mu.Unlock()
	if empty {
		return nil
	}
	select {
	case <-l.idle:
		return nil
	case <-ctx.Done():
	}
	for _, done := range l.cancel(func(*turn) bool { return true }, errShutdown) {
		<-done
	}
	return context.Cause(ctx)
}
