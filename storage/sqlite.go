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

	"github.com/eliza-go/eliza/runtime/core"
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

// newMigrations are the migrations of a database.
func newMigrations(db *sql.DB, names *renamer) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		return nil, err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, names.files(files), goose.WithTableName(names.versions()), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return nil, fmt.Errorf("storage: migrations: %w", err)
	}
	return provider, nil
}

// latest is the schema version of this program.
func latest(p *goose.Provider) int64 {
	sources := p.ListSources()
	return sources[len(sources)-1].Version
}

// prepare checks that the file is a sound database of this or an older version and migrates it.
func prepare(ctx context.Context, db *sql.DB, path string, names *renamer) error {
	provider, err := newMigrations(db, names)
	if err != nil {
		return err
	}
	if st, err := os.Stat(path); err == nil && st.Size() > 0 {
		if err := check(ctx, path, names, latest(provider)); err != nil {
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
func check(ctx context.Context, path string, names *renamer, newest int64) error {
	db, err := sql.Open(sqliteDriver, checkDSN(path))
	if err != nil {
		return fmt.Errorf("storage: open %s: %w", path, err)
	}
	defer db.Close()
	var tables int
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE type = 'table'`).Scan(&tables); err != nil {
		return fmt.Errorf("storage: %s is not a usable database, it was left as it is: %w", path, err)
	}
	version, err := versionOf(ctx, db, path, names, newest)
	if err != nil {
		return err
	}
	if version < 0 && tables > 0 && names == nil {
		return fmt.Errorf("storage: %s is a database of another program, it was left as it is", path)
	}
	if err := clash(ctx, db, path, names, version); err != nil {
		return err
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

// versionOf is the schema version of a database, -1 when we have not been there. A newer one than this
// program's is an error.
func versionOf(ctx context.Context, db *sql.DB, path string, names *renamer, newest int64) (int64, error) {
	var there bool
	err := db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?)`, names.versions()).Scan(&there)
	version := int64(-1)
	if err == nil && there {
		err = db.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM `+names.versions()+` WHERE is_applied`).Scan(&version)
	}
	if err != nil {
		return 0, fmt.Errorf("storage: read schema version of %s: %w", path, err)
	}
	if version > newest {
		return 0, fmt.Errorf("storage: %s has schema version %d, this program knows up to %d: use a newer program", path, version, newest)
	}
	return version, nil
}

// clash looks for what is in the way of the migrations after a version: something of somebody else's under a
// name of ours.
func clash(ctx context.Context, db *sql.DB, path string, names *renamer, version int64) error {
	own, err := ownNames()
	if err != nil {
		return err
	}
	rows, err := db.QueryContext(ctx, `SELECT type, name FROM sqlite_schema`)
	if err != nil {
		return fmt.Errorf("storage: read schema of %s: %w", path, err)
	}
	defer rows.Close()
	for rows.Next() {
		var kind, name string
		if err := rows.Scan(&kind, &name); err != nil {
			return fmt.Errorf("storage: read schema of %s: %w", path, err)
		}
		bare, prefixed := strings.CutPrefix(strings.ToLower(name), names.table(""))
		if number, ours := own[bare]; ours && prefixed && number > version {
			return fmt.Errorf("storage: %s has a %s %q that is not ours, it was left as it is: give our tables another TablePrefix", path, kind, name)
		}
	}
	return rows.Err()
}

// gormOver puts a GORM of our own over an open database. The transactions are ours, so GORM opens none of its own.
func gormOver(pool gorm.ConnPool, log *slog.Logger, now core.Clock) (*gorm.DB, error) {
	g, err := gorm.Open(sqlite.Dialector{Conn: pool}, &gorm.Config{
		SkipDefaultTransaction: true, TranslateError: true, DisableAutomaticPing: true,
		Logger: slowLog{logger.Discard, log}, NowFunc: now.Time,
	})
	if err != nil {
		return nil, fmt.Errorf("storage: %w", err)
	}
	return g, nil
}

// nowOf is the time of what is stored through a handle.
func nowOf(tx *gorm.DB) core.Millis { return core.MillisOf(tx.NowFunc()) }

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
