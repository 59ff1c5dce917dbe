package agents_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/labstack/echo/v4"
	"go.uber.org/goleak"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/internal/apitest"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is the routes of agents over a real database, with brains that only remember how they were made.
type fixture struct {
	t       *testing.T
	manager *agents.Manager
	store   agents.Store
	routes  http.Handler
	builds  atomic.Int32
	open    atomic.Int32 // brains not closed
	broken  atomic.Bool  // builds fail
	stopped []core.UUID
}

// brain is a runtime that takes a changed character over.
type brain struct {
	core.BareRuntime
	f    *fixture
	mu   sync.Mutex
	char *core.Character
}

func (b *brain) Turn(context.Context, *core.Turn, core.Out) (core.Outcome, error) {
	return core.Outcome{}, nil
}

func (b *brain) Character() *core.Character {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.char
}

func (b *brain) SwapCharacter(c *core.Character) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.char = c
}

func (b *brain) Close(context.Context) error {
	b.f.open.Add(-1)
	return nil
}

func setup(t *testing.T, change func(*agents.Options)) *fixture {
	t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	db, err := storage.Open(t.Context(), filepath.Join(t.TempDir(), "eliza.db"), storage.Options{Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, store: db.Agents()}
	opts := agents.Options{Logger: log, Stopped: func(_ context.Context, id core.UUID) error {
		f.stopped = append(f.stopped, id)
		return nil
	}}
	if change != nil {
		change(&opts)
	}
	f.manager, err = agents.New(db.Agents(), f.build, nil, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(f.manager.Close(context.Background()), db.Close()); err != nil {
			t.Error(err)
		}
		if n := f.open.Load(); n != 0 {
			t.Errorf("%d brains were not closed", n)
		}
	})
	e := echo.New()
	agents.NewHandler(f.manager, agents.HandlerOptions{Logger: log, Characters: fstest.MapFS{
		"ada.json": {Data: []byte(`{"name":"Ada from a file","bio":"x"}`)}, "sub/bob.json": {Data: []byte(`{"name":"Bob","bio":"x"}`)},
	}}).Routes(e.Group("/api/agents"))
	f.routes = apitest.Handler(t, e)
	return f
}

func (f *fixture) build(_ context.Context, c *core.Character) (core.Runtime, error) {
	f.builds.Add(1)
	if f.broken.Load() {
		return nil, errors.New("no brain today")
	}
	f.open.Add(1)
	return &brain{BareRuntime: core.BareRuntime{ID: c.ID}, f: f, char: c}, nil
}

// do sends a request and returns status and decoded body.
func (f *fixture) do(method, path, body string) (int, map[string]any) {
	f.t.Helper()
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	rec := httptest.NewRecorder()
	f.routes.ServeHTTP(rec, req)
	var out map[string]any
	_ = json.Unmarshal(rec.Body.Bytes(), &out)
	return rec.Code, out
}

// data is do for a request that must succeed.
func (f *fixture) data(status int, method, path, body string) map[string]any {
	f.t.Helper()
	got, out := f.do(method, path, body)
	if got != status {
		f.t.Fatalf("%s %s = %d %v, want %d", method, path, got, out, status)
	}
	d, _ := out["data"].(map[string]any)
	return d
}

// code is do for a request that must fail.
func (f *fixture) code(status int, method, path, body string) string {
	f.t.Helper()
	got, out := f.do(method, path, body)
	e, _ := out["error"].(map[string]any)
	if got != status || out["success"] != false {
		f.t.Fatalf("%s %s = %d %v, want %d", method, path, got, out, status)
	}
	code, _ := e["code"].(string)
	message, _ := e["message"].(string)
	return code + ": " + message
}

// make stores an agent.
func (f *fixture) make(character string) core.UUID {
	f.t.Helper()
	id, _ := f.data(201, http.MethodPost, "/api/agents", `{"characterJson":`+character+`}`)["id"].(string)
	return core.UUID(id)
}
