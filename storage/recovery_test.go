package storage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

// endDeliveries gives n messages of a channel a delivery that ended long ago.
func endDeliveries(tb testing.TB, db *storage.DB, channel, agent core.UUID, n int) {
	tb.Helper()
	err := db.WithTx(tb.Context(), func(_ context.Context, tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO deliveries (id, message_id, agent_id, channel_id, seq, state, created_at, ended_at)
			SELECT id, id, ?, channel_id, seq, 'done', created_at, 1 FROM central_messages WHERE channel_id = ? LIMIT ?`, agent, channel, n).Error
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func TestSweepRemovesAllThatIsOld(t *testing.T) {
	t.Parallel()
	db := open(t)
	makeServer(t, db)
	agent := makeAgent(t, db)
	channel := makeChannel(t, db, agent)
	fill(t, db, channel, core.NewUUID(), 5000)
	endDeliveries(t, db, channel, agent, 5000)
	if err := db.Messaging().Sweep(t.Context(), time.Hour, time.Hour); err != nil {
		t.Fatal(err)
	}
	err := db.WithTx(t.Context(), func(_ context.Context, tx *gorm.DB) error {
		var left int
		err := tx.Raw(`SELECT count(*) FROM deliveries`).Scan(&left).Error
		if left != 0 {
			t.Errorf("%d deliveries are left", left)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// An error of the database is not the news that somebody else has the delivery: it is tried again.
func TestErrorsAreNotTakenForALostDelivery(t *testing.T) {
	t.Parallel()
	db := open(t)
	makeServer(t, db)
	channel := makeChannel(t, db, makeAgent(t, db))
	if _, err := db.Messaging().Accept(t.Context(), hello(channel, core.NewUUID()), 0); err != nil {
		t.Fatal(err)
	}
	held, err := db.Messaging().Claim(t.Context(), "test", time.Minute, nil, 1)
	if err != nil || len(held) != 1 {
		t.Fatal(held, err)
	}
	broken := errors.New("broken")
	err = db.WithTx(t.Context(), func(ctx context.Context, tx *gorm.DB) error {
		if err := tx.Exec(`ALTER TABLE channels RENAME TO elsewhere`).Error; err != nil {
			return err
		}
		if _, err := db.Messaging().Finish(ctx, &held[0], messaging.Ending{State: messaging.StateIgnored}); err == nil || errors.Is(err, messaging.ErrLost) {
			t.Errorf("Finish = %v", err)
		}
		if _, err := db.Messaging().Reply(ctx, &held[0], hello(channel, held[0].AgentID)); err == nil || errors.Is(err, messaging.ErrLost) {
			t.Errorf("Reply = %v", err)
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if _, err := db.Messaging().Finish(t.Context(), &held[0], messaging.Ending{State: messaging.StateIgnored}); err != nil {
		t.Errorf("Finish, the table being back: %v", err)
	}
}

// BenchmarkPoll is the look for due and lost deliveries that each process takes twice a second.
func BenchmarkPoll(b *testing.B) {
	db := open(b)
	makeServer(b, db)
	agent := makeAgent(b, db)
	channel := makeChannel(b, db, agent)
	fill(b, db, channel, core.NewUUID(), 100_000)
	endDeliveries(b, db, channel, agent, 100_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := db.Messaging().Claim(b.Context(), "bench", time.Minute, nil, 64); err != nil {
			b.Fatal(err)
		}
		if _, err := db.Messaging().Reap(b.Context(), time.Hour, 3); err != nil {
			b.Fatal(err)
		}
	}
}
