package messaging

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// ErrGap says that changes after the asked number are no longer kept: read the history instead.
var ErrGap = &core.Error{Code: core.CodeConflict, Message: "Events after that number are no longer kept"}

const (
	holePatience = 50 * time.Millisecond // how long a missing number may stay missing before it is looked up
	replayLimit  = 500                   // kept events that are replayed at most
)

// sequencers hands events to the watchers of channels, in the order of each channel's numbers. Commits may
// report in another order than they happened in: an event that comes early waits for the ones before it.
// Channels nobody watches cost nothing.
type sequencers struct {
	store Store
	log   *slog.Logger

	mu       sync.Mutex
	channels map[core.UUID]*sequencer
}

// sequencer is one watched channel. Its lock is held while watchers are called: that is what makes the
// order, and why watchers must neither block nor call back.
type sequencer struct {
	mu       sync.Mutex
	next     int64           // the number due next; 0 until the head is known
	early    map[int64]Event // numbered events that came before their turn
	waiting  []Event         // live ones that came before the head was known
	watchers map[*watcher]struct{}
	moved    chan struct{} // closed and replaced whenever next grows
	refs     int           // guarded by sequencers.mu
}

type watcher struct {
	fn      func(Event)
	from    int64   // numbers up to this one were handed over by the replay
	replay  bool    // the replay is under way: live events are kept back
	pending []Event // kept back
}

func newSequencers(store Store, log *slog.Logger) *sequencers {
	return &sequencers{store: store, log: log, channels: make(map[core.UUID]*sequencer)}
}

func (s *sequencers) get(channel core.UUID) *sequencer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.channels[channel]
}

func (s *sequencers) acquire(channel core.UUID) *sequencer {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.channels[channel]
	if q == nil {
		q = &sequencer{early: map[int64]Event{}, watchers: map[*watcher]struct{}{}, moved: make(chan struct{})}
		s.channels[channel] = q
	}
	q.refs++
	return q
}

func (s *sequencers) release(channel core.UUID, q *sequencer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q.refs--; q.refs == 0 {
		delete(s.channels, channel)
	}
}

// watch registers fn and, from after >= 0 on, replays kept events to it first.
func (s *sequencers) watch(ctx context.Context, channel core.UUID, after int64, fn func(Event)) (cancel func(), err error) {
	q := s.acquire(channel)
	w := &watcher{fn: fn, replay: true}
	q.mu.Lock()
	q.watchers[w] = struct{}{}
	q.mu.Unlock()
	cancel = sync.OnceFunc(func() {
		q.mu.Lock()
		delete(q.watchers, w)
		q.mu.Unlock()
		s.release(channel, q)
	})
	// Registered first and read second: what commits in between is kept back, not missed.
	kept, head, err := s.kept(ctx, channel, after)
	if err != nil {
		cancel()
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.next == 0 {
		q.start(head)
	}
	for _, e := range kept {
		w.fn(e)
	}
	w.from, w.replay = head, false
	for _, e := range w.pending {
		w.take(e)
	}
	w.pending = nil
	return cancel, nil
}

func (s *sequencers) kept(ctx context.Context, channel core.UUID, after int64) ([]Event, int64, error) {
	if after < 0 {
		_, head, err := s.store.Events(ctx, channel, 0, 0)
		return nil, head, err
	}
	kept, head, err := s.store.Events(ctx, channel, after, replayLimit+1)
	if err == nil && len(kept) > replayLimit {
		err = ErrGap
	}
	return kept, head, err
}

// start sets the head and hands on what came before it was known.
func (q *sequencer) start(head int64) {
	q.next = head + 1
	for n := range q.early {
		if n <= head {
			delete(q.early, n)
		}
	}
	for _, e := range q.waiting {
		q.call(e)
	}
	q.waiting = nil
	q.drain()
}

func (w *watcher) take(e Event) {
	switch {
	case w.replay:
		w.pending = append(w.pending, e)
	case e.Seq == 0 || e.Seq > w.from:
		w.fn(e)
	}
}

func (q *sequencer) call(e Event) {
	for w := range q.watchers {
		w.take(e)
	}
}

func (q *sequencer) drain() {
	moved := false
	for {
		e, ok := q.early[q.next]
		if !ok {
			break
		}
		delete(q.early, q.next)
		q.next++
		moved = true
		q.call(e)
	}
	if moved {
		close(q.moved)
		q.moved = make(chan struct{})
	}
}

// live hands an event without number to the watchers of its channel, at once.
func (s *sequencers) live(e Event) {
	q := s.get(e.ChannelID)
	if q == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.next == 0 {
		q.waiting = append(q.waiting, e)
		return
	}
	q.call(e)
}

// publish hands numbered events of one channel to its watchers and returns when they have them.
func (s *sequencers) publish(ctx context.Context, channel core.UUID, events ...Event) {
	if len(events) == 0 {
		return
	}
	q := s.get(channel)
	if q == nil {
		return
	}
	q.mu.Lock()
	for _, e := range events {
		if q.next == 0 || e.Seq >= q.next {
			q.early[e.Seq] = e
		}
	}
	if q.next > 0 {
		q.drain()
	}
	q.mu.Unlock()
	q.await(ctx, s, channel, events[len(events)-1].Seq)
}

// await waits until seq was handed over. A hole before it that stays is filled from the store: the process
// that made the change may be another one, or may have died before it could tell.
func (q *sequencer) await(ctx context.Context, s *sequencers, channel core.UUID, seq int64) {
	for {
		q.mu.Lock()
		next, moved := q.next, q.moved
		q.mu.Unlock()
		if next == 0 || next > seq { // 0: the one who is opening the watch hands it over
			return
		}
		timer := time.NewTimer(holePatience)
		select {
		case <-moved:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			if err := s.fill(context.WithoutCancel(ctx), channel, q); err != nil {
				s.log.Warn("cannot read missed events", "channel_id", channel, "err", err)
				return
			}
		}
	}
}

// fill reads what is missing before the numbers that came early.
func (s *sequencers) fill(ctx context.Context, channel core.UUID, q *sequencer) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	q.mu.Lock()
	from := q.next
	q.mu.Unlock()
	events, head, err := s.store.Events(ctx, channel, from-1, replayLimit)
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range events {
		if _, known := q.early[e.Seq]; !known && e.Seq >= q.next {
			q.early[e.Seq] = e
		}
	}
	// Numbers up to the head that are in no table belong to messages deleted since: they are passed over.
	last := head
	if len(events) == replayLimit {
		last = events[len(events)-1].Seq
	}
	for n := q.next; n <= last; n++ {
		if e, ok := q.early[n]; ok {
			delete(q.early, n)
			q.call(e)
		}
		q.next = n + 1
	}
	close(q.moved)
	q.moved = make(chan struct{})
	q.drain()
	return nil
}
