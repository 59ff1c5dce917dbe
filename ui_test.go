package eliza_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"

	"github.com/labstack/echo/v4"
)

var webClient = fstest.MapFS{
	"index.html":               {Data: []byte("<!doctype html><title>client</title>")},
	"logo.svg":                 {Data: []byte("<svg/>")},
	"assets/index-D1kq9_xZ.js": {Data: []byte("export default 1")},
	"assets/plain.css":         {Data: []byte("body{}")},
}

func TestUI(t *testing.T) {
	t.Parallel()
	route := plugin.Plugin{Name: "pages", Routes: []plugin.Route{{Method: "GET", Path: "/hello", Public: true, Handler: func(c echo.Context, _ core.Runtime) error {
		return c.String(200, "from a plugin")
	}}}}
	s := elizatest.Start(t, eliza.WithUI(webClient), eliza.WithPlugins(route))
	s.Agent("Ada")
	for _, tc := range []struct {
		path, kind, cache, body string
		status                  int
	}{
		{"/", "text/html", "no-cache", "<title>client</title>", 200},
		{"/chat/123", "text/html", "no-cache", "<title>client</title>", 200},
		{"/assets/missing-dir/", "text/html", "no-cache", "<title>client</title>", 200},
		{"/assets/index-D1kq9_xZ.js", "text/javascript", "public, max-age=31536000, immutable", "export default 1", 200},
		{"/assets/plain.css", "text/css", "public, max-age=0", "body{}", 200},
		{"/logo.svg", "image/svg+xml", "public, max-age=0", "<svg/>", 200},
		{"/assets/gone-12345678.js", "application/javascript", "", "// JavaScript module not found: /assets/gone-12345678.js", 404},
		{"/x%3Cscript%3E.js", "application/javascript", "", "&lt;script&gt;", 404},
		{"/hello", "text/plain", "", "from a plugin", 200},
		{"/api/nothing", "application/json", "", "NOT_FOUND", 404},
		{"/../../etc/passwd", "text/html", "no-cache", "<title>client</title>", 200},
	} {
		a := s.Get(tc.path)
		if a.Status != tc.status || !strings.HasPrefix(a.Header.Get("Content-Type"), tc.kind) || a.Header.Get("Cache-Control") != tc.cache || !strings.Contains(string(a.Raw), tc.body) {
			t.Errorf("GET %s = %d %v %.80s, want %d %s %q %q", tc.path, a.Status, a.Header, a.Raw, tc.status, tc.kind, tc.cache, tc.body)
		}
	}
	first := s.Get("/logo.svg").Want(200)
	again := s.Client
	again.Header = http.Header{"If-None-Match": {first.Header.Get("ETag")}}
	again.Get("/logo.svg").Want(304)
	s.Post("/chat", map[string]any{}).Want(404)
}

func TestUIModes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		opts []eliza.Option
		text string
	}{
		{"without files", nil, "Client application not found"},
		{"switched off", []eliza.Option{eliza.WithUI(webClient), eliza.WithUIMode(eliza.UIOff)}, "Not found"},
		{"in production", []eliza.Option{eliza.WithUI(webClient), eliza.WithProduction(true), eliza.WithSecretSalt("salt of its own")}, "Not found"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if a := elizatest.Start(t, tc.opts...).Get("/").Want(404); !strings.Contains(string(a.Raw), tc.text) {
				t.Errorf("body = %s, want %q", a.Raw, tc.text)
			}
		})
	}
}
