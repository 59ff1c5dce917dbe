package plugin

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// target is a path taken apart.
type target struct {
	parts []string // decoded; without /api and without the agent
	slash bool     // the path ends in one
	api   bool     // it lies under /api
	agent string   // /api/agents/ID/plugins/…: the ID; then the plugin's name comes first
}

// match is a route a path leads to.
type match struct {
	plugin *routes
	route  *route
	name   int // parts of the path that are the plugin's name, 0 = none
	params []string
	rest   string // of a route that ends in /*
}

// target takes a path apart; ok is false for one no plugin can have. An escaped path is as it came over the
// wire, any other is decoded already.
func (r *table) target(path string, escaped bool) (t target, ok bool) {
	t.slash = strings.HasSuffix(path, "/")
	path, found := strings.CutPrefix(path, "/")
	path = strings.TrimSuffix(path, "/")
	if !found || path == "" {
		return t, false
	}
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if escaped {
			decoded, err := url.PathUnescape(part)
			if err != nil {
				return t, false
			}
			parts[i] = decoded
		}
		if !usable(parts[i]) {
			return t, false
		}
	}
	t.parts, t.api = parts, parts[0] == "api"
	if len(parts) > 4 && hasPrefix(parts, []string{"api", "agents"}) && parts[3] == "plugins" {
		t.parts, t.agent = parts[4:], parts[2]
		return t, true
	}
	if r.isReserved(parts) || len(parts) == 1 && t.api || r.ui && uiPages[parts[0]] {
		return t, false
	}
	return t, true
}

// find lists the routes of all plugins a path could lead to: for each plugin and spelling the best one.
func (r *table) find(method string, t target) []match {
	var out []match
	for _, p := range r.plugins {
		for _, from := range t.starts(p) {
			if m, ok := p.best(method, t, from); ok {
				out = append(out, m)
			}
		}
	}
	return out
}

// start is where in a path a plugin's own part may begin.
type start struct{ at, name int }

// starts lists the spellings of a path that could be meant for p.
func (t target) starts(p *routes) []start {
	if t.agent != "" {
		return p.after(t.parts, 0)
	}
	all := append([]start{{}}, p.after(t.parts, 0)...)
	if t.api {
		all = append(all, start{at: 1})
		all = append(all, p.after(t.parts, 1)...)
	}
	return all
}

// after is the start behind the plugin's name, if that stands at the given place. A slash in the name may
// have come encoded.
func (p *routes) after(parts []string, at int) []start {
	if hasPrefix(parts[at:], p.parts) {
		return []start{{at + len(p.parts), len(p.parts)}}
	}
	if at < len(parts) && parts[at] == p.name {
		return []start{{at + 1, len(p.parts)}}
	}
	return nil
}

// best is the plugin's best route for what begins at from.
func (p *routes) best(method string, t target, from start) (best match, ok bool) {
	parts := t.parts[from.at:]
	for _, one := range p.routes {
		if ok && one.kind >= best.route.kind || !one.serves(method) || t.api && from == (start{}) && !one.underAPI() {
			continue
		}
		if params, rest, fits := one.match(parts, t.slash); fits {
			best, ok = match{plugin: p, route: one, name: from.name, params: params, rest: rest}, true
		}
	}
	return best, ok
}

// serves tells whether the route answers a method.
func (one *route) serves(method string) bool { return slices.Contains(one.methods(), method) }

func (one *route) methods() []string {
	switch one.Method {
	case http.MethodGet, MethodStatic:
		return []string{http.MethodGet, http.MethodHead}
	}
	return []string{one.Method}
}

// underAPI tells whether the route's own path begins with /api.
func (one *route) underAPI() bool { return len(one.parts) > 0 && one.parts[0] == "api" }

// open tells whether a request by a method needs no key.
func (one *route) open(method string) bool {
	return one.Public && (method == http.MethodGet || method == http.MethodHead)
}

// match compares a path with the route's and returns the values of its parameters.
func (one *route) match(parts []string, slash bool) (params []string, rest string, ok bool) {
	n := len(one.parts)
	if len(parts) < n || one.kind != below && len(parts) > n {
		return nil, "", false
	}
	if one.kind == below && len(parts) == n && !slash {
		return nil, "", false
	}
	for i, part := range one.parts {
		switch {
		case part[0] == ':':
			params = append(params, parts[i])
		case part != parts[i]:
			return nil, "", false
		}
	}
	return params, strings.Join(parts[n:], "/"), true
}

// pick chooses among matches the one an agent with these plugins answers with, nil when it has none: of
// plugins named in the path the longest name, then the most exact route, then the order of registration.
func pick(found []match, plugins []Plugin) *match {
	longest := 0
	for _, m := range found {
		if m.name > 0 && position(m, plugins) >= 0 {
			longest = max(longest, len(m.plugin.name))
		}
	}
	var (
		best *match
		at   int
	)
	for i := range found {
		m := &found[i]
		pos := position(*m, plugins)
		if pos < 0 || m.name > 0 && len(m.plugin.name) < longest {
			continue
		}
		if best == nil || m.before(pos, best, at) {
			best, at = m, pos
		}
	}
	return best
}

// before tells whether m, of the plugin at pos, goes before another match.
func (m *match) before(pos int, other *match, at int) bool {
	switch {
	case m.route.kind != other.route.kind:
		return m.route.kind < other.route.kind
	case m.name != other.name:
		return m.name > other.name
	case pos != at:
		return pos < at
	}
	return m.route.order < other.route.order
}

// position is the place of a match's plugin among an agent's, -1 when it has it not.
func position(m match, plugins []Plugin) int {
	for i, p := range plugins {
		if p.Name == m.plugin.name {
			return i
		}
	}
	return -1
}
