package messaging_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// hang ends with its context, as a brain should.
func hang(ctx context.Context, _ *core.Turn, out core.Out) (core.Outcome, error) {
	out.Stream("beginning")
	<-ctx.Done()
	return core.Outcome{}, ctx.Err()
}

func TestEveryWayOutEndsTheMessageOnce(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		opts  messaging.Options
		build func(ctx context.Context, id core.UUID) error
		turn  brainFunc
		want  []string
	}{
		{name: "reply", turn: echo, want: []string{"message:hi", "message:re: hi", "complete:responded"}},
		{
			name: "streamed reply",
			turn: func(_ context.Context, _ *core.Turn, out core.Out) (core.Outcome, error) {
				out.Stream("one ")
				out.Stream("two")
				return core.Outcome{Reply: text("one two")}, nil
			},
			want: []string{"message:hi", "chunk:one ", "chunk:two", "message:one two", "complete:responded"},
		},
		{
			name: "two replies",
			turn: func(ctx context.Context, _ *core.Turn, out core.Out) (core.Outcome, error) {
				out.Stream("fir")
				if _, err := out.Send(ctx, text("first")); err != nil {
					return core.Outcome{}, err
				}
				out.Stream("sec")
				return core.Outcome{Reply: text("second")}, nil
			},
			want: []string{"message:hi", "chunk:fir", "message:first", "chunk:sec", "message:second", "complete:responded"},
		},
		{
			name: "reply before the last only",
			turn: func(ctx context.Context, _ *core.Turn, out core.Out) (core.Outcome, error) {
				_, err := out.Send(ctx, text("all"))
				return core.Outcome{}, err
			},
			want: []string{"message:hi", "message:all", "complete:responded"},
		},
		{
			name: "silence", want: []string{"message:hi", "complete:ignored"},
			turn: func(context.Context, *core.Turn, core.Out) (core.Outcome, error) { return core.Outcome{}, nil },
		},
		{
			name: "blank reply after a stream", want: []string{"message:hi", "chunk:hm", "stream_error", "complete:ignored"},
			turn: func(_ context.Context, _ *core.Turn, out core.Out) (core.Outcome, error) {
				out.Stream("hm")
				return core.Outcome{Reply: text(" \n")}, nil
			},
		},
		{
			name: "error", want: []string{"message:hi", "complete:failed"},
			turn: func(context.Context, *core.Turn, core.Out) (core.Outcome, error) {
				return core.Outcome{}, errors.New("no model")
			},
		},
		{
			name: "error after a stream", want: []string{"message:hi", "chunk:hm", "stream_error", "complete:failed"},
			turn: func(_ context.Context, _ *core.Turn, out core.Out) (core.Outcome, error) {
				out.Stream("hm")
				return core.Outcome{}, errors.New("no model")
			},
		},
		{
			name: "panic", want: []string{"message:hi", "chunk:hm", "stream_error", "complete:failed"},
			turn: func(_ context.Context, _ *core.Turn, out core.Out) (core.Outcome, error) {
				out.Stream("hm")
				panic("brain")
			},
		},
		{
			name: "timeout", opts: messaging.Options{TurnTimeout: 20 * time.Millisecond}, turn: hang,
			want: []string{"message:hi", "chunk:beginning", "stream_error", "complete:timeout"},
		},
		{
			name: "agent not running", turn: echo, want: []string{"message:hi", "complete:stopped"},
			build: func(context.Context, core.UUID) error { return agents.ErrNotRunning },
		},
		{
			name: "panic of the agents", turn: echo, want: []string{"message:hi", "complete:failed"},
			build: func(context.Context, core.UUID) error { panic("builder") },
		},
		{
			name: "a build that hangs", opts: messaging.Options{TurnTimeout: 20 * time.Millisecond}, turn: echo,
			build: func(ctx context.Context, _ core.UUID) error { <-ctx.Done(); return ctx.Err() },
			want:  []string{"message:hi", "complete:timeout"},
		},
		{
			name: "records that panic", want: []string{"message:hi", "message:yes", "complete:responded"},
			turn: func(context.Context, *core.Turn, core.Out) (core.Outcome, error) {
				return core.Outcome{Reply: text("yes"), Commit: func(context.Context) error { panic("records") }}, nil
			},
		},
		{
			name: "records that conflict", want: []string{"message:hi", "message:yes", "complete:responded"},
			turn: func(context.Context, *core.Turn, core.Out) (core.Outcome, error) {
				return core.Outcome{Reply: text("yes"), Commit: func(context.Context) error { return messaging.ErrConflict }}, nil
			},
		},
		{
			name: "reply that cannot be stored", want: []string{"message:hi", "complete:failed"},
			turn: func(context.Context, *core.Turn, core.Out) (core.Outcome, error) {
				return core.Outcome{Reply: &core.Content{Text: "no", Extra: map[string]any{"bad": func() {}}}}, nil
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, test.opts)
			l.crew.build = test.build
			id := l.hire(test.turn)
			ch := l.channel(messaging.TypeGroup, user, id)
			r := l.watch(ch, -1)
			defer r.cancel()
			a := l.say(ch, "hi")
			l.answer(a)
			next := l.say(ch, "\x00next") // the lane goes on
			if test.build == nil {
				l.answer(next)
			}
			got := kinds(r.completed(a.Message.ID))
			if i := slices.Index(got, "message:next"); i >= 0 {
				got = got[:i]
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFailedBuildIsTriedAgain(t *testing.T) {
	t.Parallel()
	l := newLab(t, messaging.Options{MaxLost: 1})
	id := l.hire(echo)
	tries := make(chan struct{}, 10)
	l.crew.build = func(context.Context, core.UUID) error { tries <- struct{}{}; return errors.New("no disk") }
	got := l.answer(l.say(l.channel(messaging.TypeDM, user, id), "hi"))
	if len(tries) != 2 || got.Result.Status() != "error" || got.Failure == "" {
		t.Errorf("after %d tries: %+v, want failed after the one more", len(tries), got)
	}
}

func TestBrainThatDoesNotHeedItsEnd(t *testing.T) {
	t.Parallel()
	l := newLab(t, messaging.Options{TurnTimeout: 10 * time.Millisecond})
	free, late := make(chan struct{}), make(chan []error, 1)
	id := l.hire(func(ctx context.Context, turn *core.Turn, out core.Out) (core.Outcome, error) {
		if turn.Content.Text != "stuck" {
			return echo(ctx, turn, out)
		}
		<-free
		out.Stream("late")
		_, sent := out.Send(context.Background(), text("late"))
		late <- []error{sent, out.Acting(context.Background()), out.Progress(context.Background(), core.NewUUID(), *text("late"))}
		return core.Outcome{Reply: text("late")}, nil
	})
	ch := l.channel(messaging.TypeDM, user, id)
	r := l.watch(ch, -1)
	defer r.cancel()
	first, second := l.say(ch, "stuck"), l.say(ch, "fine")
	if got := l.answer(first); got.Result.Agents[0].Status != messaging.StatusTimeout {
		t.Errorf("status = %q, want %q", got.Result.Agents[0].Status, messaging.StatusTimeout)
	}
	if got := l.answer(second); len(got.Replies) != 1 {
		t.Errorf("the lane stands still: %+v", got)
	}
	before := len(r.all())
	close(free)
	for i, err := range receive(t, "the late brain", late) {
		if !errors.Is(err, messaging.ErrLost) {
			t.Errorf("late call %d = %v, want ErrLost", i, err)
		}
	}
	if after := r.all(); len(after) != before {
		t.Errorf("heard after its end: %v", kinds(after[before:]))
	}
}

func TestStopAgent(t *testing.T) {
	t.Parallel()
	t.Run("grace", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, messaging.Options{})
		free, begun := make(chan struct{}), make(chan struct{}, 1)
		id := l.hire(func(ctx context.Context, turn *core.Turn, out core.Out) (core.Outcome, error) {
			begun <- struct{}{}
			<-free
			return echo(ctx, turn, out)
		})
		ch := l.channel(messaging.TypeDM, user, id)
		running := l.say(ch, "one")
		receive(t, "the turn", begun)
		queued := l.say(ch, "two")
		stopped := make(chan error, 1)
		go func() { stopped <- l.StopAgent(context.Background(), id, time.Minute) }()
		if got := l.answer(queued); got.Result.Agents[0].Status != messaging.StatusStopped {
			t.Errorf("queued = %+v, want stopped", got.Result)
		}
		close(free)
		if err := receive(t, "StopAgent", stopped); err != nil {
			t.Errorf("StopAgent() = %v", err)
		}
		if got := l.answer(running); len(got.Replies) != 1 {
			t.Errorf("running = %+v, want answered within the grace", got.Result)
		}
	})
	t.Run("after grace", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, messaging.Options{})
		id := l.hire(hang)
		ch := l.channel(messaging.TypeDM, user, id)
		r := l.watch(ch, -1)
		defer r.cancel()
		a := l.say(ch, "one")
		r.until("a chunk", func(e messaging.Event) bool { return e.Kind == messaging.KindChunk })
		if err := l.StopAgent(context.Background(), id, time.Millisecond); err != nil {
			t.Errorf("StopAgent() = %v", err)
		}
		want := []string{"message:one", "control", "chunk:beginning", "stream_error", "complete:stopped"}
		if diff := cmp.Diff(want, kinds(r.completed(a.Message.ID))); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
	t.Run("by itself", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, messaging.Options{})
		var id core.UUID
		id = l.hire(func(ctx context.Context, turn *core.Turn, out core.Out) (core.Outcome, error) {
			if err := l.StopAgent(ctx, id, time.Minute); err != nil {
				return core.Outcome{}, err
			}
			return echo(ctx, turn, out)
		})
		if got := l.answer(l.say(l.channel(messaging.TypeDM, user, id), "stop")); len(got.Replies) != 1 {
			t.Errorf("result = %+v, want the agent's last words", got.Result)
		}
	})
	t.Run("in a transaction", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, messaging.Options{})
		id := l.hire(hang)
		ch := l.channel(messaging.TypeDM, user, id)
		r := l.watch(ch, -1)
		defer r.cancel()
		a := l.say(ch, "one")
		r.until("a chunk", func(e messaging.Event) bool { return e.Kind == messaging.KindChunk })
		err := l.db.WithTx(t.Context(), func(ctx context.Context, _ *gorm.DB) error { return l.StopAgent(ctx, id, time.Minute) })
		if err != nil {
			t.Fatal(err)
		}
		if got := l.answer(a); got.Result.Agents[0].Status != messaging.StatusStopped {
			t.Errorf("result = %+v, want stopped", got.Result)
		}
	})
}

func TestDeletionEndsTurns(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		remove func(ctx context.Context, l *lab, a *messaging.Accepted) error
		last   string
	}{
		{"message", func(ctx context.Context, l *lab, a *messaging.Accepted) error {
			return l.DeleteMessage(ctx, a.Message.ChannelID, a.Message.ID)
		}, messaging.KindDeleted},
		{"clear", func(ctx context.Context, l *lab, a *messaging.Accepted) error {
			return l.ClearChannel(ctx, a.Message.ChannelID)
		}, messaging.KindCleared},
		{"channel", func(ctx context.Context, l *lab, a *messaging.Accepted) error {
			return l.DeleteChannel(ctx, a.Message.ChannelID)
		}, messaging.KindRemoved},
	} {
		for _, stubborn := range []bool{false, true} {
			name := test.name
			if stubborn {
				name += ", brain does not heed it"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				l := newLab(t, messaging.Options{})
				free := make(chan struct{})
				id := l.hire(func(ctx context.Context, turn *core.Turn, out core.Out) (core.Outcome, error) {
					out.Stream("beginning")
					if stubborn {
						<-free
					}
					<-ctx.Done()
					return core.Outcome{Reply: text("too late")}, ctx.Err()
				})
				defer close(free)
				ch := l.channel(messaging.TypeDM, user, id)
				r := l.watch(ch, -1)
				defer r.cancel()
				a := l.say(ch, "one")
				r.until("a chunk", func(e messaging.Event) bool { return e.Kind == messaging.KindChunk })
				if err := test.remove(t.Context(), l, a); err != nil {
					t.Fatal(err)
				}
				want := []string{"message:one", "control", "chunk:beginning", "stream_error", "complete:stopped", test.last}
				if diff := cmp.Diff(want, kinds(r.all())); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
			})
		}
		t.Run(test.name+", by the agent itself", func(t *testing.T) {
			t.Parallel()
			l := newLab(t, messaging.Options{})
			var a *messaging.Accepted
			ready, done := make(chan struct{}), make(chan error, 1)
			id := l.hire(func(ctx context.Context, _ *core.Turn, _ core.Out) (core.Outcome, error) {
				<-ready
				done <- test.remove(ctx, l, a)
				return core.Outcome{Reply: text("done")}, nil
			})
			ch := l.channel(messaging.TypeDM, user, id)
			r := l.watch(ch, -1)
			defer r.cancel()
			a = l.say(ch, "one")
			close(ready)
			if err := receive(t, "the deletion", done); err != nil {
				t.Fatal(err)
			}
			if got := r.all(); got[len(got)-1].Kind != test.last {
				t.Errorf("events = %v, want %s last", kinds(got), test.last)
			}
		})
	}
}

func TestProgressReplacesItself(t *testing.T) {
	t.Parallel()
	l := newLab(t, messaging.Options{})
	progress := core.NewUUID()
	id := l.hire(func(ctx context.Context, _ *core.Turn, out core.Out) (core.Outcome, error) {
		for _, s := range []string{"doing", "done"} {
			if err := out.Progress(ctx, progress, *text(s)); err != nil {
				return core.Outcome{}, err
			}
		}
		return core.Outcome{Reply: text("ok")}, nil
	})
	ch := l.channel(messaging.TypeGroup, user, id)
	r := l.watch(ch, -1)
	defer r.cancel()
	a := l.say(ch, "act")
	l.answer(a)
	want := []string{"message:act", "message:doing", "edited:done", "message:ok", "complete:responded"}
	if diff := cmp.Diff(want, kinds(r.completed(a.Message.ID))); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	page, err := l.Messages(t.Context(), messaging.Page{ChannelID: ch, AfterSeq: -1, Limit: 10})
	if err != nil || len(page.Messages) != 3 || page.Messages[1].ID != progress || page.Messages[1].SourceType != messaging.SourceAction {
		t.Errorf("stored = %+v, %v, want one progress message between question and answer", page, err)
	}
}
