package messaging

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

var errMessageSend = &core.Error{Code: core.CodeMessageSend, Message: "The message could not be sent"}

type sessionPost struct {
	Content     string         `json:"content" validate:"required"`
	Attachments []attachment   `json:"attachments" validate:"dive"`
	Metadata    map[string]any `json:"metadata"`
	Transport   string         `json:"transport"`
	Mode        string         `json:"mode"`
}

type attachment struct {
	Type     string   `json:"type" validate:"required"`
	URL      string   `json:"url" validate:"required"`
	Name     string   `json:"name"`
	Size     *float64 `json:"size"`
	MimeType string   `json:"mimeType"`
}

// media is the attachment as messages carry them.
func (a *attachment) media() map[string]any {
	out := map[string]any{"type": a.Type, "url": a.URL}
	if a.Name != "" {
		out["name"] = a.Name
	}
	if a.Size != nil {
		out["size"] = *a.Size
	}
	if a.MimeType != "" {
		out["mimeType"], out["contentType"] = a.MimeType, a.MimeType
	}
	return out
}

func (r *sessionPost) message() (NewMessage, error) {
	if err := httpapi.Sized("metadata", r.Metadata, maxSessionMetadata); err != nil {
		return NewMessage{}, err
	}
	n := NewMessage{Content: r.Content, Metadata: r.Metadata}
	if len(r.Attachments) > 0 {
		list := make([]any, len(r.Attachments))
		for i := range r.Attachments {
			list[i] = r.Attachments[i].media()
		}
		if n.Metadata == nil {
			n.Metadata = map[string]any{}
		}
		n.Metadata["attachments"] = list
	}
	return n, nil
}

func (h *Handler) postSession(c echo.Context) error {
	id, err := sessionParam(c)
	if err != nil {
		return err
	}
	var req sessionPost
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	transport, err := transportOf(req.Transport, req.Mode)
	if err != nil {
		return err
	}
	n, err := req.message()
	if err != nil {
		return err
	}
	sent, err := h.svc.SessionMessage(c.Request().Context(), id, n)
	if err != nil {
		return instead(errMessageSend, err)
	}
	if transport == transportSSE {
		return instead(errMessageSend, h.stream(c, sent.Message))
	}
	a, err := h.svc.Accept(c.Request().Context(), sent.Message)
	if err != nil {
		return instead(errMessageSend, err)
	}
	view := h.sessionPosted(a.Message, sent)
	if transport == transportHTTP {
		answer, err := h.answer(c.Request().Context(), a.Message)
		if err != nil {
			return instead(errMessageSend, err)
		}
		view.answered(answer)
	}
	return httpapi.JSON(c, http.StatusCreated, postedTwice{view, view})
}

// sessionPosted is the answer to a message posted to a session, in the shapes of three generations of clients.
type sessionPosted struct {
	Success        bool           `json:"success"`
	UserMessage    sessionBusView `json:"userMessage"`
	AgentResponse  *nullable      `json:"agentResponse,omitempty"`
	AgentResponses *[]replyView   `json:"agentResponses,omitempty"`
	Status         sessionStatus  `json:"sessionStatus"`
	ID             core.UUID      `json:"id"`
	Content        string         `json:"content"`
	AuthorID       core.UUID      `json:"authorId"`
	CreatedAt      core.ISO       `json:"createdAt"`
	Metadata       map[string]any `json:"metadata"`
}

type sessionBusView struct {
	busView
	AuthorID  core.UUID `json:"authorId"`
	CreatedAt core.ISO  `json:"createdAt"`
}

type sessionStatus struct {
	ExpiresAt core.ISO `json:"expiresAt"`
	Renewals  int      `json:"renewalCount"`
	Renewed   bool     `json:"wasRenewed"`
	Near      bool     `json:"isNearExpiration"`
}

// postedTwice is the answer as it is and once more under "data", where the published client looks for it.
type postedTwice struct {
	sessionPosted
	Data sessionPosted `json:"data"`
}

func (h *Handler) sessionPosted(m *Message, sent *SessionMessage) sessionPosted {
	s, at := sent.Session, core.ISO(m.CreatedAt)
	return sessionPosted{
		Success: true, UserMessage: sessionBusView{bus(m), m.AuthorID, at},
		Status: sessionStatus{s.ExpiresAt, s.Renewals, sent.Renewed, s.Near(h.now())},
		ID:     m.ID, Content: m.Content, AuthorID: m.AuthorID, CreatedAt: at, Metadata: m.Metadata,
	}
}

func (p *sessionPosted) answered(a *Answer) { p.AgentResponse, p.AgentResponses = repliesOf(a) }
