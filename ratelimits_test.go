package eliza_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/apitest"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/runtime/core"
)

// knock sends a request from a peer straight to a handler.
func knock(t *testing.T, h http.Handler, method, path, peer string, header http.Header) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(""))
	r.RemoteAddr = peer
	for name, v := range header {
		r.Header[name] = v
	}
	rec := httptest.NewRecorder()
	apitest.Handler(t, h).ServeHTTP(rec, r)
	return rec.Result()
}

// limit is what an answer says about limits.
func limit(res *http.Response) string {
	return fmt.Sprint(res.StatusCode, " ", res.Header.Get("RateLimit-Policy"), " ", res.Header.Get("RateLimit-Remaining"))
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	const me, other = "203.0.113.1:1", "203.0.113.2:1"
	hour := func(n int) eliza.Limit { return eliza.Limit{Requests: n, Window: time.Hour} }
	check := func(t *testing.T, h http.Handler, method, path, peer string, header http.Header, want string) {
		t.Helper()
		if got := limit(knock(t, h, method, path, peer, header)); got != want {
			t.Errorf("%s %s of %s: %s, want %s", method, path, peer, got, want)
		}
	}
	t.Run("of the API", func(t *testing.T) {
		t.Parallel()
		s := elizatest.Start(t, eliza.WithAPIKey("k"), eliza.WithRateLimits(hour(5), eliza.Limit{}, eliza.Limit{}))
		h, key := s.Handler(), http.Header{"X-Api-Key": {"k"}}
		check(t, h, "GET", "/api/agents", me, key, "200 5;w=3600 4")
		check(t, h, "GET", "/api/agents", me, nil, "401 5;w=3600 3") // guessing keys counts
		check(t, h, "GET", "/api/nope", me, key, "404 5;w=3600 2")
		check(t, h, "OPTIONS", "/api/agents", me, nil, "204  ")
		for _, path := range []string{"/health", "/healthz"} {
			if res := knock(t, h, "GET", path, me, nil); res.Header.Get("RateLimit-Policy") != "100;w=60" {
				t.Errorf("%s: %s", path, limit(res))
			}
		}
		for _, path := range []string{"/", "/nope", "/socket.io/?EIO=4&transport=websocket"} {
			if res := knock(t, h, "GET", path, me, nil); res.Header.Get("RateLimit-Policy") != "" {
				t.Errorf("%s: %s", path, limit(res))
			}
		}
		check(t, h, "POST", "/api/server/ping", me, key, "404 5;w=3600 1")
		check(t, h, "HEAD", "/api/runtime/ping", me, key, "200 5;w=3600 0")
		check(t, h, "GET", "/api/runtime/ping", me, key, "429 5;w=3600 0")
		check(t, h, "GET", "/api/agents", me, nil, "429 5;w=3600 0") // and says nothing about the key
		check(t, h, "OPTIONS", "/api/agents", me, nil, "204  ")
		check(t, h, "GET", "/api/agents", other, key, "200 5;w=3600 4")
		res := knock(t, h, "GET", "/api/agents", me, http.Header{"Origin": {"https://example.com"}})
		if a := res.Header.Get("Retry-After"); a != "3600" && a != "3599" && a != "3598" {
			t.Errorf("Retry-After = %s", a)
		}
		if res.Header.Get("Access-Control-Allow-Origin") != "*" || res.Header.Get("X-Request-Id") == "" || res.Header.Get("X-Content-Type-Options") == "" {
			t.Errorf("a page cannot read the refusal: %v", res.Header)
		}
	})
	t.Run("of plugin routes at the root", func(t *testing.T) {
		t.Parallel()
		s := elizatest.Start(t, eliza.WithAPIKey("k"), eliza.WithPlugins(routed()), eliza.WithRateLimits(hour(3), eliza.Limit{}, eliza.Limit{}))
		s.Agent("Ada")
		h, key := s.Handler(), http.Header{"X-Api-Key": {"k"}}
		check(t, h, "GET", "/open", me, nil, "200 3;w=3600 2")
		check(t, h, "GET", "/routed/closed", me, nil, "401 3;w=3600 1")
		check(t, h, "GET", "/page-of-nobody", me, nil, "404  ")
		check(t, h, "GET", "/api/agents", me, key, "200 3;w=3600 0")
		check(t, h, "GET", "/closed", me, key, "429 3;w=3600 0")
	})
	t.Run("of files", func(t *testing.T) {
		t.Parallel()
		s := elizatest.Start(t, eliza.WithAPIKey("k"), eliza.WithRateLimits(hour(100), hour(2), eliza.Limit{}), eliza.WithEnvFile(filepath.Join(t.TempDir(), ".env")))
		key := http.Header{"X-Api-Key": {"k"}}
		for i, want := range []string{"200 2;w=3600 1", "200 2;w=3600 0", "429 2;w=3600 0"} {
			path := []string{"/api/system/env/local", "/api/system/env/local/"}[i%2]
			check(t, s.Handler(), "GET", path, me, key, want)
		}
		check(t, s.Handler(), "GET", "/api/agents", me, key, "200 100;w=3600 96")
	})
	t.Run("by default", func(t *testing.T) {
		t.Parallel()
		s := served(t, open(t, filepath.Join(t.TempDir(), "eliza.db"), eliza.WithAPIKey("k"), eliza.WithEnvFile(filepath.Join(t.TempDir(), ".env"))))
		defer func() { _ = s.Shutdown(context.Background()) }()
		key := http.Header{"X-Api-Key": {"k"}}
		check(t, s.Handler(), "GET", "/api/agents", me, key, "200 1000;w=900 999")
		check(t, s.Handler(), "GET", "/api/system/env/local", me, key, "200 100;w=300 99")
		for range 101 {
			knock(t, s.Handler(), "GET", "/healthz", me, nil)
		}
		res := knock(t, s.Handler(), "GET", "/healthz", me, nil)
		if kind := res.Header.Get("Content-Type"); res.StatusCode != 429 || !strings.HasPrefix(kind, "text/plain") {
			t.Errorf("health = %s as %s", limit(res), kind)
		}
		check(t, s.Handler(), "GET", "/healthz", "10.0.0.7:1", nil, "200  ")
		check(t, s.Handler(), "GET", "/api/agents", "127.0.0.1:1", key, "200 1000;w=900 999")
	})
	t.Run("behind proxies the environment names", func(t *testing.T) {
		t.Parallel()
		environ := func(proxies string) ([]eliza.Option, error) {
			return eliza.FromEnvironment([]string{"ELIZA_RATE_LIMIT_GENERAL=1/1h", "ELIZA_TRUSTED_PROXIES=" + proxies})
		}
		opts, err := environ("203.0.113.1, 10.0.0.0/8")
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		s := elizatest.Start(t, append(opts, eliza.WithDatabase(filepath.Join(dir, "eliza.db")), eliza.WithFiles(media.DataDirs(dir)), eliza.WithLogger(elizatest.Quiet()))...)
		for _, client := range []string{"198.51.100.1", "198.51.100.2"} {
			check(t, s.Handler(), "GET", "/api/agents", me, http.Header{"X-Forwarded-For": {client}}, "200 1;w=3600 0")
		}
		check(t, s.Handler(), "GET", "/api/agents", other, http.Header{"X-Forwarded-For": {"198.51.100.3"}}, "200 1;w=3600 0")
		check(t, s.Handler(), "GET", "/api/agents", other, http.Header{"X-Forwarded-For": {"198.51.100.4"}}, "429 1;w=3600 0")
		if _, err := environ("10.0.0.0/99"); err == nil || !strings.Contains(err.Error(), "ELIZA_TRUSTED_PROXIES") {
			t.Errorf("a prefix that is none: %v", err)
		}
	})
	t.Run("switched off", func(t *testing.T) {
		t.Parallel()
		for _, off := range []eliza.Limit{{}, {Requests: -1, Window: time.Hour}, {Requests: 1}, {Requests: 1, Window: -1}} {
			s := elizatest.Start(t, eliza.WithRateLimits(off, off, off))
			for range 3 {
				check(t, s.Handler(), "GET", "/api/agents", me, nil, "200  ")
			}
		}
	})
	t.Run("behind a proxy", func(t *testing.T) {
		t.Parallel()
		s := elizatest.Start(t, eliza.WithRateLimits(hour(1), eliza.Limit{}, eliza.Limit{}), eliza.WithTrustedProxies(netip.MustParsePrefix("203.0.113.0/31")))
		via := func(addr string) http.Header { return http.Header{"X-Forwarded-For": {addr}} }
		check(t, s.Handler(), "GET", "/api/agents", me, via("198.51.100.1"), "200 1;w=3600 0")
		check(t, s.Handler(), "GET", "/api/agents", me, via("198.51.100.2"), "200 1;w=3600 0")
		check(t, s.Handler(), "GET", "/api/agents", me, via("6.6.6.6, 198.51.100.1"), "429 1;w=3600 0")
		check(t, s.Handler(), "GET", "/api/agents", other, via("198.51.100.3"), "200 1;w=3600 0") // no proxy of ours
		check(t, s.Handler(), "GET", "/api/agents", other, via("198.51.100.4"), "429 1;w=3600 0")
		_, err := eliza.NewServer(eliza.WithTrustedProxies(netip.Prefix{}), eliza.WithDatabase(filepath.Join(t.TempDir(), "eliza.db")))
		if err == nil || !strings.Contains(err.Error(), "WithTrustedProxies") {
			t.Errorf("an empty prefix: %v", err)
		}
	})
}

func TestRateLimitsFromTheEnvironment(t *testing.T) {
	t.Parallel()
	for vars, want := range map[string][2]string{
		"":                                   {"1000;w=900", "100;w=300"},
		"ELIZA_RATE_LIMIT_GENERAL=off":       {"", "100;w=300"},
		"ELIZA_RATE_LIMIT_GENERAL=5/90s":     {"5;w=90", "100;w=300"},
		"ELIZA_RATE_LIMIT_FILE=7/1h":         {"1000;w=900", "7;w=3600"},
		"ELIZA_RATE_LIMIT_FILE=off":          {"1000;w=900", "1000;w=900"},
		"ELIZA_RATE_LIMIT_UPLOAD=1/1m30s":    {"1000;w=900", "100;w=300"},
		"ELIZA_RATE_LIMIT_GENERAL= 1000/15m": {"1000;w=900", "100;w=300"},
	} {
		opts, err := eliza.FromEnvironment([]string{vars})
		if err != nil {
			t.Fatalf("%s: %v", vars, err)
		}
		s := elizatest.Start(t, append(opts, eliza.WithDatabase(filepath.Join(t.TempDir(), "eliza.db")))...)
		for i, path := range []string{"/api/agents", "/api/system/env/local"} {
			if got := s.Get(path).Want(200).Header.Get("RateLimit-Policy"); got != want[i] {
				t.Errorf("%s: %s is limited by %q, want %q", vars, path, got, want[i])
			}
		}
	}
	for _, name := range []string{"ELIZA_RATE_LIMIT_GENERAL", "ELIZA_RATE_LIMIT_FILE", "ELIZA_RATE_LIMIT_UPLOAD"} {
		for _, bad := range []string{"1000", "on", "0", "0/15m", "-1/15m", "x/15m", "1000/15", "1000/", "/15m", "1000/0s", "1000/-1m", "1000/1ms", "1000/15m/2", "99999999999999999999/1m"} {
			if _, err := eliza.FromEnvironment([]string{name + "=" + bad}); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s=%s: %v", name, bad, err)
			}
		}
	}
}

func TestARequestStopsTheServer(t *testing.T) {
	t.Parallel()
	t.Run("that listens", func(t *testing.T) {
		t.Parallel()
		srv := open(t, filepath.Join(t.TempDir(), "eliza.db"))
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- srv.Serve(context.Background(), ln) }()
		c := elizatest.Client{T: t, Base: "http://" + ln.Addr().String(), Header: http.Header{"Origin": {"http://evil.example.com"}}}
		c.Post("/api/runtime/stop", nil).WantError(403, core.CodeForbidden)
		c.Header = nil
		if a := c.Post("/api/runtime/stop", nil).Want(200); string(a.Raw) != `{"message":"Server stopping..."}` {
			t.Errorf("answer = %s", a.Raw)
		}
		if err := <-ended; err != nil {
			t.Errorf("Serve = %v", err)
		}
	})
	t.Run("that a host serves", func(t *testing.T) {
		t.Parallel()
		s := elizatest.Start(t)
		for range 2 {
			if a := s.Post("/api/server/stop", nil); a.Status != 200 && a.Status != 503 {
				t.Errorf("stop = %d %s", a.Status, a.Raw)
			}
		}
		elizatest.Eventually(t, "refusals", func() bool { return s.Get("/api/agents").Status == 503 })
		if err := s.Start(t.Context()); err != nil {
			t.Errorf("Start after it = %v", err)
		}
	})
	t.Run("as the host says", func(t *testing.T) {
		t.Parallel()
		stopped := make(chan struct{}, 1)
		s := elizatest.Start(t, eliza.WithStop(func() { stopped <- struct{}{} }), eliza.WithOperator(func(r *http.Request) bool { return r.Header.Get("Operator") == "me" }))
		s.Header = http.Header{"X-Forwarded-For": {"198.51.100.1"}}
		s.Post("/api/runtime/stop", nil).WantError(403, core.CodeForbidden)
		s.Header.Set("Operator", "me")
		s.Post("/api/runtime/stop", nil).Want(200)
		<-stopped
		s.Get("/api/agents").Want(200)
	})
	t.Run("with the key", func(t *testing.T) {
		t.Parallel()
		s := elizatest.Start(t, eliza.WithAPIKey("k"), eliza.WithStop(func() {}))
		far := func(h http.Handler, header http.Header) int {
			return knock(t, h, "POST", "/api/runtime/stop", "203.0.113.1:1", header).StatusCode
		}
		if code := far(s.Handler(), nil); code != 401 {
			t.Errorf("without it = %d", code)
		}
		if code := far(s.Handler(), http.Header{"X-Api-Key": {"k"}}); code != 200 {
			t.Errorf("with it = %d", code)
		}
		host := strict() // which asks for no key
		s.Groups().Runtime.Routes(host.Group("/api/runtime"))
		if code := far(host, nil); code != 403 {
			t.Errorf("at a host that asks for none = %d", code)
		}
		s.Groups().Runtime.Routes(host.Group("/guarded/api/runtime", eliza.APIKey("k")))
		if code := knock(t, host, "POST", "/guarded/api/runtime/stop", "203.0.113.1:1", http.Header{"X-Api-Key": {"k"}}).StatusCode; code != 200 {
			t.Errorf("at a host that asks for it = %d", code)
		}
	})
}

func TestServersForWhoLooksForAFault(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t)
	s.Agent("Ada")
	a := s.Get("/api/server/debug/servers").Want(200)
	list, _ := a.Body["servers"].([]any)
	if len(list) != 1 || a.Body["count"] != 1.0 || list[0].(map[string]any)["id"] != string(core.DefaultServerID) || a.Data()["count"] != 1.0 {
		t.Errorf("servers = %s", a.Raw)
	}
}
