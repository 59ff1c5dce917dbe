package messaging

import (
	"cmp"
	"maps"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

type channelRequest struct {
	serverRef
	Name         string         `json:"name" validate:"required"`
	Type         string         `json:"type"`
	Participants []httpapi.ID   `json:"participantCentralUserIds"`
	Metadata     map[string]any `json:"metadata"`
	Topic        string         `json:"topic"`
	Description  string         `json:"description"`
	SourceType   string         `json:"sourceType" validate:"max=255"`
	SourceID     string         `json:"sourceId" validate:"max=255"`
}

// createCentralChannel is createChannel under the older name, where participants are required.
func (h *Handler) createCentralChannel(c echo.Context) error {
	return h.newChannel(c, func(req *channelRequest) error {
		if len(req.Participants) == 0 {
			return core.BadRequest("Missing required field: participantCentralUserIds")
		}
		return nil
	})
}

func (h *Handler) createChannel(c echo.Context) error {
	return h.newChannel(c, func(*channelRequest) error { return nil })
}

// channelView is a channel both by its own fields and as "channel".
type channelView map[string]any

func (h *Handler) newChannel(c echo.Context, check func(*channelRequest) error) error {
	var req channelRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	if err := check(&req); err != nil {
		return err
	}
	server, err := req.required()
	if err != nil {
		return err
	}
	people, err := ids(req.Participants)
	if err != nil {
		return err
	}
	ch, err := h.svc.CreateChannel(c.Request().Context(), NewChannel{
		ServerID: server, Name: req.Name, Type: req.Type, Participants: people, Metadata: req.Metadata,
		Topic: cmp.Or(req.Topic, req.Description), SourceType: req.SourceType, SourceID: req.SourceID,
	})
	if err != nil {
		return err
	}
	view, err := fields(ch)
	if err != nil {
		return err
	}
	view["channel"] = ch
	return httpapi.Created(c, view)
}

// fields is v's JSON object as a map, to add to it.
func fields(v any) (channelView, error) {
	b, err := core.EncodeJSON(v)
	if err != nil {
		return nil, err
	}
	var out channelView
	return out, core.DecodeJSON(b, &out)
}

func (h *Handler) dm(c echo.Context) error {
	var pair [2]core.UUID
	for i, name := range [...]string{"currentUserId", "targetUserId"} {
		id, err := httpapi.UUIDQuery(c, name)
		if err != nil {
			return err
		}
		if id == "" {
			return core.BadRequest("Missing required parameter: " + name)
		}
		pair[i] = id
	}
	server, err := httpapi.UUIDQuery(c, "dmServerId")
	if err != nil {
		return err
	}
	ch, err := h.svc.DM(c.Request().Context(), cmp.Or(server, core.DefaultServerID), pair[0], pair[1])
	if err != nil {
		return err
	}
	return httpapi.OK(c, ch)
}

// channel answers the details. Their metadata also tells the participants, where clients look for them.
func (h *Handler) channel(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "channelId")
	if err != nil {
		return err
	}
	ch, err := h.svc.Channel(c.Request().Context(), id)
	if err != nil {
		return err
	}
	members, err := h.svc.Participants(c.Request().Context(), id)
	if err != nil {
		return err
	}
	meta := maps.Clone(ch.Metadata)
	if meta == nil {
		meta = map[string]any{}
	}
	meta["participantCentralUserIds"] = members
	detailed := *ch
	detailed.Metadata = meta
	return httpapi.OK(c, detailed)
}

func (h *Handler) participants(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "channelId")
	if err != nil {
		return err
	}
	members, err := h.svc.Participants(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return httpapi.OK(c, members)
}

type channelPatchRequest struct {
	Name         *string        `json:"name"`
	Topic        *string        `json:"topic"`
	Metadata     map[string]any `json:"metadata"`
	Participants []httpapi.ID   `json:"participantCentralUserIds"`
}

func (h *Handler) patchChannel(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "channelId")
	if err != nil {
		return err
	}
	var req channelPatchRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	people, err := ids(req.Participants)
	if err != nil {
		return err
	}
	delete(req.Metadata, "participantCentralUserIds") // added to the details, never stored
	ch, err := h.svc.PatchChannel(c.Request().Context(), id, ChannelPatch{
		Name: req.Name, Topic: req.Topic, Metadata: req.Metadata, Participants: people,
	})
	if err != nil {
		return err
	}
	return httpapi.OK(c, ch)
}

func (h *Handler) deleteChannel(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "channelId")
	if err != nil {
		return err
	}
	if err := h.svc.DeleteChannel(c.Request().Context(), id); err != nil {
		return err
	}
	return httpapi.NoContent(c)
}

// channelMember names a channel and an agent in it.
type channelMember struct {
	ChannelID core.UUID `json:"channelId"`
	AgentID   core.UUID `json:"agentId"`
	Message   string    `json:"message"`
}

func (h *Handler) channelAgents(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "channelId")
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	members, err := h.svc.Participants(ctx, id)
	if err != nil {
		return err
	}
	agents, err := h.svc.ChannelAgents(ctx, id)
	if err != nil {
		return err
	}
	return httpapi.OK(c, map[string]any{"channelId": id, "participants": members, "agents": agents})
}

func (h *Handler) addAgent(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "channelId")
	if err != nil {
		return err
	}
	var req agentRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	agent := core.UUID(req.AgentID)
	if err := h.svc.AddAgent(c.Request().Context(), id, agent); err != nil {
		return err
	}
	return httpapi.Created(c, channelMember{id, agent, "Agent added to channel"})
}

func (h *Handler) removeAgent(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "channelId")
	if err != nil {
		return err
	}
	agent, err := httpapi.UUIDParam(c, "agentId")
	if err != nil {
		return err
	}
	if err := h.svc.RemoveAgent(c.Request().Context(), id, agent); err != nil {
		return err
	}
	return httpapi.OK(c, channelMember{id, agent, "Agent removed from channel"})
}

// titleView is the title of a channel; null, and why, when there is none.
type titleView struct {
	Title     *string   `json:"title"`
	ChannelID core.UUID `json:"channelId"`
	Reason    string    `json:"reason,omitempty"`
}

func (h *Handler) title(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "channelId")
	if err != nil {
		return err
	}
	var req agentRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	before, err := httpapi.TimeQuery(c, "before")
	if err != nil {
		return err
	}
	page := Page{Before: before, Limit: httpapi.Limit(c, 50, 200)}
	title, reason, err := h.svc.Title(c.Request().Context(), id, core.UUID(req.AgentID), page)
	if err != nil {
		return err
	}
	view := titleView{ChannelID: id, Reason: reason}
	if title != "" {
		view.Title = &title
	}
	return httpapi.OK(c, view)
}
