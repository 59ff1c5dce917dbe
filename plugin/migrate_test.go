package plugin_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/storage"
)

// steps are migrations that note that they ran in ran, each a table.
func steps(ran *[]string, names ...string) []plugin.Migration {
	var out []plugin.Migration
	for i, name := range names {
		out = append(out, plugin.Migration{Number: int64(i) + 1, Name: name, Up: func(ctx context.Context, tx plugin.Tx) error {
			*ran = append(*ran, name)
			_, err := tx.ExecContext(ctx, `CREATE TABLE `+tx.Table(name)+` (x TEXT)`)
			return err
		}})
	}
	return out
}

func newStore(t *testing.T) plugin.Store {
	t.Helper()
	db, err := storage.Open(t.Context(), filepath.Join(t.TempDir(), "eliza.db"), storage.Options{Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db.Plugins()
}

func migrate(t *testing.T, s plugin.Store, m []plugin.Migration) error {
	t.Helper()
	return plugin.Migrate(t.Context(), s, []plugin.Plugin{{Name: "none"}, {Name: "weather", Migrations: m}})
}

func TestEachMigrationRunsOnce(t *testing.T) {
	t.Parallel()
	var ran []string
	s := newStore(t)
	for _, names := range [][]string{{"one"}, {"one", "two"}, {"one", "two"}, {"one", "two", "three", "four"}} {
		if err := migrate(t, s, steps(&ran, names...)); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"one", "two", "three", "four"}; !slices.Equal(ran, want) {
		t.Errorf("ran %v, want %v", ran, want)
	}
	other := plugin.Plugin{Name: "other", Migrations: steps(&ran, "five")}
	if err := plugin.Migrate(t.Context(), s, []plugin.Plugin{other}); err != nil || len(ran) != 5 {
		t.Errorf("another plugin's first step: %v, ran %v", err, ran)
	}
}

func TestMigrationsThatAreNotThoseThatRan(t *testing.T) {
	t.Parallel()
	var ran []string
	s := newStore(t)
	if err := migrate(t, s, steps(&ran, "one", "two")); err != nil {
		t.Fatal(err)
	}
	skipped := steps(&ran, "one", "between", "two")
	for name, tt := range map[string]struct {
		steps []plugin.Migration
		want  string
	}{
		"fewer":     {steps(&ran, "one"), "migration 2 (two) ran in this database, the program knows none after 1: use a newer program"},
		"renamed":   {steps(&ran, "one", "zwei"), "must not change"},
		"swapped":   {steps(&ran, "two", "one"), "must not change"},
		"renumber":  {[]plugin.Migration{skipped[0], skipped[2]}, "must not change"},
		"inserted":  {skipped, "must not change"},
		"backwards": {[]plugin.Migration{skipped[1], skipped[0]}, "numbers grow from 1"},
		"twice":     {[]plugin.Migration{skipped[0], skipped[0]}, "numbers grow from 1"},
		"zero":      {[]plugin.Migration{{Name: "zero", Up: skipped[0].Up}}, "numbers grow from 1"},
		"no name":   {[]plugin.Migration{{Number: 1, Up: skipped[0].Up}}, "no Name"},
		"no Up":     {[]plugin.Migration{{Number: 1, Name: "one"}}, "no Up"},
	} {
		err := migrate(t, s, tt.steps)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "plugin weather") {
			t.Errorf("%s: %v, want it to say %q", name, err, tt.want)
		}
	}
	if len(ran) != 2 {
		t.Errorf("ran %v", ran)
	}
}

func TestAMigrationThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func() error{
		"error": func() error { return errors.New("oh") },
		"panic": func() error { panic("oh") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ran []string
			s := newStore(t)
			good := steps(&ran, "one", "two", "three")
			bad := slices.Clone(good)
			bad[1].Up = func(ctx context.Context, tx plugin.Tx) error {
				return errors.Join(good[1].Up(ctx, tx), fail())
			}
			err := migrate(t, s, bad)
			if err == nil || !strings.Contains(err.Error(), "plugin weather: migration 2 (two): ") || !strings.Contains(err.Error(), "oh") {
				t.Errorf("err = %v", err)
			}
			done, err := s.Steps(t.Context(), "weather")
			if err != nil || len(done) != 1 {
				t.Errorf("recorded %v, %v, want the first step", done, err)
			}
			if err := migrate(t, s, good); err != nil { // its table would be there already
				t.Errorf("repaired: %v", err)
			}
		})
	}
}
