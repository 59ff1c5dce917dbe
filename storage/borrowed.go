package storage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/runtime/core"
)

// patience is how long a transaction waits for a connection of the host's, and for the write lock when that has
// no busy timeout of its own.
const patience = 5 * time.Second

// borrowed takes a connection of the host's pool for each transaction and gives it back: a host with one
// connection gets its turn.
type borrowed struct {
	pool     *sql.DB
	names    *renamer
	patience time.Duration // how long a connection is waited for
}

// begin is BEGIN IMMEDIATE on a connection of the host's, sent as a statement, for how its driver begins
// transactions is not ours to say.
func (b *borrowed) begin(db *gorm.DB) *gorm.DB {
	tx := db.Session(&gorm.Session{NewDB: true, Context: context.Background()})
	l, err := b.take()
	if err != nil {
		_ = tx.AddError(err)
		return tx
	}
	tx.Statement.ConnPool = b.names.pool(l)
	return tx
}

func (b *borrowed) take() (*loan, error) {
	ctx, cancel := context.WithTimeout(context.Background(), b.patience)
	defer cancel()
	conn, err := b.pool.Conn(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, &core.Error{Code: core.CodeUnavailable, Message: "The database is busy", RetryAfter: time.Second, Err: errors.New("storage: no connection of the host's pool became free")}
	}
	if err != nil {
		return nil, err
	}
	l := &loan{ConnPool: conn, conn: conn}
	if err = l.setUp(); err == nil {
		err = l.exec("BEGIN IMMEDIATE")
	}
	if err != nil {
		l.giveBack()
		return nil, err
	}
	return l, nil
}

// loan is a connection of the host's with a transaction of ours. Its end gives the connection back.
type loan struct {
	gorm.ConnPool // conn, without what begins transactions
	conn          *sql.Conn
	undo          []string // puts its settings back
}

var _ tx = (*loan)(nil)

func (l *loan) exec(statement string) error {
	_, err := l.conn.ExecContext(context.Background(), statement)
	return err
}

// setting reads a PRAGMA of a connection.
func setting[T any](ctx context.Context, conn *sql.Conn, name string) (v T, err error) {
	if err = conn.QueryRowContext(ctx, "PRAGMA "+name).Scan(&v); err != nil {
		err = fmt.Errorf("read PRAGMA %s: %w", name, err)
	}
	return v, err
}

// demands are the settings our promises hang on: deletions take along what hangs on a row, a commit is on disk,
// and the host's writers are waited for.
var demands = [...]struct {
	name          string
	least, wanted int64
}{
	{"foreign_keys", 1, 1},
	{"synchronous", 2, 2}, // FULL
	{"busy_timeout", 1, patience.Milliseconds()},
}

// setUp sees to it that the connection meets the demands.
func (l *loan) setUp() error {
	for _, d := range demands {
		have, err := setting[int64](context.Background(), l.conn, d.name)
		if err != nil {
			return err
		}
		if have >= d.least {
			continue
		}
		if err := l.exec(fmt.Sprintf("PRAGMA %s = %d", d.name, d.wanted)); err != nil {
			return fmt.Errorf("set PRAGMA %s: %w", d.name, err)
		}
		l.undo = append(l.undo, fmt.Sprintf("PRAGMA %s = %d", d.name, have))
	}
	return nil
}

// Commit implements [gorm.TxCommitter]. When it fails nothing is committed.
func (l *loan) Commit() error {
	err := l.exec("COMMIT")
	if err != nil {
		_ = l.Rollback()
		return err
	}
	l.giveBack()
	return nil
}

// Rollback implements [gorm.TxCommitter].
func (l *loan) Rollback() error {
	err := l.exec("ROLLBACK")
	if err != nil && !isOver(err) {
		l.discard()
		return err
	}
	l.giveBack()
	return err
}

// giveBack returns the connection as it was.
func (l *loan) giveBack() {
	for _, statement := range l.undo {
		if l.exec(statement) != nil {
			l.discard()
			return
		}
	}
	_ = l.conn.Close() // to the pool
}

// discard makes the pool forget the connection: nobody knows what state it is in.
func (l *loan) discard() {
	_ = l.conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = l.conn.Close()
}

// survey finds the file of the host's database, and warns of settings we do not change.
func survey(ctx context.Context, pool *sql.DB, log *slog.Logger) (path string, err error) {
	if err := checkSQLite(ctx, pool); err != nil {
		return "", err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return "", fmt.Errorf("storage: %w", err)
	}
	defer conn.Close()
	mode, err1 := setting[string](ctx, conn, "journal_mode")
	synchronous, err2 := setting[int64](ctx, conn, "synchronous")
	timeout, err3 := setting[int64](ctx, conn, "busy_timeout")
	err4 := conn.QueryRowContext(ctx, `SELECT coalesce(file, '') FROM pragma_database_list WHERE name = 'main'`).Scan(&path)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return "", fmt.Errorf("storage: %w", err)
	}
	if path == "" {
		return "", errors.New("storage: the database is in memory, nothing would outlive the process: a file is needed")
	}
	if !strings.EqualFold(mode, "wal") {
		log.Warn("PRAGMA journal_mode is not WAL: reading and writing wait for each other", "journal_mode", mode)
	}
	if synchronous == 0 {
		log.Warn("PRAGMA synchronous is OFF: a power cut may damage the database, with what the server said is stored")
	}
	if timeout == 0 {
		log.Warn("PRAGMA busy_timeout is 0: what the program writes fails while the server writes")
	}
	return resolve(path)
}
