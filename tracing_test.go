package eliza_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// counting answers by an action, and looks at every turn.
func counting() plugin.Plugin {
	return plugin.Plugin{
		Name: "counting",
		Actions: []plugin.Action{plugin.Tool("COUNT", "Counts", func(ctx context.Context, c *plugin.Call, _ struct{}) (plugin.Result, error) {
			return plugin.Result{}, c.Reply(ctx, core.Content{Text: "private answer"})
		})},
		Evaluators: []plugin.Evaluator{{Name: "LOOK", AlwaysRun: true, Run: func(context.Context, *plugin.Call) (plugin.Result, error) { return plugin.Result{}, nil }}},
	}
}

func counts(context.Context, core.TextRequest) (string, error) {
	return "<response><thought>private thought</thought><actions>COUNT</actions><text></text></response>", nil
}

// span is the only span of a name; it is waited for.
func span(t *testing.T, spans *elizatest.Spans, name string) *elizatest.Span {
	t.Helper()
	elizatest.Eventually(t, "a span "+name, func() bool { return len(spans.Ended(name)) > 0 })
	return spans.Ended(name)[0]
}

const posting = "POST /api/messaging/channels/:channelId/messages"

func TestAConversationIsTraced(t *testing.T) {
	t.Parallel()
	var spans elizatest.Spans
	s := elizatest.Start(t, eliza.WithTracerProvider(&spans), eliza.WithAPIKey("private key"), eliza.WithPlugins(counting(), elizatest.Model(counts).Plugin()))
	s.Header = http.Header{"X-Api-Key": {"private key"}, "Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}
	agent, user, channel := s.Agent("Private Name"), core.NewUUID(), core.NewUUID()
	s.Say(channel, user, agent, "private question", "http").Want(http.StatusCreated)

	request := span(t, &spans, posting)
	if request.Kind != trace.SpanKindServer || request.SpanContext().TraceID().String() != "0af7651916cd43dd8448eb211c80319c" || request.Parent.SpanID().String() != "b7ad6b7169203331" {
		t.Errorf("the request is no child of its traceparent: kind %v, parent %v", request.Kind, request.Parent)
	}
	if request.Attr("http.response.status_code") != "201" || request.Attr("http.request.method") != "POST" || request.Attr("http.route") == "" {
		t.Errorf("the request has the attributes of something else: %s", spans.Text())
	}
	accept := span(t, &spans, "accept")
	if accept.Parent.SpanID() != request.SpanContext().SpanID() || accept.Attr("eliza.channel.id") != string(channel) {
		t.Errorf("the message was accepted elsewhere: %v", accept)
	}
	turn := span(t, &spans, "turn")
	if turn.Kind != trace.SpanKindConsumer || turn.Parent.IsValid() || len(turn.Links) != 1 || !turn.Links[0].SpanContext.Equal(accept.SpanContext()) {
		t.Errorf("the turn is not linked to what accepted its message: parent %v, links %v", turn.Parent, turn.Links)
	}
	if turn.Attr("eliza.turn.status") != "responded" || turn.Attr("gen_ai.agent.id") != string(agent) || turn.Attr("eliza.turn.replies") != "1" {
		t.Errorf("the turn ended otherwise: %s", spans.Text())
	}
	for _, name := range []string{"chat TEXT_LARGE", "execute_tool COUNT", "evaluate LOOK"} {
		if part := span(t, &spans, name); part.Parent.SpanID() != turn.SpanContext().SpanID() || part.Fault() != "" {
			t.Errorf("%s is no part of the turn: %v, %s", name, part.Parent, part.Fault())
		}
	}
	if chat := span(t, &spans, "chat TEXT_LARGE"); chat.Attr("gen_ai.provider.name") != "scripted" || chat.Attr("gen_ai.response.finish_reasons") != `["stop"]` {
		t.Errorf("the model's call has the attributes of something else: %s", spans.Text())
	}
	elizatest.Eventually(t, "the end of all spans", func() bool { return len(spans.Faults()) == 0 })
	if strings.Contains(strings.ToLower(spans.Text()), "private") {
		t.Errorf("spans tell what is private:\n%s", spans.Text())
	}
}

func TestSocketEventsAreTraced(t *testing.T) {
	t.Parallel()
	var spans elizatest.Spans
	s := elizatest.Start(t, eliza.WithTracerProvider(&spans), eliza.WithPlugins(elizatest.Echo().Plugin()))
	agent, user, channel := s.Agent("Ada"), core.NewUUID(), core.NewUUID()
	sock := elizatest.Dial(t, s.Base, map[string]any{"entityId": user}, nil)
	sock.Emit("1", map[string]any{"channelId": channel})
	sock.Emit("2", map[string]any{
		"channelId": channel, "senderId": user, "serverId": core.DefaultServerID, "message": "hello", "metadata": map[string]any{"isDm": true, "targetUserId": agent},
	})
	sock.Emit("2", "no object")
	sock.Wait("messageComplete", nil)
	sock.Wait("messageError", nil)
	elizatest.Eventually(t, "two events", func() bool { return len(spans.Ended("socket send")) == 2 && len(spans.Ended("socket join")) == 1 })
	sends := spans.Ended("socket send")
	if accept := span(t, &spans, "accept"); accept.Parent.SpanID() != sends[0].SpanContext().SpanID() {
		t.Errorf("the message was accepted elsewhere: %v", accept.Parent)
	}
	if sends[0].Fault() != "" || sends[1].Fault() != string(core.CodeBadRequest) {
		t.Errorf("the events ended with %q and %q", sends[0].Fault(), sends[1].Fault())
	}
}

// Spans tell the kind of an error and not what it says.
func TestErrorsAreTracedByTheirCode(t *testing.T) {
	t.Parallel()
	var spans elizatest.Spans
	fails := elizatest.Model(func(context.Context, core.TextRequest) (string, error) { return "", errors.New("private reason") })
	s := elizatest.Start(t, eliza.WithTracerProvider(&spans), eliza.WithPlugins(fails.Plugin()))
	agent, user, channel := s.Agent("Ada"), core.NewUUID(), core.NewUUID()
	s.Say(channel, user, agent, "hello", "http")
	for _, name := range []string{"chat TEXT_LARGE", "turn"} {
		if failed := span(t, &spans, name); failed.Fault() == "" || failed.Attr("error.type") != failed.Fault() {
			t.Errorf("%s ended with %q", name, failed.Fault())
		}
	}
	s.Get("/api/messaging/channels/" + string(core.NewUUID()) + "/details").Want(http.StatusNotFound)
	if missing := spans.Ended("GET /api/messaging/channels/:channelId/details"); len(missing) != 1 || missing[0].Fault() != "" || missing[0].Attr("http.response.status_code") != "404" {
		t.Error("what a client did wrong is an error of the server's")
	}
	s.Get("/api/no/such/private/path").Want(http.StatusNotFound)
	if text := spans.Text(); strings.Contains(text, "private") {
		t.Errorf("spans tell what is private:\n%s", text)
	}
}

// A request that is in a trace of the host's middleware already stays there.
func TestAHostsOwnSpanIsTheParent(t *testing.T) {
	t.Parallel()
	var spans elizatest.Spans
	s := elizatest.Start(t, eliza.WithTracerProvider(&spans))
	ctx, host := spans.Tracer("host").Start(t.Context(), "host")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	s.Handler().ServeHTTP(httptest.NewRecorder(), req)
	if got := span(t, &spans, "GET /healthz"); got.Parent.SpanID() != host.SpanContext().SpanID() {
		t.Errorf("parent = %v, want the host's span", got.Parent)
	}
}

// broken panics wherever it is asked from a moment on.
type broken struct {
	embedded.TracerProvider
	provider, start bool
}

func (b broken) Tracer(string, ...trace.TracerOption) trace.Tracer {
	if b.provider {
		panic("provider")
	}
	return brokenTracer{start: b.start}
}

type brokenTracer struct {
	embedded.Tracer
	start bool
}

func (b brokenTracer) Start(ctx context.Context, _ string, _ ...trace.SpanStartOption) (context.Context, trace.Span) {
	if b.start {
		panic("start")
	}
	return ctx, brokenSpan{}
}

type brokenSpan struct{ trace.Span } // nil: every method panics

func TestABrokenTracerCostsNothingButSpans(t *testing.T) {
	t.Parallel()
	for name, provider := range map[string]trace.TracerProvider{"provider": broken{provider: true}, "tracer": broken{start: true}, "span": broken{}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := elizatest.Start(t, eliza.WithTracerProvider(provider), eliza.WithPlugins(counting(), elizatest.Model(counts).Plugin()))
			agent, user, channel := s.Agent("Ada"), core.NewUUID(), core.NewUUID()
			s.Say(channel, user, agent, "hello", "http").Want(http.StatusCreated)
			if n := len(s.Messages(channel)); n != 2 {
				t.Errorf("%d messages, want the question and its answer", n)
			}
			sock := elizatest.Dial(t, s.Base, map[string]any{"entityId": user}, nil)
			sock.Emit("1", map[string]any{"channelId": channel})
			sock.Wait("channel_joined", nil)
		})
	}
}
