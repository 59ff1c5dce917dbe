package messaging

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/eliza-go/eliza/internal/tracing"
	"github.com/eliza-go/eliza/runtime/core"
)

// Attributes of spans, besides those of the semantic conventions.
const (
	attrChannel   = attribute.Key("eliza.channel.id")
	attrMessage   = attribute.Key("eliza.message.id")
	attrDuplicate = attribute.Key("eliza.message.duplicate")
	attrTurn      = attribute.Key("eliza.turn.id")
	attrAttempt   = attribute.Key("eliza.turn.attempt")
	attrStatus    = attribute.Key("eliza.turn.status")
	attrReplies   = attribute.Key("eliza.turn.replies")
	attrEvent     = attribute.Key("eliza.socket.event")
	attrSocket    = attribute.Key("eliza.socket.id")
)

// traceAccept begins the span of a message that is being accepted, and notes it for the turns that answer it.
func (m *Manager) traceAccept(ctx context.Context, n *NewMessage) (context.Context, func(*Accepted, error)) {
	if m.tracer == nil {
		return ctx, func(*Accepted, error) {}
	}
	if n.ID == "" {
		n.ID = core.NewUUID() // the turn may begin before Accept returns
	}
	ctx, span := m.tracer.Start(ctx, "accept", trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
		attrChannel.String(string(n.ChannelID)), attrMessage.String(string(n.ID))))
	noted := m.origins.note(n.ID, span.Context())
	return ctx, func(a *Accepted, err error) {
		if noted && (err != nil || a.Duplicate) {
			m.origins.forget(n.ID)
		}
		if err == nil && a.Duplicate {
			span.Set(attrDuplicate.Bool(true))
		}
		span.End(err)
	}
}

// traceTurn begins the span of a turn. It belongs to no trace but its own: the message may have been accepted long ago.
func (m *Manager) traceTurn(ctx context.Context, d *Delivery) (context.Context, tracing.Span) {
	if m.tracer == nil {
		return ctx, tracing.Span{}
	}
	opts := []trace.SpanStartOption{trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		attribute.String("gen_ai.operation.name", "invoke_agent"), attribute.String("gen_ai.agent.id", string(d.AgentID)),
		attrChannel.String(string(d.ChannelID)), attrMessage.String(string(d.MessageID)), attrTurn.String(string(d.ID)), attrAttempt.Int(d.Attempt))}
	if from := m.origins.of(d.MessageID); from.IsValid() {
		opts = append(opts, trace.WithLinks(trace.Link{SpanContext: from}))
	}
	return m.tracer.Start(ctx, "turn", opts...)
}

// endTurn ends the span of a turn with what came of it.
func endTurn(span tracing.Span, r AgentResult, err error) {
	span.Set(attrStatus.String(TurnStatus(r)), attrReplies.Int(len(r.Responses)))
	switch r.Status {
	case StatusFailed:
		span.EndAs(tracing.Code(err))
	case StatusTimeout:
		span.EndAs(string(core.CodeTimeout))
	default:
		span.EndAs("")
	}
}

// origins are the spans that accepted the newest messages.
type origins struct {
	mu    sync.Mutex
	spans map[core.UUID]trace.SpanContext
	line  []core.UUID // as they came; some may have been forgotten
	next  int         // in line, once it is full
}

// maxOrigins is how many are known at once.
const maxOrigins = 4096

// note keeps the span of a message that has none yet.
func (o *origins) note(message core.UUID, sc trace.SpanContext) bool {
	if !sc.IsValid() {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, known := o.spans[message]; known {
		return false
	}
	if o.spans == nil {
		o.spans = map[core.UUID]trace.SpanContext{}
	}
	if len(o.line) < maxOrigins {
		o.line = append(o.line, message)
	} else {
		delete(o.spans, o.line[o.next])
		o.line[o.next] = message
		o.next = (o.next + 1) % maxOrigins
	}
	o.spans[message] = sc
	return true
}

func (o *origins) forget(message core.UUID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.spans, message)
}

func (o *origins) of(message core.UUID) trace.SpanContext {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.spans[message]
}

// traceEvent begins the span of a socket event.
func (g *Gateway) traceEvent(ctx context.Context, m *member, event string) (context.Context, func(error)) {
	began := time.Now()
	var span tracing.Span
	if g.tracer != nil {
		ctx, span = g.tracer.Start(ctx, "socket "+event, trace.WithSpanKind(trace.SpanKindServer),
			trace.WithAttributes(attrEvent.String(event), attrSocket.String(m.socket.ID())))
	}
	return ctx, func(err error) {
		span.End(err)
		g.opts.Observe(event, time.Since(began), err)
	}
}
