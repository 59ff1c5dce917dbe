package messaging_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// claimStore is a Store whose claims can be counted, made to fail, and kept back once they are made.
type claimStore struct {
	messaging.Store
	claims, looks atomic.Int64
	failing       atomic.Bool
	made          chan struct{} // told of each claim that took something; nil = nobody is told
	hold          chan struct{} // awaited then
}

func (s *claimStore) Claim(ctx context.Context, owner string, ttl time.Duration, lanes []messaging.Lane, most int) ([]messaging.Delivery, error) {
	s.claims.Add(1)
	if s.failing.Load() {
		return nil, errors.New("database is locked")
	}
	out, err := s.Store.Claim(ctx, owner, ttl, lanes, most)
	if s.made != nil && len(out) > 0 {
		s.made <- struct{}{}
		<-s.hold
	}
	return out, err
}

func (s *claimStore) Due(ctx context.Context, perAgent, most int) ([]messaging.Lane, error) {
	s.looks.Add(1)
	return s.Store.Due(ctx, perAgent, most)
}

// over puts a store between the lab's Manager and its database.
func (l *lab) over(wrap func(messaging.Store) messaging.Store) {
	l.t.Helper()
	l.close(context.Background())
	l.open()
	l.Manager = messaging.New(wrap(l.db.Messaging()), l.opts)
	l.start()
}

// What was claimed, but does not run yet, when it is deleted or its agent stopped must not be run.
func TestClaimUnderWayIsEndedToo(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		end  func(l *lab, a *messaging.Accepted, agent core.UUID) error
		want []string
	}{
		{"deletion", func(l *lab, a *messaging.Accepted, _ core.UUID) error {
			return l.DeleteMessage(context.Background(), a.Message.ChannelID, a.Message.ID)
		}, []string{"message:hi", "complete:stopped", "deleted"}},
		{"stop", func(l *lab, _ *messaging.Accepted, agent core.UUID) error {
			return l.StopAgent(context.Background(), agent, time.Minute)
		}, []string{"message:hi", "complete:stopped"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, messaging.Options{})
			s := &claimStore{made: make(chan struct{}, 10), hold: make(chan struct{})}
			l.over(func(inner messaging.Store) messaging.Store { s.Store = inner; return s })
			var runs atomic.Int64
			id := l.hire(func(ctx context.Context, turn *core.Turn, out core.Out) (core.Outcome, error) {
				runs.Add(1)
				return echo(ctx, turn, out)
			})
			ch := l.channel(messaging.TypeDM, user, id)
			r := l.watch(ch, -1)
			defer r.cancel()
			a := l.say(ch, "hi")
			receive(t, "the claim", s.made)
			if err := test.end(l, a, id); err != nil {
				t.Fatal(err)
			}
			close(s.hold)
			l.answer(l.say(l.channel(messaging.TypeDM, user, l.hire(echo)), "others go on"))
			if diff := cmp.Diff(test.want, kinds(r.all())); diff != "" || runs.Load() > 0 {
				t.Errorf("%d turns, events (-want +got):\n%s", runs.Load(), diff)
			}
		})
	}
}

func TestIdleLanesOnlyRead(t *testing.T) {
	t.Parallel()
	l := newLab(t, messaging.Options{Poll: time.Millisecond})
	s := &claimStore{}
	l.over(func(inner messaging.Store) messaging.Store { s.Store = inner; return s })
	for s.looks.Load() < 20 {
		l.head(l.channel(messaging.TypeGroup, user))
	}
	if n := s.claims.Load(); n > 0 {
		t.Errorf("%d claims without anything to do", n)
	}
}

func TestLanesOverTheLimitDoNotSpin(t *testing.T) {
	t.Parallel()
	l := newLab(t, messaging.Options{Poll: asleep, MaxAgent: 1})
	s := &claimStore{}
	l.over(func(inner messaging.Store) messaging.Store { s.Store = inner; return s })
	free := make(chan struct{})
	id := l.hire(func(ctx context.Context, turn *core.Turn, out core.Out) (core.Outcome, error) {
		<-free
		return echo(ctx, turn, out)
	})
	const messages = 20
	var sent []*messaging.Accepted
	for range messages {
		sent = append(sent, l.say(l.channel(messaging.TypeDM, user, id), "hi"))
	}
	if n := s.claims.Load(); n > 1 {
		t.Errorf("%d claims with room for one turn", n)
	}
	close(free)
	for _, a := range sent {
		l.answer(a)
	}
	if claims, looks := s.claims.Load(), s.looks.Load(); claims > 2*messages || looks > 2*messages {
		t.Errorf("%d claims and %d looks for %d messages", claims, looks, messages)
	}
}

func TestClaimsThatFailAreRepeatedByTheNet(t *testing.T) {
	t.Parallel()
	l := newLab(t, messaging.Options{Poll: 5 * time.Millisecond})
	s := &claimStore{}
	l.over(func(inner messaging.Store) messaging.Store { s.Store = inner; return s })
	s.failing.Store(true)
	a := l.say(l.channel(messaging.TypeDM, user, l.hire(echo)), "hi")
	for s.claims.Load() < 3 {
		l.head(a.Message.ChannelID)
	}
	s.failing.Store(false)
	if got := l.answer(a); len(got.Replies) != 1 {
		t.Errorf("%+v, want one answer", got)
	}
}
