package memory

import (
	"cmp"
	"errors"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

// roomView is a room with both names of its message server.
type roomView struct {
	core.Room
	ServerID  string `json:"serverId,omitempty"`
	WorldName string `json:"worldName,omitempty"` // details only
}

type createRoomRequest struct {
	Name     string         `json:"name" validate:"max=255"`
	Type     string         `json:"type"`
	Source   string         `json:"source" validate:"max=255"`
	WorldID  httpapi.ID     `json:"worldId"`
	Metadata map[string]any `json:"metadata"`
	serverField
}

func (h *Handler) createRoom(c echo.Context) error {
	agent, err := h.agent(c)
	if err != nil {
		return err
	}
	var req createRoomRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	name := clean(req.Name)
	if name == "" {
		return &core.Error{Code: core.CodeMissingParam, Message: "Missing required field: name"}
	}
	if err := httpapi.Sized("metadata", req.Metadata, maxMetadata); err != nil {
		return err
	}
	room, err := h.svc.CreateRoom(c.Request().Context(), core.Room{
		AgentID: agent, Name: name, Type: cmp.Or(req.Type, "DM"), Source: cmp.Or(clean(req.Source), "client"),
		WorldID: core.UUID(req.WorldID), ServerID: req.server(), Metadata: req.Metadata,
	})
	if err != nil {
		return err
	}
	return httpapi.Created(c, roomView{Room: *room, ServerID: room.ServerID})
}

func (h *Handler) rooms(c echo.Context) error {
	agent, err := h.agent(c)
	if err != nil {
		return err
	}
	list, err := h.svc.Rooms(c.Request().Context(), agent, httpapi.Limit(c, MaxLimit, MaxLimit), httpapi.Offset(c))
	if err != nil {
		return err
	}
	views := make([]roomView, len(list))
	for i, r := range list {
		views[i] = roomView{Room: r, ServerID: r.ServerID}
	}
	return httpapi.OK(c, map[string]any{"rooms": views})
}

func (h *Handler) room(c echo.Context) error {
	agent, id, err := h.target(c, "roomId")
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	room, err := h.svc.Room(ctx, agent, id)
	if err != nil {
		return err
	}
	view := roomView{Room: *room, ServerID: room.ServerID}
	w, err := h.svc.World(ctx, agent, room.WorldID)
	switch {
	case err == nil:
		view.WorldName = w.Name
	case !errors.Is(err, ErrWorldNotFound):
		return err
	}
	return httpapi.OK(c, view)
}
