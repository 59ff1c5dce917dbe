package storage

import (
	"context"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/plugin"
)

// pluginStore gives plugins their part of the database, and keeps which of their migrations ran.
type pluginStore struct{ db *DB }

var _ plugin.Store = pluginStore{}

// Plugins returns the store of package plugin.
func (db *DB) Plugins() plugin.Store { return pluginStore{db} }

// pluginTx is a transaction in the hands of a plugin.
type pluginTx struct {
	gorm.ConnPool
	names *renamer
}

// Table implements [plugin.Tx].
func (t pluginTx) Table(name string) string { return t.names.table(name) }

func (s pluginStore) hand(fn func(ctx context.Context, tx plugin.Tx) error) func(context.Context, *gorm.DB) error {
	return func(ctx context.Context, tx *gorm.DB) error {
		return fn(ctx, pluginTx{tx.Statement.ConnPool, s.db.names})
	}
}

func (s pluginStore) WithTx(ctx context.Context, fn func(ctx context.Context, tx plugin.Tx) error) error {
	return s.db.WithTx(ctx, s.hand(fn))
}

func (s pluginStore) View(ctx context.Context, fn func(ctx context.Context, tx plugin.Tx) error) error {
	return s.db.View(ctx, s.hand(fn))
}

func (s pluginStore) Steps(ctx context.Context, name string) ([]plugin.Step, error) {
	var steps []plugin.Step
	err := s.db.read(ctx).Raw(`SELECT number, name FROM plugin_migrations WHERE plugin = ? ORDER BY number`, name).Scan(&steps).Error
	return steps, wrap("read migrations of plugin", err)
}

func (s pluginStore) AddStep(ctx context.Context, name string, step plugin.Step) error {
	return s.db.write(ctx, func(tx *gorm.DB) error {
		return wrap("record migration of plugin", tx.Exec(`INSERT INTO plugin_migrations (plugin, number, name, applied_at) VALUES (?, ?, ?, ?)`,
			name, step.Number, step.Name, nowOf(tx)).Error)
	})
}
