package messaging_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestWatchersHearADenseLine(t *testing.T) {
	t.Parallel()
	const writers, each, watchers = 6, 25, 8
	l := newLab(t, messaging.Options{MaxLane: 10_000})
	ch := l.channel(messaging.TypeGroup, user, l.hire(echo))
	var wg, done sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				a := l.say(ch, fmt.Sprintf("%d/%d", w, i))
				if i%5 == 0 {
					edit := "edited"
					if _, err := l.EditMessage(context.Background(), a.Message.ID, messaging.Edit{Content: &edit}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	stop := make(chan struct{})
	for range watchers {
		done.Go(func() {
			for {
				_, head := l.head(ch)
				from := max(0, head-int64(rand.IntN(20)))
				r := l.watch(ch, from)
				for next := from + int64(rand.IntN(30)); ; {
					if got := r.all(); int64(len(got)) > next-from {
						break
					}
					select {
					case <-r.more:
						continue
					case <-stop:
					}
					break
				}
				r.cancel()
				seq := from
				for i, e := range r.all() {
					if e.Seq == 0 {
						continue
					}
					if seq++; e.Seq != seq {
						t.Errorf("from %d: event %d has number %d, want %d", from, i, e.Seq, seq)
						return
					}
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	wg.Wait()
	l.answer(l.say(ch, "last"))
	close(stop)
	done.Wait()
}

func TestChannelMadeAgainIsHeard(t *testing.T) {
	t.Parallel()
	l := newLab(t, messaging.Options{})
	ch := l.channel(messaging.TypeGroup, user)
	r := l.watch(ch, -1)
	defer r.cancel()
	for range 3 {
		l.say(ch, "old")
	}
	if err := l.DeleteChannel(t.Context(), ch); err != nil {
		t.Fatal(err)
	}
	a, err := l.Accept(t.Context(), messaging.NewMessage{
		ChannelID: ch, AuthorID: user, Content: "new",
		Create: &messaging.NewChannel{ServerID: core.DefaultServerID, Name: "again", Type: messaging.TypeGroup},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := kinds(r.completed(a.Message.ID))
	if want := []string{"removed", "message:new", "complete"}; !cmp.Equal(want, got[len(got)-3:]) {
		t.Errorf("heard %v, want %v last", got, want)
	}
}

func TestAcceptInATransaction(t *testing.T) {
	t.Parallel()
	l := newLab(t, messaging.Options{Poll: asleep})
	ch := l.channel(messaging.TypeGroup, user, l.hire(echo))
	r := l.watch(ch, -1)
	defer r.cancel()
	roll := errors.New("roll back")
	accept := func(ctx context.Context, content string) *messaging.Accepted {
		a, err := l.Accept(ctx, messaging.NewMessage{ChannelID: ch, AuthorID: user, Content: content})
		if err != nil {
			t.Error(err)
		}
		return a
	}
	err := l.db.WithTx(t.Context(), func(ctx context.Context, _ *gorm.DB) error {
		accept(ctx, "never")
		opened := l.watch(ch, -1) // reads what is committed, not this
		opened.cancel()
		return roll
	})
	errIs(t, err, roll)
	ctx, cancel := context.WithCancel(t.Context())
	var first, second *messaging.Accepted
	err = l.db.WithTx(ctx, func(ctx context.Context, _ *gorm.DB) error {
		first = accept(ctx, "one")
		inner := l.db.WithTx(ctx, func(ctx context.Context, _ *gorm.DB) error {
			accept(ctx, "never")
			return roll
		})
		errIs(t, inner, roll)
		second = accept(ctx, "two")
		if heard := r.all(); len(heard) > 0 {
			t.Errorf("heard before the commit: %v", kinds(heard))
		}
		cancel() // who asked is gone: it is committed and told all the same
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	l.answer(first)
	l.answer(second)
	got := kinds(r.completed(second.Message.ID))
	if want := []string{"message:one", "message:two"}; !cmp.Equal(want, got[:2]) {
		t.Errorf("heard %v, want %v first", got, want)
	}
	if messages, head := l.head(ch); messages != 4 || head != 6 {
		t.Errorf("%d messages, head %d, want 4 and 6", messages, head)
	}
}

func TestAcceptCancelledAfterTheCommit(t *testing.T) {
	t.Parallel()
	l := newLab(t, messaging.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	l.over(func(s messaging.Store) messaging.Store { return leaver{s, cancel} })
	ch := l.channel(messaging.TypeGroup, user, l.hire(echo))
	r := l.watch(ch, -1)
	defer r.cancel()
	a, err := l.Accept(ctx, messaging.NewMessage{ChannelID: ch, AuthorID: user, Content: "hi"})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.all(); len(got) == 0 || got[0].MessageID != a.Message.ID {
		t.Errorf("on return of Accept heard %v, want the message", kinds(got))
	}
	l.answer(a)
}

// leaver is a Store whose caller leaves right after a commit.
type leaver struct {
	messaging.Store
	leave func()
}

func (s leaver) Accept(ctx context.Context, n messaging.NewMessage, maxLane int) (*messaging.Accepted, error) {
	defer s.leave()
	return s.Store.Accept(ctx, n, maxLane)
}

// A turn that begins before its message was told, because another process or the net found it, must not be
// heard before it.
func TestTurnIsHeardAfterItsMessage(t *testing.T) {
	t.Parallel()
	l := newLab(t, messaging.Options{})
	tell := make(chan struct{}, 1)
	l.over(func(s messaging.Store) messaging.Store { return slowTeller{s, tell} })
	turns := make(chan struct{}, 1)
	ch := l.channel(messaging.TypeDM, user, l.hire(func(_ context.Context, _ *core.Turn, out core.Out) (core.Outcome, error) {
		out.Stream("chunk")
		turns <- struct{}{}
		return core.Outcome{Reply: text("answer")}, nil
	}))
	r := l.watch(ch, -1)
	defer r.cancel()
	accepted := make(chan *messaging.Accepted)
	go func() { accepted <- l.say(ch, "hi") }()
	receive(t, "the turn, found by the net", turns)
	tell <- struct{}{}
	a := <-accepted
	want := []string{"message:hi", "control", "chunk:chunk", "message:answer", "complete:responded"}
	if diff := cmp.Diff(want, kinds(r.completed(a.Message.ID))); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// slowTeller is a Store whose Accept has committed long before it returns.
type slowTeller struct {
	messaging.Store
	tell chan struct{}
}

func (s slowTeller) Accept(ctx context.Context, n messaging.NewMessage, maxLane int) (*messaging.Accepted, error) {
	a, err := s.Store.Accept(ctx, n, maxLane)
	if n.AuthorID == user {
		<-s.tell
	}
	return a, err
}

func TestWait(t *testing.T) {
	t.Parallel()
	l := newLab(t, messaging.Options{})
	id := l.hire(echo)
	ch := l.channel(messaging.TypeGroup, user, id)
	n := messaging.NewMessage{ID: core.NewUUID(), ChannelID: ch, AuthorID: user, Content: "hi"}
	first, err := l.Accept(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	l.answer(first)
	t.Run("duplicate", func(t *testing.T) {
		again, err := l.Accept(t.Context(), n)
		if err != nil || !again.Duplicate {
			t.Fatalf("Accept() = %+v, %v, want a duplicate", again, err)
		}
		if got := l.answer(again); len(got.Replies) != 1 || got.Result.Status() != "completed" {
			t.Errorf("Wait() = %+v, want the answer", got)
		}
	})
	t.Run("long ago", func(t *testing.T) {
		for range 260 { // each is two events
			if _, err := l.Accept(t.Context(), messaging.NewMessage{ChannelID: ch, AuthorID: user, Content: "noise", Target: user}); err != nil {
				t.Fatal(err)
			}
		}
		if got := l.answer(first); len(got.Replies) != 1 {
			t.Errorf("Wait() = %+v, want the answer", got)
		}
	})
	t.Run("deleted after its completion", func(t *testing.T) {
		a := l.say(ch, "bye")
		l.answer(a)
		if err := l.DeleteMessage(t.Context(), ch, a.Message.ID); err != nil {
			t.Fatal(err)
		}
		if got := l.answer(a); got.Result.Agents[0].Status != messaging.StatusStopped {
			t.Errorf("Wait() = %+v, want stopped", got.Result)
		}
	})
	t.Run("unknown", func(t *testing.T) {
		_, err := l.Wait(t.Context(), ch, core.NewUUID(), 0)
		errIs(t, err, messaging.ErrMessageNotFound)
		_, err = l.Wait(t.Context(), core.NewUUID(), core.NewUUID(), 0)
		errIs(t, err, messaging.ErrMessageNotFound)
	})
	t.Run("who leaves cancels nothing", func(t *testing.T) {
		_, err := l.Wait(expired(), ch, l.say(ch, "left").Message.ID, -1)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Wait() = %v, want %v", err, context.Canceled)
		}
	})
}

func TestJoinsAreBounded(t *testing.T) {
	t.Parallel()
	l := newLab(t, messaging.Options{})
	id := l.hire(echo)
	ch := l.channel(messaging.TypeGroup, user, id)
	for range 5000 { // nobody takes them: the brain's Emit waits
		l.Joined(t.Context(), messaging.Join{ChannelID: ch, EntityID: user, AgentID: id})
	}
	e := receive(t, "a join", l.crew.brains[id].joined)
	if e.Name != core.EventEntityJoined || e.Data["entityId"] != user {
		t.Errorf("event = %+v", e)
	}
}
