package eliza_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

// bench measures fn over HTTP with a number of clients: requests a second, and how long they take.
func bench(b *testing.B, clients int, fn func(c *http.Client, client int) error) {
	b.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	defer transport.CloseIdleConnections()
	c := &http.Client{Transport: transport}
	var (
		wg   sync.WaitGroup
		left atomic.Int64
		mu   sync.Mutex
		took []time.Duration
	)
	left.Store(int64(b.N))
	b.ResetTimer()
	for i := range clients {
		wg.Go(func() {
			var mine []time.Duration
			for left.Add(-1) >= 0 {
				began := time.Now()
				if err := fn(c, i); err != nil {
					b.Error(err)
					return
				}
				mine = append(mine, time.Since(began))
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
		})
	}
	wg.Wait()
	b.StopTimer()
	slices.Sort(took)
	if n := len(took); n > 0 {
		b.ReportMetric(float64(took[n/2].Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(took[n*99/100].Microseconds())/1000, "p99-ms")
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "ops/s")
	}
}

func call(c *http.Client, method, url, body string) error {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("%d: %.200s", res.StatusCode, b)
	}
	return err
}

// fill makes a channel with so many messages and nobody who answers.
func fill(b *testing.B, s *elizatest.Server, messages int) core.UUID {
	b.Helper()
	channel, user := core.NewUUID(), core.NewUUID()
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for range messages / 64 {
				_, err := s.Messaging().Accept(b.Context(), messaging.NewMessage{
					ChannelID: channel, ServerID: core.DefaultServerID, AuthorID: user, Content: "a message of ordinary length, as people write them",
					SourceType: "bench", Create: &messaging.NewChannel{Name: "bench", Type: messaging.TypeGroup},
				})
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return channel
}

func BenchmarkCreateMessage(b *testing.B) {
	for _, clients := range []int{1, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			s := elizatest.Start(b)
			channel := fill(b, s, 64)
			body := fmt.Sprintf(`{"channel_id":%q,"server_id":%q,"author_id":%q,"content":"hello there"}`, channel, core.DefaultServerID, core.NewUUID())
			bench(b, clients, func(c *http.Client, _ int) error {
				return call(c, http.MethodPost, s.Base+"/api/messaging/submit", body)
			})
		})
	}
}

func BenchmarkNewest50(b *testing.B) {
	s := elizatest.Start(b)
	url := s.Base + "/api/messaging/channels/" + string(fill(b, s, 10_000)) + "/messages?limit=50"
	bench(b, 32, func(c *http.Client, _ int) error { return call(c, http.MethodGet, url, "") })
}

// BenchmarkTurn is from the acceptance of a message to its completion: the default brain, with its memory
// and prompt, and a model that answers at once. One message is under way in each channel.
func BenchmarkTurn(b *testing.B) {
	for _, channels := range []int{1, 16} {
		b.Run(fmt.Sprintf("channels=%d", channels), func(b *testing.B) {
			s := elizatest.Start(b, eliza.WithPlugins(elizatest.Echo().Plugin()))
			agent := s.Agent("Ada")
			talks := make([]*talk, channels)
			for i := range talks {
				talks[i] = newTalk(b, s, agent)
			}
			bench(b, channels, func(_ *http.Client, i int) error { return talks[i].turn(b.Context(), s) })
		})
	}
}

// talk is a direct channel with an agent, watched as a gateway does.
type talk struct {
	channel, user core.UUID
	done          chan *messaging.Result
}

func newTalk(b *testing.B, s *elizatest.Server, agent core.UUID) *talk {
	b.Helper()
	t := &talk{user: core.NewUUID(), done: make(chan *messaging.Result, 1)}
	ch, err := s.Messaging().DM(b.Context(), core.DefaultServerID, t.user, agent)
	if err != nil {
		b.Fatal(err)
	}
	t.channel = ch.ID
	cancel, err := s.Messaging().Watch(b.Context(), ch.ID, -1, func(e messaging.Event) {
		if e.Kind == messaging.KindComplete {
			t.done <- e.Result
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(cancel)
	return t
}

func (t *talk) turn(ctx context.Context, s *elizatest.Server) error {
	_, err := s.Messaging().Accept(ctx, messaging.NewMessage{ChannelID: t.channel, AuthorID: t.user, Content: "hello there", SourceType: "bench"})
	if err != nil {
		return err
	}
	if r := <-t.done; r.Status() != "completed" {
		return fmt.Errorf("result %v", r)
	}
	return nil
}

func BenchmarkReady(b *testing.B) {
	for _, n := range []int{0, 10_000} {
		b.Run(fmt.Sprintf("agents=%d", n), func(b *testing.B) {
			dir := b.TempDir()
			if n > 0 {
				store(b, filepath.Join(dir, "0.db"), n)
			}
			b.ResetTimer()
			for i := 0; b.Loop(); i++ {
				name := "0.db" // with agents the same file again and again, else a new one
				if n == 0 {
					name = fmt.Sprintf("%d.db", i)
				}
				srv, err := eliza.NewServer(eliza.WithDatabase(filepath.Join(dir, name)), eliza.WithLogger(elizatest.Quiet()))
				if err == nil {
					err = srv.Start(b.Context())
				}
				b.StopTimer()
				if err != nil {
					b.Fatal(err)
				}
				if err := srv.Shutdown(context.Background()); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

// store fills a database with active agents.
func store(b *testing.B, path string, n int) {
	b.Helper()
	db, err := storage.Open(b.Context(), path, storage.Options{Logger: elizatest.Quiet()})
	if err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for j := i; j < n; j += 64 {
				name := fmt.Sprintf("Agent %d", j)
				a := &agents.Agent{Character: &core.Character{ID: core.StringToUUID(name), Name: name, Bio: core.Bio{Lines: []string{"stored"}}}, Active: true, Version: 1, CreatedAt: core.Now(), UpdatedAt: core.Now()}
				if err := db.Agents().Insert(b.Context(), a); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}
