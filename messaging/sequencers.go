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
	fillLimit    = 2 * time.Second       // of one such look
	fillTries    = 3                     // looks that may fail before nobody waits any longer
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
		q = &sequencer{log: s.log, early: map[int64]Event{}, watchers: map[*watcher]struct{}{}}
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

// bare is a context without its values: what a caller's transaction has not committed is no event yet.
type bare struct{ context.Context }

func (bare) Value(any) any { return nil }

// watch registers fn and, from after >= 0 on, replays kept events to it first.
func (s *sequencers) watch(ctx context.Context, channel core.UUID, after int64, fn func(Event)) (cancel func(), err error) {
	q := s.acquire(channel)
	w := &watcher{fn: fn, replay: true}
	if after >= 0 {
		w.channel = channel
	}
	q.enrol(w)
	cancel = sync.OnceFunc(func() {
		q.dismiss(w)
		s.release(channel, q)
	})
	// Registered first and read second: what commits in between is kept back, not missed.
	for {
		epoch := q.prepare(w)
		kept, err := s.kept(bare{ctx}, channel, after)
		if err != nil {
			cancel()
			return nil, err
		}
		if after >= 0 { // the others get what was read first: for all of them what comes then is live
			s.await(channel, q, epoch, kept.Head)
		}
		if q.open(w, epoch, kept) {
			return cancel, nil
		}
	}
}

func (s *sequencers) kept(ctx context.Context, channel core.UUID, after int64) (Kept, error) {
	if after < 0 {
		return s.events(ctx, channel, 0, 0)
	}
	kept, err := s.events(ctx, channel, after, replayLimit+1)
	if err == nil && (kept.Gap || len(kept.Events) > replayLimit) {
		err = ErrGap
	}
	return kept, err
}

// events reads from the store, guarded: a watch that is half begun has to be ended.
func (s *sequencers) events(ctx context.Context, channel core.UUID, after int64, limit int) (kept Kept, err error) {
	err = guarded(s.log, "events", func() (err error) {
		kept, err = s.store.Events(ctx, channel, after, limit)
		return err
	})
	return kept, err
}

// live hands an event without number to the watchers of its channel, at once.
func (s *sequencers) live(e Event) {
	if q := s.get(e.ChannelID); q != nil {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.take(e)
	}
}

// publish hands numbered events of one channel to its watchers and returns when they have them.
func (s *sequencers) publish(channel core.UUID, events ...Event) {
	if len(events) == 0 {
		return
	}
	if q := s.get(channel); q != nil {
		epoch := q.takeAll(events)
		s.await(channel, q, epoch, events[len(events)-1].Seq)
	}
}

// reach returns when the watchers of a channel have the events up to a number that is committed.
func (s *sequencers) reach(channel core.UUID, seq int64) {
	if q := s.get(channel); q != nil {
		q.mu.Lock()
		epoch := q.epoch
		q.mu.Unlock()
		s.await(channel, q, epoch, seq)
	}
}

// remove tells the watchers of a channel that it is gone. A channel made again under its id has a number
// line of its own, and may have begun it already.
func (s *sequencers) remove(channel core.UUID) {
	q := s.get(channel)
	if q == nil {
		return
	}
	q.restart(channel)
	if _, err := s.fill(channel, q); err != nil {
		s.log.Warn("cannot read missed events", "channel_id", channel, "err", err)
	}
}

// await waits until a committed number was handed over. A hole before it that stays is filled from the
// store: whoever made the change may be another process, or may have died before it could tell.
func (s *sequencers) await(channel core.UUID, q *sequencer, epoch int, seq int64) {
	timer := time.NewTimer(holePatience)
	defer timer.Stop()
	for tries := 0; tries < fillTries; {
		moved, done := q.due(epoch, seq)
		if done {
			return
		}
		select {
		case <-moved:
		case <-timer.C:
			head, err := s.fill(channel, q)
			if err != nil {
				tries++
				s.log.Warn("cannot read missed events", "channel_id", channel, "err", err)
			} else if head < seq {
				q.forget(epoch, seq) // of a channel that was removed
				return
			}
		}
		timer.Reset(holePatience)
	}
}

// fill reads what is missing before the numbers that came early. It returns the channel's head.
func (s *sequencers) fill(channel core.UUID, q *sequencer) (int64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), fillLimit) // for all watchers, whoever asks
	defer cancel()
	q.mu.Lock()
	from, epoch := q.next, q.epoch
	q.mu.Unlock()
	if from == 0 {
		return 0, nil
	}
	kept, err := s.events(ctx, channel, from-1, replayLimit)
	if err != nil {
		return 0, err
	}
	events, head := kept.Events, kept.Head
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.epoch != epoch {
		return head, nil
	}
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
	for q.next <= last {
		e, ok := q.early[q.next]
		delete(q.early, q.next)
		q.pass()
		if ok {
			q.call(e)
		}
	}
	q.drain()
	return head, nil
}
