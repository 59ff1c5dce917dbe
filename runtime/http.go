package runtime

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

// Agents is all that this package knows of agents.
type Agents interface {
	CountActive(ctx context.Context) (int, error)
}

// HandlerOptions tunes a [Handler]. The zero value is ready to use.
type HandlerOptions struct {
	Logger  *slog.Logger // slog.Default() when nil
	MaxBody int64        // of a JSON body, 2 MiB when 0
	Version string       // of the application; "0.0.0" when empty
	Now     core.Clock   // of the times in answers; time.Now when nil
	// Environment is what /version calls it; "development" when empty. In "production" only Operator opens
	// the env file.
	Environment string
	// Secured says that there is a key: who was admitted with it may stop the server and use the env file.
	// Otherwise only requests made on this machine may.
	Secured bool
	// Operator says who may do so besides, in production too; nobody when nil.
	Operator func(*http.Request) bool
	// Stop begins to end the server and returns at once; there is no way to stop it when nil.
	Stop func()
	// Servers lists message servers in the form clients get them; none when nil.
	Servers func(ctx context.Context) ([]any, error)
	// EnvFile is the file of variables that clients may read and write; none when empty.
	EnvFile string
	// FileLimit limits how often that file is asked for; nil = no limit.
	FileLimit echo.MiddlewareFunc
	// HealthLimit limits how often health is asked for at the root; nil = no limit.
	HealthLimit echo.MiddlewareFunc
}

// Handler serves a server's own operations.
type Handler struct {
	agents Agents
	logs   *Logs
	opts   HandlerOptions
	began  time.Time
	env    envFile
}

// NewHandler returns a Handler. Without agents, in a program that has none, health does not depend on them; without
// logs there is an empty log, to which clients may add.
func NewHandler(agents Agents, logs *Logs, opts HandlerOptions) *Handler {
	if logs == nil {
		logs = NewLogs(0)
	}
	opts.Logger = cmp.Or(opts.Logger, slog.Default())
	opts.Version = cmp.Or(opts.Version, "0.0.0")
	opts.Environment = cmp.Or(opts.Environment, "development")
	return &Handler{agents: agents, logs: logs, opts: opts, began: time.Now(), env: envFile{path: opts.EnvFile}}
}

// Routes registers the routes of /api/runtime, and of its older name /api/server, on g. It brings no
// authentication.
func (h *Handler) Routes(g *echo.Group) {
	r := httpapi.NewRouter(g, httpapi.Options{Logger: h.opts.Logger, MaxBody: h.opts.MaxBody})
	r.GET("/ping", h.ping)
	r.GET("/hello", h.hello)
	r.GET("/status", h.status)
	r.GET("/health", h.health)
	r.GET("/logs", h.list)
	r.POST("/logs", h.submitLogs)
	r.DELETE("/logs", h.clear)
	r.POST("/stop", h.stop)
	r.GET("/debug/servers", h.servers)
}

// SystemRoutes registers the routes of /api/system on g.
func (h *Handler) SystemRoutes(g *echo.Group) {
	r := httpapi.NewRouter(g, httpapi.Options{Logger: h.opts.Logger, MaxBody: h.opts.MaxBody})
	r.GET("/version", h.version)
	r.GET("/config", h.config)
	r.GET("/env/local", limited(h.opts.FileLimit, h.readEnv))
	r.POST("/env/local", limited(h.opts.FileLimit, h.writeEnv))
}

// RootRoutes registers /health and /healthz, which need no key, on g, each behind m.
func (h *Handler) RootRoutes(g *echo.Group, m ...echo.MiddlewareFunc) {
	r := httpapi.NewRouter(g, httpapi.Options{Logger: h.opts.Logger, MaxBody: h.opts.MaxBody, Middleware: m})
	r.GET("/health", limited(h.opts.HealthLimit, h.rootHealth))
	r.GET("/healthz", limited(h.opts.HealthLimit, h.alive))
}

// limited puts a limit, if there is one, around a handler.
func limited(limit echo.MiddlewareFunc, h echo.HandlerFunc) echo.HandlerFunc {
	if limit == nil {
		return h
	}
	return limit(h)
}

func (h *Handler) ping(c echo.Context) error {
	return httpapi.JSON(c, http.StatusOK, map[string]any{"pong": true, "timestamp": h.opts.Now.Now()})
}

func (h *Handler) hello(c echo.Context) error {
	return httpapi.JSON(c, http.StatusOK, map[string]any{"message": "Hello World!"})
}

func (h *Handler) alive(c echo.Context) error {
	return httpapi.JSON(c, http.StatusOK, map[string]any{"status": "ok", "timestamp": core.ISO(h.opts.Now.Now())})
}

func (h *Handler) status(c echo.Context) error {
	n, err := h.active(c)
	if err != nil {
		return err
	}
	return httpapi.JSON(c, http.StatusOK, map[string]any{"status": "ok", "agentCount": n, "timestamp": core.ISO(h.opts.Now.Now())})
}

// servers lists message servers, for who looks for a fault.
func (h *Handler) servers(c echo.Context) error {
	list := []any{}
	if h.opts.Servers != nil {
		found, err := h.opts.Servers(c.Request().Context())
		if err != nil {
			return err
		}
		list = append(list, found...)
	}
	return httpapi.Superset(c, http.StatusOK, map[string]any{"servers": list, "count": len(list)})
}

type healthView struct {
	Status       string            `json:"status"`
	Version      string            `json:"version"`
	Timestamp    core.ISO          `json:"timestamp"`
	Dependencies map[string]string `json:"dependencies"`
	AgentCount   *int              `json:"agentCount,omitempty"`
}

// health is 503 while no agent is active; its status text stays OK, the only one clients know there.
func (h *Handler) health(c echo.Context) error {
	n, err := h.active(c)
	if err != nil {
		return err
	}
	status, v := h.healthOf(n)
	return httpapi.JSON(c, status, v)
}

func (h *Handler) rootHealth(c echo.Context) error {
	n, err := h.active(c)
	if err != nil {
		return err
	}
	status, v := h.healthOf(n)
	v.AgentCount = &n
	if status != http.StatusOK {
		v.Status = "DEGRADED"
	}
	return httpapi.JSON(c, status, v)
}

// active counts the running agents.
func (h *Handler) active(c echo.Context) (int, error) {
	if h.agents == nil {
		return 0, nil
	}
	return h.agents.CountActive(c.Request().Context())
}

func (h *Handler) healthOf(agents int) (int, healthView) {
	v := healthView{Status: "OK", Version: h.opts.Version, Timestamp: core.ISO(h.opts.Now.Now()), Dependencies: map[string]string{}}
	if h.agents == nil {
		return http.StatusOK, v
	}
	if v.Dependencies["agents"] = "healthy"; agents == 0 {
		v.Dependencies["agents"] = "no_agents"
		return http.StatusServiceUnavailable, v
	}
	return http.StatusOK, v
}

func (h *Handler) version(c echo.Context) error {
	return httpapi.JSON(c, http.StatusOK, map[string]any{
		"version": h.opts.Version, "source": "server", "timestamp": core.ISO(h.opts.Now.Now()),
		"environment": h.opts.Environment, "uptime": int64(time.Since(h.began).Seconds()),
	})
}

func (h *Handler) config(c echo.Context) error {
	return httpapi.OK(c, map[string]any{"requiresAuth": false})
}
