package messaging_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

// A chat of people, without agents. Who watches a channel gets everything that happens there, in one order.
func ExampleManager_Watch() {
	dir, err := os.MkdirTemp("", "messaging")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	quiet := slog.New(slog.DiscardHandler)
	db, err := storage.Open(ctx, filepath.Join(dir, "messages.db"), storage.Options{Logger: quiet})
	if err != nil {
		panic(err)
	}
	defer db.Close()
	service := messaging.New(db.Messaging(), messaging.Options{Logger: quiet})
	if err := service.Start(ctx, nil); err != nil { // no agents
		panic(err)
	}
	defer service.Shutdown(ctx)

	ada, bob := core.NewUUID(), core.NewUUID()
	channel, err := service.CreateChannel(ctx, messaging.NewChannel{ServerID: core.DefaultServerID, Name: "Lunch", Participants: []core.UUID{ada, bob}})
	if err != nil {
		panic(err)
	}
	cancel, err := service.Watch(ctx, channel.ID, -1, func(e messaging.Event) {
		if e.Kind == messaging.KindMessage {
			fmt.Println(e.Message.Content)
		}
	})
	if err != nil {
		panic(err)
	}
	defer cancel()
	for _, m := range []messaging.NewMessage{{AuthorID: ada, Content: "Soup today?"}, {AuthorID: bob, Content: "Gladly."}} {
		m.ChannelID = channel.ID
		if _, err := service.Accept(ctx, m); err != nil { // returns when the watchers have it
			panic(err)
		}
	}
	// Output:
	// Soup today?
	// Gladly.
}
