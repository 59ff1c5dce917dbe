package prom_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/runtime/prom"
)

// scrape is what a registry tells: values by their names with labels.
func scrape(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("metrics: %d %s", w.Code, w.Body)
	}
	out := map[string]float64{}
	for line := range strings.Lines(w.Body.String()) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "#") {
			continue
		}
		i := strings.LastIndexByte(line, ' ')
		v, err := strconv.ParseFloat(line[i+1:], 64)
		if err != nil {
			t.Fatalf("metrics: %q: %v", line, err)
		}
		out[line[:i]] = v
	}
	return out
}

func wantMetrics(t *testing.T, reg *prometheus.Registry, want map[string]float64) {
	t.Helper()
	got := scrape(t, reg)
	for name, v := range want {
		if got[name] != v {
			t.Errorf("%s = %v, want %v", name, got[name], v)
		}
	}
	if t.Failed() {
		t.Logf("%v", got)
	}
}

// counting answers by an action, and looks at every turn.
func counting() plugin.Plugin {
	return plugin.Plugin{
		Name: "counting",
		Actions: []plugin.Action{plugin.Tool("COUNT", "Counts", func(ctx context.Context, c *plugin.Call, _ struct{}) (plugin.Result, error) {
			return plugin.Result{}, c.Reply(ctx, core.Content{Text: "one, two"})
		})},
		Evaluators: []plugin.Evaluator{{Name: "LOOK", AlwaysRun: true, Run: func(context.Context, *plugin.Call) (plugin.Result, error) { return plugin.Result{}, nil }}},
	}
}

func counts(context.Context, core.TextRequest) (string, error) {
	return "<response><thought>as the test wants</thought><actions>COUNT</actions><text></text></response>", nil
}

func TestAConversationIsCounted(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	var before, after atomic.Int32
	s := elizatest.Start(t, eliza.WithObserver(prom.New(reg)), eliza.WithPlugins(counting(), elizatest.Model(counts).Plugin()), eliza.WithHooks(messaging.Hooks{
		BeforeTurn: func(ctx context.Context, _ *core.Turn) (context.Context, error) { before.Add(1); return ctx, nil },
		AfterTurn:  func(context.Context, *core.Turn, messaging.AgentResult) { after.Add(1) },
	}))
	agent, user, channel := s.Agent("Ada"), core.NewUUID(), core.NewUUID()
	for range 3 {
		s.Say(channel, user, agent, "hello", "http").Want(http.StatusCreated)
	}
	const evaluated = `eliza_evaluators_total{evaluator="LOOK",outcome="ok"}`
	elizatest.Eventually(t, "the evaluators have run", func() bool { return scrape(t, reg)[evaluated] == 3 && after.Load() == 3 })
	wantMetrics(t, reg, map[string]float64{
		`eliza_http_requests_total{code="201",method="POST",route="/api/messaging/channels/:channelId/messages"}`:      3,
		`eliza_http_request_duration_seconds_count{method="POST",route="/api/messaging/channels/:channelId/messages"}`: 3,
		`eliza_http_requests_in_flight`: 0, `eliza_messages_accepted_total{author="user"}`: 3,
		`eliza_turn_duration_seconds_count{status="responded"}`: 3, `eliza_turns_in_progress`: 0,
		`eliza_model_calls_total{outcome="ok",type="TEXT_LARGE"}`: 3, `eliza_model_call_duration_seconds_count{type="TEXT_LARGE"}`: 3,
		`eliza_actions_total{action="COUNT",outcome="ok"}`: 3, `eliza_deliveries_waiting`: 0,
	})
	if got := scrape(t, reg); got["eliza_storage_writes_total"] < 9 || got["eliza_storage_commit_duration_seconds_count"] < 9 {
		t.Errorf("writes: %v in %v transactions", got["eliza_storage_writes_total"], got["eliza_storage_commit_duration_seconds_count"])
	}
	if before.Load() != 3 {
		t.Errorf("the host's hook was called %d times, want 3", before.Load())
	}
}

func TestSocketsAndRefusalsAreCounted(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	s := elizatest.Start(t, eliza.WithObserver(prom.New(reg)), eliza.WithSocketRate(.001), eliza.WithRateLimits(eliza.Limit{Requests: 2, Window: time.Hour}, eliza.Limit{}, eliza.Limit{}))
	sock := elizatest.Dial(t, s.Base, map[string]any{"entityId": core.NewUUID()}, nil)
	sock.Emit("1", map[string]any{"channelId": core.NewUUID()})
	sock.Wait("channel_joined", nil)
	sock.Emit("anything at all", nil)
	for range 60 {
		sock.Emit("leave_channel", map[string]any{"channelId": core.NewUUID()})
	}
	for range 4 {
		s.Get("/api/server/ping")
	}
	elizatest.Eventually(t, "an event is refused", func() bool {
		return scrape(t, reg)[`eliza_socket_events_total{event="leave_channel",outcome="limited"}`] == 1
	})
	wantMetrics(t, reg, map[string]float64{
		`eliza_sockets_connected`: 1, `eliza_sockets_dropped_total`: 0, `eliza_socket_events_total{event="join",outcome="ok"}`: 1,
		`eliza_socket_events_total{event="other",outcome="error"}`: 1,
		`eliza_rate_limited_total{limit="general"}`:                2, `eliza_http_requests_total{code="429",method="GET",route="/api/server/ping"}`: 2,
	})
}

// However many names clients make up, there are no more metrics.
func TestClientsMakeNoMetrics(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	s := elizatest.Start(t, eliza.WithObserver(prom.New(reg)))
	ask := func(n int) {
		for i := range n {
			name := "made-up-" + strconv.Itoa(i)
			for _, path := range []string{"/" + name, "/api/" + name, "/api/agents/" + name, "/media/uploads/agents/" + name + "/" + name, "/api/messaging/channels/" + name + "/messages"} {
				s.Get(path)
			}
			s.Do(strings.ToUpper(name), "/api/agents", nil)
		}
	}
	ask(1)
	first := len(scrape(t, reg))
	ask(20)
	all := scrape(t, reg)
	for name := range all {
		if strings.Contains(strings.ToLower(name), "made-up") {
			t.Errorf("%s is the name of a client's", name)
		}
	}
	if len(all) != first {
		t.Errorf("%d metrics, %d before", len(all), first)
	}
}

func TestServersShareARegistryUnderLabels(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	label := func(name string) prometheus.Registerer {
		return prometheus.WrapRegistererWith(prometheus.Labels{"server": name}, reg)
	}
	elizatest.Start(t, eliza.WithObserver(prom.New(label("a"))))
	b := elizatest.Start(t, eliza.WithObserver(prom.New(label("b"))))
	_, err := eliza.NewServer(eliza.WithObserver(prom.New(label("b"))), eliza.WithDatabase(t.TempDir()+"/eliza.db"))
	if err == nil || !strings.Contains(err.Error(), "eliza: WithObserver") || !strings.Contains(err.Error(), "WrapRegistererWith") {
		t.Fatalf("a second server under the same labels: %v", err)
	}
	wantMetrics(t, reg, map[string]float64{`eliza_sockets_connected{server="a"}`: 0, `eliza_sockets_connected{server="b"}`: 0})
	if err := b.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name := range scrape(t, reg) {
		if strings.Contains(name, `server="b"`) {
			t.Errorf("%s is there after Shutdown", name)
		}
	}
	elizatest.Start(t, eliza.WithObserver(prom.New(label("b"))))
}

// Metrics of a service of the host's are left out; the others are there.
func TestAReplacedServiceIsNotCounted(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	own := elizatest.Start(t)
	s := elizatest.Start(t, eliza.WithObserver(prom.New(reg)), eliza.WithMessaging(struct{ messaging.Service }{own.Messaging()}))
	s.Get("/api/server/ping").Want(http.StatusOK)
	got := scrape(t, reg)
	if _, there := got["eliza_deliveries_waiting"]; there || got[`eliza_http_requests_total{code="200",method="GET",route="/api/server/ping"}`] != 1 {
		t.Errorf("metrics of a server with the host's messaging: %v", got)
	}
}
