package eliza

import (
	"context"
	"fmt"
	"log/slog"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/storage"
)

// WithGorm keeps everything in a database the host has open, beside the host's own tables: [storage.Use], which
// says what it does and asks for, with the server's logger and clock. [Server.Shutdown] leaves db open. With a
// tablePrefix, like "eliza_", the names of the server's tables begin with it: they meet no others, and servers
// with different prefixes share a database.
func WithGorm(db *gorm.DB, tablePrefix string) Option {
	return func(c *config) {
		c.borrow = func(opts storage.Options) (storage.Store, error) {
			opts.TablePrefix = tablePrefix
			store, err := storage.Use(context.Background(), db, opts)
			if err != nil {
				return nil, fmt.Errorf("eliza: WithGorm: %w", err)
			}
			return store, nil
		}
	}
}

// openStore opens what the server keeps everything in, unless the host hands it a store.
func (c *config) openStore(log *slog.Logger) (storage.Store, error) {
	opts := storage.Options{Logger: log, Now: c.now, Wrote: c.observer.Wrote}
	switch {
	case c.store != nil:
		return c.store, nil
	case c.borrow != nil:
		return c.borrow(opts)
	}
	store, err := storage.Open(context.Background(), c.database, opts)
	if err != nil {
		return nil, err
	}
	return store, nil
}
