package agents_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

// greeter is a brain of your own: [core.BareRuntime] and a Turn.
type greeter struct{ core.BareRuntime }

func (g greeter) Turn(_ context.Context, t *core.Turn, _ core.Out) (core.Outcome, error) {
	return core.Outcome{Reply: &core.Content{Text: "Hello " + t.AuthorName + ", I am " + g.Char.Name + "."}}, nil
}

// Characters that are stored, started and stopped, with a brain of your own and without messages.
func Example() {
	dir, err := os.MkdirTemp("", "agents")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	quiet := slog.New(slog.DiscardHandler)
	db, err := storage.Open(ctx, filepath.Join(dir, "agents.db"), storage.Options{Logger: quiet})
	if err != nil {
		panic(err)
	}
	defer db.Close()

	build := func(_ context.Context, c *core.Character) (core.Runtime, error) {
		return greeter{core.BareRuntime{ID: c.ID, Char: c}}, nil
	}
	service, err := agents.New(db.Agents(), build, nil, agents.Options{Logger: quiet})
	if err != nil {
		panic(err)
	}
	defer service.Close(ctx)
	e := echo.New()
	agents.NewHandler(service, agents.HandlerOptions{Logger: quiet}).Routes(e.Group("/agents"))

	ask := func(method, path, body string) int {
		req := httptest.NewRequest(method, path, strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, req)
		return rec.Code
	}
	fmt.Println(ask(http.MethodPost, "/agents", `{"characterJson":{"name":"Ada","bio":"Counts things."}}`))
	ada := core.StringToUUID("Ada") // the id of a character that names none
	fmt.Println(ask(http.MethodPost, "/agents/"+string(ada)+"/start", ``))

	rt, err := service.Runtime(ctx, ada)
	if err != nil {
		panic(err)
	}
	outcome, err := rt.Turn(ctx, &core.Turn{AuthorName: "Bob"}, nil)
	fmt.Println(outcome.Reply.Text, err)
	// Output:
	// 201
	// 200
	// Hello Bob, I am Ada. <nil>
}
