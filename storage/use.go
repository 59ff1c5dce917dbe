package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"

	"gorm.io/gorm"
)

// Use keeps everything in an SQLite database the host has open already, beside the host's own tables. The
// schema of ours is brought up to date, with opts.TablePrefix in its names; nothing else is changed. Closing
// the [DB] leaves the host's handle open.
//
// Reads use the host's pool. A write takes one connection of it for one transaction, as BEGIN IMMEDIATE, and
// has foreign keys checked and the commit on disk whatever the connection is set to; afterwards it is as
// before. Within WithTx the host writes by tx alone: the rest of its pool has to wait for the write lock, or for
// the connection when there is but one. A host that is waited for longer than its busy timeout, or 5 s for a
// connection, makes the write fail with core.CodeUnavailable. What db is configured with counts for that tx and
// not for our own statements.
//
// A second server with the same prefix is refused, in this process or another, so what is kept in memory
// stays exact: the host may read our tables, and writes to them through the stores alone. A database in
// memory is refused. What is set so that something may be lost is logged.
func Use(ctx context.Context, db *gorm.DB, opts Options) (*DB, error) {
	if db == nil {
		return nil, errors.New("storage: Use: nil")
	}
	pool, err := db.DB()
	if err != nil {
		return nil, fmt.Errorf("storage: Use: the handle has no database/sql pool: %w", err)
	}
	return use(ctx, pool, db, opts)
}

// UseSQL is [Use] for a host without GORM.
func UseSQL(ctx context.Context, db *sql.DB, opts Options) (*DB, error) {
	if db == nil {
		return nil, errors.New("storage: UseSQL: nil")
	}
	return use(ctx, db, nil, opts)
}

func use(ctx context.Context, pool *sql.DB, host *gorm.DB, opts Options) (*DB, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	path, err := survey(ctx, pool, opts.Logger)
	if err != nil {
		return nil, err
	}
	db, err := locked(path, opts)
	if err != nil {
		return nil, err
	}
	if err := db.use(ctx, pool, host, path); err != nil {
		return nil, errors.Join(err, db.lock.release())
	}
	return db, nil
}

func (db *DB) use(ctx context.Context, pool *sql.DB, host *gorm.DB, path string) error {
	if err := migrate(ctx, pool, path, db.names); err != nil {
		return err
	}
	writer, err := db.handles(pool, pool)
	if err != nil {
		return err
	}
	if host != nil {
		db.host = host
	}
	db.close = sync.OnceValue(func() error {
		db.writer.close()
		return db.lock.release()
	})
	db.writer = startWriter(writer, &borrowed{pool, db.names, patience}, db.told)
	return nil
}

// migrate makes our tables beside the host's.
func migrate(ctx context.Context, pool *sql.DB, path string, names *renamer) error {
	provider, err := newMigrations(pool, names)
	if err != nil {
		return err
	}
	version, err := versionOf(ctx, pool, path, names, latest(provider))
	if err == nil {
		err = clash(ctx, pool, path, names, version)
	}
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return wrap("migrate "+path, err)
	}
	return nil
}

// oldest is the SQLite our statements need: 3.38 has the operators of JSON.
const oldest = 3_038_000

// checkSQLite tells a pool over a sufficient SQLite from others.
func checkSQLite(ctx context.Context, pool *sql.DB) error {
	var version string
	err := pool.QueryRowContext(ctx, `SELECT sqlite_version()`).Scan(&version)
	if err != nil {
		var other string
		if pool.QueryRowContext(ctx, `SELECT version()`).Scan(&other) == nil && strings.HasPrefix(other, "PostgreSQL") {
			return errPostgres
		}
		return fmt.Errorf("storage: not an SQLite database: %w", err)
	}
	var major, minor, patch int
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch); err != nil || 1_000_000*major+1_000*minor+patch < oldest {
		return fmt.Errorf("storage: SQLite %s of the program's driver is too old, 3.38 is needed", version)
	}
	return nil
}
