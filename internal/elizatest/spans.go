package elizatest

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"
	"go.opentelemetry.io/otel/trace/noop"
)

// Spans is a provider of tracers that keeps what they made. The zero value is ready to use.
type Spans struct {
	embedded.TracerProvider

	mu   sync.Mutex
	made []*Span
}

// Span is a span that was begun.
type Span struct {
	noop.Span
	Name   string
	Kind   trace.SpanKind
	Parent trace.SpanContext
	Links  []trace.Link

	all   *Spans
	sc    trace.SpanContext
	attrs map[attribute.Key]attribute.Value
	fault string
	ended int
}

type recorder struct {
	embedded.Tracer
	all *Spans
}

// Tracer implements [trace.TracerProvider].
func (s *Spans) Tracer(string, ...trace.TracerOption) trace.Tracer { return recorder{all: s} }

// Start implements [trace.Tracer].
func (r recorder) Start(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	cfg := trace.NewSpanStartConfig(opts...)
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	n := uint64(len(r.all.made) + 1)
	s := &Span{Name: name, Kind: cfg.SpanKind(), Links: cfg.Links(), all: r.all, attrs: map[attribute.Key]attribute.Value{}}
	own := trace.SpanContextConfig{TraceFlags: trace.FlagsSampled}
	if parent := trace.SpanContextFromContext(ctx); parent.IsValid() && !cfg.NewRoot() {
		s.Parent, own.TraceID = parent, parent.TraceID()
	} else {
		binary.BigEndian.PutUint64(own.TraceID[:], n)
	}
	binary.BigEndian.PutUint64(own.SpanID[:], n)
	s.sc = trace.NewSpanContext(own)
	s.set(cfg.Attributes())
	r.all.made = append(r.all.made, s)
	return trace.ContextWithSpan(ctx, s), s
}

func (s *Span) set(attrs []attribute.KeyValue) {
	for _, a := range attrs {
		s.attrs[a.Key] = a.Value
	}
}

// SetAttributes implements [trace.Span].
func (s *Span) SetAttributes(attrs ...attribute.KeyValue) {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	s.set(attrs)
}

// SetStatus implements [trace.Span].
func (s *Span) SetStatus(c codes.Code, text string) {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	if c == codes.Error {
		s.fault = text
	}
}

// End implements [trace.Span].
func (s *Span) End(...trace.SpanEndOption) {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	s.ended++
}

// SpanContext implements [trace.Span].
func (s *Span) SpanContext() trace.SpanContext { return s.sc }

// IsRecording implements [trace.Span].
func (s *Span) IsRecording() bool { return true }

// Attr is an attribute as text, "" without it.
func (s *Span) Attr(key string) string {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	if v, ok := s.attrs[attribute.Key(key)]; ok {
		return v.String()
	}
	return ""
}

// Fault is the error the span ended with, "" for none.
func (s *Span) Fault() string {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	return s.fault
}

// Ended are the spans of a name that have ended, in the order they began.
func (s *Spans) Ended(name string) []*Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.made), func(x *Span) bool { return x.Name != name || x.ended == 0 })
}

// Faults tells what is wrong with what was made: spans that did not end, or ended twice.
func (s *Spans) Faults() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, x := range s.made {
		if x.ended != 1 {
			out = append(out, fmt.Sprintf("%s ended %d times", x.Name, x.ended))
		}
	}
	return out
}

// Text is everything that was recorded, to look for what must not be in it.
func (s *Spans) Text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := ""
	for _, x := range s.made {
		text += x.Name + " " + x.fault
		for k, v := range x.attrs {
			text += fmt.Sprintf(" %s=%s", k, v.String())
		}
		text += "\n"
	}
	return text
}
