package memory_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/labstack/echo/v4"
	"go.uber.org/goleak"

	"github.com/eliza-go/eliza/internal/apitest"
	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ada  core.UUID = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
	eve  core.UUID = "eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee"
	user core.UUID = "11111111-1111-4111-8111-111111111111"
	hall core.UUID = "cccccccc-cccc-4ccc-8ccc-cccccccccc02" // a channel
)

// known are the agents there are.
type known []core.UUID

func (k known) Exists(_ context.Context, id core.UUID) (bool, error) {
	for _, a := range k {
		if a == id {
			return true, nil
		}
	}
	return false, nil
}

// counting counts the calls that reach the store to connect a turn.
type counting struct {
	memory.Store
	connects atomic.Int64
}

func (c *counting) Connect(ctx context.Context, conn memory.Connection) (*core.Room, error) {
	c.connects.Add(1)
	return c.Store.Connect(ctx, conn)
}

// server is the package over a database of its own, behind HTTP.
type server struct {
	t     testing.TB
	db    *storage.DB
	store *counting
	svc   *memory.Manager
	http  http.Handler
}

func start(t testing.TB, opts memory.Options) *server {
	t.Helper()
	db, err := storage.Open(t.Context(), filepath.Join(t.TempDir(), "eliza.db"), storage.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &server{t: t, db: db, store: &counting{Store: db.Memory()}}
	s.svc = memory.New(s.store, opts)
	t.Cleanup(s.svc.Close)
	e := echo.New()
	h := memory.NewHandler(s.svc, known{ada, eve}, memory.HandlerOptions{Logger: slog.New(slog.DiscardHandler)})
	h.AgentRoutes(e.Group("/api/agents"))
	h.Routes(e.Group("/api/memory"))
	s.http = apitest.Handler(t, e)
	return s
}

// do sends a request; a body that is not nil goes as JSON.
func (s *server) do(method, path string, body any) (status int, answer map[string]any) {
	s.t.Helper()
	var raw []byte
	switch b := body.(type) {
	case nil:
	case string:
		raw = []byte(b)
	default:
		var err error
		if raw, err = json.Marshal(b); err != nil {
			s.t.Fatal(err)
		}
	}
	req := httptest.NewRequest(method, path, bytes.NewReader(raw))
	req.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	s.http.ServeHTTP(rec, req)
	if rec.Body.Len() > 0 {
		if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil {
			s.t.Fatalf("%s %s: answer %q: %v", method, path, rec.Body, err)
		}
	}
	return rec.Code, answer
}

// data sends a request that must succeed and returns what is under "data".
func (s *server) data(method, path string, body any, status int) any {
	s.t.Helper()
	got, answer := s.do(method, path, body)
	if got != status {
		s.t.Fatalf("%s %s = %d %v, want %d", method, path, got, answer, status)
	}
	if status != http.StatusNoContent && answer["success"] != true {
		s.t.Fatalf("%s %s: answer %v is no success", method, path, answer)
	}
	return answer["data"]
}

// fails sends a request that must be refused.
func (s *server) fails(method, path string, body any, status int, code string) {
	s.t.Helper()
	got, answer := s.do(method, path, body)
	detail, _ := answer["error"].(map[string]any)
	if got != status || detail["code"] != code || answer["success"] != false {
		s.t.Errorf("%s %s %v = %d %v, want %d %s", method, path, body, got, answer, status, code)
	}
}

func (s *server) memories(path string) (texts []string, more bool) {
	s.t.Helper()
	d := s.data("GET", path, nil, 200).(map[string]any)
	for _, m := range d["memories"].([]any) {
		text, _ := m.(map[string]any)["content"].(map[string]any)["text"].(string)
		texts = append(texts, text)
	}
	return texts, d["hasMore"] == true
}

func (s *server) turn(channel, author core.UUID) *core.Turn {
	return &core.Turn{
		ChannelID: channel, ServerID: core.DefaultServerID, AuthorID: author, ChannelType: "DM", ChannelName: "the hall",
		AuthorName: "Bob", Source: "client_chat",
	}
}

// rows counts the rows of a table that match a condition.
func (s *server) rows(table, cond string, args ...any) (n int) {
	s.t.Helper()
	if err := s.db.WithTx(s.t.Context(), countRows(&n, table, cond, args)); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func must[T any](t testing.TB) func(v T, err error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
