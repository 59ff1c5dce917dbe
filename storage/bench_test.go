package storage_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

func makeServer(tb testing.TB, db *storage.DB) {
	tb.Helper()
	now := core.ISO(core.Now())
	err := db.Messaging().EnsureServer(tb.Context(), messaging.Server{ID: core.DefaultServerID, Name: "Default", SourceType: "test", CreatedAt: now, UpdatedAt: now})
	if err != nil {
		tb.Fatal(err)
	}
}

func makeAgent(tb testing.TB, db *storage.DB) core.UUID {
	tb.Helper()
	a := &agents.Agent{Character: &core.Character{ID: core.NewUUID(), Name: "Ada"}, Active: true, Version: 1, CreatedAt: core.Now(), UpdatedAt: core.Now()}
	if err := db.Agents().Insert(tb.Context(), a); err != nil {
		tb.Fatal(err)
	}
	return a.Character.ID
}

func makeChannel(tb testing.TB, db *storage.DB, participants ...core.UUID) core.UUID {
	tb.Helper()
	id := core.NewUUID()
	_, err := db.Messaging().CreateChannel(tb.Context(), messaging.NewChannel{
		ID: id, ServerID: core.DefaultServerID, Name: "general", Type: messaging.TypeGroup, Participants: participants,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

func hello(channel, author core.UUID) messaging.NewMessage {
	return messaging.NewMessage{
		ID: core.NewUUID(), ChannelID: channel, AuthorID: author, Content: "hello, how are you today?", SourceType: "bench",
		Metadata: map[string]any{"user_display_name": "Bob", "isDm": false},
	}
}

// parallel runs fn b.N times by n goroutines and reports how often a second.
func parallel(b *testing.B, n int, fn func(goroutine int) error) {
	b.ReportAllocs()
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := fn(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

func BenchmarkAccept(b *testing.B) {
	for _, n := range []int{1, 64} {
		b.Run(fmt.Sprintf("goroutines=%d", n), func(b *testing.B) {
			db := open(b)
			makeServer(b, db)
			author, store := core.NewUUID(), db.Messaging()
			channels := make([]core.UUID, n)
			for i := range channels {
				channels[i] = makeChannel(b, db, author)
			}
			parallel(b, n, func(i int) error {
				_, err := store.Accept(b.Context(), hello(channels[i], author), 100)
				return err
			})
		})
	}
}

func BenchmarkAcceptClaimFinish(b *testing.B) {
	for _, n := range []int{1, 16} {
		b.Run(fmt.Sprintf("goroutines=%d", n), func(b *testing.B) {
			db := open(b)
			makeServer(b, db)
			author, store := core.NewUUID(), db.Messaging()
			channels := make([]core.UUID, n)
			for i := range channels {
				channels[i] = makeChannel(b, db, author, makeAgent(b, db))
			}
			parallel(b, n, func(i int) error {
				a, err := store.Accept(b.Context(), hello(channels[i], author), 100)
				if err != nil {
					return err
				}
				ds, err := store.Claim(b.Context(), "bench", time.Minute, a.Lanes, 1)
				if err != nil || len(ds) != 1 {
					return fmt.Errorf("claimed %d: %w", len(ds), err)
				}
				reply := hello(channels[i], ds[0].AgentID)
				reply.ID = ds[0].ReplyID()
				_, err = store.Finish(b.Context(), &ds[0], messaging.Ending{State: messaging.StateDone, Reply: &reply})
				return err
			})
		})
	}
}

func BenchmarkMessages(b *testing.B) {
	const stored = 100_000
	db := open(b)
	makeServer(b, db)
	author, store := core.NewUUID(), db.Messaging()
	channel := makeChannel(b, db, author)
	fill(b, db, channel, author, stored)
	var middle core.Millis
	page, _, err := store.Messages(b.Context(), messaging.Page{ChannelID: channel, AfterSeq: stored, Limit: 1})
	if err != nil || len(page) != 1 {
		b.Fatal(len(page), err)
	}
	middle = page[0].CreatedAt
	for name, p := range map[string]messaging.Page{
		"newest":   {ChannelID: channel, AfterSeq: -1, Limit: 50},
		"before":   {ChannelID: channel, AfterSeq: -1, Before: middle, Limit: 50},
		"afterSeq": {ChannelID: channel, AfterSeq: stored, Limit: 50},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				page, more, err := store.Messages(b.Context(), p)
				if err != nil || len(page) != 50 || !more {
					b.Fatal(len(page), more, err)
				}
			}
		})
	}
}

// fill stores n complete messages, many in a transaction.
func fill(tb testing.TB, db *storage.DB, channel, author core.UUID, n int) {
	tb.Helper()
	err := db.WithTx(tb.Context(), func(_ context.Context, tx *gorm.DB) error {
		return tx.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			INSERT INTO central_messages (id, channel_id, author_id, content, metadata, source_type, seq, complete_seq, created_at, updated_at)
			SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-7000-8000-' || hex(randomblob(6))), ?, ?, 'hello, how are you today?',
			'{"user_display_name":"Bob","isDm":false}', 'bench', 2 * i - 1, 2 * i, 1700000000000 + 2 * i, 1700000000000 FROM n`, n, channel, author).Error
	})
	if err == nil {
		err = db.WithTx(tb.Context(), func(_ context.Context, tx *gorm.DB) error {
			return tx.Exec(`UPDATE channels SET head = ? WHERE id = ?`, 2*n, channel).Error
		})
	}
	if err != nil {
		tb.Fatal(err)
	}
}
