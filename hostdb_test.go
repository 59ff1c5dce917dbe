package eliza_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/glebarez/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/runtime/core"
)

// hostDatabase is a database of a program that embeds the server; conns 0 = no limit.
func hostDatabase(t *testing.T, conns int, pragmas ...string) *gorm.DB {
	t.Helper()
	dsn := "file:" + filepath.Join(t.TempDir(), "host.db") + "?_pragma=journal_mode(WAL)"
	for _, p := range pragmas {
		dsn += "&_pragma=" + p
	}
	db, err := gorm.Open(sqlite.Open(dsn), &gorm.Config{Logger: logger.Discard})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := db.DB()
	if err != nil {
		t.Fatal(err)
	}
	pool.SetMaxOpenConns(conns)
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Errorf("close the host's database: %v", err)
		}
	})
	return db
}

// holdLock has the host hold the write lock, until release is called.
func holdLock(t *testing.T, db *gorm.DB) (release func()) {
	t.Helper()
	pool, err := db.DB()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pool.Conn(context.Background())
	if err == nil {
		_, err = conn.ExecContext(t.Context(), `BEGIN IMMEDIATE`)
	}
	if err != nil {
		t.Fatal(err)
	}
	return sync.OnceFunc(func() {
		if _, err := conn.ExecContext(context.Background(), `COMMIT`); err != nil {
			t.Error(err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestMessagesWaitForTheHostsTransactions(t *testing.T) {
	t.Parallel()
	db := hostDatabase(t, 0)
	s := elizatest.Start(t, eliza.WithGorm(db, "eliza_"), eliza.WithPlugins(elizatest.Echo().Plugin()))
	agent, channel, user := s.Agent("Ada"), core.NewUUID(), core.NewUUID()
	s.Say(channel, user, agent, "first", "http").Want(201)
	release := holdLock(t, db)
	defer release()
	const messages = 20
	var wg sync.WaitGroup
	for i := range messages {
		wg.Go(func() { s.Say(channel, user, agent, fmt.Sprint(i), "http").Want(201) })
	}
	<-time.After(300 * time.Millisecond) // how long the host's transaction takes
	release()
	wg.Wait()
	if n := len(s.Messages(channel)); n != 2*(messages+1) {
		t.Errorf("%d messages, want each and its answer", n)
	}
}

func TestAHostThatHoldsTheLockTooLongIsAnsweredFor(t *testing.T) {
	t.Parallel()
	db := hostDatabase(t, 0, "busy_timeout(50)")
	s := elizatest.Start(t, eliza.WithGorm(db, ""), eliza.WithPlugins(elizatest.Echo().Plugin()))
	agent, channel, user := s.Agent("Ada"), core.NewUUID(), core.NewUUID()
	s.Say(channel, user, agent, "first", "http").Want(201)
	release := holdLock(t, db)
	defer release()
	a := s.Say(channel, user, agent, "busy", "http").WantError(503, core.CodeUnavailable)
	if a.Header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After = %q", a.Header.Get("Retry-After"))
	}
	if n := len(s.Messages(channel)); n != 2 { // reading goes on
		t.Errorf("%d messages while the host writes, want 2", n)
	}
	release()
	s.Say(channel, user, agent, "free again", "http").Want(201)
	if n := len(s.Messages(channel)); n != 4 {
		t.Errorf("%d messages, want 4", n)
	}
}

func TestTheHostWritesMeanwhile(t *testing.T) {
	t.Parallel()
	for name, conns := range map[string]int{"as many connections as it likes": 0, "one connection": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := hostDatabase(t, conns)
			if err := db.AutoMigrate(&booking{}); err != nil {
				t.Fatal(err)
			}
			s := elizatest.Start(t, eliza.WithGorm(db, "eliza_"), eliza.WithPlugins(elizatest.Echo().Plugin()))
			agent := s.Agent("Ada")
			var wg sync.WaitGroup
			for range 4 {
				channel, user := core.NewUUID(), core.NewUUID()
				wg.Go(func() {
					for i := range 10 {
						s.Say(channel, user, agent, fmt.Sprint(i), "http").Want(201)
					}
				})
				wg.Go(func() {
					for range 20 {
						if err := db.Create(&booking{Note: "x"}).Error; err != nil {
							t.Errorf("the host's own write: %v", err)
						}
					}
				})
			}
			wg.Wait()
			var n int64
			if err := db.Model(&booking{}).Count(&n).Error; err != nil || n != 80 {
				t.Errorf("%d rows of the host's, %v", n, err)
			}
		})
	}
}

func TestTwoServersInOneDatabase(t *testing.T) {
	t.Parallel()
	db := hostDatabase(t, 0)
	for _, prefix := range []string{"staff_", "guests_"} {
		s := elizatest.Start(t, eliza.WithGorm(db, prefix), eliza.WithPlugins(elizatest.Echo().Plugin()))
		agent := s.Agent(prefix)
		s.Say(core.NewUUID(), core.NewUUID(), agent, "hello", "http").Want(201)
		list, _ := s.Get("/api/agents").Want(200).Data()["agents"].([]any)
		if len(list) != 1 {
			t.Errorf("%s has %d agents", prefix, len(list))
		}
	}
	if _, err := eliza.NewServer(eliza.WithGorm(db, "staff_"), eliza.WithLogger(elizatest.Quiet())); err == nil {
		t.Error("a third server took the tables of the first")
	}
}
