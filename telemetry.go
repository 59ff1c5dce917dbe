package eliza

import (
	"context"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/eliza-go/eliza/internal/tracing"
)

// WithTracerProvider has the server make spans of requests, socket events, accepted messages, turns and calls of models;
// without it there are none, whatever provider the process has. A traceparent a request comes with is taken over. Spans
// hold ids, names the program knows, and codes of errors: nothing people wrote, no keys, no file names. What of it panics
// is logged and left out. The names are in docs/observability.md. A service that is replaced makes its own spans.
func WithTracerProvider(p trace.TracerProvider) Option { return func(c *config) { c.tracers = p } }

// traceparent reads the header of that name (W3C Trace Context), and tracestate.
var traceparent propagation.TraceContext

// statusGone is what a request counts as whose client left before there was an answer.
const statusGone = 499

// watch traces and counts requests. It comes before all that may refuse them.
func (s *Server) watch(next echo.HandlerFunc) echo.HandlerFunc {
	tracer, counted := tracing.New(s.cfg.tracer, s.log), s.cfg.observer.Request
	if tracer == nil && counted == nil {
		return next
	}
	return func(c echo.Context) error {
		req := c.Request()
		route := c.Path() // the pattern; what clients wrote is in no name
		method := knownMethod(req.Method)
		done := func(string, int) {}
		if counted != nil {
			done = counted(method)
		}
		var span tracing.Span
		if tracer != nil {
			var ctx context.Context
			ctx, span = requestSpan(tracer, req.Context(), c, method, route)
			c.SetRequest(req.WithContext(ctx))
		}
		defer func() {
			status := answered(c)
			endRequest(span, status)
			done(route, status)
		}()
		return next(c)
	}
}

func requestSpan(t *tracing.Tracer, ctx context.Context, c echo.Context, method, route string) (context.Context, tracing.Span) {
	if !trace.SpanContextFromContext(ctx).IsValid() { // the host's middleware has not begun a span
		ctx = traceparent.Extract(ctx, propagation.HeaderCarrier(c.Request().Header))
	}
	return t.Start(ctx, method+" "+route, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", method), attribute.String("http.route", route), attribute.String("url.scheme", c.Scheme())))
}

func endRequest(span tracing.Span, status int) {
	span.Set(attribute.Int("http.response.status_code", status))
	code := ""
	if status >= 500 {
		code = strconv.Itoa(status)
	}
	span.EndAs(code)
}

// knownMethod is a method of HTTP, or _OTHER, as the semantic conventions have it.
func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return m
	}
	return "_OTHER"
}

// answered is the status a request was answered with.
func answered(c echo.Context) int {
	if !c.Response().Committed && c.Request().Context().Err() != nil {
		return statusGone
	}
	return c.Response().Status
}
