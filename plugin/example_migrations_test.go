package plugin_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/storage"
)

// A plugin with a table of its own. A server runs the migrations before it starts; its actions and routes get
// the database by [plugin.DatabaseOf].
func ExampleMigration() {
	weather := plugin.Plugin{
		Name: "weather",
		Migrations: []plugin.Migration{{Number: 1, Name: "reports", Up: func(ctx context.Context, tx plugin.Tx) error {
			_, err := tx.ExecContext(ctx, `CREATE TABLE `+tx.Table("weather_reports")+` (city TEXT PRIMARY KEY, celsius INTEGER NOT NULL)`)
			return err
		}}},
	}
	dir, err := os.MkdirTemp("", "plugin")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	store, err := storage.Open(ctx, filepath.Join(dir, "agents.db"), storage.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	defer store.Close()
	if err := plugin.Migrate(ctx, store.Plugins(), []plugin.Plugin{weather}); err != nil { // a server does this
		panic(err)
	}

	var db plugin.Database = store.Plugins() // in an action: plugin.DatabaseOf(call.Runtime)
	err = db.WithTx(ctx, func(ctx context.Context, tx plugin.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO `+tx.Table("weather_reports")+` VALUES (?, ?)`, "Rome", 24)
		return err
	})
	if err != nil {
		panic(err)
	}
	err = db.View(ctx, func(ctx context.Context, tx plugin.Tx) error {
		var celsius int
		err := tx.QueryRowContext(ctx, `SELECT celsius FROM `+tx.Table("weather_reports")+` WHERE city = ?`, "Rome").Scan(&celsius)
		fmt.Println("Rome:", celsius)
		return err
	})
	if err != nil {
		panic(err)
	}
	// Output: Rome: 24
}
