package eliza_test

import (
	"net/http"
	"testing"

	"go.opentelemetry.io/otel/trace/noop"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
)

// watchers are ways to look at a server: what each costs is what the benchmarks below tell.
func watchers() map[string][]eliza.Option {
	return map[string][]eliza.Option{
		"none": nil, "noop": {eliza.WithTracerProvider(noop.NewTracerProvider())}, "spans": {eliza.WithTracerProvider(&elizatest.Spans{})},
	}
}

// BenchmarkWatchedGet is a small answer, without a network.
func BenchmarkWatchedGet(b *testing.B) {
	for name, opts := range watchers() {
		b.Run(name, func(b *testing.B) {
			h := elizatest.Start(b, opts...).Handler()
			req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "/api/server/ping", nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(discard{http.Header{}}, req)
			}
		})
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// BenchmarkWatchedTurn is BenchmarkTurn in one channel.
func BenchmarkWatchedTurn(b *testing.B) {
	for name, opts := range watchers() {
		b.Run(name, func(b *testing.B) {
			s := elizatest.Start(b, append(opts, eliza.WithPlugins(elizatest.Echo().Plugin()))...)
			t := newTalk(b, s, s.Agent("Ada"))
			b.ReportAllocs()
			bench(b, 1, func(*http.Client, int) error { return t.turn(b.Context(), s) })
		})
	}
}
