package storage

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/runtime/core"
)

func useTest(t *testing.T, conns int) (*DB, *sql.DB) {
	t.Helper()
	pool, err := sql.Open(sqliteDriver, "file:"+filepath.Join(t.TempDir(), "host.db")+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(20)")
	if err != nil {
		t.Fatal(err)
	}
	pool.SetMaxOpenConns(conns)
	db, err := UseSQL(t.Context(), pool, Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := pool.Close(); err != nil {
			t.Errorf("Close of the pool: %v", err)
		}
	})
	return db, pool
}

// A host that keeps its only connection is waited for, but not for ever.
func TestAPoolThatIsUsedUp(t *testing.T) {
	t.Parallel()
	db, pool := useTest(t, 1)
	db.writer.host.patience = 20 * time.Millisecond
	conn, err := pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a := newTestAgent("Ada")
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if err := db.Agents().Insert(t.Context(), newTestAgent("Bob")); core.CodeOf(err) != core.CodeUnavailable {
				t.Errorf("a write = %v, want it unavailable", err)
			}
		})
	}
	wg.Wait()
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Agents().Insert(t.Context(), a); err != nil || !stored(t, db, a) {
		t.Errorf("with a connection again: %v", err)
	}
}

// Jobs that could not begin are answered together: to try each again would keep them all waiting.
func TestALockedDatabaseAnswersTheBatchAtOnce(t *testing.T) {
	t.Parallel()
	db, pool := useTest(t, 0)
	conn, err := pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	batch := make([]*job, maxBatch)
	for i := range batch {
		batch[i] = &job{done: make(chan struct{}), fn: func(*gorm.DB) error { t.Error("a job ran"); return nil }}
	}
	began := time.Now()
	(&writer{db: db.writer.db, host: db.writer.host}).commit(batch)
	if took := time.Since(began); took > maxBatch*20*time.Millisecond { // of busy timeout
		t.Errorf("the batch took %v", took)
	}
	for _, j := range batch {
		if core.CodeOf(j.err) != core.CodeUnavailable {
			t.Errorf("a job = %v, want it unavailable", j.err)
		}
	}
	if _, err := conn.ExecContext(context.Background(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
}

// A connection whose transaction can be neither committed nor rolled back does not go back to the pool.
func TestAConnectionThatIsPoisonedIsDropped(t *testing.T) {
	t.Parallel()
	db, pool := useTest(t, 1)
	l, err := db.writer.host.take()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.exec("CREATE TEMP TABLE mark (x)"); err != nil {
		t.Fatal(err)
	}
	l.undo = append(l.undo, "NONSENSE")
	if err := l.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.ExecContext(t.Context(), "SELECT * FROM mark"); err == nil || !strings.Contains(err.Error(), "no such table") {
		t.Errorf("the connection came back: %v", err)
	}
	if err := db.Agents().Insert(t.Context(), newTestAgent("Ada")); err != nil {
		t.Error(err)
	}
}

// A word that is a table of ours and a column too could not be told apart in statements.
func TestNoColumnHasTheNameOfATable(t *testing.T) {
	t.Parallel()
	db := openRaw(t)
	if _, err := newProvider(t, db).Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	names, err := ownNames()
	if err != nil {
		t.Fatal(err)
	}
	rows, err := db.QueryContext(t.Context(), `SELECT s.name, c.name FROM sqlite_schema s, pragma_table_info(s.name) c WHERE s.type = 'table'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		if names[column] != 0 {
			t.Errorf("column %s of %s", column, table)
		}
		if names[table] == 0 && table != schemaTable && table != "sqlite_sequence" {
			t.Errorf("table %s is not among our names", table)
		}
	}
}
