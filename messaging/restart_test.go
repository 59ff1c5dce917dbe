package messaging_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// expired is a context that leaves turns no time.
func expired() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestShutdownInATurn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		first brainFunc // stuck when it has closed begun
		heard []string  // of all attempts
		stays bool      // the brain does not heed its end
	}{
		{
			name:  "it is answered by the next process",
			first: func(context.Context, *core.Turn, core.Out) (core.Outcome, error) { return core.Outcome{}, nil },
			heard: []string{"message:hi", "message:re: hi", "complete:responded"},
		},
		{
			name:  "the brain does not heed it",
			first: func(context.Context, *core.Turn, core.Out) (core.Outcome, error) { return core.Outcome{}, nil },
			heard: []string{"message:hi", "message:re: hi", "complete:responded"}, stays: true,
		},
		{
			name: "with a stored reply it is done",
			first: func(ctx context.Context, _ *core.Turn, out core.Out) (core.Outcome, error) {
				_, err := out.Send(ctx, text("half"))
				return core.Outcome{}, err
			},
			heard: []string{"message:hi", "message:half", "complete:responded"},
		},
		{
			name: "acting it has failed",
			first: func(ctx context.Context, _ *core.Turn, out core.Out) (core.Outcome, error) {
				return core.Outcome{}, out.Acting(ctx)
			},
			heard: []string{"message:hi", "complete:failed"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, messaging.Options{})
			begun, free := make(chan error, 1), make(chan struct{})
			defer close(free)
			id := l.hire(func(ctx context.Context, turn *core.Turn, out core.Out) (core.Outcome, error) {
				_, err := test.first(ctx, turn, out)
				begun <- err
				<-ctx.Done()
				if test.stays {
					<-free
				}
				return core.Outcome{}, ctx.Err()
			})
			ch := l.channel(messaging.TypeGroup, user, id)
			a := l.say(ch, "hi")
			if err := receive(t, "the turn", begun); err != nil {
				t.Fatal(err)
			}
			waited := make(chan error, 1)
			go func() {
				_, err := l.Wait(context.Background(), ch, a.Message.ID, a.Message.Seq-1)
				waited <- err
			}()
			l.close(expired())
			if err := receive(t, "who waits for the answer", waited); err != nil {
				errIs(t, err, messaging.ErrShuttingDown)
			}
			l.script(id, echo)
			l.open()
			l.start()
			l.answer(a)
			l.answer(l.say(ch, "more"))
			r := l.watch(ch, 0)
			defer r.cancel()
			want := append(test.heard, "message:more", "message:re: more", "complete:responded")
			if diff := cmp.Diff(want, kinds(r.all())); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestShutdownLetsTurnsEnd(t *testing.T) {
	t.Parallel()
	l := newLab(t, messaging.Options{})
	begun, free := make(chan struct{}), make(chan struct{})
	id := l.hire(func(ctx context.Context, turn *core.Turn, out core.Out) (core.Outcome, error) {
		close(begun)
		<-free
		if err := out.Progress(ctx, core.NewUUID(), *text("doing")); err != nil {
			return core.Outcome{}, err
		}
		return echo(ctx, turn, out)
	})
	ch := l.channel(messaging.TypeDM, user, id)
	r := l.watch(ch, -1)
	defer r.cancel()
	a := l.say(ch, "hi")
	receive(t, "the turn", begun)
	ended := make(chan error, 1)
	go func() { ended <- l.Shutdown(context.Background()) }()
	for refused := false; !refused; { // closing, now
		_, err := l.Accept(t.Context(), messaging.NewMessage{ChannelID: ch, AuthorID: user, Content: "no", Undeliver: true})
		refused = core.CodeOf(err) == core.CodeUnavailable
	}
	close(free)
	if err := receive(t, "Shutdown", ended); err != nil {
		t.Errorf("Shutdown() = %v", err)
	}
	got := kinds(r.completed(a.Message.ID))
	if want := []string{"message:doing", "message:re: hi", "complete:responded"}; !cmp.Equal(want, got[len(got)-3:]) {
		t.Errorf("events = %v, want %v last", got, want)
	}
	if err := l.Shutdown(context.Background()); err != nil {
		t.Errorf("second Shutdown() = %v", err)
	}
}

func TestShutdownDoesNotWaitForStoreOrBrain(t *testing.T) {
	t.Parallel()
	store := &brokenStore{}
	l := newLab(t, messaging.Options{})
	l.over(func(inner messaging.Store) messaging.Store { store.Store = inner; return store })
	id := l.hire(echo)
	failed := store.breakFinish()
	ch := l.channel(messaging.TypeDM, user, id)
	a := l.say(ch, "hi")
	receive(t, "the first try", failed)
	begun := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := l.Shutdown(ctx); err == nil {
		t.Error("Shutdown() = nil, want an error: the turn could not be ended")
	}
	if took := time.Since(begun); took > 15*time.Second {
		t.Errorf("Shutdown took %v", took)
	}
	if err := l.db.Close(); err != nil {
		t.Fatal(err)
	}
	l.open()
	l.start()
	if got := l.answer(a); len(got.Replies) != 1 {
		t.Errorf("after the restart: %+v, want one answer", got)
	}
}

func TestStartIsOnce(t *testing.T) {
	t.Parallel()
	l := newLab(t, messaging.Options{Poll: time.Millisecond})
	free, runs := make(chan struct{}), make(chan struct{}, 10)
	id := l.hire(func(ctx context.Context, turn *core.Turn, out core.Out) (core.Outcome, error) {
		runs <- struct{}{}
		<-free
		return echo(ctx, turn, out)
	})
	ch := l.channel(messaging.TypeDM, user, id)
	a := l.say(ch, "hi")
	receive(t, "the turn", runs)
	if err := l.Start(t.Context(), l.crew); err == nil {
		t.Error("second Start() = nil, want an error")
	}
	l.answer(l.say(l.channel(messaging.TypeGroup, user), "polls go by"))
	close(free)
	if got := l.answer(a); len(got.Replies) != 1 || len(runs) != 0 {
		t.Errorf("a second Start took the turn away: %+v, %d more runs", got, len(runs))
	}
}
