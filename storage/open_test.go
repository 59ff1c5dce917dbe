package storage_test

import (
	"bytes"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/eliza-go/eliza/runtime/core"
)

// untouched opens path, which must be refused, and compares the files of its folder before and after.
func untouched(t *testing.T, path string, want ...string) {
	t.Helper()
	before := files(t, filepath.Dir(path))
	refused(t, path, want...)
	after := files(t, filepath.Dir(path))
	delete(before, filepath.Base(path)+".lock")
	delete(after, filepath.Base(path)+".lock")
	for name, b := range before {
		if !bytes.Equal(b, after[name]) {
			t.Errorf("%s was changed", name)
		}
		delete(after, name)
	}
	for name := range after {
		t.Errorf("%s was left behind", name)
	}
}

func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) == ".db-shm" { // an index of the WAL in memory
			return err
		}
		out[name], err = os.ReadFile(filepath.Join(dir, name))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// filled makes a closed database with some content and returns its bytes.
func filled(t *testing.T, path string) []byte {
	t.Helper()
	db := openAt(t, path)
	makeServer(t, db)
	channel := makeChannel(t, db, makeAgent(t, db))
	fill(t, db, channel, core.NewUUID(), 2000)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDamagedFilesAreRefused(t *testing.T) {
	t.Parallel()
	sound := filled(t, filepath.Join(t.TempDir(), "eliza.db"))
	flipped := func(from, to int) []byte {
		b := bytes.Clone(sound)
		for i := from; i < to; i++ {
			b[i] ^= 0xff
		}
		return b
	}
	half := len(sound) / 2
	for name, content := range map[string][]byte{
		"garbage":             bytes.Repeat([]byte("garbage!"), 4096),
		"short":               []byte("short"),
		"text of a page":      bytes.Repeat([]byte("x"), 4096),
		"cut in the middle":   sound[:half],
		"cut within a page":   sound[:half+1000],
		"flipped header":      flipped(0, 16),
		"flipped schema page": flipped(100, 300),
		"flipped pages":       flipped(half, half+8192),
		"zeroes":              make([]byte, 8192),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "eliza.db")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			untouched(t, path, "left as it")
		})
	}
}

// raw runs statements on a file past this package.
func raw(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func TestForeignDatabasesAreRefused(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"DELETE", "WAL"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "eliza.db")
			raw(t, path, "PRAGMA journal_mode = "+mode, "CREATE TABLE songs (title TEXT)", "INSERT INTO songs VALUES ('x')")
			untouched(t, path, "another program", "left as it is")
		})
	}
	t.Run("in use", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "eliza.db")
		other, err := sql.Open("sqlite", path+"?_pragma=journal_mode(WAL)")
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		if _, err := other.Exec("CREATE TABLE songs (title TEXT)"); err != nil {
			t.Fatal(err)
		}
		untouched(t, path, "another program")
	})
}

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	newer := "INSERT INTO eliza_schema_version (version_id, is_applied) VALUES (9999, 1)"
	for name, statements := range map[string][]string{
		"wal":    {newer},
		"backup": {newer, "PRAGMA journal_mode = DELETE"}, // what VACUUM INTO writes is no WAL database
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "eliza.db")
			filled(t, path)
			raw(t, path, statements...)
			untouched(t, path, "schema version 9999", "newer program")
		})
	}
	t.Run("after a kill", func(t *testing.T) {
		t.Parallel()
		source := filepath.Join(t.TempDir(), "eliza.db")
		filled(t, source)
		db, err := sql.Open("sqlite", source)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(newer); err != nil {
			t.Fatal(err)
		}
		// The files as they are while the database is open are those a kill leaves.
		path := filepath.Join(t.TempDir(), "eliza.db")
		for _, suffix := range []string{"", "-wal"} {
			b, err := os.ReadFile(source + suffix)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path+suffix, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		untouched(t, path, "schema version 9999")
	})
}

func TestReopenKeepsData(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "folders", "eliza.db")
	db := openAt(t, path)
	id := makeAgent(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openAt(t, path)
	a, err := db.Agents().Agent(t.Context(), id)
	if err != nil || a.Character.Name != "Ada" {
		t.Errorf("agent after reopening = %+v, %v", a, err)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path + suffix); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left after Close", suffix)
		}
	}
}

func TestBackupOpens(t *testing.T) {
	t.Parallel()
	source, backup := filepath.Join(t.TempDir(), "eliza.db"), filepath.Join(t.TempDir(), "backup.db")
	db := openAt(t, source)
	id := makeAgent(t, db)
	raw(t, source, "VACUUM INTO '"+backup+"'") // beside the running server
	if _, err := openAt(t, backup).Agents().Agent(t.Context(), id); err != nil {
		t.Errorf("agent in the backup: %v", err)
	}
}

func TestOddPaths(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"with space.db", "what?.db", "a#b.db", "100%.db", "%41.db", "ünï 🎉.db", "a&b=c.db", "semi;colon.db", "quo'te\".db", "plus+.db", ":memory:.db", "noext"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), name)
			db := openAt(t, path)
			id := makeAgent(t, db)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(path); err != nil {
				t.Fatalf("the file has another name: %v", err)
			}
			if _, err := openAt(t, path).Agents().Agent(t.Context(), id); err != nil {
				t.Errorf("agent after reopening: %v", err)
			}
		})
	}
}

func TestDSNsThatAreRefused(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"postgres://user:secret@localhost/eliza":   "PostgreSQL is not supported",
		"postgresql://user:secret@localhost/eliza": "PostgreSQL is not supported",
		"":            "a file path is needed",
		":memory:":    "a file path is needed",
		t.TempDir():   "is a folder",
		"/dev/null/x": "create folder",
	} {
		refused(t, dsn, want)
	}
}
