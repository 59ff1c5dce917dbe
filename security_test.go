package eliza_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// routed is a plugin with routes, one of which panics.
func routed() plugin.Plugin {
	say := func(c echo.Context, _ core.Runtime) error { return c.String(200, "said") }
	return plugin.Plugin{Name: "routed", Routes: []plugin.Route{
		{Method: "GET", Path: "/open", Name: "Open", Public: true, Handler: say},
		{Method: "POST", Path: "/open", Public: true, Handler: say},
		{Method: "GET", Path: "/closed", Handler: say},
		{Method: "GET", Path: "/panic", Public: true, Handler: func(echo.Context, core.Runtime) error { panic("hunter2") }},
		{Method: "GET", Path: "/fail", Public: true, Handler: func(echo.Context, core.Runtime) error { return errors.New("hunter2") }},
	}}
}

func TestTheKeyGuardsTheAPI(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithAPIKey("right"), eliza.WithPlugins(routed()))
	agent := string(s.Agent("Ada"))
	paths := []string{
		"/api/runtime/ping", "/api/agents", "/api/agents/" + agent, "/api/agents/not-an-id", "/api/messaging/central-servers", "/api/memory/" + agent + "/rooms",
		"/api/system/version", "/api/server/logs", "/api/nope", "/api", "/api/", "/api//agents", "/api/%61gents", "/api/agents/../runtime/ping", "/api/agents/" + agent + "/panels",
		"/api/closed?agentId=" + agent, "/closed?agentId=" + agent, "/api/agents/" + agent + "/plugins/routed/closed", "/api/routed/closed",
	}
	t.Run("without a key, and with a wrong one", func(t *testing.T) {
		for _, h := range []http.Header{
			nil,
			{"X-Api-Key": {"wrong"}},
			{"X-Api-Key": {""}},
			{"X-Api-Key": {"righ"}},
			{"X-Api-Key": {"RIGHT"}},
			{"X-Api-Key": {"wrong", "right"}},
			{"Authorization": {"Bearer wrong"}},
			{"Authorization": {"right"}},
			{"Authorization": {"Basic right"}},
			{"Authorization": {"Bearer"}},
			{"X-Api-Key": {"wrong"}, "Authorization": {"Bearer right"}},
			{"Cookie": {"X-API-KEY=right"}},
		} {
			c := elizatest.Client{T: t, Base: s.Base, Header: h}
			for _, path := range paths {
				if a := c.Get(path).WantError(401, core.CodeUnauthorized); !strings.Contains(string(a.Raw), "Missing or invalid X-API-KEY header") {
					t.Errorf("%s: %s", path, a.Raw)
				}
				query := "?"
				if strings.Contains(path, "?") {
					query = "&"
				}
				c.Get(path + query + "key=right&apiKey=right&X-API-KEY=right").Want(401)
			}
			for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "HEAD", "BREW"} {
				c.Do(method, "/api/agents", nil).Want(401)
				c.Do(method, "/api/agents/"+agent+"/plugins/routed/open/none", nil).Want(401)
				c.Do(method, "/api/nope", "{").Want(401)
			}
			c.Post("/api/open?agentId="+agent, "{}").Want(401) // public is for GET and HEAD
		}
	})
	t.Run("with the right one", func(t *testing.T) {
		for _, h := range []http.Header{{"X-Api-Key": {"right"}}, {"x-api-key": {"right"}}, {"X-API-KEY": {"right"}}, {"Authorization": {"Bearer right"}}, {"authorization": {"bearer right"}}} {
			c := elizatest.Client{T: t, Base: s.Base, Header: h}
			c.Get("/api/runtime/ping").Want(200)
			c.Get("/api/nope").WantError(404, core.CodeNotFound)
			c.Get("/closed?agentId=" + agent).Want(200)
		}
	})
	t.Run("what needs none", func(t *testing.T) {
		for _, path := range []string{"/healthz", "/health", "/open?agentId=" + agent, "/api/open?agentId=" + agent, "/api/agents/" + agent + "/plugins/routed/open", "/api/routed/open", "/routed/open"} {
			s.Get(path).Want(200)
			s.Do("HEAD", path, nil).Want(200)
		}
		s.Get("/nope").Want(404)
		for _, path := range append(paths, "/", "/health", "/nope") {
			s.Do("OPTIONS", path, nil).Want(204)
		}
	})
	t.Run("sockets", func(t *testing.T) {
		for _, auth := range []any{nil, map[string]any{"apiKey": "wrong"}, map[string]any{"apiKey": 1}, map[string]any{"token": []string{"right"}}} {
			if text := elizatest.Dial(t, s.Base, auth, nil).WaitRefused(); text != `{"message":"Invalid or missing API Key"}` {
				t.Errorf("%v: %s", auth, text)
			}
		}
		elizatest.Dial(t, s.Base, map[string]any{"apiKey": "right"}, nil).Wait("connection_established", nil)
		elizatest.Dial(t, s.Base, map[string]any{"token": "right"}, nil).Wait("connection_established", nil)
		elizatest.Dial(t, s.Base, nil, http.Header{"X-Api-Key": {"right"}}).Wait("connection_established", nil)
		elizatest.Dial(t, s.Base, nil, http.Header{"Authorization": {"Bearer right"}}).Wait("connection_established", nil)
	})
}

func TestAnIdentityBindsItsCaller(t *testing.T) {
	t.Parallel()
	me, other := core.NewUUID(), core.NewUUID()
	s := elizatest.Start(t, eliza.WithAuthenticator(func(r *http.Request) (core.Identity, error) {
		switch r.Header.Get("X-API-KEY") {
		case "me":
			return core.Identity{EntityID: me}, nil
		case "broken":
			return core.Identity{}, errors.New("hunter2")
		case "panic":
			panic("hunter2")
		case "forbidden":
			return core.Identity{}, &core.Error{Code: core.CodeForbidden, Message: "Not you"}
		}
		return core.Identity{}, &core.Error{Code: core.CodeUnauthorized, Message: "Who are you?"}
	}))
	s.Header = http.Header{"X-Api-Key": {"me"}}
	body := func(author core.UUID) map[string]any {
		return map[string]any{"channel_id": someID, "author_id": author, "server_id": core.DefaultServerID, "content": "x"}
	}
	t.Run("over HTTP", func(t *testing.T) {
		refused(t, s, func(c elizatest.Client) {
			for _, path := range []string{"/submit", "/action", "/ingest-external", "/channels/" + someID + "/messages"} {
				for _, transport := range []string{"", "http", "sse"} {
					b := body(other)
					b["transport"] = transport
					c.Post("/api/messaging"+path, b).WantError(403, core.CodeForbidden)
				}
			}
		})
		id := s.Post("/api/messaging/submit", body(me)).Want(201).Data()["id"].(string)
		s.Patch("/api/messaging/action/"+id, map[string]any{"author_id": other}).WantError(403, core.CodeForbidden)
		s.Patch("/api/messaging/action/"+id, map[string]any{"author_id": me, "content": "y"}).Want(200)
	})
	t.Run("over sockets", func(t *testing.T) {
		refused(t, s, func(elizatest.Client) {
			if text := elizatest.Dial(t, s.Base, map[string]any{"apiKey": "me", "entityId": other}, nil).WaitRefused(); text != `{"message":"Valid entityId required"}` {
				t.Errorf("refused with %s", text)
			}
			sock := elizatest.Dial(t, s.Base, map[string]any{"apiKey": "me"}, nil)
			if a := sock.Wait("authenticated", nil); a["entityId"] != string(me) {
				t.Errorf("authenticated = %v", a)
			}
			sock.Emit("1", map[string]any{"channelId": someID, "entityId": other})
			sock.Emit("2", map[string]any{"channelId": someID, "senderId": other, "serverId": core.DefaultServerID, "message": "x"})
			for _, e := range sock.WaitCount("messageError", 2) {
				if e["code"] != "FORBIDDEN" {
					t.Errorf("messageError = %v", e)
				}
			}
			sock.Emit("1", map[string]any{"channelId": someID, "entityId": me})
			sock.Wait("channel_joined", nil)
		})
	})
	t.Run("an authenticator that fails", func(t *testing.T) {
		for key, want := range map[string]struct {
			status int
			code   core.Code
			text   string
		}{
			"broken": {500, core.CodeInternal, "Authentication failed"}, "panic": {500, core.CodeInternal, ""},
			"forbidden": {403, core.CodeForbidden, "Invalid or missing API Key"}, "nobody": {401, core.CodeUnauthorized, "Invalid or missing API Key"},
		} {
			c := elizatest.Client{T: t, Base: s.Base, Header: http.Header{"X-Api-Key": {key}}}
			if a := c.Get("/api/agents").WantError(want.status, want.code); strings.Contains(string(a.Raw), "hunter2") {
				t.Errorf("%s: %s", key, a.Raw)
			}
			if sock := elizatest.Dial(t, s.Base, map[string]any{"apiKey": key}, nil); want.text != "" {
				if text := sock.WaitRefused(); text != `{"message":"`+want.text+`"}` {
					t.Errorf("%s: %s", key, text)
				}
			}
		}
		s.Get("/api/agents").Want(200)
	})
}

var tooLong = strings.Repeat("x", 9000) // for an address

func TestCORS(t *testing.T) {
	t.Parallel()
	const own, foreign = "https://app.example.com", "https://evil.example.com"
	for _, tc := range []struct {
		name      string
		opts      []eliza.Option
		origin    string
		api, rest string // Access-Control-Allow-Origin on /api and elsewhere
	}{
		{"by default everybody may read", nil, foreign, "*", "*"},
		{"also with a star", []eliza.Option{eliza.WithCORSOrigins("*")}, foreign, "*", "*"},
		{"a star in a list counts", []eliza.Option{eliza.WithCORSOrigins(own, "*")}, foreign, "*", "*"},
		{"one of a list", []eliza.Option{eliza.WithCORSOrigins("https://a.example.com", own)}, own, own, own},
		{"none of a list", []eliza.Option{eliza.WithCORSOrigins(own)}, foreign, "", ""},
		{"another scheme", []eliza.Option{eliza.WithCORSOrigins(own)}, "http://app.example.com", "", ""},
		{"another port", []eliza.Option{eliza.WithCORSOrigins(own)}, own + ":8443", "", ""},
		{"a longer name", []eliza.Option{eliza.WithCORSOrigins(own)}, own + ".evil.com", "", ""},
		{"a dot is a dot", []eliza.Option{eliza.WithCORSOrigins(own)}, "https://appxexample.com", "", ""},
		{"a subdomain", []eliza.Option{eliza.WithCORSOrigins("https://example.com")}, own, "", ""},
		{"null", []eliza.Option{eliza.WithCORSOrigins(own)}, "null", "", ""},
		{"another list for the API", []eliza.Option{eliza.WithCORSOrigins(foreign), eliza.WithAPICORSOrigins(own)}, own, own, ""},
		{"and not the one for the rest", []eliza.Option{eliza.WithCORSOrigins(foreign), eliza.WithAPICORSOrigins(own)}, foreign, "", foreign},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := elizatest.Start(t, append(tc.opts, eliza.WithAPIKey("k"))...)
			s.T = t
			s.Header = http.Header{"Origin": {tc.origin}, "Access-Control-Request-Method": {"PATCH"}, "Access-Control-Request-Headers": {"x-api-key"}}
			for path, allow := range map[string]string{
				"/api/agents": tc.api, "/api/nope": tc.api, "/api/agents/" + someID + "/plugins/nope/x": tc.api, "/api/agents?" + tooLong: tc.api, "/healthz": tc.rest, "/nope": tc.rest, "/": tc.rest,
			} {
				credentials := ""
				if allow != "" && allow != "*" {
					credentials = "true"
				}
				pre, get := s.Do("OPTIONS", path, nil).Want(204), s.Get(path)
				for _, a := range []elizatest.Answer{pre, get} {
					if got := a.Header.Get("Access-Control-Allow-Origin"); got != allow || a.Header.Get("Access-Control-Allow-Credentials") != credentials {
						t.Errorf("%s: allows %q, credentials %q, want %q, %q", path, got, a.Header.Get("Access-Control-Allow-Credentials"), allow, credentials)
					}
					if allow != "*" && !strings.Contains(strings.Join(a.Header.Values("Vary"), ","), "Origin") {
						t.Errorf("%s: Vary = %v", path, a.Header.Values("Vary"))
					}
				}
				if len(pre.Raw) != 0 || allow != "" && (pre.Header.Get("Access-Control-Max-Age") != "86400" ||
					pre.Header.Get("Access-Control-Allow-Methods") != "GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS" ||
					strings.ReplaceAll(pre.Header.Get("Access-Control-Allow-Headers"), " ", "") != "Content-Type,Authorization,X-API-KEY,X-Entity-Id" ||
					!strings.Contains(get.Header.Get("Access-Control-Expose-Headers"), "Retry-After")) {
					t.Errorf("%s: preflight %v, answer %v", path, pre.Header, get.Header)
				}
			}
			status := 101
			if tc.rest == "" {
				status = 403
			}
			url := "ws" + strings.TrimPrefix(s.Base, "http") + "/socket.io/?EIO=4&transport=websocket"
			conn, res, err := websocket.DefaultDialer.Dial(url, http.Header{"Origin": {tc.origin}})
			if res == nil || res.StatusCode != status {
				t.Fatalf("a socket from there: %v, %v, want %d", res, err, status)
			}
			if conn != nil {
				_ = conn.Close()
			}
		})
	}
}

func TestHeadersThatProtectBrowsers(t *testing.T) {
	t.Parallel()
	for _, production := range []bool{false, true} {
		s := elizatest.Start(t, eliza.WithProduction(production), eliza.WithSecretSalt("pepper"), eliza.WithAPIKey("k"))
		for _, path := range []string{"/api/agents", "/api/nope", "/healthz", "/nope", "/socket.io/?EIO=4&transport=polling", "/socket.io/?EIO=3", "BREW /socket.io/", "BREW /api/nope", "/api/agents?" + tooLong, "/nope?" + tooLong} {
			method, path, named := strings.Cut(path, " ")
			if !named {
				method, path = "GET", method
			}
			h := s.Do(method, path, nil).Header
			want := map[string]string{
				"X-Content-Type-Options": "nosniff", "X-Frame-Options": "SAMEORIGIN", "Referrer-Policy": "no-referrer-when-downgrade", "Cross-Origin-Resource-Policy": "cross-origin",
				"Cross-Origin-Opener-Policy": "same-origin", "Origin-Agent-Cluster": "?1", "X-DNS-Prefetch-Control": "off", "X-Download-Options": "noopen",
				"X-Permitted-Cross-Domain-Policies": "none", "X-XSS-Protection": "0", "Strict-Transport-Security": "", "Server": "", "X-Powered-By": "",
			}
			if strings.HasPrefix(path, "/api") {
				want["Referrer-Policy"] = "no-referrer"
			}
			if production {
				want["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
			}
			for name, value := range want {
				if h.Get(name) != value {
					t.Errorf("production %v, %s: %s = %q, want %q", production, path, name, h.Get(name), value)
				}
			}
			csp := h.Get("Content-Security-Policy")
			if strict := strings.HasSuffix(csp, "frame-src 'self';base-uri 'self';form-action 'self';frame-ancestors 'self';script-src-attr 'none';upgrade-insecure-requests"); strict != production ||
				!strings.HasPrefix(csp, "default-src 'self';style-src 'self' 'unsafe-inline' https:") || strings.Contains(csp, "font-src 'self' https: http:") == production {
				t.Errorf("production %v, %s: %s", production, path, csp)
			}
		}
	}
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t)
	seen := map[string]bool{}
	for _, path := range []string{"/api/agents", "/api/nope", "/healthz", "/nope"} {
		id := s.Get(path).Header.Get("X-Request-Id")
		if id == "" || seen[id] {
			t.Errorf("%s: request id %q", path, id)
		}
		seen[id] = true
		for given, kept := range map[string]bool{"abc-123": true, strings.Repeat("x", 128): true, strings.Repeat("x", 129): false, "ä": false, "a\tb": false} {
			c := elizatest.Client{T: t, Base: s.Base, Header: http.Header{"X-Request-Id": {given}}}
			if got := c.Get(path).Header.Get("X-Request-Id"); (got == given) != kept || got == "" {
				t.Errorf("%s: %q became %q", path, given, got)
			}
		}
	}
}

func TestPanicsTellNothing(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithPlugins(routed()), eliza.WrapAgents(func(a agents.Service) agents.Service { return fragile{a} }))
	agent := string(s.Agent("Ada"))
	for _, route := range []string{
		"GET /panic?agentId=" + agent, "GET /api/panic?agentId=" + agent, "GET /api/agents/" + agent + "/plugins/routed/panic", "GET /fail", "GET /api/routed/fail", "DELETE /api/agents/" + agent,
	} {
		method, path, _ := strings.Cut(route, " ")
		a := s.Do(method, path, nil).WantError(500, core.CodeInternal)
		if e := a.Body["error"].(map[string]any); e["details"] != a.Header.Get("X-Request-Id") || e["details"] == "" || strings.Contains(string(a.Raw), "hunter2") {
			t.Errorf("%s: %s", route, a.Raw)
		}
	}
	s.Get("/api/runtime/ping").Want(200)
}

// fragile panics where nobody waits for it.
type fragile struct{ agents.Service }

func (fragile) Delete(context.Context, core.UUID) error { panic("hunter2") }

func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	s := elizatest.Start(t, eliza.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))), eliza.WithLog(slog.LevelDebug, 0), eliza.WithAPIKey("key-hunter2"),
		eliza.WithPlugins(elizatest.Echo().Plugin()))
	s.Header = http.Header{"X-Api-Key": {"key-hunter2"}}
	plain := strings.Repeat("ab", 16) + ":hunter2" // not what it looks like
	created := s.Post("/api/agents", map[string]any{"characterJson": map[string]any{
		"name": "Ada", "bio": "x", "secrets": map[string]any{"A": "hunter2", "B": plain}, "settings": map[string]any{"secrets": map[string]any{"C": "hunter2"}},
	}}).Want(201)
	id := created.Data()["id"].(string)
	path := "/api/agents/" + id
	answers := []elizatest.Answer{
		created, s.Get(path), s.Patch(path, map[string]any{"secrets": map[string]any{"D": "hunter2"}, "settings": map[string]any{"secrets": map[string]any{"E": "hunter2"}}}).Want(200),
		s.Post(path+"/start", nil).Want(200), s.Say(core.NewUUID(), core.NewUUID(), core.UUID(id), "hello", "http").Want(201), s.Get("/api/agents"), s.Get(path + "/memories"), s.Get(path + "/logs"),
		s.Patch(path, map[string]any{"secrets": map[string]any{"F": []string{"hunter2"}}}), s.Post("/api/agents", `{"characterJson":{"secrets":{"A":["hunter2"]}}}`),
		elizatest.Client{T: t, Base: s.Base, Header: http.Header{"X-Api-Key": {"wrong-hunter2"}}}.Get("/api/agents"), s.Post(path+"/stop", nil),
		s.Post("/api/runtime/logs", map[string]any{"logs": []any{map[string]any{"message": "m", "metadata": map[string]any{
			"password": "hunter2", "apiKey": "hunter2", "x": map[string]any{"Authorization": "hunter2", "deep": []any{map[string]any{"api_key": "hunter2"}}},
		}}}}).Want(200),
		s.Get("/api/runtime/logs?limit=1000"), s.Get("/api/server/logs?limit=1000"),
	}
	for i, a := range answers {
		if strings.Contains(string(a.Raw), "hunter2") {
			t.Errorf("answer %d tells a secret: %s", i, a.Raw)
		}
	}
	if strings.Contains(log.String(), "hunter2") {
		t.Errorf("the log tells a secret: %s", log.String())
	}
}

func TestPrivateFilesAskForTheKey(t *testing.T) {
	t.Parallel()
	for name, private := range map[string]bool{"as a rule": false, "when they are private": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := []eliza.Option{eliza.WithAPIKey("right")}
			if private {
				opts = append(opts, eliza.WithPrivateFiles())
			}
			s := elizatest.Start(t, opts...)
			kind, form := upload(t)
			c := s.Client
			c.Header = http.Header{"Content-Type": {kind}, "X-Api-Key": {"right"}}
			url, _ := c.Do(http.MethodPost, "/api/media/agents/"+string(s.Agent("Ada"))+"/upload-media", form).Want(200).Data()["url"].(string)
			with := c.Get(url).Want(200)
			if got := strings.HasPrefix(with.Header.Get("Cache-Control"), "private"); got != private {
				t.Errorf("Cache-Control: %s", with.Header.Get("Cache-Control"))
			}
			if private {
				s.Get(url).WantError(401, core.CodeUnauthorized)
			} else {
				s.Get(url).Want(200)
			}
		})
	}
}

func TestSocketsAreBounded(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithMaxSockets(1))
	s.Get("/socket.io/?EIO=4&transport=polling").Want(200)
	s.Get("/socket.io/?EIO=4&transport=polling").Want(503)
}
