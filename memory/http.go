package memory

import (
	"context"
	"log/slog"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

// Sizes of what a body may hold.
const (
	maxText     = 100_000  // characters
	maxMetadata = 64 << 10 // bytes of JSON
)

// Codes only these routes fail with.
const (
	codeRetrieval core.Code = "RETRIEVAL_ERROR"
	codeLog       core.Code = "LOG_ERROR"
	codeRuns      core.Code = "RUNS_ERROR"
	codeRunDetail core.Code = "RUN_DETAIL_ERROR"
)

// Agents tells which agents there are, running or not.
type Agents interface {
	Exists(ctx context.Context, id core.UUID) (bool, error)
}

// errAgentNotFound answers a path of an unknown agent.
var errAgentNotFound = &core.Error{Code: core.CodeNotFound, Message: "Agent not found"}

// HandlerOptions tunes a [Handler]. The zero value is ready to use.
type HandlerOptions struct {
	Logger  *slog.Logger // slog.Default() when nil
	MaxBody int64        // of a JSON body, 2 MiB when 0

	PublicURL func(string) string // the address of an attachment given by its place on this machine; as it is when nil
}

// Handler serves the routes about what agents know.
type Handler struct {
	svc    Service
	agents Agents
	opts   HandlerOptions
}

// NewHandler returns a Handler over svc. Without agents nobody is asked whether there is the one a request names.
func NewHandler(svc Service, agents Agents, opts HandlerOptions) *Handler {
	return &Handler{svc: svc, agents: agents, opts: opts}
}

func (h *Handler) router(g *echo.Group) *httpapi.Router {
	return httpapi.NewRouter(g, httpapi.Options{Logger: h.opts.Logger, MaxBody: h.opts.MaxBody})
}

// AgentRoutes registers the routes that lie under the agents' prefix (the contract's is /api/agents). It
// brings no authentication.
func (h *Handler) AgentRoutes(g *echo.Group) {
	r := h.router(g)
	r.GET("/worlds", h.worlds)
	r.POST("/:agentId/worlds", h.createWorld)
	r.PATCH("/:agentId/worlds/:worldId", h.patchWorld)
	r.GET("/:agentId/logs", failing(codeLog, "The logs could not be read", h.logs))
	r.DELETE("/:agentId/logs/:logId", failing(core.CodeDelete, "The log could not be deleted", h.deleteLog))
	r.GET("/:agentId/runs", failing(codeRuns, "The runs could not be read", h.runs))
	r.GET("/:agentId/runs/:runId", failing(codeRunDetail, "The run could not be read", h.run))
	h.common(r)
}

// Routes registers the routes of the memory prefix (the contract's is /api/memory). It brings no
// authentication.
func (h *Handler) Routes(g *echo.Group) {
	r := h.router(g)
	r.POST("/groups/:serverId", h.createGroup)
	r.DELETE("/groups/:serverId", failing(core.CodeDelete, "The group could not be deleted", h.deleteGroup))
	r.DELETE("/groups/:serverId/memories", failing(core.CodeMemory, "The memories could not be deleted", h.clearGroup))
	h.common(r)
}

// common registers what both prefixes have.
func (h *Handler) common(r *httpapi.Router) {
	r.GET("/:agentId/memories", failing(core.CodeMemory, "The memories could not be read", h.memories))
	r.PATCH("/:agentId/memories/:memoryId", failing(core.CodeMemory, "The memory could not be updated", h.patchMemory))
	r.DELETE("/:agentId/memories/all/:roomId", failing(core.CodeMemory, "The memories could not be deleted", h.deleteRoomMemories))
	r.DELETE("/:agentId/memories", failing(core.CodeMemory, "The memories could not be deleted", h.deleteMemories))
	r.DELETE("/:agentId/memories/:memoryId", failing(core.CodeMemory, "The memory could not be deleted", h.deleteMemory))
	r.GET("/:agentId/rooms/:roomId/memories", h.roomMemories)
	r.POST("/:agentId/rooms", h.createRoom)
	r.GET("/:agentId/rooms", failing(codeRetrieval, "The rooms could not be read", h.rooms))
	r.GET("/:agentId/rooms/:roomId", failing(codeRetrieval, "The room could not be read", h.room))
}

// failing gives an error nobody has named the code of its route.
func failing(code core.Code, message string, h echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := h(c)
		if err == nil || httpapi.Status(err) != 500 || core.CodeOf(err) != core.CodeInternal {
			return err
		}
		return &core.Error{Code: code, Message: message, Details: httpapi.RequestID(c), Err: err}
	}
}

// agent reads the agent of the path, which must exist. Ids in the named queries are checked before it is
// looked for.
func (h *Handler) agent(c echo.Context, queries ...string) (core.UUID, error) {
	id, err := httpapi.UUIDParam(c, "agentId")
	if err != nil {
		return "", err
	}
	for _, name := range queries {
		if _, err := httpapi.UUIDQuery(c, name); err != nil {
			return "", err
		}
	}
	ok, err := h.exists(c.Request().Context(), id)
	if err == nil && !ok {
		err = errAgentNotFound
	}
	return id, err
}

func (h *Handler) exists(ctx context.Context, agent core.UUID) (bool, error) {
	if h.agents == nil {
		return true, nil
	}
	return h.agents.Exists(ctx, agent)
}

// target reads the agent and one more id of the path.
func (h *Handler) target(c echo.Context, name string) (agent, id core.UUID, err error) {
	id, err = httpapi.UUIDParam(c, name)
	if err != nil {
		return "", "", err
	}
	agent, err = h.agent(c)
	return agent, id, err
}

// serverField is a message server in a body, under any of its names.
type serverField struct {
	ServerID             string `json:"serverId" validate:"max=255"`
	MessageServerID      string `json:"messageServerId" validate:"max=255"`
	SnakeServerID        string `json:"server_id" validate:"max=255"`
	SnakeMessageServerID string `json:"message_server_id" validate:"max=255"`
}

func (f serverField) server() string {
	for _, s := range [...]string{f.ServerID, f.MessageServerID, f.SnakeServerID, f.SnakeMessageServerID} {
		if s != "" {
			return clean(s)
		}
	}
	return ""
}

// clean drops NUL bytes, which not every database stores.
func clean(s string) string { return strings.ReplaceAll(s, "\x00", "") }
