package plugin

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

// maxUpload is the limit of a body with a file.
const maxUpload = 50 << 20

// Agents is what [Routes] need of the agents. An error of code [core.CodeNotFound] means that one is unknown
// or not running.
type Agents interface {
	// Runtime returns the running agent, built now when needed.
	Runtime(ctx context.Context, id core.UUID) (core.Runtime, error)
	// Active lists running agents in the order they were started.
	Active(ctx context.Context, limit int) ([]core.UUID, error)
}

// PluginsOf tells what plugins a running agent has, in the order of registration, from its stored character:
// nothing is built. An error of code [core.CodeNotFound] means that it is unknown or not running.
type PluginsOf func(ctx context.Context, agent core.UUID) ([]Plugin, error)

// RoutesOptions tunes [Routes]. The zero value is ready to use.
type RoutesOptions struct {
	Logger     *slog.Logger // slog.Default() when nil
	PublicPath string       // in front of the paths of panels
	UI         bool         // a web client is served: its pages at the root are never a plugin's
	Reserved   []string     // paths of the host that, with all below them, are never a plugin's; besides those of the contract
	MaxBody    int64        // bytes of a body, 2 MiB when 0
	MaxUpload  int64        // bytes of a body of a multipart route, 50 MiB when 0

	// RootLimit goes around what [Routes.Root] answers; nil = nothing does.
	RootLimit echo.MiddlewareFunc
	// Authenticate is asked by [Routes.Root] before a route that is not public runs; nil = no question.
	Authenticate func(*http.Request) (core.Identity, error)
}

// Routes serves the routes of plugins. It knows those of all plugins from the beginning and asks for each
// request which of them an agent has, so there is nothing to keep up to date, and Echo's router is never
// changed while it serves.
type Routes struct {
	table     *table
	agents    Agents
	pluginsOf PluginsOf
	opts      RoutesOptions
}

// NewRoutes returns the routes of plugins, which are all that any agent may have. Routes that cannot be
// served, among them those on a path of the server's own, are an error that names them all. Of two plugins
// with one name the first counts.
func NewRoutes(plugins []Plugin, agents Agents, pluginsOf PluginsOf, opts RoutesOptions) (*Routes, error) {
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	if opts.MaxBody == 0 {
		opts.MaxBody = httpapi.DefaultMaxBody
	}
	if opts.MaxUpload == 0 {
		opts.MaxUpload = maxUpload
	}
	t, err := newTable(plugins, opts)
	if err != nil {
		return nil, err
	}
	return &Routes{table: t, agents: agents, pluginsOf: pluginsOf, opts: opts}, nil
}

// agentPath is the route of one agent's plugins, below the group of agents.
const agentPath = "/:agentId/plugins/*"

// AgentRoutes registers panels and the plugin routes of a named agent on g, whose prefix the caller chooses
// (the contract's is /api/agents). It brings no authentication.
func (h *Routes) AgentRoutes(g *echo.Group) {
	r := httpapi.NewRouter(g, httpapi.Options{Logger: h.opts.Logger, MaxBody: h.opts.MaxBody})
	r.GET("/:agentId/panels", h.panels)
	ofAgent := httpapi.Guard(h.opts.Logger, h.ofAgent)
	for _, method := range [...]string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	} {
		g.Add(method, agentPath, ofAgent)
	}
	g.RouteNotFound(agentPath, ofAgent) // other methods, preflights among them, meet the middleware of g too
}

func (h *Routes) panels(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "agentId")
	if err != nil {
		return err
	}
	plugins, err := h.pluginsOf(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return httpapi.OK(c, h.table.panels(id, plugins))
}

func (h *Routes) ofAgent(c echo.Context) error {
	if _, err := httpapi.UUIDParam(c, "agentId"); err != nil {
		return err
	}
	return orNotFound(h.serve(c, pathOfAgent(c), false))
}

// API answers what no other route below /api wants: /<route> and /<plugin>/<route>, or that there is nothing.
// It is registered as /* below the API's prefix, behind the authenticator, and must get bodies unread.
func (h *Routes) API(c echo.Context) error {
	return httpapi.Guard(h.opts.Logger, func(c echo.Context) error {
		return orNotFound(h.serve(c, pathOfAPI(c), false))
	})(c)
}

// Root answers /<route> and /<plugin>/<route> below the server's root, where it is registered as /*; next
// gets the requests that are for no plugin. Routes that are not public are behind
// RoutesOptions.Authenticate.
func (h *Routes) Root(c echo.Context, next echo.HandlerFunc) error {
	return h.root(c, "/"+c.Param("*"), next)
}

// RootRoutes registers every route of every plugin as /<route> and /<plugin>/<route> on g, and nothing else, for a g
// that has a prefix, each behind m: next gets what none of an agent's plugins answers. A pattern in the prefix is a
// path's part.
func (h *Routes) RootRoutes(g *echo.Group, next echo.HandlerFunc, m ...echo.MiddlewareFunc) {
	known := map[string]bool{}
	for _, p := range h.table.plugins {
		for _, one := range p.routes {
			for _, parts := range [...][]string{one.parts, append(p.parts[:len(p.parts):len(p.parts)], one.parts...)} {
				if len(parts) == 0 || parts[0] == "api" || h.table.isReserved(parts) {
					continue
				}
				path := "/" + strings.Join(parts, "/")
				if one.kind == below {
					path += "/*"
				}
				for _, method := range append(one.methods(), http.MethodOptions) { // which the middleware of g answers
					if key := method + path; !known[key] {
						known[key] = true
						h.rootRoute(g, method, path, next, m)
					}
				}
			}
		}
	}
}

// rootRoute registers one. What of a path is g's prefix is known when that is done.
func (h *Routes) rootRoute(g *echo.Group, method, path string, next echo.HandlerFunc, m []echo.MiddlewareFunc) {
	var prefix int // its parts
	added := g.Add(method, path, func(c echo.Context) error {
		rest := echo.GetPath(c.Request())
		for range prefix {
			_, rest, _ = strings.Cut(strings.TrimPrefix(rest, "/"), "/")
			rest = "/" + rest
		}
		return h.root(c, rest, next)
	}, m...)
	prefix = strings.Count(strings.TrimSuffix(added.Path, path), "/")
}

func (h *Routes) root(c echo.Context, path string, next echo.HandlerFunc) error {
	served := true // also when it panics
	serve := func(c echo.Context) (err error) {
		served, err = h.serve(c, path, true)
		served = served || err != nil
		return err
	}
	if t, ok := h.table.target(path, escaped(c)); ok && h.opts.RootLimit != nil && len(h.table.find(c.Request().Method, t)) > 0 {
		serve = h.opts.RootLimit(serve)
	}
	err := httpapi.Guard(h.opts.Logger, serve)(c)
	if !served {
		return next(c)
	}
	return err
}

// Public tells whether a request needs no key: a GET or HEAD that only public routes of plugins can answer,
// whatever agent it is for. It is for middleware of the routes [Routes.AgentRoutes] and [Routes.API] were
// registered as; of any other route the answer is no.
func (h *Routes) Public(c echo.Context) bool {
	var path string
	switch {
	case strings.HasSuffix(c.Path(), agentPath):
		path = pathOfAgent(c)
	case strings.HasSuffix(c.Path(), "/api/*"):
		path = pathOfAPI(c)
	default:
		return false
	}
	t, ok := h.table.target(path, escaped(c))
	return ok && h.table.onlyPublic(c.Request().Method, t)
}

// pathOfAgent and pathOfAPI are a request's path without what the host put in front.
func pathOfAgent(c echo.Context) string {
	return "/api/agents/" + c.Param("agentId") + "/plugins/" + c.Param("*")
}

func pathOfAPI(c echo.Context) string { return "/api/" + c.Param("*") }

// escaped tells whether Echo matched the path as it came over the wire, and so gives it.
func escaped(c echo.Context) bool { return c.Request().URL.RawPath != "" }

func orNotFound(served bool, err error) error {
	if err == nil && !served {
		return httpapi.ErrNotFound
	}
	return err
}
