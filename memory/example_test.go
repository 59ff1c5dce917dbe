package memory_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

// Memories without agents: anybody with an id can remember.
func Example() {
	dir, err := os.MkdirTemp("", "memory")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	db, err := storage.Open(ctx, filepath.Join(dir, "memory.db"), storage.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	defer db.Close()
	service := memory.New(db.Memory(), memory.Options{})
	defer service.Close()

	me, room := core.NewUUID(), core.NewUUID()
	mind := service.For(me)
	for _, fact := range []string{"Bob lives in Berlin.", "Bob likes his dog."} {
		if _, err := mind.Add(ctx, core.Memory{Table: core.TableFacts, RoomID: room, Content: core.Content{Text: fact}}); err != nil {
			panic(err)
		}
	}
	found, err := mind.List(ctx, core.MemoryQuery{Table: core.TableFacts, Text: "dog"})
	if err != nil {
		panic(err)
	}
	for _, m := range found {
		fmt.Println(m.Content.Text)
	}

	// The same over HTTP, on a router of your own.
	e := echo.New()
	memory.NewHandler(service, nil, memory.HandlerOptions{}).Routes(e.Group("/memory"))
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/memory/"+string(me)+"/memories?tableName=facts", nil))
	fmt.Println(rec.Code)
	// Output:
	// Bob likes his dog.
	// 200
}
