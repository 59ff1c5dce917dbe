package storage_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/glebarez/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

// A program keeps agents in the database it has open already, and stores a row of its own together with one.
func ExampleUse() {
	dir, err := os.MkdirTemp("", "host")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	host, err := gorm.Open(sqlite.Open("file:"+filepath.Join(dir, "app.db")+"?_pragma=journal_mode(WAL)"), &gorm.Config{Logger: logger.Discard})
	if err != nil {
		panic(err)
	}
	defer func() {
		if pool, err := host.DB(); err == nil {
			_ = pool.Close()
		}
	}()
	type Customer struct {
		ID    uint
		Agent core.UUID
	}
	if err := host.AutoMigrate(&Customer{}); err != nil {
		panic(err)
	}

	ctx := context.Background()
	store, err := storage.Use(ctx, host, storage.Options{Logger: slog.New(slog.DiscardHandler), TablePrefix: "eliza_"})
	if err != nil {
		panic(err)
	}
	defer store.Close() // host stays open

	ada := &agents.Agent{Character: &core.Character{ID: core.NewUUID(), Name: "Ada"}, Version: 1}
	err = store.WithTx(ctx, func(ctx context.Context, tx *gorm.DB) error {
		if err := tx.Create(&Customer{Agent: ada.Character.ID}).Error; err != nil {
			return err
		}
		return store.Agents().Insert(ctx, ada)
	})
	if err != nil {
		panic(err)
	}
	var customer Customer
	if err := host.First(&customer).Error; err != nil {
		panic(err)
	}
	agent, err := store.Agents().Agent(ctx, customer.Agent)
	if err != nil {
		panic(err)
	}
	fmt.Println(agent.Character.Name)
	// Output: Ada
}
