package messaging_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// asleep keeps the net away: only wake-ups drive the lanes.
const asleep = time.Hour

func TestWakeUpsAloneDriveLanes(t *testing.T) {
	t.Parallel()
	const channels, agents, each = 12, 5, 6
	for _, opts := range []messaging.Options{
		{Poll: asleep},
		{Poll: asleep, MaxTurns: 3, MaxAgent: 2}, // lanes queue, and spill
		{Poll: asleep, MaxAgent: 1},
	} {
		t.Run(fmt.Sprintf("%d turns, %d an agent", opts.MaxTurns, opts.MaxAgent), func(t *testing.T) {
			t.Parallel()
			l := newLab(t, opts)
			var total atomic.Int64
			var mu sync.Mutex
			order := map[messaging.Lane][]string{}
			busy := map[messaging.Lane]bool{}
			var ids []core.UUID
			for range agents {
				var id core.UUID
				var mine atomic.Int64
				id = l.hire(func(_ context.Context, turn *core.Turn, _ core.Out) (core.Outcome, error) {
					lane := messaging.Lane{AgentID: id, ChannelID: turn.ChannelID}
					mu.Lock()
					if busy[lane] {
						t.Error("two turns at once in a lane")
					}
					busy[lane] = true
					order[lane] = append(order[lane], turn.Content.Text)
					mu.Unlock()
					if n := mine.Add(1); opts.MaxAgent > 0 && n > int64(opts.MaxAgent) {
						t.Errorf("%d turns at once of an agent, want %d", n, opts.MaxAgent)
					}
					if n := total.Add(1); opts.MaxTurns > 0 && n > int64(opts.MaxTurns) {
						t.Errorf("%d turns at once, want %d", n, opts.MaxTurns)
					}
					if pause := rand.IntN(3); pause > 0 { // a model that takes a moment, or none
						<-time.After(time.Duration(pause) * time.Millisecond)
					}
					total.Add(-1)
					mine.Add(-1)
					mu.Lock()
					busy[lane] = false
					mu.Unlock()
					return core.Outcome{Reply: text("ok")}, nil
				})
				ids = append(ids, id)
			}
			var wg sync.WaitGroup
			for range channels {
				ch := l.channel(messaging.TypeGroup, append([]core.UUID{user}, ids...)...)
				wg.Go(func() {
					var sent []*messaging.Accepted
					for i := range each {
						sent = append(sent, l.say(ch, fmt.Sprint(i)))
					}
					for _, a := range sent {
						if got := l.answer(a); len(got.Replies) != agents {
							t.Errorf("%d replies, want %d", len(got.Replies), agents)
						}
					}
				})
			}
			wg.Wait()
			want := []string{"0", "1", "2", "3", "4", "5"}
			for lane, got := range order {
				if !slices.Equal(got, want) {
					t.Errorf("lane %v ran %v", lane, got)
				}
			}
		})
	}
}

func TestManyLanesOfOneAgentLetOthersThrough(t *testing.T) {
	t.Parallel()
	l := newLab(t, messaging.Options{Poll: asleep, MaxAgent: 1, MaxTurns: 2})
	free := make(chan struct{})
	busy := l.hire(func(ctx context.Context, turn *core.Turn, out core.Out) (core.Outcome, error) {
		<-free
		return echo(ctx, turn, out)
	})
	other := l.hire(echo)
	var waiting []*messaging.Accepted
	for range 20 {
		waiting = append(waiting, l.say(l.channel(messaging.TypeDM, user, busy), "hi"))
	}
	if got := l.answer(l.say(l.channel(messaging.TypeDM, user, other), "hi")); len(got.Replies) != 1 {
		t.Errorf("the other agent: %+v, want an answer", got)
	}
	close(free)
	for _, a := range waiting {
		l.answer(a)
	}
}

func TestBacklogOfAnEarlierProcess(t *testing.T) {
	t.Parallel()
	l := newLab(t, messaging.Options{Poll: asleep, MaxAgent: 2})
	l.close(context.Background())
	l.open() // not started: messages are stored, nobody answers
	ids := []core.UUID{l.hire(echo), l.hire(echo)}
	var sent []*messaging.Accepted
	for i := range 40 {
		sent = append(sent, l.say(l.channel(messaging.TypeDM, user, ids[i%2]), "hi"))
	}
	l.start()
	for _, a := range sent {
		if got := l.answer(a); len(got.Replies) != 1 {
			t.Errorf("%+v, want one answer", got)
		}
	}
}

func TestFullLaneRefuses(t *testing.T) {
	t.Parallel()
	l := newLab(t, messaging.Options{MaxLane: 2})
	id := l.hire(hang)
	ch := l.channel(messaging.TypeDM, user, id)
	l.say(ch, "one")
	l.say(ch, "two")
	_, err := l.Accept(t.Context(), messaging.NewMessage{ChannelID: ch, AuthorID: user, Content: "three"})
	if core.CodeOf(err) != core.CodeRateLimit {
		t.Errorf("Accept() = %v, want %s", err, core.CodeRateLimit)
	}
	if _, head := l.head(ch); head != 2 {
		t.Errorf("head = %d, want 2: nothing stored", head)
	}
	if err := l.StopAgent(t.Context(), id, 0); err != nil {
		t.Fatal(err)
	}
}

func (l *lab) head(channel core.UUID) (messages int, head int64) {
	l.t.Helper()
	page, err := l.Messages(context.Background(), messaging.Page{ChannelID: channel, AfterSeq: -1, Limit: 1000})
	if err != nil {
		l.t.Fatal(err)
	}
	return len(page.Messages), page.Head
}

func TestAgentsAnswerAgents(t *testing.T) {
	t.Parallel()
	l := newLab(t, messaging.Options{Poll: asleep, AgentToAgent: 3})
	turn := func(ctx context.Context, turn *core.Turn, out core.Out) (core.Outcome, error) {
		if _, err := out.Send(ctx, text("well")); err != nil {
			return core.Outcome{}, err
		}
		return core.Outcome{}, nil
	}
	a, b := l.hire(turn), l.hire(turn)
	ch := l.channel(messaging.TypeGroup, user, a, b)
	r := l.watch(ch, -1)
	defer r.cancel()
	if _, err := l.Accept(t.Context(), messaging.NewMessage{ChannelID: ch, AuthorID: user, Content: "hi", Target: a}); err != nil {
		t.Fatal(err)
	}
	events := r.until("an answer to an answer", func(e messaging.Event) bool {
		return e.Kind == messaging.KindMessage && e.Message.AuthorID == b
	})
	if n := slices.IndexFunc(events, func(e messaging.Event) bool { return e.Kind == messaging.KindComplete }); n < 0 {
		r.until("the completion", func(e messaging.Event) bool { return e.Kind == messaging.KindComplete })
	}
}
