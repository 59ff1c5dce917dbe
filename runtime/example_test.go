package runtime_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/runtime"
)

// Health, version and a log that can be read over HTTP, for a program that has no agents at all.
func Example() {
	logs := runtime.NewLogs(100)
	log := slog.New(logs.Handler(slog.LevelInfo)) // slog.NewMultiHandler writes it elsewhere too
	log.Warn("the disk is nearly full", "free", "3 GB", "password", "hunter2")

	e := echo.New()
	ops := runtime.NewHandler(nil, logs, runtime.HandlerOptions{Version: "1.2.3"})
	ops.RootRoutes(e.Group(""))
	ops.Routes(e.Group("/ops"))

	for _, path := range []string{"/healthz", "/health", "/ops/logs"} {
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
		fmt.Println(path, rec.Code)
	}
	entries, _ := logs.Entries(runtime.Query{})
	fmt.Println(entries[0].Message, entries[0].Fields)
	// Output:
	// /healthz 200
	// /health 200
	// /ops/logs 200
	// the disk is nearly full map[free:3 GB password:[redacted]]
}
