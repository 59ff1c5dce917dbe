package hosttest

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
)

// least is how many exchanges a proof needs.
const least = 40

// Router is a host whose router is to be proved.
type Router struct {
	// Host builds the host; with a server it mounts it at Prefix, with nil it is alone. See the package for its routes.
	Host   func(t testing.TB, srv *eliza.Server) http.Handler
	Prefix string   // "" for the root
	Paths  []string // asked for besides, by every method: paths of the host that others give to the server with the prefix
}

// Run compares the host alone with the host that has a server mounted, which is used meanwhile.
func Run(t *testing.T, r Router) {
	s := elizatest.Start(t, eliza.WithPublicPath(r.Prefix), eliza.WithAPIKey(key), eliza.WithPlugins(elizatest.Echo().Plugin()))
	before, after := listen(t, r.Host(t, nil)), listen(t, r.Host(t, s.Server))
	g := &guest{Client: elizatest.Client{T: t, Base: "http://" + after + r.Prefix, Header: http.Header{"X-Api-Key": {key}}}, server: s, host: after}
	t.Run("the server is mounted", func(t *testing.T) { g.on(t).use() })
	t.Run("exchanges", func(t *testing.T) { r.compare(t, before, after) })
	t.Run("every method", func(t *testing.T) { r.sweep(t, before, after) })
	t.Run("a connection both use", func(t *testing.T) { g.on(t).share(before) })
	t.Run("the server works still", func(t *testing.T) { g.on(t).use() })
}

// compare sends the golden exchanges.
func (r Router) compare(t *testing.T, before, after string) {
	sent := 0
	for _, e := range Exchanges() {
		if e.Taken && r.Prefix == "" {
			continue
		}
		sent++
		was, is := talk(t, before, e.Steps), talk(t, after, e.Steps)
		differ(t, e.Name, was, is)
		if status := lastStatus(was); len(e.Want) > 0 && !slices.Contains(e.Want, status) || !strings.Contains(was, e.Has) {
			t.Errorf("%s: the host alone answers %d, want one of %v with %q in\n%.2000s", e.Name, status, e.Want, e.Has, was)
		}
	}
	if sent < least {
		t.Errorf("%d exchanges, want %d at least", sent, least)
	}
}

// sweep asks by every method for paths around the server's.
func (r Router) sweep(t *testing.T, before, after string) {
	paths := []string{
		"/", "/page", "/page/", "/nope", "/items", "/items/", "/items/7", "/items/7/", "/items/a/b", "/files/", "/files/sub", "/static", "/bind", "/fail",
		"/ai", "/ais", "/aix/api/agents", "/AI/api", "/health", "/healthz", "/health/", "/ap", "/apis", "/socket", "/socket.iox", "/mediated/x", "/favicon.ico", "/%2e%2e/x",
	}
	if r.Prefix != "" {
		paths = append(paths, "/api", "/api/", "/api/status", "/api/agents", "/media", "/media/logo.svg", "/media/x", "/socket.io", "/socket.io/", "/socket.io/info")
	}
	for _, path := range append(paths, r.Paths...) {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "BREW"} {
			for _, origin := range []string{"", "Origin: https://app.example"} {
				request := ask(method, path)
				if origin != "" {
					request = ask(method, path, origin)
				}
				steps := []Step{{Send: request}}
				differ(t, fmt.Sprintf("%s %s %s", method, path, origin), talk(t, before, steps), talk(t, after, steps))
			}
		}
	}
}

func differ(t *testing.T, name, was, is string) {
	t.Helper()
	if was != is {
		t.Errorf("%s: the answer of the host alone was\n%.2000s\nand is with the server\n%.2000s", name, was, is)
	}
}

var statusLine = regexp.MustCompile(`(?m)^HTTP/1\.[01] (\d{3}) `)

// lastStatus is the status of the last answer, 0 when there is none.
func lastStatus(answers string) int {
	all := statusLine.FindAllStringSubmatch(answers, -1)
	if len(all) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(all[len(all)-1][1])
	return n
}
