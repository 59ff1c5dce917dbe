package eliza_test

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// notes is a plugin that keeps what is said in a table of its own.
func notes() plugin.Plugin {
	database := func(rt core.Runtime) plugin.Database {
		db, ok := plugin.DatabaseOf(rt)
		if !ok {
			panic("no database")
		}
		return db
	}
	return plugin.Plugin{
		Name: "notes", Dependencies: []string{"paper"},
		Migrations: []plugin.Migration{{Number: 1, Name: "notes", Up: func(ctx context.Context, tx plugin.Tx) error {
			_, err := tx.ExecContext(ctx, `CREATE TABLE `+tx.Table("notes")+` (text TEXT, paper TEXT REFERENCES `+tx.Table("paper")+` (kind))`)
			return err
		}}},
		Actions: []plugin.Action{{
			Name: "NOTE", Description: "Notes what was said", Idempotent: true,
			Run: func(ctx context.Context, c *plugin.Call) (plugin.Result, error) {
				err := database(c.Runtime).WithTx(ctx, func(ctx context.Context, tx plugin.Tx) error {
					_, err := tx.ExecContext(ctx, `INSERT INTO `+tx.Table("notes")+` VALUES (?, 'white')`, c.Memory.Content.Text)
					return err
				})
				return plugin.Result{}, errors.Join(err, c.Reply(ctx, core.Content{Text: "noted"}))
			},
		}},
		Routes: []plugin.Route{{Method: "GET", Path: "/notes", Handler: func(c echo.Context, rt core.Runtime) error {
			var text string
			err := database(rt).View(c.Request().Context(), func(ctx context.Context, tx plugin.Tx) error {
				return tx.QueryRowContext(ctx, `SELECT coalesce(group_concat(text), '') FROM `+tx.Table("notes")).Scan(&text)
			})
			if err != nil {
				return err
			}
			return c.String(http.StatusOK, text)
		}}},
	}
}

// paper is what notes needs first, of the catalog.
func paper() plugin.Plugin {
	return plugin.Plugin{Name: "paper", Migrations: []plugin.Migration{{Number: 1, Name: "paper", Up: func(ctx context.Context, tx plugin.Tx) error {
		_, err := tx.ExecContext(ctx, `CREATE TABLE `+tx.Table("paper")+` (kind TEXT PRIMARY KEY)`)
		if err == nil {
			_, err = tx.ExecContext(ctx, `INSERT INTO `+tx.Table("paper")+` VALUES ('white')`)
		}
		return err
	}}}}
}

// noting is a model that has everything noted.
func noting() plugin.Plugin {
	return elizatest.Model(func(_ context.Context, r core.TextRequest) (string, error) { return chooses("NOTE"), nil }).Plugin()
}

func TestPluginsKeepTheirOwnRows(t *testing.T) {
	t.Parallel()
	file, host := filepath.Join(t.TempDir(), "eliza.db"), hostDatabase(t, 0)
	for name, where := range map[string]eliza.Option{"file": eliza.WithDatabase(file), "host": eliza.WithGorm(host, "eliza_"), "another": eliza.WithGorm(host, "other_")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := []eliza.Option{where, eliza.WithPlugins(notes(), noting()), eliza.WithPluginCatalog(paper())}
			s := elizatest.Start(t, opts...)
			agent := s.Agent("Ada")
			if got := reply(s.Say(core.NewUUID(), core.NewUUID(), agent, "milk", "http")); got != "noted" {
				t.Errorf("answer = %q", got)
			}
			read := func(s *elizatest.Server) string {
				return string(s.Get("/api/agents/" + string(agent) + "/plugins/notes/notes").Want(200).Raw)
			}
			if got := read(s); got != "milk" {
				t.Errorf("notes = %q", got)
			}
			if err := s.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			again := elizatest.Start(t, opts...)
			if got := read(again); got != "milk" {
				t.Errorf("after a restart notes = %q", got)
			}
		})
	}
}

func TestAMigrationThatFailsKeepsTheServerDown(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "eliza.db")
	ok := plugin.Migration{Number: 1, Name: "tries", Up: func(ctx context.Context, tx plugin.Tx) error {
		_, err := tx.ExecContext(ctx, `CREATE TABLE tries (x TEXT)`)
		return err
	}}
	bad := ok
	bad.Up = func(ctx context.Context, tx plugin.Tx) error {
		return errors.Join(ok.Up(ctx, tx), errors.New("no more"))
	}
	for name, failing := range map[string]eliza.Option{
		"WithPlugins":       eliza.WithPlugins(plugin.Plugin{Name: "tries", Migrations: []plugin.Migration{bad}}),
		"WithPluginCatalog": eliza.WithPluginCatalog(plugin.Plugin{Name: "tries", Migrations: []plugin.Migration{bad}}),
	} {
		_, err := eliza.NewServer(eliza.WithDatabase(db), eliza.WithLogger(elizatest.Quiet()), failing)
		if err == nil || !strings.Contains(err.Error(), "plugin tries: migration 1 (tries): no more") {
			t.Errorf("%s: %v", name, err)
		}
	}
	elizatest.Start(t, eliza.WithDatabase(db), eliza.WithPlugins(plugin.Plugin{Name: "tries", Migrations: []plugin.Migration{ok}}))
}

// A service of a plugin's own comes before the server's under the same name.
func TestAPluginMayBringItsOwnDatabase(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithPlugins(plugin.Plugin{Name: "own", Services: []plugin.Service{{
		Type:  plugin.DatabaseService,
		Start: func(context.Context, core.Runtime) (any, error) { return "mine", nil },
	}}}))
	rt, err := s.Agents().Runtime(t.Context(), s.Agent("Ada"))
	if err != nil {
		t.Fatal(err)
	}
	if mine, ok := rt.Service(plugin.DatabaseService); !ok || mine != "mine" {
		t.Errorf("service = %v, %v", mine, ok)
	}
	if _, ok := plugin.DatabaseOf(rt); ok {
		t.Error("what is no database was taken for one")
	}
}
