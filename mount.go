package eliza

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/audio"
	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/api"
)

// Group is one group of routes, to be registered under any prefix. It brings validation and size limits,
// but no authentication: put [APIKey], or the host's own middleware, in front.
type Group interface{ Routes(g *echo.Group) }

// Groups are the groups of routes a server has. [Server.Mount] puts each under the path in its comment.
type Groups struct {
	Agents    Group        // /api/agents: agents, their worlds, logs, memories, rooms, panels and plugin routes
	Memory    Group        // /api/memory
	Messaging Group        // /api/messaging
	Media     Group        // /api/media
	Audio     Group        // /api/audio
	Files     Group        // /media; names are secrets, nobody is asked for a key unless [WithPrivateFiles] says so
	Runtime   Group        // /api/runtime, and /api/server
	System    Group        // /api/system
	Describe  Group        // /api: openapi.json, asyncapi.json and docs, the page of both
	Gateway   http.Handler // /socket.io/; it authenticates by itself
}

type routes func(g *echo.Group)

func (r routes) Routes(g *echo.Group) { r(g) }

func (s *Server) newGroups() Groups {
	agentRoutes := agents.NewHandler(s.agents, agents.HandlerOptions{Logger: s.log, MaxBody: s.cfg.maxBody, Characters: s.cfg.characters})
	memories := memory.NewHandler(s.memory, s.agents, memory.HandlerOptions{Logger: s.log, MaxBody: s.cfg.maxBody, PublicURL: s.media.PublicURL})
	files := media.NewHandler(s.media, s.agents, media.HandlerOptions{Logger: s.log, Uploads: []echo.MiddlewareFunc{s.limits.file, s.limits.upload}, Private: s.cfg.privateFiles})
	talk := messaging.NewHandler(s.messaging, messaging.HandlerOptions{Logger: s.log, MaxBody: s.cfg.maxBody, Wait: s.cfg.turnTimeout, InputControl: s.cfg.inputControl, Now: s.cfg.now, Dropped: s.cfg.observer.StreamDropped})
	return Groups{
		Agents: routes(func(g *echo.Group) {
			memories.AgentRoutes(g)
			s.routes.AgentRoutes(g)
			agentRoutes.Routes(g)
		}),
		Memory: memories,
		Messaging: routes(func(g *echo.Group) {
			files.MessagingRoutes(g)
			talk.Routes(g)
		}),
		Media: files,
		Audio: audio.NewHandler(s.audio, audio.HandlerOptions{
			Logger: s.log, MaxBody: s.cfg.maxBody, File: []echo.MiddlewareFunc{s.limits.file}, Upload: []echo.MiddlewareFunc{s.limits.upload},
		}),
		Files:   routes(files.FileRoutes),
		Runtime: s.operations,
		System:  routes(s.operations.SystemRoutes),
		Describe: api.NewHandler(api.HandlerOptions{
			Logger: s.log, Description: api.Description{PublicPath: s.cfg.publicPath, Version: s.cfg.version},
		}),
		Gateway: s.gateway,
	}
}

// Groups returns the groups of routes, to mount one at a time.
func (s *Server) Groups() Groups { return s.groups }

// Mount registers everything below g: g/api/…, g/media/…, g/socket.io/, and, when g has a prefix, g/health, g/healthz, the
// routes of plugins, and the web client of [WithUI]. Routes of the host are not touched: no middleware is put on g
// itself, and what is not ours below it stays the host's.
func (s *Server) Mount(g *echo.Group) {
	guarded := []echo.MiddlewareFunc{
		s.watch, requests(s.log), securityHeaders(s.cfg.production, "no-referrer"), cors(s.cfg.apiOrigins),
		s.gate, s.limits.general, authenticate(s.log, s.cfg.auth, s.routes.Public),
	}
	s.groups.Media.Routes(g.Group("/api/media", guarded...))
	below := g.Group("/api", append(guarded, contentTypes(s.log))...)
	s.groups.Agents.Routes(below.Group("/agents"))
	s.groups.Memory.Routes(below.Group("/memory"))
	s.groups.Messaging.Routes(below.Group("/messaging"))
	s.groups.Audio.Routes(below.Group("/audio"))
	s.groups.Runtime.Routes(below.Group("/runtime"))
	s.groups.Runtime.Routes(below.Group("/server"))
	s.groups.System.Routes(below.Group("/system"))
	s.groups.Describe.Routes(below)
	for _, path := range [...]string{"", "/", "/*"} {
		below.Any(path, s.routes.API)
	}
	secure := securityHeaders(s.cfg.production, "no-referrer-when-downgrade")
	files := []echo.MiddlewareFunc{s.watch, requests(s.log), secure, cors(s.cfg.origins), s.gate}
	if s.cfg.privateFiles {
		files = append(files, authenticate(s.log, s.cfg.auth, func(echo.Context) bool { return false }))
	}
	s.groups.Files.Routes(g.Group("/media", files...))
	var prefix string
	for _, path := range [...]string{"/socket.io", "/socket.io/*"} {
		g.Any(path, echo.WrapHandler(s.gateway), secure)
		added := g.RouteNotFound(path, echo.WrapHandler(s.gateway), secure) // methods of other names
		prefix = strings.TrimSuffix(added.Path, path)
	}
	if prefix != "" {
		s.mountRoot(g)
	}
}

// mountRoot registers what lies at the root of a server on its own. On the bare root of a host that is the host's.
func (s *Server) mountRoot(g *echo.Group) {
	m := s.rootMiddleware()
	s.operations.RootRoutes(g, m...)
	s.routes.RootRoutes(g, func(echo.Context) error { return httpapi.ErrNotFound }, m...)
	if s.cfg.uiFiles == nil || s.cfg.uiOff() {
		return
	}
	client := &ui{files: s.cfg.uiFiles}
	for _, path := range [...]string{"", "/", "/*"} {
		g.Match([]string{http.MethodGet, http.MethodHead}, path, client.page, m...)
	}
}

func (s *Server) rootMiddleware() []echo.MiddlewareFunc {
	return []echo.MiddlewareFunc{s.watch, requests(s.log), securityHeaders(s.cfg.production, "no-referrer-when-downgrade"), cors(s.cfg.origins), s.gate}
}

// Handler serves everything, and below a prefix behind [http.StripPrefix]. On an [http.ServeMux] "/ai/" takes the
// methods a host's own page below it does not name, sends /ai there unless the host has a page of that path, and goes
// with "GET /{$}" as the host's first page but not with "GET /".
func (s *Server) Handler() http.Handler { return s.handler() }

// newHandler makes the handler of a server that runs alone, or inside a host that owns what we do not serve.
func (s *Server) newHandler(alone bool) http.Handler {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = echo.ExtractIPDirect()
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		if werr := httpapi.WriteError(c, s.log, err); werr != nil {
			s.log.Debug("answer not written", "err", werr)
		}
	}
	s.Mount(e.Group(""))
	root := e.Group("", s.rootMiddleware()...)
	s.operations.RootRoutes(root)
	client := &ui{files: s.cfg.uiFiles, off: s.cfg.uiOff(), alone: alone}
	for _, path := range [...]string{"", "/", "/*"} {
		root.Any(path, func(c echo.Context) error {
			if served, err := client.file(c); served || err != nil {
				return err
			}
			return s.routes.Root(c, client.fallback)
		})
	}
	return e
}

// origin is the decision about sockets' origins.
func origin(origins []string) func(*http.Request) (allow string, credentials, ok bool) {
	if anyOrigin(origins) {
		return nil
	}
	return func(r *http.Request) (string, bool, bool) {
		from := r.Header.Get(echo.HeaderOrigin)
		if from == "" {
			return "", false, true // no browser
		}
		if slices.ContainsFunc(origins, same(from)) {
			return from, true, true
		}
		return "", false, false
	}
}
