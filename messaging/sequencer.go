package messaging

import (
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/eliza-go/eliza/runtime/core"
)

// sequencer is one watched channel. Its lock is held while watchers are called: that is what makes the
// order, and why watchers must neither block nor call the Service. They may cancel themselves.
type sequencer struct {
	log *slog.Logger

	mu      sync.Mutex
	next    int64           // the number due next; 0 until the head is known
	early   map[int64]Event // numbered events that came before their turn
	waiting []Event         // what came before the head was known, in the order it came in
	moved   chan struct{}   // closed when next grows; nil when nobody waits for that
	epoch   int             // how often the channel was removed

	who      sync.Mutex // guards watchers and list, and is never held while watchers are called
	watchers map[*watcher]struct{}
	list     []*watcher // the same; nil when they have changed since

	refs int // guarded by sequencers.mu
}

// watcher is guarded by the lock of its sequencer, but for gone.
type watcher struct {
	fn      func(Event)
	channel core.UUID // set when the end of the replay is to be told
	from    int64     // numbers up to this one were handed over by the replay
	replay  bool      // the replay is under way: events are kept back
	pending []Event   // kept back
	gone    atomic.Bool
}

func (q *sequencer) enrol(w *watcher) {
	q.who.Lock()
	defer q.who.Unlock()
	q.watchers[w] = struct{}{}
	q.list = nil
}

func (q *sequencer) dismiss(w *watcher) {
	w.gone.Store(true)
	q.who.Lock()
	defer q.who.Unlock()
	delete(q.watchers, w)
	q.list = nil
}

// present lists the watchers; nobody changes the list.
func (q *sequencer) present() []*watcher {
	q.who.Lock()
	defer q.who.Unlock()
	if q.list == nil {
		q.list = make([]*watcher, 0, len(q.watchers))
		for w := range q.watchers {
			q.list = append(q.list, w)
		}
	}
	return q.list
}

// prepare begins a replay.
func (q *sequencer) prepare(w *watcher) (epoch int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w.pending = nil
	return q.epoch
}

// open ends a replay with what was read, unless the channel was removed while that was read.
func (q *sequencer) open(w *watcher, epoch int, kept Kept) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.epoch != epoch {
		return false
	}
	if q.next == 0 {
		q.start(kept.Head)
	}
	for _, e := range kept.Events {
		q.give(w, e)
	}
	w.from, w.replay = kept.Head, false
	for _, e := range w.pending {
		q.offer(w, e)
	}
	w.pending = nil
	if w.channel != "" {
		q.give(w, Event{Kind: KindReplayed, ChannelID: w.channel, Seq: max(kept.Head, q.next-1)})
	}
	return true
}

// start sets the head and hands on what came before it was known.
func (q *sequencer) start(head int64) {
	q.next = head + 1
	for _, e := range q.waiting {
		q.take(e)
	}
	q.waiting = nil
}

// take hands an event on, or keeps it until its turn.
func (q *sequencer) take(e Event) {
	switch {
	case q.next == 0:
		q.waiting = append(q.waiting, e)
	case e.Seq == 0:
		q.call(e)
	case e.Seq >= q.next:
		q.early[e.Seq] = e
		q.drain()
	}
}

// takeAll locks, and takes numbered events.
func (q *sequencer) takeAll(events []Event) (epoch int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range events {
		q.take(e)
	}
	return q.epoch
}

// drain hands on what is due.
func (q *sequencer) drain() {
	for {
		e, ok := q.early[q.next]
		if !ok {
			return
		}
		delete(q.early, q.next)
		q.pass()
		q.call(e)
	}
}

// pass goes on to the next number.
func (q *sequencer) pass() {
	q.next++
	q.wake()
}

func (q *sequencer) wake() {
	if q.moved != nil {
		close(q.moved)
		q.moved = nil
	}
}

func (q *sequencer) call(e Event) {
	for _, w := range q.present() {
		q.offer(w, e)
	}
}

func (q *sequencer) offer(w *watcher, e Event) {
	switch {
	case w.replay:
		w.pending = append(w.pending, e)
	case e.Seq == 0 || e.Seq > w.from:
		q.give(w, e)
	}
}

// give calls a watcher, guarded: its panic must not keep the others from the event.
func (q *sequencer) give(w *watcher, e Event) {
	if w.gone.Load() {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			q.log.Error("panic in a watcher", "channel_id", e.ChannelID, "panic", v, "stack", string(debug.Stack()))
		}
	}()
	w.fn(e)
}

// due tells whether nobody has to wait for a number any more, or what is closed when that may have changed.
func (q *sequencer) due(epoch int, seq int64) (moved <-chan struct{}, done bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.epoch != epoch || q.next == 0 || q.next > seq { // 0: the one who opens the watch hands it over
		return nil, true
	}
	if q.moved == nil {
		q.moved = make(chan struct{})
	}
	return q.moved, false
}

// restart tells the watchers that the channel is gone, and begins its number line anew.
func (q *sequencer) restart(channel core.UUID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.wake()
	q.epoch++
	q.early, q.waiting = map[int64]Event{}, nil
	if q.next > 0 {
		q.next = 1
		for _, w := range q.present() {
			w.from = 0
		}
		q.call(Event{Kind: KindRemoved, ChannelID: channel})
	}
}

func (q *sequencer) forget(epoch int, seq int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.epoch == epoch {
		delete(q.early, seq)
	}
}
