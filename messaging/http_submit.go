package messaging

import (
	"cmp"
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

// submitRequest is a message as agents and programs outside the process hand it in.
type submitRequest struct {
	serverRef
	ChannelID  httpapi.ID     `json:"channel_id" validate:"required"`
	AuthorID   httpapi.ID     `json:"author_id" validate:"required"`
	AuthorName string         `json:"author_display_name" validate:"max=255"`
	Content    string         `json:"content"`
	MessageID  httpapi.ID     `json:"messageId"`
	SourceType string         `json:"source_type"`
	SourceID   string         `json:"source_id"`
	Raw        map[string]any `json:"raw_message"`
	InReplyTo  httpapi.ID     `json:"in_reply_to_message_id"`
	Metadata   map[string]any `json:"metadata"`
}

func (r *submitRequest) message(now core.Millis) (NewMessage, error) {
	server, err := r.required()
	if err != nil {
		return NewMessage{}, err
	}
	n := NewMessage{
		ID: core.UUID(r.MessageID), ChannelID: core.UUID(r.ChannelID), ServerID: server, AuthorID: core.UUID(r.AuthorID),
		Content: r.Content, Raw: r.Raw, Metadata: r.Metadata, SourceType: cmp.Or(r.SourceType, "api"), SourceID: r.SourceID,
		InReplyTo: core.UUID(r.InReplyTo), Target: targetOf(r.Metadata),
	}
	if r.AuthorName != "" {
		if n.Metadata == nil {
			n.Metadata = map[string]any{}
		}
		n.Metadata["user_display_name"] = r.AuthorName
	}
	n.Create = autoChannel(&n, createdByHTTP, "", "", now)
	return n, nil
}

// accepted reads a submitted message, lets change finish it, and stores it.
func (h *Handler) accepted(c echo.Context, change func(*NewMessage)) (*Accepted, error) {
	var req submitRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return nil, err
	}
	n, err := req.message(h.now())
	if err != nil {
		return nil, err
	}
	change(&n)
	a, err := h.svc.Accept(c.Request().Context(), n)
	if core.CodeOf(err) == core.CodeNotFound && err != nil { // there is neither the channel nor a server to make it on
		return nil, ErrChannelNotFound.Wrap(err)
	}
	return a, err
}

func (h *Handler) submit(c echo.Context) error {
	a, err := h.accepted(c, func(*NewMessage) {})
	if err != nil {
		return err
	}
	return httpapi.Data(c, createdOr200(a), stored(a.Message))
}

// action stores an agent's progress: broadcast, but never delivered to agents.
func (h *Handler) action(c echo.Context) error {
	a, err := h.accepted(c, func(n *NewMessage) { n.Undeliver, n.SourceType = true, SourceAction })
	if err != nil {
		return err
	}
	return httpapi.Data(c, createdOr200(a), stored(a.Message))
}

type actionPatchRequest struct {
	Content    *string        `json:"content"`
	Raw        map[string]any `json:"raw_message"`
	SourceType *string        `json:"source_type"`
	InReplyTo  *httpapi.ID    `json:"in_reply_to_message_id"`
	Metadata   map[string]any `json:"metadata"`
	AuthorID   *httpapi.ID    `json:"author_id"`
}

func (h *Handler) patchAction(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "id")
	if err != nil {
		return err
	}
	var req actionPatchRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	ctx := c.Request().Context()
	if req.AuthorID != nil {
		if *req.AuthorID == "" {
			return core.ErrInvalidUUID
		}
		if who := core.IdentityFrom(ctx).EntityID; who != "" && who != core.UUID(*req.AuthorID) {
			return ErrForbidden
		}
	}
	m, err := h.svc.EditMessage(ctx, id, Edit{
		Content: req.Content, Raw: req.Raw, Metadata: req.Metadata, SourceType: req.SourceType,
		InReplyTo: (*core.UUID)(req.InReplyTo), AuthorID: (*core.UUID)(req.AuthorID),
	})
	if err != nil {
		return err
	}
	return httpapi.OK(c, stored(m))
}

type completeRequest struct {
	serverRef
	ChannelID httpapi.ID `json:"channel_id"`
	MessageID httpapi.ID `json:"message_id"`
	Message   httpapi.ID `json:"messageId"`
}

func (h *Handler) complete(c echo.Context) error {
	var req completeRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	channel, message := core.UUID(req.ChannelID), core.UUID(cmp.Or(req.MessageID, req.Message))
	if channel == "" && message == "" {
		return core.BadRequest("Missing required field: channel_id")
	}
	if err := h.svc.Complete(c.Request().Context(), channel, cmp.Or(req.id(), core.DefaultServerID), message); err != nil {
		return err
	}
	return httpapi.JSON(c, http.StatusOK, map[string]any{"success": true, "message": "Completion event emitted", "data": map[string]any{"success": true}})
}

func (h *Handler) ingest(c echo.Context) error {
	a, err := h.accepted(c, func(n *NewMessage) { n.External = true })
	if err != nil {
		return err
	}
	return httpapi.JSON(c, http.StatusAccepted, map[string]any{
		"success": true, "message": "Message ingested", "data": map[string]any{"messageId": a.Message.ID},
	})
}

// stream accepts a message and answers with what comes of it, as server-sent events.
func (h *Handler) stream(c echo.Context, n NewMessage) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), h.opts.Wait)
	defer cancel()
	a, f, stop, err := follow(ctx, h.svc, n)
	if err != nil {
		return err
	}
	defer stop()
	w := newSSE(c)
	w.event(a.Message.Seq, "user_message", bus(a.Message))
	f.write(ctx, w)
	return nil
}
