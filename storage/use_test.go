package storage_test

import (
	"database/sql"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/glebarez/sqlite"
	"gorm.io/gorm"

	"github.com/eliza-go/eliza/storage"
	"github.com/eliza-go/eliza/storage/storagetest"
)

// hostPool opens a database as a program does that knows nothing of ours: conns 0 = no limit.
func hostPool(t testing.TB, path string, conns int, pragmas ...string) *sql.DB {
	t.Helper()
	dsn := "file:" + path + "?_pragma=journal_mode(WAL)"
	for _, p := range pragmas {
		dsn += "&_pragma=" + p
	}
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("Close of the host's pool: %v", err)
		}
	})
	db.SetMaxOpenConns(conns)
	return db
}

// hostGorm puts GORM over a pool, as it comes.
func hostGorm(t testing.TB, pool *sql.DB) *gorm.DB {
	t.Helper()
	db, err := gorm.Open(sqlite.Dialector{Conn: pool}, &gorm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func options(prefix string) storage.Options {
	return storage.Options{Logger: slog.New(slog.DiscardHandler), TablePrefix: prefix}
}

func closed(t testing.TB, db *storage.DB, err error) *storage.DB {
	t.Helper()
	if err != nil {
		t.Fatalf("Use: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return db
}

func use(t testing.TB, host *gorm.DB, prefix string) *storage.DB {
	t.Helper()
	db, err := storage.Use(t.Context(), host, options(prefix))
	return closed(t, db, err)
}

func useSQL(t testing.TB, host *sql.DB, prefix string) *storage.DB {
	t.Helper()
	db, err := storage.UseSQL(t.Context(), host, options(prefix))
	return closed(t, db, err)
}

func hostFile(t testing.TB) string { return filepath.Join(t.TempDir(), "host.db") }

func TestStoreInTheHostsDatabase(t *testing.T) {
	t.Parallel()
	const thorough = "GORM, one connection, prefix"
	for name, open := range map[string]func(t *testing.T) storage.Store{
		"GORM": func(t *testing.T) storage.Store { return use(t, hostGorm(t, hostPool(t, hostFile(t), 0)), "") },
		thorough: func(t *testing.T) storage.Store {
			return use(t, hostGorm(t, hostPool(t, hostFile(t), 1)), "eliza_")
		},
		"SQL, one connection": func(t *testing.T) storage.Store { return useSQL(t, hostPool(t, hostFile(t), 1), "") },
		"SQL, prefix":         func(t *testing.T) storage.Store { return useSQL(t, hostPool(t, hostFile(t), 0), "eliza_") },
		"a file of ours, prefix": func(t *testing.T) storage.Store {
			db, err := storage.Open(t.Context(), hostFile(t), options("eliza_"))
			return closed(t, db, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storagetest.Run(t, func(t *testing.T) storage.Store {
				if strings.Contains(t.Name(), "/Interleavings/") && name != thorough {
					t.Skip("it takes longer than all others together, and is run over one of these")
				}
				return open(t)
			})
		})
	}
}
