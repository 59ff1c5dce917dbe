package eliza_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// newServer is a server for the examples: on a database in a temporary folder, without a word in the log.
func newServer(opts ...eliza.Option) (srv *eliza.Server, done func()) {
	dir, err := os.MkdirTemp("", "eliza")
	if err != nil {
		panic(err)
	}
	srv, err = eliza.NewServer(append(opts,
		eliza.WithDatabase(filepath.Join(dir, "agents.db")), eliza.WithLogger(slog.New(slog.DiscardHandler)))...)
	if err != nil {
		panic(err)
	}
	if err := srv.Start(context.Background()); err != nil {
		panic(err)
	}
	return srv, func() {
		if err := srv.Shutdown(context.Background()); err != nil {
			panic(err)
		}
		_ = os.RemoveAll(dir)
	}
}

// An agent answers a message of a program that embeds the server.
func Example() {
	srv, done := newServer(eliza.WithPlugins(elizatest.Echo().Plugin())) // any plugin with a text model
	defer done()
	ctx := context.Background()

	agent, _, err := srv.Agents().Create(ctx, &eliza.Character{Name: "Ada", Bio: core.Bio{Lines: []string{"An example."}}})
	if err != nil {
		panic(err)
	}
	if err := srv.Agents().Start(ctx, agent.Character.ID); err != nil {
		panic(err)
	}
	user := core.NewUUID()
	channel, err := srv.Messaging().DM(ctx, core.DefaultServerID, user, agent.Character.ID)
	if err != nil {
		panic(err)
	}
	sent, err := srv.Messaging().Accept(ctx, messaging.NewMessage{ChannelID: channel.ID, AuthorID: user, Content: "Good morning!", SourceType: "example"})
	if err != nil {
		panic(err)
	}
	answer, err := srv.Messaging().Wait(ctx, channel.ID, sent.Message.ID, sent.Message.Seq)
	if err != nil {
		panic(err)
	}
	fmt.Println(answer.Replies[0].Content)
	// Output: You said: Good morning!
}

// The whole API below a prefix of a program's own Echo router.
func ExampleServer_Mount() {
	srv, done := newServer()
	defer done()
	e := echo.New()
	srv.Mount(e.Group("/ai"))

	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/ai/api/runtime/hello", nil))
	fmt.Println(rec.Code, rec.Body)
	// Output: 200 {"message":"Hello World!"}
}

// One group of routes alone, behind a check of the program's own.
func ExampleServer_Groups() {
	srv, done := newServer()
	defer done()
	e := echo.New()
	srv.Groups().Agents.Routes(e.Group("/staff/agents", eliza.APIKey("staff-key")))

	for _, key := range []string{"", "staff-key"} {
		req := httptest.NewRequest(http.MethodGet, "/staff/agents", nil)
		req.Header.Set("X-API-KEY", key)
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, req)
		fmt.Println(rec.Code)
	}
	// Output:
	// 401
	// 200
}

// Everything behind a prefix of net/http.
func ExampleServer_Handler() {
	srv, done := newServer()
	defer done()
	mux := http.NewServeMux()
	mux.Handle("/ai/", http.StripPrefix("/ai", srv.Handler()))

	rec := httptest.NewRecorder()
	mux.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/ai/api/agents", nil))
	fmt.Println(rec.Code, rec.Body)
	// Output: 200 {"success":true,"data":{"agents":[]}}
}
