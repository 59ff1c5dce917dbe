package messaging

import (
	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

const (
	maxServers  = 1000
	maxChannels = 1000
)

func (h *Handler) currentServer(c echo.Context) error {
	return httpapi.OK(c, map[string]any{"messageServerId": core.DefaultServerID})
}

func (h *Handler) servers(c echo.Context) error {
	list, err := h.svc.Servers(c.Request().Context(), httpapi.Limit(c, maxServers, maxServers))
	if err != nil {
		return err
	}
	return httpapi.OK(c, map[string]any{"servers": list, "messageServers": list})
}

type serverRequest struct {
	Name       string         `json:"name" validate:"required,max=255"`
	SourceType string         `json:"sourceType" validate:"required,max=255"`
	SourceID   string         `json:"sourceId" validate:"max=255"`
	Metadata   map[string]any `json:"metadata"`
}

// serverView is a message server both as "server" and by its own fields.
type serverView struct {
	*Server
	Nested *Server `json:"server"`
}

func (h *Handler) createServer(c echo.Context) error {
	var req serverRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	s, err := h.svc.CreateServer(c.Request().Context(), Server{Name: req.Name, SourceType: req.SourceType, SourceID: req.SourceID, Metadata: req.Metadata})
	if err != nil {
		return err
	}
	return httpapi.Created(c, serverView{s, s})
}

func (h *Handler) deleteServer(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "serverId")
	if err != nil {
		return err
	}
	if err := h.svc.DeleteServer(c.Request().Context(), id); err != nil {
		return err
	}
	return httpapi.NoContent(c)
}

func (h *Handler) serverChannels(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "serverId")
	if err != nil {
		return err
	}
	list, err := h.svc.Channels(c.Request().Context(), id, httpapi.Limit(c, maxChannels, maxChannels), httpapi.Offset(c))
	if err != nil {
		return err
	}
	return httpapi.OK(c, map[string]any{"channels": list})
}

type syncRequest struct {
	Channels []struct {
		Name     string `json:"name" validate:"required,max=255"`
		Type     string `json:"type"`
		SourceID string `json:"sourceId" validate:"max=255"`
	} `json:"channels" validate:"required,max=500,dive"`
}

func (h *Handler) syncChannels(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "serverId")
	if err != nil {
		return err
	}
	var req syncRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	list := make([]NewChannel, len(req.Channels))
	for i, ch := range req.Channels {
		list[i] = NewChannel{Name: ch.Name, Type: ch.Type, SourceID: ch.SourceID}
	}
	synced, err := h.svc.SyncChannels(c.Request().Context(), id, list)
	if err != nil {
		return err
	}
	return httpapi.OK(c, map[string]any{"synced": len(synced), "channels": synced})
}

// membership names a message server, under both of its names, and an agent in it.
type membership struct {
	ServerID        core.UUID `json:"serverId"`
	MessageServerID core.UUID `json:"messageServerId"`
	AgentID         core.UUID `json:"agentId"`
	Message         string    `json:"message"`
}

func (h *Handler) serverAgents(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "serverId")
	if err != nil {
		return err
	}
	list, err := h.svc.ServerAgents(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return httpapi.OK(c, map[string]any{"serverId": id, "messageServerId": id, "agents": list})
}

type agentRequest struct {
	AgentID httpapi.ID `json:"agentId" validate:"required"`
}

func (h *Handler) addServerAgent(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "serverId")
	if err != nil {
		return err
	}
	var req agentRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	agent := core.UUID(req.AgentID)
	if err := h.svc.AddServerAgent(c.Request().Context(), id, agent); err != nil {
		return err
	}
	return httpapi.Created(c, membership{id, id, agent, "Agent added to message server"})
}

func (h *Handler) removeServerAgent(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "serverId")
	if err != nil {
		return err
	}
	agent, err := httpapi.UUIDParam(c, "agentId")
	if err != nil {
		return err
	}
	if err := h.svc.RemoveServerAgent(c.Request().Context(), id, agent); err != nil {
		return err
	}
	return httpapi.OK(c, membership{id, id, agent, "Agent removed from message server"})
}

func (h *Handler) agentServers(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "agentId")
	if err != nil {
		return err
	}
	list, err := h.svc.AgentServers(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return httpapi.OK(c, map[string]any{"agentId": id, "servers": list, "messageServers": list})
}
