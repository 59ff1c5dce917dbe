package plugin_test

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

func newFleet() *fleet {
	demo := plugin.Plugin{Name: "demo", Routes: []plugin.Route{
		get("/thing", "thing"),
		get("/items/:id", "item"),
		get("/items/new", "new"),
		get("/items/*", "rest"),
		get("/api/own", "own"),
		{Method: "POST", Path: "/thing", Handler: tell("posted")},
	}}
	scoped := plugin.Plugin{Name: "@acme/tools", Routes: []plugin.Route{get("/thing", "scoped"), get("only", "only")}}
	return &fleet{order: []core.UUID{bob, ada}, plugins: map[core.UUID][]plugin.Plugin{
		ada: {demo, scoped}, bob: {demo}, carol: {demo},
	}}
}

func TestSpellings(t *testing.T) {
	t.Parallel()
	of := "/api/agents/" + string(ada) + "/plugins/"
	asAda := "?agentId=" + string(ada)
	tests := []struct{ method, path, want string }{
		{"GET", "/thing", "OK: thing b"}, // bob was started first
		{"GET", "/thing" + asAda, "OK: thing a"},
		{"GET", "/thing/", "OK: thing b"},
		{"GET", "/api/thing", "OK: thing b"},
		{"GET", "/api/thing?agentId=" + strings.ToUpper(string(ada)), "OK: thing a"},
		{"GET", "/demo/thing" + asAda, "OK: thing a"},
		{"GET", "/api/demo/thing" + asAda, "OK: thing a"},
		{"GET", of + "demo/thing", "OK: thing a"},
		{"GET", of + "demo/thing/" + asAda, "OK: thing a"},
		{"GET", of + "@acme/tools/thing", "OK: scoped a"},
		{"GET", of + "@acme%2Ftools/thing", "OK: scoped a"},
		{"GET", "/@acme/tools/thing", "OK: scoped a"}, // only ada has it
		{"GET", "/api/@acme%2ftools/thing", "OK: scoped a"},
		{"GET", "/only", "OK: only a"},
		{"GET", "/api/own", "OK: own b"},
		{"GET", "/api/demo/api/own", "OK: own b"},
		{"HEAD", "/thing", "OK: thing b"},
		{"HEAD", of + "demo/thing", "OK: thing a"},
		{"POST", "/thing" + asAda, "OK: posted a"},
		{"POST", of + "demo/thing", "OK: posted a"},
		// Exact before parameters before open, whatever came first.
		{"GET", "/items/new", "OK: new b"},
		{"GET", "/items/7", "OK: item b id=7"},
		{"GET", "/items/a%2Fb%20c", "OK: item b id=a/b c"},
		{"GET", "/items/a%25b", "OK: item b id=a%b"},
		{"GET", "/items/a+b", "OK: item b id=a+b"},
		{"GET", "/items/7/x/y", "OK: rest b *=7/x/y"},
		{"GET", "/items/", "OK: rest b *="},
		{"GET", of + "demo/items/7/x", "OK: rest a *=7/x"},
		// Nobody's.
		{"GET", "/items", "Not Found: page"},
		{"GET", "/", "Not Found: page"},
		{"GET", "/nothing", "Not Found: page"},
		{"GET", "/THING", "Not Found: page"},
		{"DELETE", "/thing", "Not Found: page"},
		{"GET", "/items//7", "Not Found: page"},
		{"GET", "/items/%2e%2e", "Not Found: page"},
		{"GET", "/only?agentId=" + string(bob), "Not Found: page"},
		{"GET", "/thing?agentId=nope", "Not Found: page"},
		{"GET", "/thing?agentId=" + string(carol), "Not Found: page"},
		{"GET", "/api/nothing", "Not Found: NOT_FOUND"},
		{"GET", "/api", "Not Found: NOT_FOUND"},
		{"DELETE", "/api/thing", "Not Found: NOT_FOUND"},
		{"GET", of + "demo/nothing", "Not Found: NOT_FOUND"},
		{"GET", of + "other/thing", "Not Found: NOT_FOUND"},
		{"GET", of + "thing", "Not Found: NOT_FOUND"},
		{"GET", of, "Not Found: NOT_FOUND"},
		{"GET", "/api/only?agentId=" + string(bob), "Not Found: NOT_FOUND"},
		{"GET", "/api/thing?agentId=nope", "Bad Request: INVALID_AGENT_ID"},
		{"GET", "/api/thing?agentId=" + string(carol), "Not Found: AGENT_NOT_FOUND"},
		{"GET", of + "demo/thing?agentId=nope", "Bad Request: INVALID_AGENT_ID"},
		{"GET", of + "demo/thing?agentId=" + string(bob), "Bad Request: BAD_REQUEST"},
		{"GET", "/api/agents/nope/plugins/demo/thing", "Bad Request: INVALID_ID"},
		{"GET", "/api/agents/" + string(carol) + "/plugins/demo/thing", "Not Found: AGENT_NOT_FOUND"},
		// The server's own.
		{"GET", "/api/agents/x", "OK: core"},
		{"GET", "/api/agents/x/thing?agentId=nope", "Not Found: NOT_FOUND"},
		{"GET", "/api/%61gents/x/thing", "Not Found: NOT_FOUND"},
	}
	for _, prefix := range []string{"", "/ai"} {
		e := newServer(t, newFleet(), prefix, plugin.RoutesOptions{})
		for _, tt := range tests {
			t.Run(prefix+tt.method+tt.path, func(t *testing.T) {
				if got := answer(request(e, tt.method, prefix+tt.path, nil)); got != tt.want {
					t.Errorf("%s %s = %s, want %s", tt.method, tt.path, got, tt.want)
				}
			})
		}
	}
}

// TestNothingIsBuilt checks that looking for a route builds no agent but the one that answers.
func TestNothingIsBuilt(t *testing.T) {
	t.Parallel()
	f := newFleet()
	e := newServer(t, f, "", plugin.RoutesOptions{})
	for _, path := range []string{"/nothing", "/api/nothing", "/api/agents/" + string(ada) + "/panels", "/api/nothing?agentId=" + string(ada)} {
		request(e, "GET", path, nil)
	}
	if len(f.built) != 0 {
		t.Errorf("built %v for nothing", f.built)
	}
	request(e, "GET", "/only", nil)
	if d := cmp.Diff([]core.UUID{ada}, f.built); d != "" {
		t.Errorf("built agents differ (-want +got):\n%s", d)
	}
}

func TestLongestName(t *testing.T) {
	t.Parallel()
	f := &fleet{order: []core.UUID{ada, bob}, plugins: map[core.UUID][]plugin.Plugin{
		ada: {
			{Name: "a", Routes: []plugin.Route{get("/b/c", "short"), get("/b/d", "short")}},
			{Name: "a/b", Routes: []plugin.Route{get("/*", "long")}},
			{Name: "z", Routes: []plugin.Route{get("/a/:x/c", "bare"), get("/q/:x", "bare")}},
			{Name: "q", Routes: []plugin.Route{get("/:x", "named")}},
		},
		bob: {{Name: "a", Routes: []plugin.Route{get("/b/c", "short")}}},
	}}
	e := newServer(t, f, "", plugin.RoutesOptions{})
	for path, want := range map[string]string{
		"/api/agents/" + string(ada) + "/plugins/a/b/c": "OK: long a *=c",
		"/api/agents/" + string(bob) + "/plugins/a/b/c": "OK: short b",
		"/a/b/c?agentId=" + string(bob):                 "OK: short b",
		"/a/b/c":                                        "OK: bare a x=b", // parameters before open
		"/q/1":                                          "OK: named a x=1",
	} {
		if got := answer(request(e, "GET", path, nil)); got != want {
			t.Errorf("GET %s = %s, want %s", path, got, want)
		}
	}
}

func TestHandlerErrors(t *testing.T) {
	t.Parallel()
	fails := func(path string, err error) plugin.Route {
		return plugin.Route{Method: "GET", Path: path, Handler: func(echo.Context, core.Runtime) error { return err }}
	}
	f := &fleet{order: []core.UUID{ada}, plugins: map[core.UUID][]plugin.Plugin{ada: {{Name: "p", Routes: []plugin.Route{
		fails("/conflict", &core.Error{Code: core.CodeConflict, Message: "taken"}),
		fails("/missing", fmt.Errorf("open: %w", fs.ErrNotExist)),
		fails("/plain", errPlain),
		fails("/echo", echo.NewHTTPError(http.StatusForbidden)),
		{Method: "GET", Path: "/panic", Handler: func(echo.Context, core.Runtime) error { panic("boom") }},
	}}}}}
	e := newServer(t, f, "", plugin.RoutesOptions{})
	for path, want := range map[string]string{
		"conflict": "Conflict: CONFLICT", "missing": "Not Found: NOT_FOUND", "plain": "Internal Server Error: INTERNAL_ERROR",
		"echo": "Forbidden: FORBIDDEN", "panic": "Internal Server Error: INTERNAL_ERROR",
	} {
		for _, prefix := range []string{"/", "/api/", "/p/", "/api/agents/" + string(ada) + "/plugins/p/"} {
			status, body := request(e, "GET", prefix+path, nil)
			if got := answer(status, body); got != want || strings.Contains(body, "secret") {
				t.Errorf("GET %s = %s, want %s", prefix+path, body, want)
			}
		}
	}
	f.err = errPlain
	if got := answer(request(e, "GET", "/conflict", nil)); got != "Internal Server Error: INTERNAL_ERROR" {
		t.Errorf("GET of an agent that cannot be built = %s", got)
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	f := newFleet()
	page := get("/page", "page")
	page.Public = true
	private := get("/shared", "private")
	public := get("/shared", "public")
	public.Public = true
	submit := plugin.Route{Method: "POST", Path: "/page", Public: true, Handler: tell("submit")}
	catch := get("/:name", "any")
	catch.Public = true
	f.plugins[ada] = append(f.plugins[ada],
		plugin.Plugin{Name: "pages", Routes: []plugin.Route{page, submit, public}},
		plugin.Plugin{Name: "other", Routes: []plugin.Route{private}},
		plugin.Plugin{Name: "agents", Routes: []plugin.Route{catch}})
	e := newServer(t, f, "", plugin.RoutesOptions{Authenticate: authenticate})
	of := "/api/agents/" + string(ada) + "/plugins/"
	for _, tt := range []struct {
		method, path string
		public       bool
	}{
		{"GET", of + "pages/page", true},
		{"HEAD", of + "pages/page", true},
		{"GET", "/api/pages/page", true},
		{"GET", "/page", true},
		{"GET", "/pages/page", true},
		{"POST", "/page", false},
		{"POST", of + "pages/page", false},
		{"POST", "/api/page", false},
		{"GET", of + "demo/thing", false},
		{"GET", "/thing", false},
		{"GET", "/api/thing", false},
		{"GET", "/demo/thing?agentId=" + string(ada), false},
		{"GET", "/api/shared", false}, // a private route of another plugin could be meant
		{"GET", of + "pages/shared", true},
		{"GET", "/api/agents/x", false}, // the server's, whatever a plugin is called
		{"GET", "/api/agents/" + string(ada) + "/panels", false},
		{"GET", of + "agents/x", true},
	} {
		t.Run(tt.method+tt.path, func(t *testing.T) {
			without, _ := request(e, tt.method, tt.path, nil)
			with, _ := request(e, tt.method, tt.path, nil, "X-API-KEY", "k")
			want := http.StatusUnauthorized
			if tt.public {
				want = http.StatusOK
			}
			if without != want || with != http.StatusOK {
				t.Errorf("%s %s = %d without key and %d with it, want %d and 200", tt.method, tt.path, without, with, want)
			}
		})
	}
	if status, _ := request(e, "GET", "/api/nothing/deep", nil); status != http.StatusUnauthorized {
		t.Errorf("unknown path without key = %d, want 401", status)
	}
	if got := answer(request(e, "GET", "/nothing/deep", nil)); got != "Not Found: page" {
		t.Errorf("unknown page without key = %s", got)
	}
}

func TestIdentityReachesHandlers(t *testing.T) {
	t.Parallel()
	f := &fleet{order: []core.UUID{ada}, plugins: map[core.UUID][]plugin.Plugin{ada: {{Name: "p", Routes: []plugin.Route{
		{Method: "GET", Path: "/me", Handler: func(c echo.Context, _ core.Runtime) error {
			return c.String(http.StatusOK, core.IdentityFrom(c.Request().Context()).Name)
		}},
	}}}}}
	e := newServer(t, f, "", plugin.RoutesOptions{Authenticate: authenticate})
	if got := answer(request(e, "GET", "/me", nil, "X-API-KEY", "k")); got != "OK: host" {
		t.Errorf("GET /me = %s, want the identity", got)
	}
}

func TestUIPagesAtTheRoot(t *testing.T) {
	t.Parallel()
	f := &fleet{order: []core.UUID{ada}, plugins: map[core.UUID][]plugin.Plugin{ada: {
		{Name: "p", Routes: []plugin.Route{get("/chat", "chat"), get("/metrics/x", "metrics")}},
	}}}
	without := newServer(t, f, "", plugin.RoutesOptions{})
	f.plugins[ada] = []plugin.Plugin{{Name: "p", Routes: []plugin.Route{get("/chat", "chat")}}}
	with := newServer(t, f, "", plugin.RoutesOptions{UI: true})
	for path, want := range map[string][2]string{
		"/chat": {"OK: chat a", "Not Found: page"}, "/api/chat": {"OK: chat a", "OK: chat a"}, "/p/chat": {"OK: chat a", "OK: chat a"},
	} {
		for i, e := range []*echo.Echo{without, with} {
			if got := answer(request(e, "GET", path, nil)); got != want[i] {
				t.Errorf("GET %s with UI %v = %s, want %s", path, i == 1, got, want[i])
			}
		}
	}
}

func TestPanels(t *testing.T) {
	t.Parallel()
	panel := func(path, name string) plugin.Route {
		r := get(path, name)
		r.Name, r.Public = name, true
		return r
	}
	hidden := panel("/hidden", "Hidden")
	hidden.Public = false
	posting := panel("/post", "Post")
	posting.Method = "POST"
	f := newFleet()
	f.plugins[ada] = append(f.plugins[ada], plugin.Plugin{Name: "@acme/panels", Routes: []plugin.Route{
		panel("/my panel", "My Panel"), hidden, posting, get("/nameless", "nameless"),
	}})
	e := newServer(t, f, "", plugin.RoutesOptions{PublicPath: "/ai/"})
	status, body := request(e, "GET", "/api/agents/"+string(ada)+"/panels", nil)
	var got struct {
		Success bool
		Data    []plugin.Panel
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 || !got.Success {
		t.Fatalf("panels = %d %s", status, body)
	}
	path := "/api/agents/" + string(ada) + "/plugins/@acme/panels/my%20panel?agentId=" + string(ada)
	if d := cmp.Diff([]plugin.Panel{{Name: "My Panel", Path: "/ai" + path}}, got.Data); d != "" {
		t.Errorf("panels differ (-want +got):\n%s", d)
	}
	if got := answer(request(e, "GET", path, nil)); got != "OK: My Panel a" {
		t.Errorf("the panel = %s", got)
	}
	for target, want := range map[string]string{
		string(bob): `OK: {"success":true,"data":[]}`, string(carol): "Not Found: NOT_FOUND", "nope": "Bad Request: INVALID_ID",
	} {
		if got := answer(request(e, "GET", "/api/agents/"+target+"/panels", nil)); got != want {
			t.Errorf("panels of %s = %s, want %s", target, got, want)
		}
	}
}

func TestBodyLimits(t *testing.T) {
	t.Parallel()
	count := func(c echo.Context, _ core.Runtime) error {
		n, err := io.Copy(io.Discard, c.Request().Body)
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, fmt.Sprint(n))
	}
	f := &fleet{order: []core.UUID{ada}, plugins: map[core.UUID][]plugin.Plugin{ada: {{Name: "p", Routes: []plugin.Route{
		{Method: "POST", Path: "/json", Handler: count},
		{Method: "POST", Path: "/file", Handler: count, Multipart: true},
	}}}}}
	e := newServer(t, f, "", plugin.RoutesOptions{MaxBody: 10, MaxUpload: 100})
	for path, want := range map[string][3]string{
		"/json": {"OK: 10", "Request Entity Too Large: PAYLOAD_TOO_LARGE", "Request Entity Too Large: PAYLOAD_TOO_LARGE"},
		"/file": {"OK: 10", "OK: 100", "Request Entity Too Large: PAYLOAD_TOO_LARGE"},
	} {
		for i, size := range []int{10, 100, 101} {
			for _, prefix := range []string{"", "/api", "/api/agents/" + string(ada) + "/plugins/p"} {
				if got := answer(request(e, "POST", prefix+path, strings.NewReader(strings.Repeat("x", size)))); got != want[i] {
					t.Errorf("POST %s%s of %d bytes = %s, want %s", prefix, path, size, got, want[i])
				}
			}
		}
	}
}

func TestStatic(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("secret.txt", "secret")
	write("www/index.html", "home")
	write("www/sub/a b.txt", "text")
	write("one.txt", "one")
	if err := os.Symlink(filepath.Join(dir, "secret.txt"), filepath.Join(dir, "www/link.txt")); err != nil {
		t.Fatal(err)
	}
	f := &fleet{order: []core.UUID{ada}, plugins: map[core.UUID][]plugin.Plugin{ada: {{Name: "p", Routes: []plugin.Route{
		{Method: "STATIC", Path: "/www/*", Dir: filepath.Join(dir, "www")},
		{Method: "static", Path: "/one", Dir: filepath.Join(dir, "one.txt"), Public: true},
		{Method: "STATIC", Path: "/gone/*", Dir: filepath.Join(dir, "gone")},
		{Method: "STATIC", Path: "/folder", Dir: filepath.Join(dir, "www")},
	}}}}}
	e := newServer(t, f, "", plugin.RoutesOptions{})
	for _, tt := range []struct{ method, path, want string }{
		{"GET", "/www/sub/a%20b.txt", "OK: text"},
		{"GET", "/api/agents/" + string(ada) + "/plugins/p/www/sub/a%20b.txt", "OK: text"},
		{"HEAD", "/www/sub/a%20b.txt", "OK:"},
		{"GET", "/www/", "OK: home"},
		{"GET", "/one", "OK: one"},
		{"POST", "/one", "Not Found: page"},
		{"GET", "/www/none.txt", "Not Found: NOT_FOUND"},
		{"GET", "/www/sub", "Not Found: NOT_FOUND"},
		{"GET", "/www/link.txt", "Not Found: NOT_FOUND"},
		{"GET", "/www/..%2fsecret.txt", "Not Found: NOT_FOUND"},
		{"GET", "/www/%00", "Not Found: NOT_FOUND"},
		{"GET", "/www/%2e%2e/secret.txt", "Not Found: page"},
		{"GET", "/gone/x", "Not Found: NOT_FOUND"},
		{"GET", "/folder", "Not Found: NOT_FOUND"},
	} {
		if got := answer(request(e, tt.method, tt.path, nil)); got != tt.want {
			t.Errorf("%s %s = %s, want %s", tt.method, tt.path, got, tt.want)
		}
	}
	if len(f.built) != 0 {
		t.Errorf("built %v for files", f.built)
	}
}

func TestRefusedRoutes(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"/", "", "/api/agents", "/api/agents/x", "/api/messaging/*", "/api/memory", "/api/media/x", "/api/audio", "/api/runtime", "/api/server",
		"/api/system/env", "/api/tee", "/media", "/media/x", "/socket.io/", "/health", "/healthz", "/metrics/x", "/a//b", "/a/../b", "/a/*/b",
	} {
		_, err := plugin.NewRoutes([]plugin.Plugin{{Name: "p", Routes: []plugin.Route{get(path, "x")}}}, nil, nil, plugin.RoutesOptions{Reserved: []string{"/metrics"}})
		if err == nil || !strings.Contains(err.Error(), "plugin p") {
			t.Errorf("NewRoutes with %q = %v, want an error", path, err)
		}
	}
	for name, r := range map[string]plugin.Route{
		"no handler":     {Method: "GET", Path: "/x"},
		"no folder":      {Method: "STATIC", Path: "/x"},
		"unknown method": {Method: "FETCH", Path: "/x", Handler: tell("x")},
		"no method":      {Path: "/x", Handler: tell("x")},
	} {
		if _, err := plugin.NewRoutes([]plugin.Plugin{{Name: "p", Routes: []plugin.Route{r}}}, nil, nil, plugin.RoutesOptions{}); err == nil {
			t.Errorf("NewRoutes with %s = nil, want an error", name)
		}
	}
	for _, path := range []string{"/agents", "/healthy", "/mediafiles", "/api/tools", "/*", "/:x", "media2"} {
		if _, err := plugin.NewRoutes([]plugin.Plugin{{Name: "p", Routes: []plugin.Route{get(path, "x")}}}, nil, nil, plugin.RoutesOptions{}); err != nil {
			t.Errorf("NewRoutes with %q = %v", path, err)
		}
	}
}
