package messaging

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

const sourceHTTP = "eliza_gui" // of messages posted to a channel without a source

// Transports: how a client gets the answer to a message it posts.
const (
	transportSocket = "websocket" // not here
	transportHTTP   = "http"      // in the response, when there
	transportSSE    = "sse"       // in the response, as it comes
)

type postRequest struct {
	serverRef
	AuthorID    httpapi.ID     `json:"author_id" validate:"required"`
	Content     string         `json:"content"`
	MessageID   httpapi.ID     `json:"messageId"`
	Metadata    map[string]any `json:"metadata"`
	Attachments []any          `json:"attachments"`
	Raw         map[string]any `json:"raw_message"`
	InReplyTo   httpapi.ID     `json:"in_reply_to_message_id"`
	SourceType  string         `json:"source_type"`
	ChannelType string         `json:"channel_type"`
	Transport   string         `json:"transport"`
	Mode        string         `json:"mode"`
}

func (r *postRequest) transport() (string, error) { return transportOf(r.Transport, r.Mode) }

// transportOf is the transport a request names, perhaps under its older name.
func transportOf(transport, mode string) (string, error) {
	switch cmp.Or(transport, mode) {
	case "", transportSocket:
		return transportSocket, nil
	case transportHTTP, "sync":
		return transportHTTP, nil
	case transportSSE, "stream":
		return transportSSE, nil
	}
	return "", core.BadRequest("Invalid transport: expected one of http, sse, websocket, sync, stream")
}

// message is the request as a message of a channel.
func (r *postRequest) message(channel core.UUID, now core.Millis) (NewMessage, error) {
	server, err := r.required()
	if err != nil {
		return NewMessage{}, err
	}
	n := NewMessage{
		ID: core.UUID(r.MessageID), ChannelID: channel, ServerID: server, AuthorID: core.UUID(r.AuthorID), Content: r.Content,
		Raw: r.Raw, Metadata: r.Metadata, SourceType: cmp.Or(r.SourceType, sourceHTTP), InReplyTo: core.UUID(r.InReplyTo),
		Target: targetOf(r.Metadata),
	}
	if len(r.Attachments) > 0 {
		if n.Metadata == nil {
			n.Metadata = map[string]any{}
		}
		n.Metadata["attachments"] = r.Attachments
		if n.Raw != nil {
			n.Raw["attachments"] = r.Attachments
		}
	}
	n.Create = autoChannel(&n, createdByHTTP, r.ChannelType, "", now)
	return n, nil
}

// targetOf is the one agent a message is meant for, "" when it names none.
func targetOf(meta map[string]any) core.UUID {
	s, _ := meta["targetAgentId"].(string)
	id, err := core.ParseUUID(s)
	if err != nil {
		return ""
	}
	return id
}

func (h *Handler) post(c echo.Context) error {
	channel, err := httpapi.UUIDParam(c, "channelId")
	if err != nil {
		return err
	}
	var req postRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	transport, err := req.transport()
	if err != nil {
		return err
	}
	n, err := req.message(channel, h.now())
	if err != nil {
		return err
	}
	if transport == transportSSE {
		return h.stream(c, n)
	}
	a, err := h.svc.Accept(c.Request().Context(), n)
	if err != nil {
		return err
	}
	view := posted{Success: true, Data: union(a.Message), UserMessage: bus(a.Message)}
	if transport == transportHTTP {
		answer, err := h.answer(c.Request().Context(), a.Message)
		if err != nil {
			return err
		}
		view.answered(answer)
	}
	return httpapi.JSON(c, createdOr200(a), view)
}

func createdOr200(a *Accepted) int {
	if a.Duplicate {
		return http.StatusOK
	}
	return http.StatusCreated
}

// answer waits for the end of a message; the turn goes on when the wait is over first.
func (h *Handler) answer(ctx context.Context, m *Message) (*Answer, error) {
	limited, cancel := context.WithTimeout(ctx, h.opts.Wait)
	defer cancel()
	answer, err := h.svc.Wait(limited, m.ChannelID, m.ID, m.Seq-1)
	over := errors.Is(limited.Err(), context.DeadlineExceeded) && core.CodeOf(err) == core.CodeInternal // whatever it cut short
	if err != nil && over && ctx.Err() == nil {
		return nil, &core.Error{Code: core.CodeTimeout, Message: "The agent has not answered in time; its answer will be in the channel"}
	}
	return answer, err
}

// posted is the answer to a posted message, in the shapes of both generations.
type posted struct {
	Success        bool         `json:"success"`
	Data           unionView    `json:"data"`
	UserMessage    busView      `json:"userMessage"`
	AgentResponse  *nullable    `json:"agentResponse,omitempty"`
	AgentResponses *[]replyView `json:"agentResponses,omitempty"`
}

// nullable is a reply that is written as null when there is none.
type nullable struct{ reply *replyView }

// MarshalJSON writes the reply or null.
func (n nullable) MarshalJSON() ([]byte, error) { return core.EncodeJSON(n.reply) }

func (p *posted) answered(a *Answer) {
	p.AgentResponse, p.AgentResponses = repliesOf(a)
	p.Data.AgentResponse, p.Data.AgentResponses = p.AgentResponse, p.AgentResponses
}

// repliesOf are the last reply of an answer, null when there is none, and all of them.
func repliesOf(a *Answer) (*nullable, *[]replyView) {
	replies := make([]replyView, len(a.Replies))
	for i, m := range a.Replies {
		replies[i] = replied(m)
	}
	last := &nullable{}
	if len(replies) > 0 {
		last.reply = &replies[len(replies)-1]
	}
	return last, &replies
}

func (h *Handler) messages(c echo.Context) error {
	channel, err := httpapi.UUIDParam(c, "channelId")
	if err != nil {
		return err
	}
	p := Page{ChannelID: channel, Limit: httpapi.Limit(c, 50, 1000), AfterSeq: -1}
	if p.Before, err = httpapi.TimeQuery(c, "before"); err != nil {
		return err
	}
	if p.After, err = httpapi.TimeQuery(c, "after"); err != nil {
		return err
	}
	if s := c.QueryParam("afterSeq"); s != "" {
		if p.AfterSeq, err = seqOf(s, "afterSeq"); err != nil {
			return err
		}
	}
	page, err := h.svc.Messages(c.Request().Context(), p)
	if err != nil {
		return err
	}
	return httpapi.OK(c, map[string]any{"messages": listedAll(page.Messages), "hasMore": page.More, "seq": page.Head})
}

// seqOf reads the number of a change.
func seqOf(s, name string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, core.BadRequest("Invalid " + name + ", expected a number")
	}
	return n, nil
}

func (h *Handler) deleteMessage(c echo.Context) error {
	channel, err := httpapi.UUIDParam(c, "channelId")
	if err != nil {
		return err
	}
	message, err := httpapi.UUIDParam(c, "messageId")
	if err != nil {
		return err
	}
	if err := h.svc.DeleteMessage(c.Request().Context(), channel, message); err != nil {
		return err
	}
	return httpapi.NoContent(c)
}

func (h *Handler) clear(c echo.Context) error {
	channel, err := httpapi.UUIDParam(c, "channelId")
	if err != nil {
		return err
	}
	if err := h.svc.ClearChannel(c.Request().Context(), channel); err != nil {
		return err
	}
	return httpapi.NoContent(c)
}

func (h *Handler) message(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "messageId")
	if err != nil {
		return err
	}
	m, err := h.svc.Message(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return httpapi.OK(c, stored(m))
}

type editRequest struct {
	Content string `json:"content" validate:"required"`
}

func (h *Handler) patchMessage(c echo.Context) error {
	id, err := httpapi.UUIDParam(c, "messageId")
	if err != nil {
		return err
	}
	var req editRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	m, err := h.svc.EditMessage(c.Request().Context(), id, Edit{Content: &req.Content})
	if err != nil {
		return err
	}
	return httpapi.OK(c, stored(m))
}

type searchRequest struct {
	Query     string     `json:"query" validate:"max=1000"`
	ChannelID httpapi.ID `json:"channelId"`
	AuthorID  httpapi.ID `json:"authorId"`
	From      core.ISO   `json:"from"`
	To        core.ISO   `json:"to"`
	Limit     int        `json:"limit"`
	Offset    int        `json:"offset" validate:"min=0"`
	Page      int        `json:"page" validate:"min=0"`
}

func (h *Handler) search(c echo.Context) error {
	var req searchRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	if req.Query == "" && req.ChannelID == "" && req.AuthorID == "" {
		return core.BadRequest("One of query, channelId and authorId is required")
	}
	if req.Limit < 1 {
		req.Limit = 50
	}
	s := Search{
		Query: req.Query, ChannelID: core.UUID(req.ChannelID), AuthorID: core.UUID(req.AuthorID),
		From: core.Millis(req.From), To: core.Millis(req.To), Limit: min(req.Limit, 100), Offset: req.Offset,
	}
	if req.Page > 1 && req.Offset == 0 {
		s.Offset = (req.Page - 1) * s.Limit
	}
	page, total, err := h.svc.SearchMessages(c.Request().Context(), s)
	if err != nil {
		return err
	}
	return httpapi.OK(c, map[string]any{"messages": listedAll(page), "total": total, "hasMore": s.Offset+len(page) < total})
}
