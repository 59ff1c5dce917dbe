package storage_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

// The stores without a server: agents are read and written, and together with rows of your own.
func Example() {
	dir, err := os.MkdirTemp("", "storage")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	db, err := storage.Open(ctx, filepath.Join(dir, "agents.db"), storage.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	defer db.Close()

	// Both or neither.
	err = db.WithTx(ctx, func(ctx context.Context, tx *gorm.DB) error {
		core.AfterCommit(ctx, func() { fmt.Println("committed") })
		if err := tx.Exec("CREATE TABLE owners (agent TEXT, name TEXT)").Error; err != nil {
			return err
		}
		ada := &core.Character{ID: core.NewUUID(), Name: "Ada", Bio: core.Bio{Lines: []string{"Counts things."}}}
		if err := tx.Exec("INSERT INTO owners VALUES (?, ?)", ada.ID, "Bob").Error; err != nil {
			return err
		}
		return db.Agents().Insert(ctx, &agents.Agent{Character: ada, Version: 1, CreatedAt: core.Now(), UpdatedAt: core.Now()})
	})
	if err != nil {
		panic(err)
	}
	list, err := db.Agents().List(ctx, 10, 0)
	if err != nil {
		panic(err)
	}
	fmt.Println(len(list), list[0].Name)

	err = db.WithTx(ctx, func(ctx context.Context, tx *gorm.DB) error {
		if err := db.Agents().Delete(ctx, list[0].ID); err != nil {
			return err
		}
		return errors.New("on second thoughts")
	})
	fmt.Println(err)
	list, err = db.Agents().List(ctx, 10, 0)
	fmt.Println(len(list), err)
	// Output:
	// committed
	// 1 Ada
	// on second thoughts
	// 1 <nil>
}
