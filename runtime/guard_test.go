package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/apitest"
	"github.com/eliza-go/eliza/runtime"
	"github.com/eliza-go/eliza/runtime/core"
)

// operated serves the operations as opts say; a request with the header Admitted passed an authenticator.
func operated(t testing.TB, opts runtime.HandlerOptions) http.Handler {
	opts.Logger = slog.New(slog.DiscardHandler)
	h := runtime.NewHandler(&agents{}, runtime.NewLogs(0), opts)
	e := echo.New()
	g := e.Group("/api", func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if r := c.Request(); r.Header.Get("Admitted") != "" {
				c.SetRequest(r.WithContext(core.WithIdentity(r.Context(), core.Identity{})))
			}
			return next(c)
		}
	})
	h.Routes(g.Group("/runtime"))
	h.SystemRoutes(g.Group("/system"))
	h.RootRoutes(e.Group(""))
	return apitest.Handler(t, e)
}

// from is a request of a peer for a host.
func from(method, path, body, peer, host string, header http.Header) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.RemoteAddr, r.Host = peer, host
	for name, v := range header {
		r.Header[name] = v
	}
	r.Header.Set("Content-Type", "application/json")
	return r
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

func TestOnlyWhoMayOperates(t *testing.T) {
	t.Parallel()
	const here, far = "127.0.0.1:5000", "203.0.113.9:5000"
	yes := func(*http.Request) bool { return true }
	no := func(*http.Request) bool { return false }
	admitted := http.Header{"Admitted": {"yes"}}
	for name, tc := range map[string]struct {
		opts       runtime.HandlerOptions
		peer, host string
		header     http.Header
		stop, env  int
	}{
		"from this machine":              {peer: here, host: "localhost:3000", stop: 200, env: 200},
		"by address":                     {peer: here, host: "127.0.0.1:3000", stop: 200, env: 200},
		"by another address of it":       {peer: "127.8.8.8:1", host: "127.1.2.3", stop: 200, env: 200},
		"in IPv6":                        {peer: "[::1]:5000", host: "[::1]:3000", stop: 200, env: 200},
		"in IPv6, without port":          {peer: "[::1]:5000", host: "[::1]", stop: 200, env: 200},
		"IPv4 inside IPv6":               {peer: "[::ffff:127.0.0.1]:5000", host: "LOCALHOST", stop: 200, env: 200},
		"a page of its own":              {peer: here, host: "localhost:3000", header: http.Header{"Origin": {"http://localhost:3000"}}, stop: 200, env: 200},
		"a page of another site":         {peer: here, host: "localhost:3000", header: http.Header{"Origin": {"http://evil.example.com"}}, stop: 403, env: 403},
		"a page of another port":         {peer: here, host: "localhost:3000", header: http.Header{"Origin": {"http://localhost:8080"}}, stop: 403, env: 403},
		"a page of another local name":   {peer: here, host: "localhost:3000", header: http.Header{"Origin": {"http://127.0.0.1:3000"}}, stop: 403, env: 403},
		"a page without origin":          {peer: here, host: "localhost:3000", header: http.Header{"Origin": {"null"}}, stop: 403, env: 403},
		"an empty origin":                {peer: here, host: "localhost:3000", header: http.Header{"Origin": {""}}, stop: 403, env: 403},
		"two origins":                    {peer: here, host: "localhost:3000", header: http.Header{"Origin": {"http://localhost:3000", "http://evil.example.com"}}, stop: 403, env: 403},
		"a file of another scheme":       {peer: here, host: "localhost:3000", header: http.Header{"Origin": {"app://localhost:3000"}}, stop: 403, env: 403},
		"a name that was made to point":  {peer: here, host: "evil.example.com:3000", stop: 403, env: 403},
		"a name like this machine's":     {peer: here, host: "localhost.evil.example.com", stop: 403, env: 403},
		"an address of all":              {peer: here, host: "0.0.0.0:3000", stop: 403, env: 403},
		"no host":                        {peer: here, stop: 403, env: 403},
		"through a proxy":                {peer: here, host: "localhost:3000", header: http.Header{"X-Forwarded-For": {"203.0.113.9"}}, stop: 403, env: 403},
		"through a proxy that says less": {peer: here, host: "localhost:3000", header: http.Header{"X-Forwarded-Proto": {""}}, stop: 403, env: 403},
		"through a modern proxy":         {peer: here, host: "localhost:3000", header: http.Header{"Forwarded": {"for=203.0.113.9"}}, stop: 403, env: 403},
		"through another":                {peer: here, host: "localhost:3000", header: http.Header{"Via": {"1.1 x"}}, stop: 403, env: 403},
		"through nginx":                  {peer: here, host: "localhost:3000", header: http.Header{"X-Real-Ip": {"203.0.113.9"}}, stop: 403, env: 403},
		"from far away":                  {peer: far, host: "localhost:3000", stop: 403, env: 403},
		"from the same network":          {peer: "192.168.1.2:1", host: "localhost:3000", stop: 403, env: 403},
		"from nowhere":                   {peer: "@", host: "localhost:3000", stop: 403, env: 403},
		"with the key":                   {opts: runtime.HandlerOptions{Secured: true}, peer: far, host: "x", header: admitted, stop: 200, env: 200},
		"where nobody asked for the key": {opts: runtime.HandlerOptions{Secured: true}, peer: far, host: "x", stop: 403, env: 403},
		"admitted without any key":       {peer: far, host: "x", header: admitted, stop: 403, env: 403},
		"an operator":                    {opts: runtime.HandlerOptions{Operator: yes}, peer: far, host: "x", stop: 200, env: 200},
		"no operator":                    {opts: runtime.HandlerOptions{Operator: no}, peer: far, host: "x", stop: 403, env: 403},
		"no operator, from this machine": {opts: runtime.HandlerOptions{Operator: no}, peer: here, host: "localhost", stop: 200, env: 200},
		"in production":                  {opts: runtime.HandlerOptions{Environment: "production"}, peer: here, host: "localhost", stop: 200, env: 403},
		"in production with the key":     {opts: runtime.HandlerOptions{Environment: "production", Secured: true}, peer: far, host: "x", header: admitted, stop: 200, env: 403},
		"an operator in production":      {opts: runtime.HandlerOptions{Environment: "production", Operator: yes}, peer: far, host: "x", stop: 200, env: 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stopped := 0
			tc.opts.EnvFile, tc.opts.Stop = t.TempDir()+"/.env", func() { stopped++ }
			h := operated(t, tc.opts)
			check := func(method, path, body string, want int) {
				t.Helper()
				rec := serve(h, from(method, path, body, tc.peer, tc.host, tc.header))
				if rec.Code != want || want == 403 && !strings.Contains(rec.Body.String(), `"code":"FORBIDDEN"`) {
					t.Errorf("%s %s = %d %s, want %d", method, path, rec.Code, rec.Body, want)
				}
			}
			check("POST", "/api/runtime/stop", "", tc.stop)
			check("POST", "/api/runtime/stop", `{}`, tc.stop)
			check("GET", "/api/system/env/local", "", tc.env)
			check("POST", "/api/system/env/local", `{"content":{}}`, tc.env)
			check("POST", "/api/system/env/local/", `{"content":{}}`, tc.env)
			if want := map[int]int{200: 2, 403: 0}[tc.stop]; stopped != want {
				t.Errorf("stopped %d times, want %d", stopped, want)
			}
		})
	}
}

func TestStopAnswersFirst(t *testing.T) {
	t.Parallel()
	var rec *httptest.ResponseRecorder
	h := operated(t, runtime.HandlerOptions{Stop: func() {
		if !rec.Flushed || rec.Code != 200 || rec.Body.String() != `{"message":"Server stopping..."}` {
			t.Errorf("at the stop the client had %d %q, flushed %v", rec.Code, rec.Body, rec.Flushed)
		}
	}})
	rec = httptest.NewRecorder()
	h.ServeHTTP(rec, from("POST", "/api/runtime/stop", "", "127.0.0.1:1", "localhost", nil))
	if rec := serve(operated(t, runtime.HandlerOptions{}), from("POST", "/api/runtime/stop", "", "127.0.0.1:1", "localhost", nil)); rec.Code != 404 {
		t.Errorf("nothing to stop = %d", rec.Code)
	}
	if rec := serve(h, from("GET", "/api/runtime/stop", "", "127.0.0.1:1", "localhost", nil)); rec.Code != 404 && rec.Code != 405 {
		t.Errorf("GET = %d", rec.Code)
	}
}

func TestDebugServers(t *testing.T) {
	t.Parallel()
	get := func(servers func(context.Context) ([]any, error)) (int, string) {
		rec := serve(operated(t, runtime.HandlerOptions{Servers: servers}), from("GET", "/api/runtime/debug/servers", "", "203.0.113.9:1", "x", nil))
		return rec.Code, rec.Body.String()
	}
	const one = `{"createdAt":"2026-11-23T20:37:41.378Z","id":"00000000-0000-0000-0000-000000000000","name":"a","sourceType":"b","updatedAt":"2026-11-23T20:37:41.378Z"}`
	for _, tc := range []struct {
		servers func(context.Context) ([]any, error)
		code    int
		want    string
	}{
		{nil, 200, `{"count":0,"data":{"count":0,"servers":[]},"servers":[],"success":true}`},
		{func(context.Context) ([]any, error) { return []any{json.RawMessage(one)}, nil }, 200, `{"count":1,"data":{"count":1,"servers":[` + one + `]},"servers":[` + one + `],"success":true}`},
		{func(context.Context) ([]any, error) { return nil, errors.New("x") }, 500, `{"success":false,"error":{"code":"INTERNAL_ERROR","message":"Internal server error"}}`},
	} {
		code, body := get(tc.servers)
		if diff := cmp.Diff(tc.want, body); diff != "" || code != tc.code {
			t.Errorf("%d (-want +got):\n%s", code, diff)
		}
	}
}

func TestLimitsAreOfSingleRoutes(t *testing.T) {
	t.Parallel()
	mark := func(name string) echo.MiddlewareFunc {
		return func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error {
				c.Response().Header().Set("Limit", name)
				return next(c)
			}
		}
	}
	h := operated(t, runtime.HandlerOptions{FileLimit: mark("file"), HealthLimit: mark("health"), EnvFile: t.TempDir() + "/.env"})
	for path, want := range map[string]string{
		"/api/system/env/local": "file", "/api/system/env/local/": "file", "/health": "health", "/healthz": "health", "/api/runtime/health": "", "/api/system/version": "", "/nope": "",
	} {
		for _, peer := range []string{"127.0.0.1:1", "203.0.113.9:1"} { // those who are refused count too
			if got := serve(h, from("GET", path, "", peer, "localhost", nil)).Header().Get("Limit"); got != want {
				t.Errorf("%s is limited as %q, want %q", path, got, want)
			}
		}
	}
}
