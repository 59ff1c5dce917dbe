package storage

import (
	"database/sql"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/runtime/core"
)

func openTest(t testing.TB) (db *DB, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "eliza.db")
	return openTestAt(t, path), path
}

func openTestAt(t testing.TB, path string) *DB {
	t.Helper()
	db, err := Open(t.Context(), path, Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("Open(%q): %v", path, err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return db
}

// pragma reads a setting of the connection behind db.
func pragma(t *testing.T, db *gorm.DB, name string) string {
	t.Helper()
	var v string
	if err := db.Raw("PRAGMA " + name).Row().Scan(&v); err != nil {
		t.Fatalf("PRAGMA %s: %v", name, err)
	}
	return v
}

func TestConnectionsAreSetUp(t *testing.T) {
	t.Parallel()
	db, _ := openTest(t)
	for name, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000", "query_only": "0",
	} {
		if got := pragma(t, db.writer.db, name); got != want {
			t.Errorf("writer: %s = %s, want %s", name, got, want)
		}
	}
	for name, want := range map[string]string{"journal_mode": "wal", "busy_timeout": "5000", "query_only": "1"} {
		if got := pragma(t, db.readers, name); got != want {
			t.Errorf("reader: %s = %s, want %s", name, got, want)
		}
	}
	if err := db.readers.Exec(`DELETE FROM agents`).Error; err == nil {
		t.Errorf("a reader could write")
	}
}

func TestSQLiteIsRecent(t *testing.T) {
	t.Parallel()
	db, _ := openTest(t)
	var version string
	if err := db.readers.Raw(`SELECT sqlite_version()`).Row().Scan(&version); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(version, ".")
	major, _ := strconv.Atoi(parts[0])
	minor, _ := strconv.Atoi(parts[1])
	if major != 3 || minor < 50 {
		t.Errorf("SQLite is %s, want 3.50 or later: is the driver still held in go.mod?", version)
	}
}

// A transaction that takes the write lock at its first write fails when another wrote since it began.
func TestTransactionsBeginWithTheWriteLock(t *testing.T) {
	t.Parallel()
	db, path := openTest(t)
	other, err := sql.Open(sqliteDriver, dsn(path, "busy_timeout(0)"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	err = db.writer.do(t.Context(), func(*gorm.DB) error {
		_, err := other.Exec(`UPDATE agents SET name = name`)
		if err == nil || !strings.Contains(err.Error(), "locked") {
			t.Errorf("another connection could write while a transaction was open: %v", err)
		}
		return nil
	}, false)
	if err != nil {
		t.Fatal(err)
	}
}

func newTestAgent(name string) *agents.Agent {
	now := core.Now()
	return &agents.Agent{Character: &core.Character{ID: core.NewUUID(), Name: name}, Version: 1, CreatedAt: now, UpdatedAt: now}
}

func TestWrapIsTheBorder(t *testing.T) {
	t.Parallel()
	db, _ := openTest(t)
	a := newTestAgent("Ada")
	if err := db.Agents().Insert(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if err := db.Agents().Insert(t.Context(), a); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("second insert = %v, want a conflict", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Agents().Agent(t.Context(), a.Character.ID); core.CodeOf(err) != core.CodeUnavailable {
		t.Errorf("read after Close = %v, want it unavailable", err)
	}
	if err := db.Agents().Insert(t.Context(), a); core.CodeOf(err) != core.CodeUnavailable {
		t.Errorf("write after Close = %v, want it unavailable", err)
	}
	if err := db.WithTx(t.Context(), nil); core.CodeOf(err) != core.CodeUnavailable {
		t.Errorf("WithTx after Close = %v, want it unavailable", err)
	}
	if err := db.Close(); err != nil {
		t.Errorf("second Close = %v", err)
	}
}
