package tracing

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/eliza-go/eliza/runtime/core"
)

// Scope is the name of our tracer among those of a process.
const Scope = "github.com/eliza-go/eliza"

// Tracer starts spans. Safe for concurrent use; a nil one starts none.
type Tracer struct {
	host trace.Tracer
	log  *slog.Logger
	once sync.Once
}

// New returns a Tracer over one of the host's, nil for nil.
func New(host trace.Tracer, log *slog.Logger) *Tracer {
	if host == nil {
		return nil
	}
	return &Tracer{host: host, log: log}
}

// Of returns the server's tracer of a provider, nil for nil and for a provider that panics.
func Of(p trace.TracerProvider, log *slog.Logger) (host trace.Tracer) {
	if p == nil {
		return nil
	}
	t := &Tracer{log: log}
	t.guarded(func() { host = p.Tracer(Scope) })
	return host
}

// guarded calls the host's code. Its first panic is logged.
func (t *Tracer) guarded(fn func()) {
	defer func() {
		if v := recover(); v != nil {
			t.once.Do(func() { t.log.Error("panic in the host's tracer", "panic", v, "stack", string(debug.Stack())) })
		}
	}()
	fn()
}

// Start begins a span, whose context it returns.
func (t *Tracer) Start(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	within, s := ctx, Span{t: t}
	t.guarded(func() { within, s.host = t.host.Start(ctx, name, opts...) })
	if within == nil || s.host == nil {
		return ctx, Span{}
	}
	return within, s
}

// Span is one thing that takes time. The zero value does nothing.
type Span struct {
	t    *Tracer
	host trace.Span
}

// Set adds what has become known.
func (s Span) Set(attrs ...attribute.KeyValue) {
	if s.host != nil {
		s.t.guarded(func() { s.host.SetAttributes(attrs...) })
	}
}

// Rename gives the span another name.
func (s Span) Rename(name string) {
	if s.host != nil {
		s.t.guarded(func() { s.host.SetName(name) })
	}
}

// Context is what others may refer to the span by.
func (s Span) Context() (sc trace.SpanContext) {
	if s.host != nil {
		s.t.guarded(func() { sc = s.host.SpanContext() })
	}
	return sc
}

// End ends the span, and says of an error what kind it is and nothing of what it tells.
func (s Span) End(err error) {
	if s.host == nil {
		return
	}
	s.EndAs(Code(err))
}

// EndAs is End by the kind of an error, "" for none.
func (s Span) EndAs(code string) {
	if s.host == nil {
		return
	}
	s.t.guarded(func() {
		if code != "" {
			s.host.SetAttributes(attribute.String("error.type", code))
			s.host.SetStatus(codes.Error, code)
		}
		s.host.End()
	})
}

// Cancelled is the [Code] of what nobody wanted any more.
const Cancelled = "CANCELLED"

// Code is the kind of an error: "" for none, the code of one of ours, "TIMEOUT" or [Cancelled] when its context ended,
// "INTERNAL_ERROR" otherwise.
func Code(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled):
		return Cancelled
	case errors.Is(err, context.DeadlineExceeded):
		return string(core.CodeTimeout)
	}
	return string(core.CodeOf(err))
}
