package media

import (
	"context"
	"log/slog"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

// DefaultMaxUpload is the limit of a file when none is configured.
const DefaultMaxUpload = 50 << 20

// Agents tells which agents there are, running or not.
type Agents interface {
	Exists(ctx context.Context, id core.UUID) (bool, error)
}

// errAgentNotFound answers an upload to an unknown agent.
var errAgentNotFound = &core.Error{Code: core.CodeNotFound, Message: "Agent not found"}

// HandlerOptions tunes a [Handler]. The zero value is ready to use.
type HandlerOptions struct {
	Logger    *slog.Logger // slog.Default() when nil
	MaxUpload int64        // bytes of a file, 50 MiB when 0
	Private   bool         // something in front asks who may fetch files: caches between may not keep them

	Uploads []echo.MiddlewareFunc // around each upload, the first outermost
}

// Handler serves the routes of files.
type Handler struct {
	svc    Service
	agents Agents
	opts   HandlerOptions
}

// NewHandler returns a Handler over svc. Without agents nobody is asked whether there is the one of an upload.
func NewHandler(svc Service, agents Agents, opts HandlerOptions) *Handler {
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	if opts.MaxUpload == 0 {
		opts.MaxUpload = DefaultMaxUpload
	}
	return &Handler{svc: svc, agents: agents, opts: opts}
}

func (h *Handler) router(g *echo.Group) *httpapi.Router {
	return httpapi.NewRouter(g, httpapi.Options{Logger: h.opts.Logger, MaxBody: h.opts.MaxUpload + httpapi.FormOverhead})
}

// Routes registers the uploads of the media prefix (the contract's is /api/media). They bring no
// authentication, and take multipart bodies larger than the limit of others.
func (h *Handler) Routes(g *echo.Group) {
	r := h.router(g)
	r.POST("/agents/:agentId/upload-media", h.around(h.toAgent))
	r.POST("/channels/:channelId/upload-media", h.around(h.toChannel))
}

// around puts the middleware of uploads around one.
func (h *Handler) around(upload echo.HandlerFunc) echo.HandlerFunc {
	for _, m := range slices.Backward(h.opts.Uploads) {
		upload = m(upload)
	}
	return upload
}

// MessagingRoutes registers the uploads to channels that lie under the prefix of messaging (the contract's
// is /api/messaging).
func (h *Handler) MessagingRoutes(g *echo.Group) {
	r := h.router(g)
	r.POST("/channels/:channelId/upload-media", h.around(h.toChannel))
	r.POST("/central-channels/:channelId/upload-media", h.around(h.toChannel))
}

// FileRoutes registers what serves files (the contract's prefix is /media). The names of files are secrets,
// there is no other guard.
func (h *Handler) FileRoutes(g *echo.Group) {
	h.files(g, "/uploads/agents/:agentId/:filename", KindAgent, "agentId")
	h.files(g, "/uploads/channels/:channelId/:filename", KindChannel, "channelId")
	h.files(g, "/generated/:agentId/:filename", KindGenerated, "agentId")
}

// files takes paths as they are: a slash after the name belongs to it.
func (h *Handler) files(g *echo.Group, path string, kind Kind, owner string) {
	serve := httpapi.Guard(h.opts.Logger, func(c echo.Context) error { return h.serve(c, kind, owner) })
	g.Add(http.MethodGet, path, serve)
	g.Add(http.MethodHead, path, serve)
}

func (h *Handler) toAgent(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "agentId")
	if err != nil {
		return err
	}
	if h.agents != nil {
		ok, err := h.agents.Exists(c.Request().Context(), id)
		if err == nil && !ok {
			err = errAgentNotFound
		}
		if err != nil {
			return err
		}
	}
	return h.upload(c, KindAgent, id)
}

func (h *Handler) toChannel(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "channelId")
	if err != nil {
		return err
	}
	return h.upload(c, KindChannel, id)
}

func (h *Handler) upload(c echo.Context, kind Kind, owner core.UUID) error {
	body, err := httpapi.FileOf(c.Request(), h.opts.MaxUpload)
	if err != nil {
		return err
	}
	file, err := h.svc.Upload(c.Request().Context(), Upload{Kind: kind, Owner: owner, Name: body.Name, Type: body.Type, Body: body})
	if err != nil {
		return err
	}
	return httpapi.Superset(c, http.StatusOK, file)
}
