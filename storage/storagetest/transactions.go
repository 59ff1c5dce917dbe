package storagetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

var errStop = errors.New("stop")

// book stores a row of the host's.
func book(tx *gorm.DB) error {
	if err := tx.Exec(`CREATE TABLE IF NOT EXISTS bookings (room TEXT)`).Error; err != nil {
		return err
	}
	return tx.Exec(`INSERT INTO bookings (room) VALUES (?)`, "1").Error
}

func (f *fixture) bookings(t *testing.T) (n int) {
	t.Helper()
	must(t, f.store.View(t.Context(), func(_ context.Context, tx *gorm.DB) error {
		return tx.Raw(`SELECT count(*) FROM bookings`).Scan(&n).Error
	}))
	return n
}

var transactionTests = []subtest{
	{"All stores join", func(t *testing.T, f *fixture) {
		agent, channel := newAgent("Ada", true), core.NewUUID()
		must(t, f.store.WithTx(t.Context(), func(ctx context.Context, tx *gorm.DB) error {
			check(t, f.a.Insert(ctx, agent))
			_, err := f.m.CreateChannel(ctx, messaging.NewChannel{
				ID: channel, ServerID: core.DefaultServerID, Name: "x", Type: messaging.TypeGroup, Participants: []core.UUID{agent.Character.ID},
			})
			check(t, err)
			a, err := f.m.Accept(ctx, newMessage(channel, "hello"), 0)
			check(t, err)
			wantLanes(t, a, agent.Character.ID)
			if _, err := f.m.Message(ctx, a.Message.ID); err != nil {
				t.Errorf("a transaction does not see what it wrote: %v", err)
			}
			outside, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond) // where there is one connection others wait for it
			defer cancel()
			if _, err := f.m.Message(outside, a.Message.ID); err == nil {
				t.Errorf("others see what is not committed")
			}
			return book(tx)
		}))
		f.claimOne(t)
		if n := f.bookings(t); n != 1 {
			t.Errorf("the host has %d rows, want 1", n)
		}
	}},
	{"An error leaves nothing", func(t *testing.T, f *fixture) {
		agent, channel := newAgent("Ada", true), f.channel(t)
		must(t, f.store.WithTx(t.Context(), func(_ context.Context, tx *gorm.DB) error { return book(tx) }))
		err := f.store.WithTx(t.Context(), func(ctx context.Context, tx *gorm.DB) error {
			check(t, book(tx))
			check(t, f.a.Insert(ctx, agent))
			_, err := f.m.Accept(ctx, newMessage(channel, "hello"), 0)
			check(t, err)
			core.AfterCommit(ctx, func() { t.Errorf("a hook ran after a rollback") })
			return errStop
		})
		wantErr(t, err, errStop)
		_, err = f.a.Agent(t.Context(), agent.Character.ID)
		wantErr(t, err, agents.ErrNotFound)
		if n := f.bookings(t); n != 1 {
			t.Errorf("the host has %d rows, want that of the other transaction alone", n)
		}
		if n := len(f.dense(t, channel)); n != 0 {
			t.Errorf("%d events, want none", n)
		}
	}},
	{"A panic leaves nothing and is returned", func(t *testing.T, f *fixture) {
		channel := f.channel(t)
		err := f.store.WithTx(t.Context(), func(ctx context.Context, _ *gorm.DB) error {
			_, err := f.m.Accept(ctx, newMessage(channel, "hello"), 0)
			check(t, err)
			panic("boom")
		})
		if err == nil {
			t.Errorf("WithTx = nil after a panic")
		}
		if n := len(f.dense(t, channel)); n != 0 {
			t.Errorf("%d events, want none", n)
		}
		f.send(t, channel)
	}},
	{"Hooks run once, in order, after the commit", func(t *testing.T, f *fixture) {
		channel := f.channel(t)
		var ran []string
		must(t, f.store.WithTx(t.Context(), func(ctx context.Context, _ *gorm.DB) error {
			a, err := f.m.Accept(ctx, newMessage(channel, "hello"), 0)
			check(t, err)
			core.AfterCommit(ctx, func() {
				ran = append(ran, "first")
				if _, err := f.m.Message(t.Context(), a.Message.ID); err != nil {
					t.Errorf("a hook ran before the commit: %v", err)
				}
			})
			core.AfterCommit(ctx, func() { ran = append(ran, "second") })
			return nil
		}))
		if want := []string{"first", "second"}; !slices.Equal(ran, want) {
			t.Errorf("hooks = %v, want %v", ran, want)
		}
	}},
	{"Hooks may use stores with the same context", func(t *testing.T, f *fixture) {
		channel, late := f.channel(t), false
		must(t, f.store.WithTx(t.Context(), func(ctx context.Context, _ *gorm.DB) error {
			core.AfterCommit(ctx, func() {
				_, err := f.m.Accept(ctx, newMessage(channel, "hello"), 0)
				check(t, err)
				if _, err := f.m.Events(ctx, channel, 0, 10); err != nil {
					t.Errorf("Events in a hook: %v", err)
				}
				core.AfterCommit(ctx, func() { late = true })
			})
			return nil
		}))
		if n := len(f.dense(t, channel)); n != 2 || !late {
			t.Errorf("%d events, hook of a hook ran: %v, want 2 and true", n, late)
		}
	}},
	{"A method that fails leaves nothing of its own", func(t *testing.T, f *fixture) {
		agent := f.agent(t)
		channel := f.channel(t, agent)
		n := newMessage(channel, "hello")
		f.accept(t, n)
		d := f.claimOne(t)
		get[*messaging.Ended](t)(f.m.Finish(t.Context(), d, answer(d)))
		must(t, f.store.WithTx(t.Context(), func(ctx context.Context, _ *gorm.DB) error {
			a, err := f.m.Accept(ctx, n, 0)
			check(t, err)
			if !a.Duplicate {
				t.Errorf("repeated in a transaction = %+v", a)
			}
			late := reply(d, "late")
			late.ID = core.NewUUID()
			_, err = f.m.Finish(ctx, d, messaging.Ending{State: messaging.StateDone, Reply: late})
			wantErr(t, err, messaging.ErrLost)
			_, err = f.m.Reply(ctx, d, *late)
			wantErr(t, err, messaging.ErrLost)
			_, err = f.m.Accept(ctx, newMessage(channel, "next"), 0)
			return err
		}))
		wantKinds(t, f.dense(t, channel), messaging.KindMessage, messaging.KindMessage, messaging.KindComplete, messaging.KindMessage)
	}},
	{"Nested: the outer one decides", func(t *testing.T, f *fixture) {
		channel := f.channel(t)
		var ran []string
		hook := func(ctx context.Context, name string) { core.AfterCommit(ctx, func() { ran = append(ran, name) }) }
		nest := func(ctx context.Context, name string, result error) error {
			return f.store.WithTx(ctx, func(ctx context.Context, _ *gorm.DB) error {
				hook(ctx, name)
				_, err := f.m.Accept(ctx, newMessage(channel, name), 0)
				check(t, err)
				return result
			})
		}
		must(t, f.store.WithTx(t.Context(), func(ctx context.Context, _ *gorm.DB) error {
			hook(ctx, "outer")
			check(t, nest(ctx, "kept", nil))
			wantErr(t, nest(ctx, "undone", errStop), errStop)
			if len(ran) != 0 {
				t.Errorf("hooks %v ran before the outer commit", ran)
			}
			return nil
		}))
		if want := []string{"outer", "kept"}; !slices.Equal(ran, want) {
			t.Errorf("hooks = %v, want %v", ran, want)
		}
		events := f.dense(t, channel)
		wantKinds(t, events, messaging.KindMessage, messaging.KindComplete)
		ran = nil
		wantErr(t, f.store.WithTx(t.Context(), func(ctx context.Context, _ *gorm.DB) error {
			check(t, nest(ctx, "gone", nil))
			return errStop
		}), errStop)
		if n := len(f.dense(t, channel)); n != 2 || len(ran) != 0 {
			t.Errorf("%d events, hooks %v after the outer rollback, want 2 and none", n, ran)
		}
	}},
	{"A caller that has left starts nothing", func(t *testing.T, f *fixture) {
		// A write whose caller has left is taken back while it is queued; what returned is what happened.
		channel := f.channel(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 50 {
			_, before := f.events(t, channel)
			_, err := f.m.Accept(ctx, newMessage(channel, "hello"), 0)
			_, after := f.events(t, channel)
			if stored := after > before; stored != (err == nil) {
				t.Fatalf("Accept = %v, stored %v", err, stored)
			}
		}
	}},
	{"A view is one state, for reading", func(t *testing.T, f *fixture) {
		channel := f.channel(t)
		first := f.send(t, channel)
		must(t, f.store.View(t.Context(), func(ctx context.Context, _ *gorm.DB) error {
			if _, err := f.m.Message(ctx, first.Message.ID); err != nil {
				t.Errorf("a store within View: %v", err)
			}
			if _, err := f.m.Accept(ctx, newMessage(channel, "hello"), 0); err == nil {
				t.Errorf("a store wrote within View")
			}
			if err := f.store.WithTx(ctx, func(context.Context, *gorm.DB) error { return nil }); err == nil {
				t.Errorf("WithTx ran within View")
			}
			return nil
		}))
		must(t, f.store.WithTx(t.Context(), func(_ context.Context, tx *gorm.DB) error { return book(tx) }))
		must(t, f.store.View(t.Context(), func(_ context.Context, tx *gorm.DB) error {
			_ = book(tx)
			return nil
		}))
		if n := f.bookings(t); n != 1 {
			t.Errorf("the host has %d rows, want that written within View refused or undone", n)
		}
		must(t, f.store.WithTx(t.Context(), func(ctx context.Context, tx *gorm.DB) error {
			check(t, book(tx))
			return f.store.View(ctx, func(_ context.Context, tx *gorm.DB) error {
				var n int
				check(t, tx.Raw(`SELECT count(*) FROM bookings`).Scan(&n).Error)
				if n != 2 {
					t.Errorf("View within WithTx sees %d rows, want what the transaction wrote too", n)
				}
				return nil
			})
		}))
		wantErr(t, f.store.View(t.Context(), func(context.Context, *gorm.DB) error { return errStop }), errStop)
	}},
	{"The host does not end the transaction", func(t *testing.T, f *fixture) {
		channel := f.channel(t)
		must(t, f.store.WithTx(t.Context(), func(ctx context.Context, tx *gorm.DB) error {
			_, err := f.m.Accept(ctx, newMessage(channel, "hello"), 0)
			check(t, err)
			if tx.Session(&gorm.Session{}).Commit().Error == nil || tx.Session(&gorm.Session{}).Rollback().Error == nil {
				t.Errorf("Commit or Rollback worked")
			}
			over, cancel := context.WithCancel(ctx)
			cancel()
			check(t, book(tx.WithContext(over))) // a statement that is cut would end the transaction
			undone := tx.Transaction(func(tx *gorm.DB) error { return errors.Join(book(tx), errStop) })
			wantErr(t, undone, errStop)
			return nil
		}))
		if n := len(f.dense(t, channel)); n != 2 || f.bookings(t) != 1 {
			t.Errorf("%d events and %d rows of the host's, want 2 and 1", n, f.bookings(t))
		}
	}},
	{"Plugins have their own rows", func(t *testing.T, f *fixture) {
		db, table := f.store.Plugins(), ""
		must(t, f.store.WithTx(t.Context(), func(ctx context.Context, _ *gorm.DB) error {
			return db.WithTx(ctx, func(ctx context.Context, tx plugin.Tx) error {
				table = tx.Table("reports")
				_, err := tx.ExecContext(ctx, `CREATE TABLE `+table+` (city TEXT)`)
				check(t, err)
				_, err = tx.ExecContext(ctx, `INSERT INTO `+table+` VALUES (?)`, "Rome")
				check(t, err)
				return db.AddStep(ctx, "weather", plugin.Step{Number: 1, Name: "reports"})
			})
		}))
		wantErr(t, db.WithTx(t.Context(), func(ctx context.Context, tx plugin.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO `+table+` VALUES (?)`, "Oslo")
			return errors.Join(err, errStop)
		}), errStop)
		must(t, db.View(t.Context(), func(ctx context.Context, tx plugin.Tx) error {
			var cities string
			check(t, tx.QueryRowContext(ctx, `SELECT group_concat(city) FROM `+tx.Table("reports")).Scan(&cities))
			if cities != "Rome" {
				t.Errorf("cities = %q", cities)
			}
			return nil
		}))
		steps := get[[]plugin.Step](t)(db.Steps(t.Context(), "weather"))
		if want := []plugin.Step{{Number: 1, Name: "reports"}}; !slices.Equal(steps, want) {
			t.Errorf("steps = %v, want %v", steps, want)
		}
		wantCode(t, db.AddStep(t.Context(), "weather", steps[0]), core.CodeConflict)
		if others := get[[]plugin.Step](t)(db.Steps(t.Context(), "other")); len(others) != 0 {
			t.Errorf("another plugin's steps = %v", others)
		}
	}},
}
