package memory

import (
	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

// worldView is a world with both names of its message server.
type worldView struct {
	core.World
	ServerID string `json:"serverId,omitempty"`
}

func viewWorld(w *core.World) map[string]any {
	return map[string]any{"world": worldView{*w, w.ServerID}}
}

func (h *Handler) worlds(c echo.Context) error {
	agent, err := httpapi.UUIDQuery(c, "agentId")
	if err != nil {
		return err
	}
	list, err := h.svc.Worlds(c.Request().Context(), agent, httpapi.Limit(c, MaxLimit, MaxLimit), httpapi.Offset(c))
	if err != nil {
		return err
	}
	views := make([]worldView, len(list))
	for i, w := range list {
		views[i] = worldView{w, w.ServerID}
	}
	return httpapi.OK(c, map[string]any{"worlds": views})
}

type createWorldRequest struct {
	WorldID  httpapi.ID     `json:"worldId"` // alone: asks for a world the agent has
	Name     string         `json:"name" validate:"max=255"`
	Metadata map[string]any `json:"metadata"`
	serverField
}

func (h *Handler) createWorld(c echo.Context) error {
	agent, err := h.agent(c)
	if err != nil {
		return err
	}
	var req createWorldRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	ctx := c.Request().Context()
	req.Name = clean(req.Name)
	switch {
	case req.Name == "" && req.WorldID == "":
		return core.BadRequest("Missing required field: name")
	case req.Name == "":
		w, err := h.svc.World(ctx, agent, core.UUID(req.WorldID))
		if err != nil {
			return err
		}
		return httpapi.OK(c, viewWorld(w))
	}
	if err := httpapi.Sized("metadata", req.Metadata, maxMetadata); err != nil {
		return err
	}
	w, err := h.svc.CreateWorld(ctx, core.World{
		ID: core.UUID(req.WorldID), AgentID: agent, Name: req.Name, ServerID: req.server(), Metadata: req.Metadata,
	})
	if err != nil {
		return err
	}
	return httpapi.Created(c, viewWorld(w))
}

type patchWorldRequest struct {
	Name     *string        `json:"name" validate:"omitnil,min=1,max=255"`
	Metadata map[string]any `json:"metadata"`
	Settings map[string]any `json:"settings"`
}

func (h *Handler) patchWorld(c echo.Context) error {
	agent, id, err := h.target(c, "worldId")
	if err != nil {
		return err
	}
	var req patchWorldRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	if req.Settings != nil {
		if req.Metadata == nil {
			req.Metadata = map[string]any{}
		}
		req.Metadata["settings"] = req.Settings
	}
	if err := httpapi.Sized("metadata", req.Metadata, maxMetadata); err != nil {
		return err
	}
	if req.Name != nil {
		*req.Name = clean(*req.Name)
	}
	w, err := h.svc.PatchWorld(c.Request().Context(), agent, id, WorldPatch{Name: req.Name, Metadata: req.Metadata})
	if err != nil {
		return err
	}
	return httpapi.OK(c, viewWorld(w))
}
