package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// Store is what a server needs of its database: a store for each domain and transactions over them.
type Store interface {
	Agents() agents.Store
	Messaging() messaging.Store
	Memory() memory.Store
	// WithTx runs fn in one transaction. Stores called with fn's ctx join it, tx is for the host's own rows,
	// and hooks registered by core.AfterCommit run once it has committed. An error rolls everything back.
	// On SQLite it holds the only writer: keep it short, without network, and call no store with another ctx.
	WithTx(ctx context.Context, fn func(ctx context.Context, tx *gorm.DB) error) error
	Close() error
}

var _ Store = (*DB)(nil)

// Options tunes a [DB]. The zero value is ready to use.
type Options struct {
	Logger *slog.Logger // slog.Default() when nil
}

// DB is an open database. Safe for concurrent use; whoever opened it closes it.
type DB struct {
	log     *slog.Logger
	writer  *writer
	readers *gorm.DB
	vectors vectors
	recents recents
	lock    *fileLock
	close   func() error
}

// Open opens the database dsn names, a file path for SQLite, and brings its schema up to date. A file that
// is not a database, is damaged, has a newer schema, or is in use by another process is refused and left
// as it is.
func Open(ctx context.Context, dsn string, opts Options) (*DB, error) {
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		return nil, errors.New("storage: PostgreSQL is not supported by this version, use a file path for SQLite")
	}
	path := strings.TrimPrefix(dsn, "file:")
	if path == "" || path == ":memory:" {
		return nil, errors.New("storage: a file path is needed")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("storage: create folder: %w", err)
	}
	path, err := resolve(path)
	if err != nil {
		return nil, err
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	db := &DB{log: opts.Logger.With("component", "storage"), lock: lock}
	if err := db.open(ctx, path); err != nil {
		return nil, errors.Join(err, lock.release())
	}
	return db, nil
}

func (db *DB) open(ctx context.Context, path string) error {
	write, err := sql.Open(sqliteDriver, writerDSN(path))
	if err != nil {
		return fmt.Errorf("storage: open %s: %w", path, err)
	}
	write.SetMaxOpenConns(1)
	write.SetConnMaxLifetime(0)
	if err := prepare(ctx, write, path); err != nil {
		return errors.Join(err, write.Close())
	}
	read, err := sql.Open(sqliteDriver, readerDSN(path))
	if err != nil {
		return errors.Join(fmt.Errorf("storage: open %s: %w", path, err), write.Close())
	}
	conns := max(4, runtime.GOMAXPROCS(0))
	read.SetMaxOpenConns(conns)
	read.SetMaxIdleConns(conns)
	db.close = sync.OnceValue(func() error {
		db.writer.close()
		return errors.Join(read.Close(), write.Close(), db.lock.release())
	})
	writer, err := gormOver(write, db.log)
	if err == nil {
		db.readers, err = gormOver(read, db.log)
	}
	if err != nil {
		return errors.Join(err, read.Close(), write.Close())
	}
	db.writer = startWriter(writer)
	return nil
}

// resolve follows links: a file has one lock, whatever it is called.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("storage: %w", err)
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		if st, err := os.Stat(target); err == nil && st.IsDir() {
			return "", fmt.Errorf("storage: %s is a folder, a file path is needed", path)
		}
		return target, nil
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(path)) // the file itself does not exist yet
	if err != nil {
		return "", fmt.Errorf("storage: %w", err)
	}
	return filepath.Join(dir, filepath.Base(path)), nil
}

// Close waits for writes under way and closes the database. Safe twice.
func (db *DB) Close() error { return db.close() }

// shared tells whether other processes may use the database at the same time.
func (db *DB) shared() bool { return false }

// keeps tells whether what a read with ctx finds may be kept in memory: nobody else writes, and what a
// transaction sees may never be committed.
func (db *DB) keeps(ctx context.Context) bool { return !db.shared() && db.txFrom(ctx) == nil }

type txKey struct{}

// transaction is what a context carries inside WithTx. Once it has committed the context is like one
// without: hooks that run then may call stores. After a rollback it stays dead, so nothing of it is stored.
type transaction struct {
	db        *DB
	tx        *gorm.DB
	committed atomic.Bool
}

func (db *DB) txFrom(ctx context.Context) *gorm.DB {
	if t, ok := ctx.Value(txKey{}).(*transaction); ok && t.db == db && !t.committed.Load() {
		return t.tx
	}
	return nil
}

// read returns a handle for reading: the transaction ctx carries, or the pool of readers.
func (db *DB) read(ctx context.Context) *gorm.DB {
	if tx := db.txFrom(ctx); tx != nil {
		return tx
	}
	return db.readers.WithContext(ctx)
}

// write runs fn in a transaction of the writer, or as a part of the one ctx carries: its error undoes that
// part. fn may run more than once and must have no effect but on tx. When ctx ends first nothing is stored
// and its error is returned.
func (db *DB) write(ctx context.Context, fn func(tx *gorm.DB) error) error {
	if tx := db.txFrom(ctx); tx != nil {
		return nested(tx, fn)
	}
	return db.writer.do(ctx, fn, false)
}

// WithTx implements [Store].
func (db *DB) WithTx(ctx context.Context, fn func(ctx context.Context, tx *gorm.DB) error) error {
	return db.join(ctx, fn, true)
}

// join is write for an fn that calls stores: its context carries the transaction, and what is to run after
// the commit is run then.
func (db *DB) join(ctx context.Context, fn func(ctx context.Context, tx *gorm.DB) error, alone bool) error {
	var hooks *core.CommitScope
	if tx := db.txFrom(ctx); tx != nil {
		err := nested(tx, func(tx *gorm.DB) error {
			var scoped context.Context
			scoped, hooks = core.WithCommitScope(ctx)
			return fn(scoped, tx)
		})
		if err == nil {
			core.AfterCommit(ctx, hooks.Run)
		}
		return err
	}
	var t *transaction
	err := db.writer.do(ctx, func(tx *gorm.DB) error {
		var scoped context.Context
		scoped, hooks = core.WithCommitScope(context.WithoutCancel(ctx)) // of the try that is committed
		t = &transaction{db: db, tx: tx}
		return fn(context.WithValue(scoped, txKey{}, t), tx)
	}, alone)
	if err != nil {
		return err
	}
	t.committed.Store(true)
	hooks.Run()
	return nil
}
