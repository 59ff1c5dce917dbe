package storage

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/glebarez/sqlite"
	"github.com/pressly/goose/v3"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// sqliteDriver is the database/sql name glebarez/sqlite registers its pure Go driver under.
const sqliteDriver = sqlite.DriverName

// checkedBytes is how large a database may be to be read through before it is opened: about half a second.
// Damage in a larger one is found by the statement that meets it.
const checkedBytes = 512 << 20

const schemaTable = "eliza_schema_version"

//go:embed migrations
var migrations embed.FS

// writerDSN is for the one connection that writes: WAL, every commit on disk, and transactions that take
// the write lock at their beginning.
func writerDSN(path string) string {
	return dsn(path, "foreign_keys(1)", "journal_mode(WAL)", "synchronous(FULL)", "temp_store(MEMORY)") + "&_txlock=immediate"
}

func readerDSN(path string) string {
	return dsn(path, "temp_store(MEMORY)", "query_only(1)", "mmap_size(268435456)")
}

// dsn builds a driver address; _time_format must not be in it, for the driver then ignores _txlock.
func dsn(path string, pragmas ...string) string {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}
	q := "_pragma=busy_timeout(5000)"
	for _, p := range pragmas {
		q += "&_pragma=" + p
	}
	u.RawQuery = q
	return u.String()
}

// prepare checks that the file is a sound database of this or an older version and migrates it.
func prepare(ctx context.Context, db *sql.DB, path string) error {
	files, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithTableName(schemaTable), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("storage: migrations: %w", err)
	}
	if st, err := os.Stat(path); err == nil && st.Size() > 0 {
		sources := provider.ListSources()
		if err := check(ctx, path, sources[len(sources)-1].Version); err != nil {
			return err
		}
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("storage: migrate %s: %w", path, err)
	}
	return nil
}

// checkDSN is for looking at a file without changing it. What is in its WAL belongs to it, and is not moved
// into the file; without one the file is all there is. Only a rollback journal has to be played back.
func checkDSN(path string) string {
	name := dsn(path, "query_only(1)")
	switch {
	case exists(path + "-wal"):
		name += "&mode=ro"
	case !exists(path + "-journal"):
		name += "&immutable=1"
	}
	return name
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// check reads an existing file without changing it; newest is the schema version of this program.
func check(ctx context.Context, path string, newest int64) error {
	db, err := sql.Open(sqliteDriver, checkDSN(path))
	if err != nil {
		return fmt.Errorf("storage: open %s: %w", path, err)
	}
	defer db.Close()
	var tables, ours int
	err = db.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(name = ?), 0) FROM sqlite_schema WHERE type = 'table'`, schemaTable).Scan(&tables, &ours)
	if err != nil {
		return fmt.Errorf("storage: %s is not a usable database, it was left as it is: %w", path, err)
	}
	if tables > 0 && ours == 0 {
		return fmt.Errorf("storage: %s is a database of another program, it was left as it is", path)
	}
	if ours > 0 {
		var version int64
		if err := db.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM `+schemaTable+` WHERE is_applied`).Scan(&version); err != nil {
			return fmt.Errorf("storage: read schema version of %s: %w", path, err)
		}
		if version > newest {
			return fmt.Errorf("storage: %s has schema version %d, this program knows up to %d: use a newer program", path, version, newest)
		}
	}
	if st, err := os.Stat(path); err == nil && st.Size() > checkedBytes {
		return nil
	}
	var result string
	if err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&result); err != nil {
		return fmt.Errorf("storage: %s is damaged, it was left as it is: %w", path, err)
	}
	if result != "ok" {
		return fmt.Errorf("storage: %s is damaged, it was left as it is: %s", path, strings.Join(strings.Fields(result), " "))
	}
	return nil
}

// gormOver puts GORM over an open database. The transactions are ours, so GORM opens none of its own.
func gormOver(db *sql.DB, log *slog.Logger) (*gorm.DB, error) {
	g, err := gorm.Open(sqlite.Dialector{Conn: db}, &gorm.Config{
		SkipDefaultTransaction: true, TranslateError: true, DisableAutomaticPing: true,
		Logger: slowLog{logger.Discard, log},
	})
	if err != nil {
		return nil, fmt.Errorf("storage: %w", err)
	}
	return g, nil
}

// slow is how long a statement may take without being logged.
const slow = time.Second

// slowLog logs slow statements, without their values. Errors are returned, and logged by whoever handles
// them.
type slowLog struct {
	logger.Interface
	log *slog.Logger
}

// LogMode implements [logger.Interface]: there is one mode.
func (l slowLog) LogMode(logger.LogLevel) logger.Interface { return l }

// Trace implements [logger.Interface].
func (l slowLog) Trace(ctx context.Context, begin time.Time, statement func() (string, int64), err error) {
	if took := time.Since(begin); err == nil && took >= slow {
		text, _ := statement()
		l.log.LogAttrs(ctx, slog.LevelWarn, "slow statement", slog.Duration("took", took), slog.String("statement", text))
	}
}

// ParamsFilter implements gorm's filter of what Trace shows.
func (slowLog) ParamsFilter(_ context.Context, statement string, _ ...any) (string, []any) {
	return statement, nil
}
