package messaging

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/eliza-go/eliza/runtime/core"
)

const line = core.UUID("cccccccc-cccc-4ccc-8ccc-cccccccccc01")

// ledger is a Store of one channel in memory: all that a sequencer asks for.
type ledger struct {
	Store
	mu    sync.Mutex
	kept  []Event // commits, in order; deleted ones have no kind
	err   error
	reads int
	slow  chan struct{} // Events waits for it, with what it has read, when not nil
}

func (l *ledger) commit() Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := Event{Seq: int64(len(l.kept) + 1), Kind: KindMessage, ChannelID: line}
	l.kept = append(l.kept, e)
	return e
}

func (l *ledger) Events(_ context.Context, _ core.UUID, after int64, limit int) (Kept, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads++
	var out []Event
	for _, e := range l.kept {
		if e.Kind != "" && e.Seq > after && len(out) < limit {
			out = append(out, e)
		}
	}
	head := int64(len(l.kept))
	if slow := l.slow; slow != nil {
		l.mu.Unlock()
		<-slow
		l.mu.Lock()
	}
	return Kept{Events: out, Head: head}, l.err
}

func newTestSequencers() (*sequencers, *ledger) {
	store := &ledger{}
	return newSequencers(store, slog.New(slog.DiscardHandler)), store
}

// listener notes numbers, or the kind of what has none.
type listener struct {
	mu    sync.Mutex
	heard []Event
}

func (l *listener) take(e Event) {
	if e.Kind == KindReplayed {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard = append(l.heard, e)
}

func (l *listener) numbers() []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]int64, len(l.heard))
	for i, e := range l.heard {
		out[i] = e.Seq
	}
	return out
}

func mustWatch(t testing.TB, s *sequencers, after int64, fn func(Event)) func() {
	t.Helper()
	cancel, err := s.watch(context.Background(), line, after, fn)
	if err != nil {
		t.Fatalf("watch(%d) = %v", after, err)
	}
	return cancel
}

func wantNumbers(t testing.TB, l *listener, want ...int64) {
	t.Helper()
	if got := l.numbers(); !slices.Equal(got, want) {
		t.Fatalf("heard %v, want %v", got, want)
	}
}

func TestSequencer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		run  func(t *testing.T, s *sequencers, store *ledger)
	}{
		{"Early events wait for those before them", func(t *testing.T, s *sequencers, store *ledger) {
			var l listener
			defer mustWatch(t, s, -1, l.take)()
			one, two, three := store.commit(), store.commit(), store.commit()
			go s.publish(line, three)
			go s.publish(line, two)
			synctest.Wait()
			wantNumbers(t, &l)
			s.publish(line, one)
			wantNumbers(t, &l, 1, 2, 3)
		}},
		{"A hole that stays is read, and who tells late is not heard twice", func(t *testing.T, s *sequencers, store *ledger) {
			var l listener
			defer mustWatch(t, s, -1, l.take)()
			one, two := store.commit(), store.commit()
			begun := time.Now()
			s.publish(line, two)
			wantNumbers(t, &l, 1, 2)
			if took := time.Since(begun); took != holePatience {
				t.Errorf("the hole was filled after %v, want %v", took, holePatience)
			}
			s.publish(line, one)
			wantNumbers(t, &l, 1, 2)
		}},
		{"Numbers of what was deleted are passed over", func(t *testing.T, s *sequencers, store *ledger) {
			var l listener
			defer mustWatch(t, s, -1, l.take)()
			store.commit()
			store.kept[0].Kind = ""
			s.publish(line, store.commit())
			wantNumbers(t, &l, 2)
		}},
		{"A store that fails is asked a few times, and what was early is not lost", func(t *testing.T, s *sequencers, store *ledger) {
			var l listener
			defer mustWatch(t, s, -1, l.take)()
			store.commit()
			store.err = errors.New("away")
			s.publish(line, store.commit())
			if wantNumbers(t, &l); store.reads != 1+fillTries {
				t.Errorf("the store was asked %d times, want %d", store.reads-1, fillTries)
			}
			store.err = nil
			s.publish(line, store.commit())
			wantNumbers(t, &l, 1, 2, 3)
		}},
		{"Replay, then live", func(t *testing.T, s *sequencers, store *ledger) {
			var l listener
			for range 5 {
				s.publish(line, store.commit())
			}
			defer mustWatch(t, s, 2, l.take)()
			s.publish(line, store.commit())
			wantNumbers(t, &l, 3, 4, 5, 6)
		}},
		{"More than is replayed is a gap", func(t *testing.T, s *sequencers, store *ledger) {
			for range replayLimit + 1 {
				store.commit()
			}
			if _, err := s.watch(t.Context(), line, 0, func(Event) {}); err != error(ErrGap) {
				t.Errorf("watch(0) = %v, want ErrGap", err)
			}
			mustWatch(t, s, 1, func(Event) {})()
			if len(s.channels) != 0 {
				t.Errorf("%d channels are still there", len(s.channels))
			}
		}},
		{"What happens while a watch opens keeps its order", func(t *testing.T, s *sequencers, store *ledger) {
			var l listener
			store.slow = make(chan struct{})
			opened := make(chan func())
			go func() { opened <- mustWatch(t, s, -1, l.take) }()
			synctest.Wait()
			one := store.commit()
			s.publish(line, one)
			s.live(Event{Kind: KindChunk, ChannelID: line})
			s.publish(line, store.commit())
			close(store.slow)
			defer (<-opened)()
			wantNumbers(t, &l, 1, 0, 2)
			s.publish(line, store.commit())
			wantNumbers(t, &l, 1, 0, 2, 3)
		}},
		{"A watcher may cancel itself", func(t *testing.T, s *sequencers, store *ledger) {
			var cancel func()
			calls := 0
			cancel = mustWatch(t, s, -1, func(Event) { calls++; cancel() })
			s.publish(line, store.commit(), store.commit())
			s.publish(line, store.commit())
			if calls != 1 || len(s.channels) != 0 {
				t.Errorf("called %d times, %d channels left, want once and none", calls, len(s.channels))
			}
		}},
		{"A watcher that panics hurts nobody", func(t *testing.T, s *sequencers, store *ledger) {
			var l listener
			defer mustWatch(t, s, -1, func(Event) { panic("watcher") })()
			defer mustWatch(t, s, -1, l.take)()
			s.publish(line, store.commit())
			wantNumbers(t, &l, 1)
		}},
		{"A slow watcher does not keep another from leaving", func(t *testing.T, s *sequencers, store *ledger) {
			free := make(chan struct{})
			defer mustWatch(t, s, -1, func(Event) { <-free })()
			leave := mustWatch(t, s, -1, func(Event) {})
			go s.publish(line, store.commit())
			synctest.Wait()
			leave()
			close(free)
			synctest.Wait()
		}},
		{"A channel made again begins anew", func(t *testing.T, s *sequencers, store *ledger) {
			var l listener
			defer mustWatch(t, s, -1, l.take)()
			for range 3 {
				s.publish(line, store.commit())
			}
			store.commit()
			lost := store.commit() // nobody told of the one before it
			go s.publish(line, lost)
			synctest.Wait()
			store.kept = nil
			s.publish(line, store.commit()) // of the new one, told before the removal of the old one
			s.remove(line)
			s.publish(line, store.commit())
			synctest.Wait()
			wantNumbers(t, &l, 1, 2, 3, 0, 1, 2)
		}},
		{"Who tells of a channel that is gone does not wait for ever", func(t *testing.T, s *sequencers, store *ledger) {
			var l listener
			defer mustWatch(t, s, -1, l.take)()
			store.commit()
			two := store.commit()
			store.kept = nil
			s.publish(line, two)
			if wantNumbers(t, &l); len(s.channels[line].early) != 0 {
				t.Error("what can never be handed on is kept")
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, store := newTestSequencers()
				test.run(t, s, store)
			})
		})
	}
}

// Whatever order commits are told in, and whenever watchers come and go, each hears every number from its
// beginning on, once and in order.
func TestSequencerAnyInterleaving(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) { interleave(t, rt) })
}

func interleave(t *testing.T, rt *rapid.T) {
	s, store := newTestSequencers()
	type watch struct {
		listener
		from   int64
		cancel func()
	}
	var watches []*watch
	var untold []Event
	var telling sync.WaitGroup
	check := func(w *watch) {
		for i, n := range w.numbers() {
			if n != w.from+int64(i)+1 {
				rt.Fatalf("from %d heard %v", w.from, w.numbers())
			}
		}
	}
	tell := func(i int) {
		e := untold[i]
		untold = slices.Delete(untold, i, i+1)
		telling.Go(func() { s.publish(line, e) })
	}
	rt.Repeat(map[string]func(*rapid.T){
		"commit": func(*rapid.T) { untold = append(untold, store.commit()) },
		"tell": func(rt *rapid.T) {
			if len(untold) == 0 {
				rt.Skip()
			}
			tell(rapid.IntRange(0, len(untold)-1).Draw(rt, "which"))
		},
		"forget to tell": func(rt *rapid.T) {
			if len(untold) < 2 {
				rt.Skip()
			}
			untold = slices.Delete(untold, 0, 1)
		},
		"come": func(rt *rapid.T) {
			head := int64(len(store.kept))
			w := &watch{from: rapid.Int64Range(0, head).Draw(rt, "after")}
			after := w.from
			if rapid.Bool().Draw(rt, "live only") {
				w.from, after = head, -1
			}
			w.cancel = mustWatch(t, s, after, w.take)
			watches = append(watches, w)
		},
		"go": func(rt *rapid.T) {
			if len(watches) == 0 {
				rt.Skip()
			}
			i := rapid.IntRange(0, len(watches)-1).Draw(rt, "who")
			watches[i].cancel()
			check(watches[i])
			watches = slices.Delete(watches, i, i+1)
		},
		"": func(*rapid.T) {
			for _, w := range watches {
				check(w)
			}
		},
	})
	untold = append(untold, store.commit())
	for len(untold) > 0 {
		tell(len(untold) - 1)
	}
	telling.Wait()
	for _, w := range watches {
		check(w)
		if want := int64(len(store.kept)) - w.from; int64(len(w.numbers())) != want {
			rt.Fatalf("from %d heard %d, want %d", w.from, len(w.numbers()), want)
		}
		w.cancel()
	}
	if len(s.channels) != 0 {
		rt.Fatalf("%d channels are still there", len(s.channels))
	}
}

// BenchmarkFanOut hands one event to 1,000 watchers of its channel.
func BenchmarkFanOut(b *testing.B) {
	s, store := newTestSequencers()
	n := 0
	for range 1000 {
		defer mustWatch(b, s, -1, func(Event) { n++ })()
	}
	b.ReportAllocs()
	for b.Loop() {
		store.kept = store.kept[:0]
		s.live(Event{Kind: KindChunk, ChannelID: line})
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "deliveries/s")
}
