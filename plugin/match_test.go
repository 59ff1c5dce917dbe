package plugin

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/runtime/core"
)

// FuzzMatch takes any path apart. Whatever comes out: the server's own paths lead nowhere, a parameter is
// never a way out of a folder, and what needs no key for all agents needs none for any.
func FuzzMatch(f *testing.F) {
	for _, s := range []string{
		"/a/b", "/api/a/x", "/api/agents/0/plugins/@s/p/a", "/api/agents/0/plugins/@s%2Fp/a", "/api/agents/0", "/%61pi/agents/x",
		"//", "/a/%2e%2e/b", "/a/..%2f..%2fb", "/media/x", "/api", "/a/", "/%", "/@s/p/files/x/y", "/chat/1",
	} {
		f.Add(s, uint64(1))
	}
	h := func(echo.Context, core.Runtime) error { return nil }
	plugins := []Plugin{
		{Name: "a", Routes: []Route{{Method: "GET", Path: "/:x", Handler: h}, {Method: "GET", Path: "/b", Handler: h, Public: true}}},
		{Name: "@s/p", Routes: []Route{{Method: "GET", Path: "/files/*", Handler: h, Public: true}, {Method: "POST", Path: "/*", Handler: h, Public: true}}},
		{Name: "agents", Routes: []Route{{Method: "GET", Path: "/*", Handler: h, Public: true}}},
		{Name: "@s", Routes: []Route{{Method: "STATIC", Path: "/p/*", Dir: "x"}}},
	}
	table, err := newTable(plugins, RoutesOptions{UI: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string, seed uint64) {
		decoded, err := url.PathUnescape(path)
		for _, escaped := range []bool{true, false} {
			target, ok := table.target(path, escaped)
			if escaped && err != nil && ok {
				t.Fatalf("target(%q) = %+v, but its escapes are wrong", path, target)
			}
			if !ok {
				continue
			}
			plain := path
			if escaped {
				plain = decoded
			}
			if target.agent == "" && table.isReserved(split(plain)) && !strings.Contains(path, "%2") {
				t.Fatalf("target(%q) = %+v, but the path is the server's", path, target)
			}
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				found := table.find(method, target)
				public := table.onlyPublic(method, target)
				rng := rand.New(rand.NewPCG(seed, 0))
				for range 4 {
					m := pick(found, someOf(rng, plugins))
					if m == nil {
						continue
					}
					if public && !m.route.open(method) {
						t.Fatalf("%s %q is public, but %s%s is not", method, path, m.plugin.name, m.route.Path)
					}
					for _, part := range append(strings.Split(m.rest, "/"), m.params...) {
						if !escaped && part == ".." {
							t.Fatalf("%s %q has the part %q", method, path, part)
						}
					}
				}
			}
		}
	})
}

// someOf is some of the plugins in some order.
func someOf(rng *rand.Rand, plugins []Plugin) []Plugin {
	var out []Plugin
	for _, i := range rng.Perm(len(plugins))[:rng.IntN(len(plugins)+1)] {
		out = append(out, plugins[i])
	}
	return out
}

func BenchmarkNotAPlugins(b *testing.B) {
	var plugins []Plugin
	for _, name := range strings.Split("abcdefghijklmnopqrst", "") {
		p := Plugin{Name: name}
		for _, path := range []string{"/one", "/two/:id", "/three/*", "/four/five/six"} {
			p.Routes = append(p.Routes, Route{Method: "GET", Path: "/" + name + path, Handler: func(echo.Context, core.Runtime) error { return nil }})
		}
		plugins = append(plugins, p)
	}
	table, err := newTable(plugins, RoutesOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if t, ok := table.target("/assets/index-4f2a.js", false); ok {
			table.find(http.MethodGet, t)
		}
	}
}
