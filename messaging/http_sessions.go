package messaging

import (
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

// inSession is next as a route of sessions: its errors tell their time, and whatever is wrong with a request has
// one code.
func (h *Handler) inSession(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		httpapi.TimeErrors(c, h.opts.Now)
		err := next(c)
		if e, ok := errors.AsType[*core.Error](err); ok && (e.Code == core.CodeBadRequest || e.Code == core.CodeInvalidID) {
			invalid := *e
			invalid.Code = core.CodeValidation
			return &invalid
		}
		return err
	}
}

// sessionParam reads the id of a session. One that is no UUID is the id of none.
func sessionParam(c echo.Context) (core.UUID, error) {
	id, err := httpapi.UUIDParam(c, "sessionId")
	if core.CodeOf(err) == core.CodeInvalidID {
		return "", ErrSessionNotFound
	}
	return id, err
}

// sessionView is a session as it stands at a moment ("SessionInfo" of the contract).
type sessionView struct {
	*Session
	Remaining core.Millis `json:"timeRemaining"`
	Near      bool        `json:"isNearExpiration"`
}

func (h *Handler) session(s *Session) sessionView {
	now := h.now()
	return sessionView{s, s.Remaining(now), s.Near(now)}
}

type timeoutsRequest struct {
	Timeout     *float64 `json:"timeoutMinutes"`
	AutoRenew   *bool    `json:"autoRenew"`
	MaxDuration *float64 `json:"maxDurationMinutes"`
	Warning     *float64 `json:"warningThresholdMinutes"`
}

func (r *timeoutsRequest) patch() SessionTimeoutsPatch {
	return SessionTimeoutsPatch{Timeout: whole(r.Timeout), MaxDuration: whole(r.MaxDuration), Warning: whole(r.Warning), AutoRenew: r.AutoRenew}
}

type sessionRequest struct {
	AgentID  httpapi.ID      `json:"agentId" validate:"required"`
	UserID   httpapi.ID      `json:"userId" validate:"required"`
	Metadata map[string]any  `json:"metadata"`
	Timeouts timeoutsRequest `json:"timeoutConfig"`
}

// createdSession is what is told of a session that was just made.
type createdSession struct {
	ID        core.UUID       `json:"sessionId"`
	ChannelID core.UUID       `json:"channelId"`
	AgentID   core.UUID       `json:"agentId"`
	UserID    core.UUID       `json:"userId"`
	CreatedAt core.ISO        `json:"createdAt"`
	Metadata  map[string]any  `json:"metadata"`
	ExpiresAt core.ISO        `json:"expiresAt"`
	Timeouts  SessionTimeouts `json:"timeoutConfig"`
}

func (h *Handler) createSession(c echo.Context) error {
	var req sessionRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	s, err := h.svc.CreateSession(c.Request().Context(), NewSession{
		AgentID: core.UUID(req.AgentID), UserID: core.UUID(req.UserID), Metadata: req.Metadata, Timeouts: req.Timeouts.patch(),
	})
	if err != nil {
		return err
	}
	return httpapi.JSON(c, http.StatusCreated, createdSession{
		s.ID, s.ChannelID, s.AgentID, s.UserID, s.CreatedAt, s.Metadata, s.ExpiresAt, s.Timeouts,
	})
}

func (h *Handler) sessions(c echo.Context) error {
	list, stats, err := h.svc.Sessions(c.Request().Context(), httpapi.Limit(c, 100, 1000))
	if err != nil {
		return err
	}
	views := make([]sessionView, len(list))
	for i := range list {
		views[i] = h.session(&list[i])
	}
	return httpapi.JSON(c, http.StatusOK, map[string]any{
		"sessions": views, "total": stats.Active,
		"stats": map[string]int{"totalSessions": stats.Total, "activeSessions": stats.Active, "expiredSessions": stats.Expired},
	})
}

func (h *Handler) sessionsHealth(c echo.Context) error {
	_, stats, err := h.svc.Sessions(c.Request().Context(), 1)
	if err != nil {
		return err
	}
	now := h.opts.Now()
	return httpapi.JSON(c, http.StatusOK, map[string]any{
		"status": "healthy", "activeSessions": stats.Active, "expiringSoon": stats.Expiring, "timestamp": core.ISO(core.MillisOf(now)),
		"uptime": max(0, now.Sub(h.born)).Truncate(time.Millisecond).Seconds(),
	})
}

// withSession answers with the session that do returns.
func (h *Handler) withSession(c echo.Context, do func(id core.UUID) (*Session, error)) error {
	id, err := sessionParam(c)
	if err != nil {
		return err
	}
	s, err := do(id)
	if err != nil {
		return err
	}
	return httpapi.JSON(c, http.StatusOK, h.session(s))
}

func (h *Handler) getSession(c echo.Context) error {
	return h.withSession(c, func(id core.UUID) (*Session, error) { return h.svc.Session(c.Request().Context(), id) })
}

func (h *Handler) renewSession(c echo.Context) error {
	return h.withSession(c, func(id core.UUID) (*Session, error) { return h.svc.RenewSession(c.Request().Context(), id) })
}

func (h *Handler) heartbeat(c echo.Context) error {
	return h.withSession(c, func(id core.UUID) (*Session, error) { return h.svc.TouchSession(c.Request().Context(), id) })
}

func (h *Handler) patchSession(c echo.Context) error {
	return h.withSession(c, func(id core.UUID) (*Session, error) {
		var req timeoutsRequest
		if err := httpapi.Decode(c, &req); err != nil {
			return nil, err
		}
		return h.svc.PatchSession(c.Request().Context(), id, req.patch())
	})
}

func (h *Handler) deleteSession(c echo.Context) error {
	id, err := sessionParam(c)
	if err != nil {
		return err
	}
	if err := h.svc.DeleteSession(c.Request().Context(), id); err != nil {
		return err
	}
	said := "Session " + string(id) + " deleted successfully"
	return httpapi.JSON(c, http.StatusOK, map[string]any{"success": true, "message": said, "data": map[string]any{"message": said}})
}

// sessionMessageView is a message in the list of a session's messages.
type sessionMessageView struct {
	ID        core.UUID    `json:"id"`
	Content   string       `json:"content"`
	AuthorID  core.UUID    `json:"authorId"`
	IsAgent   bool         `json:"isAgent"`
	CreatedAt core.ISO     `json:"createdAt"`
	Metadata  listMetadata `json:"metadata"`
}

type sessionPage struct {
	Messages []sessionMessageView `json:"messages"`
	More     bool                 `json:"hasMore"`
	Cursors  *sessionCursors      `json:"cursors,omitempty"`
}

type sessionCursors struct {
	Before core.Millis `json:"before"`
	After  core.Millis `json:"after"`
}

func (h *Handler) sessionMessages(c echo.Context) error {
	id, err := sessionParam(c)
	if err != nil {
		return err
	}
	p := Page{Limit: httpapi.Limit(c, 50, 100), AfterSeq: -1}
	if p.Before, err = httpapi.TimeQuery(c, "before"); err != nil {
		return err
	}
	if p.After, err = httpapi.TimeQuery(c, "after"); err != nil {
		return err
	}
	p.Oldest = p.After > 0 && p.Before == 0
	page, err := h.svc.SessionMessages(c.Request().Context(), id, p)
	if err != nil {
		return err
	}
	return httpapi.JSON(c, http.StatusOK, sessionPageOf(page))
}

func sessionPageOf(page *MessagePage) sessionPage {
	out := sessionPage{Messages: make([]sessionMessageView, len(page.Messages)), More: page.More}
	for i := range page.Messages {
		m := &page.Messages[i]
		out.Messages[i] = sessionMessageView{m.ID, m.Content, m.AuthorID, m.ByAgent, core.ISO(m.CreatedAt), listed(m).Metadata}
	}
	if n := len(page.Messages); n > 0 {
		out.Cursors = &sessionCursors{Before: page.Messages[n-1].CreatedAt, After: page.Messages[0].CreatedAt}
	}
	return out
}
