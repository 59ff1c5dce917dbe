package storage

import (
	"database/sql"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"
)

var update = flag.Bool("update", false, "write the golden files anew")

func openRaw(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open(sqliteDriver, writerDSN(filepath.Join(t.TempDir(), "eliza.db")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	return db
}

func newProvider(t *testing.T, db *sql.DB) *goose.Provider {
	t.Helper()
	files, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithTableName(schemaTable), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// schema is what a database is made of, without what SQLite and the migrations keep for themselves.
func schema(t *testing.T, db *sql.DB) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' AND tbl_name <> ?
		ORDER BY tbl_name, type DESC, name`, schemaTable)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var b strings.Builder
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		b.WriteString(s + ";\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestSchemaIsTheGoldenOne(t *testing.T) {
	t.Parallel()
	db := openRaw(t)
	if _, err := newProvider(t, db).Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, golden := schema(t, db), filepath.Join("testdata", "schema.sqlite.sql")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("schema differs, run with -update if that is meant (-golden +got):\n%s", diff)
	}
}

func TestMigrationsGoDownAndUp(t *testing.T) {
	t.Parallel()
	db := openRaw(t)
	p := newProvider(t, db)
	if _, err := p.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	full := schema(t, db)
	if _, err := p.DownTo(t.Context(), 0); err != nil {
		t.Fatalf("down: %v", err)
	}
	if left := schema(t, db); left != "" {
		t.Errorf("left after the last step down:\n%s", left)
	}
	if _, err := p.Up(t.Context()); err != nil {
		t.Fatalf("up again: %v", err)
	}
	if diff := cmp.Diff(full, schema(t, db)); diff != "" {
		t.Errorf("schema differs after down and up:\n%s", diff)
	}
}

// A database of an older version is brought up to date by Open.
func TestOpenMigrates(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "eliza.db")
	old, err := sql.Open(sqliteDriver, writerDSN(path))
	if err != nil {
		t.Fatal(err)
	}
	old.SetMaxOpenConns(1)
	if _, err := newProvider(t, old).UpTo(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := old.ExecContext(t.Context(), `INSERT INTO agents (id, name, character, created_at, updated_at) VALUES ('a', 'Ada', '{}', 1, 1)`); err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	db := openTestAt(t, path)
	if a, err := db.Agents().Agent(t.Context(), "a"); err != nil || a.Version != 1 {
		t.Errorf("agent of the old database = %+v, %v", a, err)
	}
	if _, err := db.Messaging().Servers(t.Context(), 1); err != nil {
		t.Errorf("a newer table: %v", err)
	}
}
