package eliza_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/runtime"
	"github.com/eliza-go/eliza/runtime/core"
)

// A host counts turns by itself.
func ExampleWithObserver() {
	turns := make(chan string, 1)
	srv, done := newServer(eliza.WithPlugins(elizatest.Echo().Plugin()), eliza.WithObserver(runtime.Observer{
		Turn: func() func(status string) { return func(status string) { turns <- status } },
	}))
	defer done()
	if _, err := srv.Ask(context.Background(), newAgent(srv), core.NewUUID(), "Good morning!"); err != nil {
		panic(err)
	}
	fmt.Println(<-turns)
	// Output:
	// responded
}

// A request is a span in the trace of who made it.
func ExampleWithTracerProvider() {
	var provider elizatest.Spans // in a program, one of go.opentelemetry.io/otel/sdk/trace with an exporter
	srv, done := newServer(eliza.WithTracerProvider(&provider))
	defer done()

	req := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/api/server/ping", nil)
	req.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	srv.Handler().ServeHTTP(httptest.NewRecorder(), req)

	for _, span := range provider.Ended("GET /api/server/ping") {
		fmt.Println(span.Name, span.SpanContext().TraceID(), span.Attr("http.response.status_code"))
	}
	// Output:
	// GET /api/server/ping 0af7651916cd43dd8448eb211c80319c 200
}
