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
	"time"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// Store is what a server needs of its database: a store for each domain and transactions over them.
type Store interface {
	Agents() agents.Store
	Messaging() messaging.Store
	Memory() memory.Store
	Plugins() plugin.Store
	// WithTx runs fn in one transaction. Stores called with fn's ctx join it, tx is for the host's own rows,
	// and hooks registered by core.AfterCommit run once it has committed. An error rolls everything back; tx
	// itself refuses Commit and Rollback, and its nested transactions are savepoints.
	// On SQLite it holds the only writer: keep it short, without network, and call no store with another ctx.
	WithTx(ctx context.Context, fn func(ctx context.Context, tx *gorm.DB) error) error
	// View runs fn on one state of the database, whatever is written meanwhile. Stores called with fn's ctx
	// read it too, and refuse to write; what fn itself writes through tx is refused or undone. Within WithTx
	// it reads what the transaction sees.
	View(ctx context.Context, fn func(ctx context.Context, tx *gorm.DB) error) error
	Close() error
}

var _ Store = (*DB)(nil)

// Options tunes a [DB]. The zero value is ready to use.
type Options struct {
	Logger *slog.Logger // slog.Default() when nil
	Now    core.Clock   // when what is stored was made, changed and ended; time.Now when nil
	// TablePrefix begins the names of all our tables and indexes: two servers, or a server and a program with
	// tables of its own, share a database with it. Small letters, digits and underscores, like "eliza_".
	TablePrefix string
	// Wrote is called after each transaction with the writes in it and how long it took; nil = nobody looks. It is called
	// by the one goroutine that writes, and holds all writes up.
	Wrote func(writes int, took time.Duration)
}

func (o Options) withDefaults() (Options, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	o.Logger = o.Logger.With("component", "storage")
	return o, checkPrefix(o.TablePrefix)
}

// DB is an open database. Safe for concurrent use; whoever opened it closes it.
type DB struct {
	log     *slog.Logger
	names   *renamer // nil without a prefix
	now     core.Clock
	told    func(writes int, took time.Duration)
	writer  *writer
	readers *gorm.DB
	host    *gorm.DB // what handles for rows of the host's are made of
	vectors vectors
	recents recents
	lock    *fileLock
	close   func() error
}

// Open opens the database dsn names, a file path for SQLite, and brings its schema up to date. A file that
// is not a database, is damaged, has a newer schema, or is in use by another process is refused and left
// as it is.
func Open(ctx context.Context, dsn string, opts Options) (*DB, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		return nil, errPostgres
	}
	path := strings.TrimPrefix(dsn, "file:")
	if path == "" || path == ":memory:" {
		return nil, errors.New("storage: a file path is needed")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("storage: create folder: %w", err)
	}
	if path, err = resolve(path); err != nil {
		return nil, err
	}
	db, err := locked(path, opts)
	if err != nil {
		return nil, err
	}
	if err := db.open(ctx, path); err != nil {
		return nil, errors.Join(err, db.lock.release())
	}
	return db, nil
}

var errPostgres = errors.New("storage: PostgreSQL is not supported by this version, use SQLite")

// locked begins a DB: its names, and the lock that keeps other servers away from them.
func locked(path string, opts Options) (*DB, error) {
	names, err := newRenamer(opts.TablePrefix)
	if err != nil {
		return nil, err
	}
	lock, err := lockFile(path, opts.TablePrefix)
	if err != nil {
		return nil, err
	}
	return &DB{log: opts.Logger, now: opts.Now, told: opts.Wrote, names: names, lock: lock}, nil
}

func (db *DB) open(ctx context.Context, path string) error {
	write, err := sql.Open(sqliteDriver, writerDSN(path))
	if err != nil {
		return fmt.Errorf("storage: open %s: %w", path, err)
	}
	write.SetMaxOpenConns(1)
	write.SetConnMaxLifetime(0)
	if err := prepare(ctx, write, path, db.names); err != nil {
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
	writer, err := db.handles(write, read)
	if err != nil {
		return errors.Join(err, read.Close(), write.Close())
	}
	db.writer = startWriter(writer, nil, db.told)
	return nil
}

// handles puts GORM over the pools, and over the first for rows that are not ours.
func (db *DB) handles(write, read *sql.DB) (writer *gorm.DB, err error) {
	if writer, err = gormOver(db.names.pool(write), db.log, db.now); err != nil {
		return nil, err
	}
	if db.readers, err = gormOver(db.names.pool(read), db.log, db.now); err != nil {
		return nil, err
	}
	db.host, err = gormOver(write, db.log, db.now)
	return writer, err
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

// Waiting is how many writes wait for their transaction now.
func (db *DB) Waiting() int { return len(db.writer.queue) }

// Close waits for writes under way and closes the database. Safe twice.
func (db *DB) Close() error { return db.close() }

// shared tells whether other processes may use the database at the same time.
func (db *DB) shared() bool { return false }

// keeps tells whether what a read with ctx finds may be kept in memory: nobody else writes to our tables,
// and what a transaction sees may never be committed.
func (db *DB) keeps(ctx context.Context) bool { return !db.shared() && db.txFrom(ctx) == nil }
