package client

import (
	"context"
	"iter"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// Sessions are the calls on one user's talk with one agent, until it expires.
type Sessions struct{ c *Client }

// Timeouts say how long a session lives. In requests a field that is 0 or nil is left to the server.
type Timeouts struct {
	TimeoutMinutes          float64 `json:"timeoutMinutes,omitempty"`
	AutoRenew               *bool   `json:"autoRenew,omitempty"`
	MaxDurationMinutes      float64 `json:"maxDurationMinutes,omitempty"`
	WarningThresholdMinutes float64 `json:"warningThresholdMinutes,omitempty"`
}

// NewSession is a session to be opened.
type NewSession struct {
	AgentID  core.UUID      `json:"agentId"`
	UserID   core.UUID      `json:"userId"` // the client's entity when empty
	Metadata map[string]any `json:"metadata,omitempty"`
	Timeouts *Timeouts      `json:"timeoutConfig,omitempty"`
}

// Session is one user's talk with one agent.
type Session struct {
	ID               core.UUID      `json:"sessionId"`
	ChannelID        core.UUID      `json:"channelId"` // where its messages are
	AgentID          core.UUID      `json:"agentId"`
	UserID           core.UUID      `json:"userId"`
	Metadata         map[string]any `json:"metadata"`
	CreatedAt        core.ISO       `json:"createdAt"`
	ExpiresAt        core.ISO       `json:"expiresAt"`
	LastActivity     core.ISO       `json:"lastActivity"`
	Timeouts         Timeouts       `json:"timeoutConfig"`
	RenewalCount     int            `json:"renewalCount"`
	TimeRemaining    int64          `json:"timeRemaining"` // milliseconds
	IsNearExpiration bool           `json:"isNearExpiration"`
}

// SessionPage is a part of the active sessions, newest first, and how many there are.
type SessionPage struct {
	Sessions []Session `json:"sessions"`
	Total    int       `json:"total"` // active ones
	Stats    struct {
		Total   int `json:"totalSessions"`
		Active  int `json:"activeSessions"`
		Expired int `json:"expiredSessions"`
	} `json:"stats"`
}

// SessionsHealth counts sessions.
type SessionsHealth struct {
	Status         string   `json:"status"`
	ActiveSessions int      `json:"activeSessions"`
	ExpiringSoon   int      `json:"expiringSoon"`
	Timestamp      core.ISO `json:"timestamp"`
	Uptime         float64  `json:"uptime"` // seconds
}

// Create opens a session and its direct channel. The agent must be running.
func (s *Sessions) Create(ctx context.Context, n NewSession) (*Session, error) {
	if n.UserID == "" {
		n.UserID = s.c.entity
	}
	return whole[Session](ctx, s.c, post(n, "api", "messaging", "sessions"))
}

// List returns active sessions, limit of them at most, or 100.
func (s *Sessions) List(ctx context.Context, limit int) (*SessionPage, error) {
	return whole[SessionPage](ctx, s.c, get("api", "messaging", "sessions").with(Page{Limit: limit}.query()))
}

// Health counts sessions.
func (s *Sessions) Health(ctx context.Context) (*SessionsHealth, error) {
	return whole[SessionsHealth](ctx, s.c, get("api", "messaging", "sessions", "health"))
}

// Get returns a session. [core.CodeSessionExpired] once when it has expired, [core.CodeSessionNotFound] after that.
func (s *Sessions) Get(ctx context.Context, id core.UUID) (*Session, error) {
	return whole[Session](ctx, s.c, get("api", "messaging", "sessions", string(id)))
}

// Delete closes a session. Its channel and messages stay.
func (s *Sessions) Delete(ctx context.Context, id core.UUID) error {
	return s.c.none(ctx, remove("api", "messaging", "sessions", string(id)))
}

// Renew begins a session's timeout anew. [core.CodeSessionRenewal] when it lasts as long as it may already.
func (s *Sessions) Renew(ctx context.Context, id core.UUID) (*Session, error) {
	return whole[Session](ctx, s.c, post(nil, "api", "messaging", "sessions", string(id), "renew"))
}

// Heartbeat counts as activity, which renews a session that does so by itself.
func (s *Sessions) Heartbeat(ctx context.Context, id core.UUID) (*Session, error) {
	r := post(nil, "api", "messaging", "sessions", string(id), "heartbeat")
	r.repeatable = true
	return whole[Session](ctx, s.c, r)
}

// SetTimeouts changes how long a session lives; what is not given stays.
func (s *Sessions) SetTimeouts(ctx context.Context, id core.UUID, t Timeouts) (*Session, error) {
	return whole[Session](ctx, s.c, patch(t, "api", "messaging", "sessions", string(id), "timeout"))
}

// SessionFile is an attachment of a message in a session. Type, such as image, and URL are required.
type SessionFile struct {
	Type     string `json:"type"`
	URL      string `json:"url"`
	Name     string `json:"name,omitempty"`
	Size     int64  `json:"size,omitempty"`
	MimeType string `json:"mimeType,omitempty"`
}

// SessionMessage is something the user of a session says, 4000 characters at most.
type SessionMessage struct {
	Text        string         `json:"content"`
	Attachments []SessionFile  `json:"attachments,omitempty"`
	Metadata    map[string]any `json:"metadata,omitempty"`
}

func sessionPost(id core.UUID, n SessionMessage, transport string) request {
	return post(struct {
		SessionMessage
		Transport string `json:"transport"`
	}{n, transport}, "api", "messaging", "sessions", string(id), "messages")
}

// Send says something in a session and returns the message at once, as [Messaging.Send]. It is not repeated when the
// network fails: messages of sessions have no id of the client's.
func (s *Sessions) Send(ctx context.Context, id core.UUID, n SessionMessage) (*Message, error) {
	a, err := s.post(ctx, id, n, transportSocket)
	if err != nil {
		return nil, err
	}
	return &a.Message, nil
}

// Ask is Send that waits for the agent.
func (s *Sessions) Ask(ctx context.Context, id core.UUID, n SessionMessage) (*Answer, error) {
	return s.post(ctx, id, n, transportHTTP)
}

// post says something. What the answer tells of a message in this package's words and what only in others is one.
func (s *Sessions) post(ctx context.Context, id core.UUID, n SessionMessage, transport string) (*Answer, error) {
	v, err := data[struct {
		answerBody
		Stored MessageStored `json:"userMessage"`
	}](ctx, s.c, sessionPost(id, n, transport))
	if err != nil {
		return nil, err
	}
	v.Message.ChannelID, v.Message.Seq = v.Stored.ChannelID, v.Stored.Seq
	return &Answer{v.Message, v.Replies}, nil
}

// Stream is Send that returns what the agent answers while it is made, as [Messaging.Stream].
func (s *Sessions) Stream(ctx context.Context, id core.UUID, n SessionMessage) iter.Seq2[Event, error] {
	return s.c.answer(ctx, sessionPost(id, n, transportSSE))
}

// SessionHistory is a part of the messages of a session, newest first.
type SessionHistory struct {
	Messages []SessionSaid `json:"messages"`
	HasMore  bool          `json:"hasMore"`
	Cursors  struct {
		Before core.Millis `json:"before"` // of the oldest in this part
		After  core.Millis `json:"after"`  // of the newest
	} `json:"cursors"`
}

// SessionSaid is a message in the history of a session.
type SessionSaid struct {
	ID        core.UUID      `json:"id"`
	Content   string         `json:"content"`
	AuthorID  core.UUID      `json:"authorId"`
	IsAgent   bool           `json:"isAgent"`
	CreatedAt core.ISO       `json:"createdAt"`
	Metadata  map[string]any `json:"metadata"`
}

// Messages returns what was said in a session, limit messages at most, or 50; moments that are zero do not count.
func (s *Sessions) Messages(ctx context.Context, id core.UUID, before, after time.Time, limit int) (*SessionHistory, error) {
	q := params{}.moment("before", before).moment("after", after).count("limit", limit)
	return whole[SessionHistory](ctx, s.c, get("api", "messaging", "sessions", string(id), "messages").with(q.values()))
}
