package memory

import (
	"context"
	"log/slog"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

type createGroupRequest struct {
	AgentIDs []string       `json:"agentIds" validate:"required,min=1,max=1000"`
	Name     string         `json:"name" validate:"max=255"`
	Source   string         `json:"source" validate:"max=255"`
	WorldID  httpapi.ID     `json:"worldId"`
	Metadata map[string]any `json:"metadata"`
}

// groupRoom is what was made for one agent.
type groupRoom struct {
	ID      core.UUID `json:"id"`
	Name    string    `json:"name"`
	Source  string    `json:"source"`
	WorldID core.UUID `json:"worldId"`
	Type    string    `json:"type"`
}

// groupError is why nothing was made for one agent.
type groupError struct {
	AgentID string    `json:"agentId"`
	Code    core.Code `json:"code"`
	Message string    `json:"message"`
}

// groupFailure is the answer when something, or everything, failed.
type groupFailure struct {
	Success bool         `json:"success"`
	Data    []groupRoom  `json:"data"`
	Errors  []groupError `json:"errors"`
	Error   struct {
		Code    core.Code `json:"code"`
		Message string    `json:"message"`
	} `json:"error"`
}

func (h *Handler) createGroup(c echo.Context) error {
	server, err := httpapi.UUIDParam(c, "serverId")
	if err != nil {
		return err
	}
	var req createGroupRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	if err := httpapi.Sized("metadata", req.Metadata, maxMetadata); err != nil {
		return err
	}
	g := Group{ServerID: server, WorldID: core.UUID(req.WorldID), Name: clean(req.Name), Source: clean(req.Source), Metadata: req.Metadata}
	slices.Sort(req.AgentIDs)
	made, failed := []groupRoom{}, []groupError{}
	for _, id := range slices.Compact(req.AgentIDs) {
		room, fail := h.groupRoom(c.Request().Context(), id, g)
		if fail != nil {
			failed = append(failed, *fail)
			continue
		}
		made = append(made, groupRoom{room.ID, room.Name, room.Source, room.WorldID, room.Type})
	}
	if len(failed) == 0 {
		return httpapi.Created(c, made)
	}
	return writeGroupFailure(c, made, failed)
}

func (h *Handler) groupRoom(ctx context.Context, text string, g Group) (*core.Room, *groupError) {
	id, err := core.ParseUUID(text)
	if err != nil {
		return nil, &groupError{text, core.CodeInvalidID, "Invalid agentId format"}
	}
	exists, err := h.exists(ctx, id)
	if err == nil && !exists {
		return nil, &groupError{text, core.CodeAgentNotFound, "Agent not found"}
	}
	if err == nil {
		var room *core.Room
		if room, err = h.svc.CreateGroup(ctx, id, g); err == nil {
			return room, nil
		}
	}
	h.log().ErrorContext(ctx, "cannot make a group's room", "agent_id", id, "err", err)
	return nil, &groupError{text, core.CodeCreate, "The room could not be created"}
}

func (h *Handler) log() *slog.Logger {
	if h.opts.Logger != nil {
		return h.opts.Logger
	}
	return slog.Default()
}

// writeGroupFailure answers 207 when some rooms were made. When none were, the status tells whose fault it is.
func writeGroupFailure(c echo.Context, made []groupRoom, failed []groupError) error {
	all := func(codes ...core.Code) bool {
		return !slices.ContainsFunc(failed, func(e groupError) bool { return !slices.Contains(codes, e.Code) })
	}
	body := groupFailure{Data: made, Errors: failed}
	status := http.StatusInternalServerError
	body.Error.Code, body.Error.Message = core.CodeCreate, "The group could not be created"
	switch {
	case len(made) > 0:
		status = http.StatusMultiStatus
		body.Error.Code, body.Error.Message = "PARTIAL_FAILURE", "Some rooms of the group could not be created"
	case all(core.CodeAgentNotFound):
		status = http.StatusNotFound
		body.Error.Code, body.Error.Message = core.CodeAgentNotFound, "None of the agents exists"
	case all(core.CodeAgentNotFound, core.CodeInvalidID):
		status = http.StatusBadRequest
		body.Error.Code, body.Error.Message = core.CodeInvalidID, "Invalid agentIds format"
	}
	return httpapi.JSON(c, status, body)
}

func (h *Handler) deleteGroup(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "serverId")
	if err != nil {
		return err
	}
	if err := h.svc.DeleteGroup(c.Request().Context(), id); err != nil {
		return err
	}
	return httpapi.NoContent(c)
}

func (h *Handler) clearGroup(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "serverId")
	if err != nil {
		return err
	}
	if err := h.svc.ClearGroup(c.Request().Context(), id); err != nil {
		return err
	}
	return httpapi.NoContent(c)
}
