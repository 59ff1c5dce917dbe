package prom_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/runtime/prom"
)

// A host shows the server's metrics with its own.
func Example() {
	dir, err := os.MkdirTemp("", "eliza")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	reg := prometheus.NewRegistry()
	srv, err := eliza.NewServer(
		eliza.WithObserver(prom.New(reg)), eliza.WithDatabase(filepath.Join(dir, "agents.db")), eliza.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		panic(err)
	}
	defer srv.Shutdown(context.Background())

	mux := http.NewServeMux()
	mux.Handle("/ai/", http.StripPrefix("/ai", srv.Handler()))
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))

	mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/ai/api/server/ping", nil))
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(answer.Body.String()) {
		if strings.HasPrefix(line, "eliza_http_requests_total") {
			fmt.Print(line)
		}
	}
	// Output:
	// eliza_http_requests_total{code="200",method="GET",route="/api/server/ping"} 1
}
