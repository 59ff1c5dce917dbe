package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
	"go.uber.org/goleak"

	"github.com/eliza-go/eliza/internal/apitest"
	"github.com/eliza-go/eliza/runtime"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// texts are the messages of entries.
func texts(entries []core.LogEntry) (out []string) {
	for _, e := range entries {
		out = append(out, e.Message)
	}
	return out
}

func TestTheLogKeepsTheNewest(t *testing.T) {
	t.Parallel()
	logs := runtime.NewLogs(3)
	log := slog.New(logs.Handler(slog.LevelInfo))
	for i := range 5 {
		log.Info(fmt.Sprint(i))
	}
	log.Debug("below the level")
	found, total := logs.Entries(runtime.Query{})
	if diff := cmp.Diff([]string{"2", "3", "4"}, texts(found)); diff != "" || total != 3 {
		t.Errorf("%d entries (-want +got):\n%s", total, diff)
	}
	if found, _ := logs.Entries(runtime.Query{Limit: 2}); cmp.Diff([]string{"3", "4"}, texts(found)) != "" {
		t.Errorf("the newest two = %v", texts(found))
	}
	logs.Clear()
	if found, total := logs.Entries(runtime.Query{}); len(found) != 0 || total != 0 {
		t.Errorf("after Clear: %v of %d", found, total)
	}
	log.Info("again")
	if found, _ := logs.Entries(runtime.Query{}); len(found) != 1 {
		t.Errorf("after Clear and one more: %v", found)
	}
}

func TestEntriesSayWhatTheRecordSaid(t *testing.T) {
	t.Parallel()
	logs := runtime.NewLogs(0)
	log := slog.New(logs.Handler(slog.LevelDebug)).With("component", "x").WithGroup("g").With("inner", 1)
	log.Warn("careful", "n", 7, "err", errors.New("broken"), slog.Group("deep", "a", true), "api_key", "k-123")
	slog.New(logs.Handler(slog.LevelDebug)).Error("about", "agent_id", core.DefaultServerID, "agent_name", "Ada", "level", "mine",
		"body", map[string]any{"password": "p", "user": "u"}, "long", strings.Repeat("x", 10_000))
	found, _ := logs.Entries(runtime.Query{})
	b, err := json.Marshal(found[0])
	if err != nil {
		t.Fatal(err)
	}
	var first map[string]any
	if err := json.Unmarshal(b, &first); err != nil {
		t.Fatal(err)
	}
	delete(first, "time")
	want := map[string]any{
		"level": 40.0, "msg": "careful", "component": "x", "g.inner": 1.0, "g.n": 7.0, "g.err": "broken", "g.deep.a": true, "g.api_key": "[redacted]",
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
	second := found[1]
	if second.AgentID != core.DefaultServerID || second.AgentName != "Ada" || second.Level != 50 || second.Fields["attr_level"] != "mine" {
		t.Errorf("entry = %+v", second)
	}
	if diff := cmp.Diff(map[string]any{"password": "[redacted]", "user": "u"}, second.Fields["body"]); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	if n := len(second.Fields["long"].(string)); n > 5000 {
		t.Errorf("a field of %d bytes was kept", n)
	}
}

func TestSubscribe(t *testing.T) {
	t.Parallel()
	logs := runtime.NewLogs(0)
	var got []string
	defer logs.Subscribe(func(core.LogEntry) { panic("whoever logs does not notice") })()
	cancel := logs.Subscribe(func(e core.LogEntry) { got = append(got, e.Message) })
	log := slog.New(logs.Handler(slog.LevelInfo))
	log.Info("one")
	cancel()
	cancel()
	log.Info("two")
	if diff := cmp.Diff([]string{"one"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

type agents struct {
	n   int
	err error
}

func (a *agents) CountActive(context.Context) (int, error) { return a.n, a.err }

func TestRoutes(t *testing.T) {
	t.Parallel()
	logs := runtime.NewLogs(0)
	who := &agents{}
	h := runtime.NewHandler(who, logs, runtime.HandlerOptions{Logger: slog.New(slog.DiscardHandler), Version: "1.2.3"})
	e := echo.New()
	h.Routes(e.Group("/api/runtime"))
	h.SystemRoutes(e.Group("/api/system"))
	h.RootRoutes(e.Group(""))
	described := apitest.Handler(t, e)
	ask := func(method, path, body string) (int, map[string]any) {
		t.Helper()
		req := httptest.NewRequest(method, path, strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		described.ServeHTTP(rec, req)
		var out map[string]any
		if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
			t.Fatalf("%s %s: %s", method, path, rec.Body)
		}
		return rec.Code, out
	}
	for _, tc := range []struct {
		agents int
		path   string
		code   int
		status string
	}{
		{0, "/api/runtime/health", 503, "OK"},
		{1, "/api/runtime/health", 200, "OK"},
		{1, "/api/runtime/status", 200, "ok"},
		{0, "/health", 503, "DEGRADED"},
		{2, "/health/", 200, "OK"},
		{0, "/healthz", 200, "ok"},
	} {
		who.n = tc.agents
		if code, body := ask("GET", tc.path, ""); code != tc.code || body["status"] != tc.status {
			t.Errorf("%s with %d agents = %d %v", tc.path, tc.agents, code, body)
		}
	}
	if _, body := ask("GET", "/api/runtime/ping", ""); body["pong"] != true {
		t.Errorf("ping = %v", body)
	}
	if _, body := ask("GET", "/api/system/version", ""); body["version"] != "1.2.3" || body["environment"] != "development" {
		t.Errorf("version = %v", body)
	}
	who.err = errors.New("secret detail")
	if code, body := ask("GET", "/api/runtime/status", ""); code != 500 || strings.Contains(fmt.Sprint(body), "secret detail") {
		t.Errorf("a failing store: %d %v", code, body)
	}

	log := slog.New(logs.Handler(slog.LevelDebug))
	log.Info("about Ada", "agent_name", "Ada")
	log.Warn("about nobody")
	count := func(method, path, body string, want int) {
		t.Helper()
		if code, got := ask(method, path, body); code != 200 || got["count"] != float64(want) || len(got["logs"].([]any)) != want {
			t.Errorf("%s %s %s = %d %v, want %d entries", method, path, body, code, got, want)
		}
	}
	count("GET", "/api/runtime/logs", "", 2)
	count("GET", "/api/runtime/logs?level=warn", "", 1)
	count("GET", "/api/runtime/logs?level=", "", 2)
	count("GET", "/api/runtime/logs?agentName=Ada", "", 1)
	count("GET", "/api/runtime/logs?limit=1", "", 1)
	count("GET", "/api/runtime/logs?since=9999999999999", "", 0)
	count("POST", "/api/runtime/logs", `{"level":"warn","limit":5}`, 1)
	count("POST", "/api/runtime/logs", `{"logs":[{"level":"error","message":"from a browser","metadata":{"token":"t"}}],"level":"error"}`, 1)
	for _, bad := range []string{`{"logs":7}`, `{"logs":[{"message":"` + strings.Repeat("x", 5000) + `"}]}`, `[`} {
		if code, body := ask("POST", "/api/runtime/logs", bad); code != 400 {
			t.Errorf("%.40s = %d %v", bad, code, body)
		}
	}
	if code, _ := ask("GET", "/api/runtime/logs?since=yesterday", ""); code != 400 {
		t.Errorf("a time nobody can read = %d", code)
	}
	if code, body := ask("DELETE", "/api/runtime/logs", ""); code != http.StatusOK || body["status"] != "success" {
		t.Errorf("clear = %d %v", code, body)
	}
	count("GET", "/api/runtime/logs", "", 0)
}

func FuzzLogFilters(f *testing.F) {
	logs := runtime.NewLogs(0)
	slog.New(logs.Handler(slog.LevelInfo)).Info("x", "agent_name", "Ada")
	h := runtime.NewHandler(&agents{}, logs, runtime.HandlerOptions{Logger: slog.New(slog.DiscardHandler)})
	e := echo.New()
	h.Routes(e.Group(""))
	f.Add(`{"since":"2026-01-01","level":"warn","agentName":"all","limit":"5","logs":[{"message":"m"}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		req := httptest.NewRequest(http.MethodPost, "/logs", strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, req)
		if rec.Code >= 500 {
			t.Errorf("%q = %d %s", body, rec.Code, rec.Body)
		}
	})
}
