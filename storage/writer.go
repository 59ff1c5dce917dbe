package storage

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	maxBatch   = 64   // jobs of one commit
	queueLimit = 4096 // jobs that may wait
)

// errClosed answers writes after Close.
var errClosed = &core.Error{Code: core.CodeUnavailable, Message: "The database is closed"}

// writer does all writing. It takes what has queued up while the last commit ran, never
// waiting for more, runs each job in a savepoint of one transaction, commits, and then answers each.
//
// Jobs run under the writer's own context: a caller's that is cancelled in the middle of a statement would
// make SQLite roll the whole transaction back, and everybody's work with it.
type writer struct {
	db    *gorm.DB
	host  *borrowed // where transactions get their connection; nil when db has one alone
	queue chan *job
	done  chan struct{}
	told  func(writes int, took time.Duration) // of each transaction; nil = nobody is

	mu     sync.RWMutex // guards closed against sends on queue
	closed bool
}

type job struct {
	fn      func(tx *gorm.DB) error
	alone   bool        // in a transaction of its own
	claimed atomic.Bool // by the writer, that will run it, or by its caller, who has given up
	err     error
	done    chan struct{}

	answered bool // known to the writer alone
}

func startWriter(db *gorm.DB, host *borrowed, told func(writes int, took time.Duration)) *writer {
	w := &writer{db: db, host: host, told: told, queue: make(chan *job, queueLimit), done: make(chan struct{})}
	go w.run()
	return w
}

// do queues a job and waits for its commit. A caller whose ctx ends takes its job back, unless the writer
// has begun with it: then the outcome is awaited, so that what do returns is always what happened.
func (w *writer) do(ctx context.Context, fn func(tx *gorm.DB) error, alone bool) error {
	j := &job{fn: fn, alone: alone, done: make(chan struct{})}
	w.mu.RLock()
	if w.closed {
		w.mu.RUnlock()
		return errClosed
	}
	select {
	case w.queue <- j:
		w.mu.RUnlock()
	case <-ctx.Done():
		w.mu.RUnlock()
		return ctx.Err()
	}
	select {
	case <-j.done:
	case <-ctx.Done():
		if j.claimed.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		<-j.done
	}
	return j.err
}

// close waits for what is queued.
func (w *writer) close() {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.queue)
	}
	w.mu.Unlock()
	<-w.done
}

func (w *writer) run() {
	ended := false
	defer func() {
		if !ended { // a job called runtime.Goexit, as FailNow of a test does
			go w.run()
			return
		}
		close(w.done)
	}()
	batch := make([]*job, 0, maxBatch)
	for {
		next, ok := <-w.queue
		if !ok {
			ended = true
			return
		}
		for batch = batch[:0]; next != nil; next = w.poll(len(batch)) {
			switch {
			case !next.claimed.CompareAndSwap(false, true):
				// its caller took it back
			case next.alone:
				w.commit(batch)
				batch = batch[:0]
				w.single(next)
			default:
				batch = append(batch, next)
			}
		}
		w.commit(batch)
	}
}

// poll returns the next job that is waiting already, nil when there is none or the batch is full.
func (w *writer) poll(taken int) *job {
	if taken >= maxBatch {
		return nil
	}
	select {
	case j := <-w.queue:
		return j
	default:
		return nil
	}
}

func (j *job) answer(err error) {
	j.err, j.answered = err, true
	close(j.done)
}

// abandon answers those of a batch that have no answer although it is over: one ended the goroutine.
func abandon(batch ...*job) {
	for _, j := range batch {
		if !j.answered {
			j.answer(errAbandoned)
		}
	}
}

// errAbandoned answers jobs whose transaction a call of runtime.Goexit ended.
var errAbandoned = errors.New("storage: runtime.Goexit in a transaction")

// errTransactionGone says that SQLite rolled the whole transaction back under a job.
var errTransactionGone = errors.New("storage: the transaction is gone")

// errNotBegun says that a transaction could not begin: its jobs did not run.
var errNotBegun = errors.New("storage: no transaction")

// commit runs the jobs in one transaction and answers them. When that transaction is lost each job gets
// one of its own: one that breaks it must not take the others down.
func (w *writer) commit(batch []*job) {
	if len(batch) == 0 {
		return
	}
	if len(batch) == 1 {
		w.single(batch[0])
		return
	}
	defer abandon(batch...)
	errs := make([]error, len(batch))
	err := w.transaction(len(batch), func(tx *gorm.DB) error {
		for i, j := range batch {
			if errs[i] = savepoint(tx, j.fn); errors.Is(errs[i], errTransactionGone) {
				return errs[i]
			}
		}
		return nil
	})
	switch {
	case errors.Is(err, errNotBegun):
		err = wrap("begin", err)
		for _, j := range batch {
			j.answer(err)
		}
		return
	case err != nil:
		for _, j := range batch {
			w.single(j)
		}
		return
	}
	for i, j := range batch {
		j.answer(errs[i])
	}
}

// single runs a job in a transaction of its own and answers it.
func (w *writer) single(j *job) {
	defer abandon(j)
	var err error
	txErr := w.transaction(1, func(tx *gorm.DB) error {
		err = guarded(tx, j.fn)
		return err
	})
	if err == nil && txErr != nil {
		err = wrap("transaction", txErr)
	}
	j.answer(err)
}

// begin is BEGIN IMMEDIATE.
func (w *writer) begin() *gorm.DB {
	if w.host != nil {
		return w.host.begin(w.db)
	}
	return w.db.Begin() // by the DSN
}

// transaction is begin, fn for so many writes and COMMIT, or ROLLBACK when fn or the COMMIT fails.
func (w *writer) transaction(writes int, fn func(tx *gorm.DB) error) error {
	if w.told != nil {
		began := time.Now()
		defer func() { w.told(writes, time.Since(began)) }()
	}
	tx := w.begin()
	if tx.Error != nil {
		return fmt.Errorf("%w: %w", errNotBegun, tx.Error)
	}
	returned := false
	defer func() {
		if !returned {
			tx.Rollback()
		}
	}()
	err := fn(tx)
	returned = true
	if err != nil {
		if rb := tx.Rollback().Error; rb != nil && !isOver(rb) {
			err = errors.Join(err, rb)
		}
		return err
	}
	if err = tx.Commit().Error; err != nil && w.host == nil {
		// database/sql takes the transaction for ended, SQLite may not: the next one could not begin.
		_ = exec(w.db, "ROLLBACK") // an error says that there is none
	}
	return err
}

// isOver tells whether a statement failed because the transaction had ended before.
func isOver(err error) bool { return strings.Contains(err.Error(), "no transaction is active") }

// exec runs a statement past GORM, which would log an error that is expected and adds nothing here.
func exec(db *gorm.DB, statement string) error {
	_, err := db.Statement.ConnPool.ExecContext(context.Background(), statement)
	return err
}

// nested runs fn as a part of a transaction that is under way. SQLite may have rolled that back for an
// error its owner ignored, and SAVEPOINT would begin another one: that BEGIN is refused proves it is there.
func nested(tx *gorm.DB, fn func(tx *gorm.DB) error) error {
	if exec(tx, "BEGIN") == nil {
		return errors.Join(errTransactionGone, exec(tx, "ROLLBACK"))
	}
	return savepoint(tx, fn)
}

// savepoint runs fn so that its failure undoes its own changes only.
func savepoint(tx *gorm.DB, fn func(tx *gorm.DB) error) error {
	if err := exec(tx, "SAVEPOINT job"); err != nil {
		return errors.Join(errTransactionGone, err)
	}
	if err := guarded(tx, fn); err != nil {
		if rb := exec(tx, "ROLLBACK TO job"); rb != nil {
			return errors.Join(errTransactionGone, rb)
		}
		if rel := exec(tx, "RELEASE job"); rel != nil {
			return errors.Join(errTransactionGone, rel)
		}
		return err
	}
	if err := exec(tx, "RELEASE job"); err != nil {
		return errors.Join(errTransactionGone, err)
	}
	return nil
}

// guarded turns a panic of a job into an error.
func guarded(tx *gorm.DB, fn func(tx *gorm.DB) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("storage: panic in a transaction: %v\n%s", v, debug.Stack())
		}
	}()
	return fn(tx)
}
