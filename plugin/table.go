package plugin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

// MethodStatic is the method of a route that serves files.
const MethodStatic = "STATIC"

// table knows the routes of all plugins a server has and matches paths against them. Which of them an agent
// has is for the caller to say, so nothing in here goes stale; a table never changes.
type table struct {
	plugins  []*routes
	reserved [][]string
	ui       bool
	public   string
}

// routes are those of one plugin.
type routes struct {
	name   string
	parts  []string // of the name
	routes []*route
}

// route is a [Route] whose path was taken apart.
type route struct {
	Route
	parts []string
	kind  int // of its path: exact, with parameters, or below one
	order int
}

const (
	exact = iota
	withParams
	below // ends in /*
)

// reservedPaths belong to the server.
var reservedPaths = [...]string{
	"/api/agents", "/api/messaging", "/api/memory", "/api/media", "/api/audio", "/api/runtime", "/api/server",
	"/api/system", "/api/tee", "/api/openapi.json", "/api/asyncapi.json", "/api/docs", "/media", "/socket.io", "/health", "/healthz",
}

// uiPages are the first parts of paths the web client uses.
var uiPages = map[string]bool{
	"chat": true, "settings": true, "agents": true, "profile": true, "dashboard": true, "login": true,
	"register": true, "admin": true, "home": true, "about": true,
}

// newTable takes the plugins apart. Of two with one name the first counts. Routes that cannot be served,
// among them those on a path of the server, are an error that names them all.
func newTable(plugins []Plugin, opts RoutesOptions) (*table, error) {
	r := &table{ui: opts.UI, public: strings.TrimRight(opts.PublicPath, "/")}
	for _, p := range append(reservedPaths[:len(reservedPaths):len(reservedPaths)], opts.Reserved...) {
		r.reserved = append(r.reserved, split(p))
	}
	var errs []error
	known := map[string]bool{}
	for _, p := range plugins {
		if known[p.Name] || len(p.Routes) == 0 {
			continue
		}
		known[p.Name] = true
		rs := &routes{name: p.Name, parts: strings.Split(p.Name, "/")}
		for i, def := range p.Routes {
			one, err := r.compile(def, i)
			if err != nil {
				errs = append(errs, fmt.Errorf("plugin %s: route %s %s: %w", p.Name, def.Method, def.Path, err))
				continue
			}
			rs.routes = append(rs.routes, one)
		}
		if p.Name == "" {
			errs = append(errs, errors.New("plugin without a name has routes"))
		}
		r.plugins = append(r.plugins, rs)
	}
	return r, errors.Join(errs...)
}

func (r *table) compile(def Route, order int) (*route, error) {
	def.Method = strings.ToUpper(def.Method)
	if !strings.HasPrefix(def.Path, "/") {
		def.Path = "/" + def.Path
	}
	one := &route{Route: def, parts: split(def.Path), order: order}
	switch def.Method {
	case MethodStatic:
		if def.Dir == "" {
			return nil, errors.New("no Dir to serve")
		}
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		if def.Handler == nil {
			return nil, errors.New("no handler")
		}
	default:
		return nil, errors.New("unknown method")
	}
	if len(one.parts) == 0 || r.isReserved(one.parts) {
		return nil, errors.New("the path is the server's own")
	}
	if last := len(one.parts) - 1; one.parts[last] == "*" {
		one.kind, one.parts = below, one.parts[:last]
	}
	for _, part := range one.parts {
		switch {
		case !usable(part) || part == "*":
			return nil, errors.New("the path cannot be matched")
		case part[0] == ':' && one.kind == exact:
			one.kind = withParams
		}
	}
	return one, nil
}

// isReserved tells whether a path equals or lies under one of the server's own.
func (r *table) isReserved(parts []string) bool {
	for _, own := range r.reserved {
		if hasPrefix(parts, own) {
			return true
		}
	}
	return false
}

// Panel is a page of a plugin a web client can show in a frame.
type Panel struct {
	Name string `json:"name"`
	Path string `json:"path"`
}

// panels lists the public named GET routes of an agent's plugins.
func (r *table) panels(agent core.UUID, plugins []Plugin) []Panel {
	list := []Panel{}
	for _, p := range plugins {
		rs := r.named(p.Name)
		if rs == nil {
			continue
		}
		for _, one := range rs.routes {
			if !one.Public || one.Method != http.MethodGet || one.Name == "" {
				continue
			}
			path := r.public + "/api/agents/" + string(agent) + "/plugins"
			for _, part := range append(rs.parts[:len(rs.parts):len(rs.parts)], split(one.Path)...) {
				path += "/" + url.PathEscape(part)
			}
			list = append(list, Panel{Name: one.Name, Path: path + "?agentId=" + string(agent)})
		}
	}
	return list
}

func (r *table) named(name string) *routes {
	for _, rs := range r.plugins {
		if rs.name == name {
			return rs
		}
	}
	return nil
}

// onlyPublic tells whether a GET or HEAD can be answered by public routes only, whatever agent it is for.
func (r *table) onlyPublic(method string, t target) bool {
	if method != http.MethodGet && method != http.MethodHead {
		return false
	}
	matches := r.find(method, t)
	for _, m := range matches {
		if !m.route.Public {
			return false
		}
	}
	return len(matches) > 0
}

// split takes a path apart; slashes at its ends do not count.
func split(path string) []string {
	path = strings.Trim(path, "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

func hasPrefix(parts, prefix []string) bool {
	if len(parts) < len(prefix) {
		return false
	}
	for i, p := range prefix {
		if parts[i] != p {
			return false
		}
	}
	return true
}

// usable tells whether a part of a path can be matched: what could be mistaken for another path cannot.
func usable(part string) bool { return part != "" && part != "." && part != ".." }
