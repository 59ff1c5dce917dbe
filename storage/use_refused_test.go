package storage_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eliza-go/eliza/storage"
)

// refusedUse uses a database that must be refused, and returns why.
func refusedUse(t *testing.T, pool *sql.DB, prefix string, want ...string) {
	t.Helper()
	db, err := storage.UseSQL(t.Context(), pool, options(prefix))
	if err == nil {
		_ = db.Close()
		t.Fatal("UseSQL worked, want it refused")
	}
	for _, text := range want {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("UseSQL = %q, want it to say %q", err, text)
		}
	}
}

func TestNamesInTheWayAreToldOf(t *testing.T) {
	t.Parallel()
	for _, made := range []string{
		`CREATE TABLE agents (x TEXT)`, `CREATE TABLE Rooms (x TEXT)`, `CREATE VIEW sessions AS SELECT 1`,
		`CREATE TABLE plugin_migrations (x TEXT)`, `CREATE TABLE t (x TEXT); CREATE INDEX agents_list ON t (x)`,
	} {
		pool := hostPool(t, hostFile(t), 0)
		if _, err := pool.Exec(made); err != nil {
			t.Fatal(err)
		}
		before := objects(t, pool)
		refusedUse(t, pool, "", "that is not ours", "TablePrefix", "left as it is")
		if after := objects(t, pool); len(after) != len(before) {
			t.Errorf("%s: the refused database has %v", made, after)
		}
		useSQL(t, pool, "eliza_")
		path := filepath.Join(t.TempDir(), "own.db")
		raw(t, path, made)
		refused(t, path, "left as it is")
		db, err := storage.Open(t.Context(), path, options("eliza_"))
		closed(t, db, err)
	}
}

func TestDatabasesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	memory, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	refusedUse(t, memory, "", "in memory")
	path := hostFile(t)
	pool := hostPool(t, path, 0)
	for _, prefix := range []string{"Eliza_", "1_", "a-b", "a b", "ä_", "sqlite_x", "pg_x", "a;", strings.Repeat("x", 31)} {
		refusedUse(t, pool, prefix, "TablePrefix")
		if _, err := storage.Open(t.Context(), path, options(prefix)); err == nil {
			t.Errorf("Open with prefix %q worked", prefix)
		}
	}
	useSQL(t, pool, "a_")
	refusedUse(t, pool, "a_", "prefix a_", "open in this process already")
	useSQL(t, pool, "b_")
	first := useSQL(t, pool, "")
	refusedUse(t, pool, "", "open in this process already")
	refused(t, path, "open in this process already")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(`INSERT INTO eliza_schema_version (version_id, is_applied) VALUES (9999, 1)`); err != nil {
		t.Fatal(err)
	}
	refusedUse(t, pool, "", "schema version 9999", "newer program")
	if _, err := storage.Use(t.Context(), nil, options("")); err == nil {
		t.Error("Use(nil) worked")
	}
	if _, err := storage.UseSQL(t.Context(), nil, options("")); err == nil {
		t.Error("UseSQL(nil) worked")
	}
}

// elsewhere is a driver of another database, that only says which one.
type elsewhere string

func (e elsewhere) Connect(context.Context) (driver.Conn, error) { return e, nil }
func (e elsewhere) Driver() driver.Driver                        { return nil }
func (e elsewhere) Begin() (driver.Tx, error)                    { return nil, errors.New("no") }
func (e elsewhere) Close() error                                 { return nil }
func (e elsewhere) Prepare(query string) (driver.Stmt, error) {
	if query != `SELECT version()` {
		return nil, errors.New("function does not exist")
	}
	return &answer{version: string(e)}, nil
}

type answer struct {
	version string
	given   bool
}

func (a *answer) NumInput() int                              { return 0 }
func (a *answer) Exec([]driver.Value) (driver.Result, error) { return nil, errors.New("no") }
func (a *answer) Query([]driver.Value) (driver.Rows, error)  { return a, nil }
func (a *answer) Columns() []string                          { return []string{"version"} }
func (a *answer) Close() error                               { return nil }
func (a *answer) Next(dest []driver.Value) error {
	if a.given {
		return io.EOF
	}
	dest[0], a.given = a.version, true
	return nil
}

func TestOtherDatabasesAreRefused(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{"PostgreSQL 17.2": "PostgreSQL is not supported", "8.4-MariaDB": "not an SQLite database"} {
		pool := sql.OpenDB(elsewhere(version))
		refusedUse(t, pool, "", want)
		if err := pool.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
