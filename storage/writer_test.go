package storage

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/runtime/core"
)

// insert is a job that stores an agent.
func insert(a *agents.Agent) func(tx *gorm.DB) error {
	return func(tx *gorm.DB) error { return tx.Create(toAgentRow(a)).Error }
}

func stored(t *testing.T, db *DB, a *agents.Agent) bool {
	t.Helper()
	_, err := db.Agents().Agent(t.Context(), a.Character.ID)
	if err != nil && !errors.Is(err, agents.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

// hold keeps the writer busy until release is called.
func hold(t *testing.T, db *DB) (release func()) {
	t.Helper()
	started, end := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := db.writer.do(t.Context(), func(*gorm.DB) error {
			close(started)
			<-end
			return nil
		}, true)
		if err != nil {
			t.Errorf("the job that held the writer: %v", err)
		}
	})
	<-started
	return func() {
		close(end)
		wg.Wait()
	}
}

// queue runs jobs at once while the writer is held and returns, after release, what each was answered.
func queue(t *testing.T, db *DB, jobs ...func(tx *gorm.DB) error) []error {
	t.Helper()
	release := hold(t, db)
	errs := make([]error, len(jobs))
	var wg sync.WaitGroup
	for i, job := range jobs {
		wg.Go(func() { errs[i] = db.writer.do(t.Context(), job, false) })
		awaitQueue(db, i+1)
	}
	release()
	wg.Wait()
	return errs
}

// awaitQueue returns when n jobs are queued.
func awaitQueue(db *DB, n int) {
	for len(db.writer.queue) < n {
		runtime.Gosched()
	}
}

func TestCallerLeavesWhileQueued(t *testing.T) {
	t.Parallel()
	db, _ := openTest(t)
	release := hold(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	gone, next := newTestAgent("gone"), newTestAgent("next")
	result := make(chan error)
	go func() { result <- db.writer.do(ctx, insert(gone), false) }()
	awaitQueue(db, 1)
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("do = %v, want the caller's cancellation", err)
	}
	release()
	if err := db.Agents().Insert(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	if stored(t, db, gone) || !stored(t, db, next) {
		t.Errorf("what was taken back is stored, or what followed is not")
	}
}

func TestCallerLeavesWhileItsJobRuns(t *testing.T) {
	t.Parallel()
	db, _ := openTest(t)
	ctx, cancel := context.WithCancel(t.Context())
	a := newTestAgent("late")
	err := db.writer.do(ctx, func(tx *gorm.DB) error {
		cancel()
		return insert(a)(tx)
	}, false)
	if err != nil || !stored(t, db, a) {
		t.Errorf("do = %v, want the outcome awaited and the agent stored", err)
	}
}

func TestOneJobDoesNotHarmTheBatch(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, bad := range map[string]func(tx *gorm.DB) error{
		"fails":    func(*gorm.DB) error { return broken },
		"panics":   func(*gorm.DB) error { panic("broken") },
		"vanishes": func(tx *gorm.DB) error { return tx.Exec("ROLLBACK").Error },
		"vanishes and fails": func(tx *gorm.DB) error {
			return errors.Join(tx.Exec("ROLLBACK").Error, broken)
		},
		"statement fails": func(tx *gorm.DB) error { return tx.Exec("INSERT INTO nothing VALUES (1)").Error },
		"commit fails": func(tx *gorm.DB) error { // a foreign key that is looked at by COMMIT only
			if err := tx.Exec("PRAGMA defer_foreign_keys = ON").Error; err != nil {
				return err
			}
			return tx.Exec("INSERT INTO message_server_agents VALUES ('no', 'no')").Error
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, _ := openTest(t)
			before, undone, after := newTestAgent("before"), newTestAgent("undone"), newTestAgent("after")
			errs := queue(t, db, insert(before), func(tx *gorm.DB) error {
				if err := insert(undone)(tx); err != nil {
					return err
				}
				return bad(tx)
			}, insert(after))
			if errs[0] != nil || errs[2] != nil || errs[1] == nil {
				t.Errorf("answers = %v, want an error for the second alone", errs)
			}
			if !stored(t, db, before) || stored(t, db, undone) || !stored(t, db, after) {
				t.Errorf("stored before %v, undone %v, after %v", stored(t, db, before), stored(t, db, undone), stored(t, db, after))
			}
			if err := db.Agents().Insert(t.Context(), newTestAgent("next")); err != nil {
				t.Errorf("the next write: %v", err)
			}
			if err := db.writer.do(t.Context(), bad, true); err == nil {
				t.Errorf("alone it was answered without an error")
			}
			if err := db.Agents().Insert(t.Context(), newTestAgent("next")); err != nil {
				t.Errorf("the write after the one alone: %v", err)
			}
		})
	}
}

func TestQueuedJobsShareACommit(t *testing.T) {
	t.Parallel()
	db, _ := openTest(t)
	var mu sync.Mutex
	pools := map[gorm.ConnPool]int{}
	jobs := make([]func(tx *gorm.DB) error, maxBatch+10)
	for i := range jobs {
		jobs[i] = func(tx *gorm.DB) error {
			mu.Lock()
			defer mu.Unlock()
			pools[tx.Statement.ConnPool]++
			return nil
		}
	}
	for _, err := range queue(t, db, jobs...) {
		if err != nil {
			t.Errorf("a job failed: %v", err)
		}
	}
	var sizes []int
	for _, n := range pools {
		sizes = append(sizes, n)
	}
	if len(sizes) != 2 || max(sizes[0], sizes[1]) != maxBatch {
		t.Errorf("transactions of %v jobs, want %d and 10", sizes, maxBatch)
	}
}

func TestWithTxRunsAlone(t *testing.T) {
	t.Parallel()
	db, _ := openTest(t)
	var open atomic.Int32
	release := hold(t, db)
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			if i%2 == 0 {
				if err := db.Agents().Insert(t.Context(), newTestAgent("other")); err != nil {
					t.Error(err)
				}
				return
			}
			err := db.WithTx(t.Context(), func(context.Context, *gorm.DB) error {
				if open.Add(1) != 1 {
					t.Error("two at once")
				}
				open.Add(-1)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
		awaitQueue(db, i+1)
	}
	release()
	wg.Wait()
}

// A transaction SQLite has rolled back must not be continued by another one.
func TestStoresRefuseATransactionThatIsGone(t *testing.T) {
	t.Parallel()
	db, _ := openTest(t)
	a := newTestAgent("stray")
	err := db.WithTx(t.Context(), func(ctx context.Context, tx *gorm.DB) error {
		if err := tx.Exec("ROLLBACK").Error; err != nil {
			return err
		}
		if err := db.Agents().Insert(ctx, a); !errors.Is(err, errTransactionGone) {
			t.Errorf("Insert = %v, want %v", err, errTransactionGone)
		}
		return nil
	})
	if err == nil || stored(t, db, a) {
		t.Errorf("WithTx = %v, stored %v, want an error and nothing stored", err, stored(t, db, a))
	}
}

func TestGoexitInATransaction(t *testing.T) {
	t.Parallel()
	db, _ := openTest(t)
	a := newTestAgent("gone")
	exit := func(tx *gorm.DB) error {
		if err := insert(a)(tx); err != nil {
			return err
		}
		runtime.Goexit()
		return nil
	}
	for _, alone := range []bool{true, false} {
		if err := db.writer.do(t.Context(), exit, alone); !errors.Is(err, errAbandoned) {
			t.Errorf("do = %v, want %v", err, errAbandoned)
		}
	}
	other := newTestAgent("other")
	errs := queue(t, db, insert(other), exit)
	if !errors.Is(errs[1], errAbandoned) || stored(t, db, a) || (errs[0] == nil) != stored(t, db, other) {
		t.Errorf("answers = %v, which is not what is stored", errs)
	}
	if err := db.Agents().Insert(t.Context(), newTestAgent("next")); err != nil {
		t.Errorf("the next write: %v", err)
	}
}

func TestCloseFinishesWhatIsQueued(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "eliza.db")
	db := openTestAt(t, path)
	release := hold(t, db)
	all := make([]*agents.Agent, 20)
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i := range all {
		all[i] = newTestAgent("queued")
		wg.Go(func() { errs[i] = db.Agents().Insert(t.Context(), all[i]) })
		awaitQueue(db, i+1)
	}
	closed := make(chan error)
	go func() { closed <- db.Close() }()
	release()
	wg.Wait()
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	db = openTestAt(t, path)
	for i, a := range all {
		if errs[i] != nil || !stored(t, db, a) {
			t.Errorf("queued write %d: %v, stored %v", i, errs[i], stored(t, db, a))
		}
	}
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	db, _ := openTest(t)
	limit := func(pages string) {
		t.Helper()
		err := db.writer.do(t.Context(), func(tx *gorm.DB) error { return tx.Exec("PRAGMA max_page_count = " + pages).Error }, true)
		if err != nil {
			t.Fatal(err)
		}
	}
	limit(pragma(t, db.writer.db, "page_count")) // not one page more
	big := func() *agents.Agent {
		a := newTestAgent("big")
		a.Character.System = strings.Repeat("x", 50_000)
		return a
	}
	if err := db.Agents().Insert(t.Context(), big()); core.CodeOf(err) != core.CodeStorageFull {
		t.Errorf("Insert = %v, want the storage full", err)
	}
	small, large, tail := newTestAgent("small"), big(), newTestAgent("tail")
	errs := queue(t, db, insert(small), insert(large), insert(tail))
	if errs[0] != nil || errs[2] != nil || core.CodeOf(wrap("", errs[1])) != core.CodeStorageFull {
		t.Errorf("answers = %v, want the large one alone refused", errs)
	}
	if !stored(t, db, small) || stored(t, db, large) || !stored(t, db, tail) {
		t.Errorf("the answers are not what is stored")
	}
	limit("1073741823")
	if err := db.Agents().Insert(t.Context(), big()); err != nil {
		t.Errorf("with room again: %v", err)
	}
}
