package messaging_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// BenchmarkAnswered is the way of a message from its acceptance to its completion, with an instant brain
// and a real database: each channel sends its next message when the last one is answered.
func BenchmarkAnswered(b *testing.B) {
	for _, channels := range []int{1, 16} {
		b.Run(fmt.Sprintf("channels=%d", channels), func(b *testing.B) {
			l := newLab(b, messaging.Options{})
			id := l.hire(echo)
			var mu sync.Mutex
			var took []time.Duration
			rooms := make(chan core.UUID, channels)
			for range channels {
				rooms <- l.channel(messaging.TypeDM, user, id)
			}
			b.SetParallelism((channels + 1) / 2)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				var mine []time.Duration
				for pb.Next() {
					ch := <-rooms
					begun := time.Now()
					l.converse(ch)
					mine = append(mine, time.Since(begun))
					rooms <- ch
				}
				mu.Lock()
				defer mu.Unlock()
				took = append(took, mine...)
			})
			b.StopTimer()
			report(b, took)
		})
	}
}

func (l *lab) converse(ch core.UUID) {
	a, err := l.Accept(context.Background(), messaging.NewMessage{ChannelID: ch, AuthorID: user, Content: "hello"})
	if err != nil {
		l.t.Error(err)
		return
	}
	if got, err := l.Wait(context.Background(), ch, a.Message.ID, a.Message.Seq-1); err != nil || len(got.Replies) != 1 {
		l.t.Errorf("Wait() = %+v, %v", got, err)
	}
}

func report(b *testing.B, took []time.Duration) {
	if len(took) == 0 {
		return
	}
	slices.Sort(took)
	for _, p := range []int{50, 99} {
		b.ReportMetric(float64(took[len(took)*p/100].Microseconds())/1000, fmt.Sprintf("p%d-ms", p))
	}
	b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "answered/s")
}

// BenchmarkWatched is a message accepted into a channel with 1,000 watchers.
func BenchmarkWatched(b *testing.B) {
	l := newLab(b, messaging.Options{})
	ch := l.channel(messaging.TypeGroup, user)
	heard := 0
	for range 1000 {
		cancel, err := l.Watch(b.Context(), ch, -1, func(messaging.Event) { heard++ })
		if err != nil {
			b.Fatal(err)
		}
		defer cancel()
	}
	b.ReportAllocs()
	for b.Loop() {
		l.say(ch, "hello")
	}
	b.ReportMetric(float64(heard)/b.Elapsed().Seconds(), "deliveries/s")
}
