package eliza_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/plugin"
)

func TestFromEnvironment(t *testing.T) {
	t.Parallel()
	options := func(t *testing.T, vars ...string) []eliza.Option {
		t.Helper()
		opts, err := eliza.FromEnvironment(vars, plugin.Plugin{Name: "x", Settings: []string{"DECLARED"}})
		if err != nil {
			t.Fatalf("%q: %v", vars, err)
		}
		return opts
	}
	// server opens a server as the variables say, in a folder of the test unless they name one.
	server := func(t *testing.T, vars ...string) *elizatest.Server {
		t.Helper()
		return elizatest.Start(t, append(options(t, append([]string{"PGLITE_DATA_DIR=" + t.TempDir()}, vars...)...), eliza.WithDatabase(filepath.Join(t.TempDir(), "eliza.db")))...)
	}
	t.Run("where it listens", func(t *testing.T) {
		for vars, want := range map[string]string{
			"": "127.0.0.1:3000", "PORT=8080": "127.0.0.1:8080", "SERVER_PORT=8081": "127.0.0.1:8081", "PORT=1 SERVER_PORT=2": "127.0.0.1:1",
			"ELIZA_SERVER_AUTH_TOKEN=k": "0.0.0.0:3000", "SERVER_API_KEY=k": "0.0.0.0:3000", "SERVER_HOST=::1 PORT=65535": "[::1]:65535", "SERVER_HOST=0.0.0.0": "0.0.0.0:3000",
			"ELIZA_SERVER_AUTH_TOKEN=k SERVER_HOST=10.0.0.1": "10.0.0.1:3000", "PORT= SERVER_PORT=": "127.0.0.1:3000",
		} {
			if got := server(t, strings.Fields(vars)...).Addr(); got != want {
				t.Errorf("%s: listens on %s, want %s", vars, got, want)
			}
		}
	})
	t.Run("what is refused", func(t *testing.T) {
		for _, bad := range []string{
			"PORT=x", "PORT=-1", "PORT=65536", "PORT=80.5", "SERVER_PORT=99999999999999999999", "EXPRESS_MAX_PAYLOAD=lots", "EXPRESS_MAX_PAYLOAD=-1", "EXPRESS_MAX_PAYLOAD=0", "EXPRESS_MAX_PAYLOAD=2tb",
			"EXPRESS_MAX_PAYLOAD=99999999999gb", "EXPRESS_MAX_PAYLOAD=1.5mb",
		} {
			name, _, _ := strings.Cut(strings.TrimPrefix(bad, "SERVER_"), "=")
			if _, err := eliza.FromEnvironment([]string{bad}); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v", bad, err)
			}
		}
		_, err := eliza.FromEnvironment([]string{"PORT=x", "EXPRESS_MAX_PAYLOAD=y"})
		if err == nil || !strings.Contains(err.Error(), "PORT") || !strings.Contains(err.Error(), "EXPRESS_MAX_PAYLOAD") {
			t.Errorf("not all at once: %v", err)
		}
		for _, bad := range []string{"NODE_ENV=production", "CORS_ORIGIN=nope", "API_CORS_ORIGIN=https://x/y", "NODE_ENV=production SECRET_SALT=secretsalt"} {
			if _, err := eliza.NewServer(options(t, append(strings.Fields(bad), "PGLITE_DATA_DIR="+t.TempDir())...)...); err == nil {
				t.Errorf("%s is accepted", bad)
			}
		}
	})
	t.Run("where the data is", func(t *testing.T) {
		dir := t.TempDir()
		for vars, want := range map[string]string{
			"PGLITE_DATA_DIR=" + dir + "/a": dir + "/a/eliza.db", "ELIZA_DATABASE_DIR=" + dir + "/b": dir + "/b/eliza.db", "ELIZA_DATA_DIR=" + dir + "/c": dir + "/c/.elizadb/eliza.db",
			"PGLITE_DATA_DIR=" + dir + "/d ELIZA_DATABASE_DIR=" + dir + "/e": dir + "/d/eliza.db",
		} {
			srv, err := eliza.NewServer(append(options(t, strings.Fields(vars)...), eliza.WithLogger(elizatest.Quiet()))...)
			if err != nil {
				t.Fatal(err)
			}
			if err := srv.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(want); err != nil {
				t.Errorf("%s: %v", vars, err)
			}
		}
		for _, name := range []string{"POSTGRES_URL", "DATABASE_URL"} {
			_, err := eliza.NewServer(append(options(t, name+"=postgres://user:hunter2@127.0.0.1:1/x", "PGLITE_DATA_DIR="+dir), eliza.WithLogger(elizatest.Quiet()))...)
			if err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("the key", func(t *testing.T) {
		for vars, want := range map[string]int{"": 200, "ELIZA_SERVER_AUTH_TOKEN=k": 401, "SERVER_API_KEY=k": 401, "ELIZA_SERVER_AUTH_TOKEN=": 200} {
			server(t, strings.Fields(vars)...).Get("/api/agents").Want(want)
		}
		s := server(t, "ELIZA_SERVER_AUTH_TOKEN=a", "SERVER_API_KEY=b")
		for key, want := range map[string]int{"a": 200, "b": 401} {
			s.Header = map[string][]string{"X-Api-Key": {key}}
			s.Get("/api/agents").Want(want)
		}
	})
	t.Run("production", func(t *testing.T) {
		for vars, want := range map[string]string{"": "development", "NODE_ENV=development": "development", "NODE_ENV=test": "development", "NODE_ENV=production SECRET_SALT=pepper": "production"} {
			if got := server(t, strings.Fields(vars)...).Get("/api/system/version").Body["environment"]; got != want {
				t.Errorf("%s: %v, want %s", vars, got, want)
			}
		}
		if got := server(t, "APP_VERSION=7.8.9").Get("/api/system/version").Body["version"]; got != "7.8.9" {
			t.Errorf("version = %v", got)
		}
	})
	t.Run("origins", func(t *testing.T) {
		s := server(t, "CORS_ORIGIN=https://a.example.com, https://b.example.com", "API_CORS_ORIGIN=https://c.example.com")
		for origin, want := range map[string][2]string{
			"https://a.example.com": {"", "https://a.example.com"}, "https://b.example.com": {"", "https://b.example.com"}, "https://c.example.com": {"https://c.example.com", ""},
		} {
			s.Header = map[string][]string{"Origin": {origin}}
			for i, path := range []string{"/api/agents", "/healthz"} {
				if got := s.Get(path).Header.Get("Access-Control-Allow-Origin"); got != want[i] {
					t.Errorf("%s of %s: %q, want %q", path, origin, got, want[i])
				}
			}
		}
	})
	t.Run("the size of bodies", func(t *testing.T) {
		for size, limit := range map[string]int{"": 2 << 20, "100": 100, "100b": 100, "1kb": 1 << 10, " 1 KB ": 1 << 10, "1MB": 1 << 20} {
			s := server(t, "EXPRESS_MAX_PAYLOAD="+size)
			s.Post("/api/runtime/logs", `{"x":"`+strings.Repeat("x", limit-8)+`"}`).Want(200)
			s.Post("/api/runtime/logs", `{"x":"`+strings.Repeat("x", limit-7)+`"}`).Want(413)
		}
	})
	t.Run("characters in a folder", func(t *testing.T) {
		dir := t.TempDir()
		folder := filepath.Join(dir, "data", "characters")
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{filepath.Join(folder, "eva.json"): `{"name":"Eva","bio":"x"}`, filepath.Join(dir, "secret.json"): `{"name":"Secret","bio":"x"}`} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink(filepath.Join(dir, "secret.json"), filepath.Join(folder, "link.json")); err != nil {
			t.Fatal(err)
		}
		for _, vars := range []string{"ELIZA_DATA_DIR=" + dir, "ELIZA_DATA_DIR_CHARACTERS=" + folder} {
			s := server(t, vars)
			s.Post("/api/agents", map[string]any{"characterPath": "eva"}).Want(201)
			s.Post("/api/agents", map[string]any{"characterPath": "eva.json"}).Want(200)
			for _, bad := range []string{"../../secret.json", "/" + folder + "/eva.json", "link.json", "./eva.json", "none", ".", "eva.json/", `..\eva.json`} {
				s.Post("/api/agents", map[string]any{"characterPath": bad}).WantError(400, "CREATE_ERROR")
			}
		}
	})
}
