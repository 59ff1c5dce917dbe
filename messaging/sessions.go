package messaging

import (
	"context"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	sourceSession      = "user" // of messages sent in a session
	maxSessionContent  = 4000
	maxSessionMetadata = 10 << 10
)

// Session is one user's talk with one agent in a channel of its own, until it expires.
type Session struct {
	ID           core.UUID       `json:"sessionId"`
	ChannelID    core.UUID       `json:"channelId"`
	AgentID      core.UUID       `json:"agentId"`
	UserID       core.UUID       `json:"userId"`
	CreatedAt    core.ISO        `json:"createdAt"`
	LastActivity core.ISO        `json:"lastActivity"`
	Metadata     map[string]any  `json:"metadata"`
	ExpiresAt    core.ISO        `json:"expiresAt"`
	Timeouts     SessionTimeouts `json:"timeoutConfig"`
	Renewals     int             `json:"renewalCount"`
	RenewedAt    core.ISO        `json:"-"` // when the timeout began to run last
}

// SessionTimeouts says how long a session lives, in minutes.
type SessionTimeouts struct {
	Timeout     int  `json:"timeoutMinutes"`     // without a renewal
	AutoRenew   bool `json:"autoRenew"`          // a message renews
	MaxDuration int  `json:"maxDurationMinutes"` // however often it is renewed
	Warning     int  `json:"warningThresholdMinutes"`
}

// SessionTimeoutsPatch changes timeouts: nil fields stay.
type SessionTimeoutsPatch struct {
	Timeout, MaxDuration, Warning *int
	AutoRenew                     *bool
}

// NewSession is a session to be made.
type NewSession struct {
	AgentID, UserID core.UUID
	Metadata        map[string]any
	Timeouts        SessionTimeoutsPatch // of the defaults; out of range it is clamped
}

// SessionMessage is a message on its way into a session.
type SessionMessage struct {
	Message NewMessage // to be given to [Service.Accept]
	Session *Session   // as the message leaves it
	Renewed bool       // by this message
}

// SessionStats counts stored sessions.
type SessionStats struct {
	Total, Active, Expired int
	Expiring               int // active, but not much longer
}

// SessionService is the part of [Service] for sessions. A session that is not there is ErrSessionNotFound;
// one that has expired is ErrSessionExpired, once, and is removed.
type SessionService interface {
	// CreateSession makes a session and its channel. ErrAgentNotFound when the agent does not run.
	CreateSession(ctx context.Context, n NewSession) (*Session, error)
	Session(ctx context.Context, id core.UUID) (*Session, error)
	// Sessions lists active sessions, newest first, and counts all.
	Sessions(ctx context.Context, limit int) ([]Session, SessionStats, error)
	// SessionMessage checks a message, of which content, metadata and attachments are given, fills in the rest
	// and renews the session. The message is not stored yet.
	SessionMessage(ctx context.Context, id core.UUID, n NewMessage) (*SessionMessage, error)
	// SessionMessages returns a page of the session's channel.
	SessionMessages(ctx context.Context, id core.UUID, p Page) (*MessagePage, error)
	// RenewSession starts the timeout anew. ErrSessionRenewal when the session lasts as long as it may already.
	RenewSession(ctx context.Context, id core.UUID) (*Session, error)
	// TouchSession counts as activity: it renews the session if that is what activity does and can be done.
	TouchSession(ctx context.Context, id core.UUID) (*Session, error)
	// PatchSession changes timeouts; out of range is an error.
	PatchSession(ctx context.Context, id core.UUID, p SessionTimeoutsPatch) (*Session, error)
	// DeleteSession removes a session. Its channel and messages stay.
	DeleteSession(ctx context.Context, id core.UUID) error
}

// SessionStore is the part of [Store] for sessions.
type SessionStore interface {
	// CreateSession stores a session and its channel.
	CreateSession(ctx context.Context, s Session, c NewChannel) error
	Session(ctx context.Context, id core.UUID) (*Session, error)
	// Sessions lists what expires after now, newest first, and counts all.
	Sessions(ctx context.Context, now core.Millis, limit int) ([]Session, SessionStats, error)
	// ChangeSession lets fn, which may be called more than once, change what is stored.
	ChangeSession(ctx context.Context, id core.UUID, fn func(*Session) error) (*Session, error)
	DeleteSession(ctx context.Context, id core.UUID) error
	// SweepSessions removes what has expired by now.
	SweepSessions(ctx context.Context, now core.Millis) error
}

// Errors of sessions.
var (
	ErrSessionNotFound = &core.Error{Code: core.CodeSessionNotFound, Message: "Session not found"}
	ErrSessionExpired  = &core.Error{Code: core.CodeSessionExpired, Message: "Session has expired"}
	ErrSessionRenewal  = &core.Error{Code: core.CodeSessionRenewal, Message: "The session has reached its maximum duration"}
	ErrSessionCreation = &core.Error{Code: core.CodeSessionCreation, Message: "The session could not be created"}
)

// Near tells whether a session ends soon.
func (s *Session) Near(now core.Millis) bool {
	return s.Remaining(now) <= core.Millis(s.Timeouts.Warning)*minute
}

// Remaining is how many milliseconds a session has left.
func (s *Session) Remaining(now core.Millis) core.Millis { return max(0, core.Millis(s.ExpiresAt)-now) }

// end is when a session ends at the latest.
func (s *Session) end() core.ISO { return s.CreatedAt + core.ISO(s.Timeouts.MaxDuration)*minute }

// expire sets the end of a session by its timeouts.
func (s *Session) expire() {
	from := s.RenewedAt
	if s.Timeouts.AutoRenew {
		from = s.LastActivity
	}
	s.ExpiresAt = min(from+core.ISO(s.Timeouts.Timeout)*minute, s.end())
}

// renew starts the timeout anew, unless that would change nothing any more.
func (s *Session) renew(now core.Millis) bool {
	s.LastActivity = max(s.LastActivity, core.ISO(now))
	if s.ExpiresAt >= s.end() {
		return false
	}
	s.RenewedAt = s.LastActivity
	s.Renewals++
	s.expire()
	return true
}

// touch is renew for activity that may renew.
func (s *Session) touch(now core.Millis) bool {
	if s.Timeouts.AutoRenew {
		return s.renew(now)
	}
	s.LastActivity = max(s.LastActivity, core.ISO(now))
	return false
}
