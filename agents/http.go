package agents

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

// patience is how long a deletion may keep its request waiting before it goes on in the background.
const patience = 10 * time.Second

// HandlerOptions tunes a [Handler]. The zero value is ready to use.
type HandlerOptions struct {
	Logger     *slog.Logger // slog.Default() when nil
	MaxBody    int64        // of a JSON body, 2 MiB when 0
	Characters fs.FS        // where characterPath may point to; nil = nowhere
}

// Handler serves the agents' own routes.
type Handler struct {
	svc  Service
	opts HandlerOptions
}

// NewHandler returns a Handler over svc.
func NewHandler(svc Service, opts HandlerOptions) *Handler {
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	return &Handler{svc: svc, opts: opts}
}

// Routes registers the routes on g, whose prefix the caller chooses (the contract's is /api/agents). It
// brings no authentication.
func (h *Handler) Routes(g *echo.Group) {
	r := httpapi.NewRouter(g, httpapi.Options{Logger: h.opts.Logger, MaxBody: h.opts.MaxBody})
	r.GET("", h.list)
	r.POST("", h.create)
	r.GET("/:agentId", h.get)
	r.PATCH("/:agentId", h.patch)
	r.DELETE("/:agentId", h.delete)
	r.POST("/:agentId/start", h.start)
	r.POST("/:agentId/stop", h.stop)
}

func (h *Handler) list(c echo.Context) error {
	list, err := h.svc.List(c.Request().Context(), httpapi.Limit(c, 1000, 1000), httpapi.Offset(c))
	if err != nil {
		return err
	}
	return httpapi.OK(c, map[string]any{"agents": list})
}

type createRequest struct {
	CharacterJSON json.RawMessage `json:"characterJson"`
	CharacterPath string          `json:"characterPath"`
	Agent         json.RawMessage `json:"agent"`
}

type createdView struct {
	ID        core.UUID `json:"id"`
	Character object    `json:"character"`
	Existing  bool      `json:"existing,omitempty"`
}

// object is a JSON object whose keys are the character's.
type object = map[string]any

func (h *Handler) create(c echo.Context) error {
	var req createRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	raw, err := h.source(req)
	if err != nil {
		return err
	}
	character, err := ParseCharacter(raw)
	if err != nil {
		return err
	}
	a, existed, err := h.svc.Create(c.Request().Context(), character)
	if err != nil {
		return err
	}
	status := http.StatusCreated
	if existed {
		status = http.StatusOK
	}
	return httpapi.Data(c, status, createdView{ID: a.Character.ID, Character: characterView(a.Character), Existing: existed})
}

// source finds the character document in a request; the first one present wins.
func (h *Handler) source(req createRequest) ([]byte, error) {
	switch {
	case given(req.CharacterJSON):
		return req.CharacterJSON, nil
	case req.CharacterPath != "":
		return h.file(req.CharacterPath)
	case given(req.Agent):
		return req.Agent, nil
	}
	return nil, &core.Error{Code: core.CodeCreate, Message: "No character configuration provided"}
}

func given(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

func (h *Handler) file(name string) ([]byte, error) {
	unusable := &core.Error{Code: core.CodeCreate, Message: "characterPath must name a file in the characters folder"}
	if path.Ext(name) == "" {
		name += ".json"
	}
	if h.opts.Characters == nil || !fs.ValidPath(name) || strings.ContainsAny(name, `\:`) {
		return nil, unusable
	}
	b, err := fs.ReadFile(h.opts.Characters, name)
	if err != nil {
		return nil, unusable.Wrap(err)
	}
	return b, nil
}

func (h *Handler) get(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "agentId")
	if err != nil {
		return err
	}
	a, err := h.svc.Get(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return httpapi.OK(c, agentView(a))
}

func (h *Handler) patch(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "agentId")
	if err != nil {
		return err
	}
	raw, err := httpapi.Body(c)
	if err != nil {
		return err
	}
	a, err := h.svc.Patch(c.Request().Context(), id, raw)
	if err != nil {
		return err
	}
	return httpapi.OK(c, agentView(a))
}

func (h *Handler) delete(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "agentId")
	if err != nil {
		return err
	}
	// The deletion goes on when the client, or its patience, is gone.
	ctx := context.WithoutCancel(c.Request().Context())
	done := make(chan error, 1)
	go func() { done <- h.deleted(ctx, id) }()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case err := <-done:
		if err != nil {
			return err
		}
		return httpapi.NoContent(c)
	case <-timer.C:
		return httpapi.JSON(c, http.StatusAccepted, map[string]any{
			"success": true, "partial": true, "message": "The agent is being deleted", "data": map[string]any{"partial": true},
		})
	}
}

// deleted is a deletion, whose panic must not end the process: it is no request's any more.
func (h *Handler) deleted(ctx context.Context, id core.UUID) error {
	err := core.Guard(func() error { return h.svc.Delete(ctx, id) })
	if p, ok := errors.AsType[*core.PanicError](err); ok {
		h.opts.Logger.Error("panic while an agent was deleted", "agent_id", id, "panic", p.Error(), "stack", p.Stack)
	}
	return err
}

func (h *Handler) start(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "agentId")
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	if err := h.svc.Start(ctx, id); err != nil {
		return err
	}
	a, err := h.svc.Get(ctx, id)
	if err != nil {
		return err
	}
	return httpapi.OK(c, map[string]any{"id": id, "name": a.Character.Name, "status": "active"})
}

func (h *Handler) stop(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "agentId")
	if err != nil {
		return err
	}
	if err := h.svc.Stop(c.Request().Context(), id); err != nil {
		return err
	}
	return httpapi.OK(c, map[string]any{"message": "Agent stopped", "id": id, "status": "inactive"})
}

// agentView is an agent as the API returns it: the character with its defaults, times and state.
func agentView(a *Agent) object {
	doc := characterView(a.Character)
	for _, key := range [...]string{"messageExamples", "postExamples", "topics", "adjectives", "knowledge", "plugins"} {
		if doc[key] == nil {
			doc[key] = []any{}
		}
	}
	for _, key := range [...]string{"settings", "style"} {
		if doc[key] == nil {
			doc[key] = object{}
		}
	}
	if doc["username"] == nil {
		doc["username"] = ""
	}
	doc["enabled"], doc["createdAt"], doc["updatedAt"] = true, a.CreatedAt, a.UpdatedAt
	doc["status"] = StatusOf(a.Active)
	return doc
}

func characterView(c *core.Character) object {
	doc, err := document(c)
	if err != nil {
		return object{"id": c.ID, "name": c.Name}
	}
	return doc
}

// StatusOf is the contract's word for an agent's state.
func StatusOf(active bool) string {
	if active {
		return "active"
	}
	return "inactive"
}
