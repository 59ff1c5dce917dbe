package messaging_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	echov4 "github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

// parrot is the only agent there is, and says everything again.
type parrot struct{ core.BareRuntime }

// Runtime and Exists are all that messaging asks of agents.
func (p parrot) Runtime(context.Context, core.UUID) (core.Runtime, error) { return p, nil }
func (p parrot) Exists(_ context.Context, id core.UUID) (bool, error)     { return id == p.ID, nil }

func (p parrot) Turn(_ context.Context, t *core.Turn, out core.Out) (core.Outcome, error) {
	out.Stream("Squawk: ") // who watches the channel sees the answer grow
	return core.Outcome{Reply: &core.Content{Text: "Squawk: " + t.Content.Text}}, nil
}

// Channels over a database, with agents of your own: every message is stored first, and answered once.
func Example() {
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

	// Who is an agent is decided where messages are stored, in the same transaction: here by a row that says so.
	character := &core.Character{ID: core.NewUUID(), Name: "Polly"}
	if err := db.Agents().Insert(ctx, &agents.Agent{Character: character, Active: true, Version: 1}); err != nil {
		panic(err)
	}
	polly := parrot{core.BareRuntime{ID: character.ID, Char: character}}
	service := messaging.New(db.Messaging(), messaging.Options{Logger: quiet})
	if err := service.Start(ctx, polly); err != nil {
		panic(err)
	}
	defer service.Shutdown(ctx)
	if err := service.AddServerAgent(ctx, core.DefaultServerID, polly.ID); err != nil {
		panic(err)
	}

	user := core.NewUUID()
	channel, err := service.DM(ctx, core.DefaultServerID, user, polly.ID)
	if err != nil {
		panic(err)
	}
	sent, err := service.Accept(ctx, messaging.NewMessage{ChannelID: channel.ID, AuthorID: user, Content: "Good morning!", SourceType: "example"})
	if err != nil {
		panic(err)
	}
	answer, err := service.Wait(ctx, channel.ID, sent.Message.ID, sent.Message.Seq)
	if err != nil {
		panic(err)
	}
	fmt.Println(answer.Replies[0].Content)

	// The routes, and the sockets of the JavaScript clients, on a router of your own.
	e := echov4.New()
	messaging.NewHandler(service, messaging.HandlerOptions{Logger: quiet}).Routes(e.Group("/messaging"))
	gateway := messaging.NewGateway(service, messaging.GatewayOptions{Logger: quiet})
	defer gateway.Shutdown(ctx)
	e.Any("/socket.io/*", echov4.WrapHandler(gateway))
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/messaging/channels/"+string(channel.ID)+"/messages", nil))
	fmt.Println(rec.Code)
	// Output:
	// Squawk: Good morning!
	// 200
}
