package elizatest

import (
	"context"
	"io"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/apitest"
	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/runtime/core"
)

// Server is a running server, and what a test asks of it over HTTP.
type Server struct {
	*eliza.Server
	Client
	Web *httptest.Server
}

// Start runs a server on a new database file until the test ends; opts come after the defaults.
func Start(t testing.TB, opts ...eliza.Option) *Server {
	t.Helper()
	dir := t.TempDir()
	srv, err := eliza.NewServer(append([]eliza.Option{
		eliza.WithDatabase(filepath.Join(dir, "eliza.db")), eliza.WithFiles(media.DataDirs(dir)), eliza.WithLogger(Quiet()), eliza.WithSocketRate(-1),
		eliza.WithRateLimits(eliza.Limit{}, eliza.Limit{}, eliza.Limit{}),
	}, opts...)...)
	if err != nil {
		t.Fatalf("NewServer: %v", err)
	}
	web := httptest.NewServer(apitest.Handler(t, srv.Handler()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		web.Close()
	})
	if err := srv.Start(context.Background()); err != nil {
		t.Fatalf("Start: %v", err)
	}
	return &Server{Server: srv, Client: Client{T: t, Base: web.URL}, Web: web}
}

// Quiet is a logger that says nothing.
func Quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// Agent makes an agent with a name and starts it.
func (s *Server) Agent(name string) core.UUID {
	s.T.Helper()
	ctx := context.Background()
	a, _, err := s.Agents().Create(ctx, &core.Character{Name: name, Bio: core.Bio{Lines: []string{"made for a test"}}})
	if err != nil {
		s.T.Fatalf("create agent: %v", err)
	}
	if err := s.Agents().Start(ctx, a.Character.ID); err != nil {
		s.T.Fatalf("start agent: %v", err)
	}
	return a.Character.ID
}
