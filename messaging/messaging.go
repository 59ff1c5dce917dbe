package messaging

import (
	"github.com/eliza-go/eliza/runtime/core"
)

// Types of channels.
const (
	TypeSelf       = "SELF"
	TypeDM         = "DM"
	TypeGroup      = "GROUP"
	TypeVoiceDM    = "VOICE_DM"
	TypeVoiceGroup = "VOICE_GROUP"
	TypeFeed       = "FEED"
	TypeThread     = "THREAD"
	TypeWorld      = "WORLD"
	TypeForum      = "FORUM"
	TypeAPI        = "API"
)

// IsDM tells whether channels of a type have two sides only.
func IsDM(channelType string) bool { return channelType == TypeDM || channelType == TypeVoiceDM }

// Sources of messages the server itself gives.
const (
	SourceAgent  = "agent_response"
	SourceAction = "agent_action"
)

// Server is a message server: a group of channels and the agents that take part in it.
type Server struct {
	ID         core.UUID      `json:"id"`
	Name       string         `json:"name"`
	SourceType string         `json:"sourceType"`
	SourceID   string         `json:"sourceId,omitempty"`
	Metadata   map[string]any `json:"metadata,omitempty"`
	CreatedAt  core.ISO       `json:"createdAt"`
	UpdatedAt  core.ISO       `json:"updatedAt"`
}

// Channel is where people and agents talk. Head is the number of its latest change.
type Channel struct {
	ID         core.UUID      `json:"id"`
	ServerID   core.UUID      `json:"messageServerId"`
	Name       string         `json:"name"`
	Type       string         `json:"type"`
	SourceType string         `json:"sourceType,omitempty"`
	SourceID   string         `json:"sourceId,omitempty"`
	Topic      string         `json:"topic,omitempty"`
	Metadata   map[string]any `json:"metadata,omitempty"`
	CreatedAt  core.ISO       `json:"createdAt"`
	UpdatedAt  core.ISO       `json:"updatedAt"`
	Head       int64          `json:"-"`
}

type plainChannel Channel

// MarshalJSON writes the id of the message server under both of its names.
func (c Channel) MarshalJSON() ([]byte, error) {
	return core.EncodeJSON(struct {
		plainChannel
		Server core.UUID `json:"serverId"`
	}{plainChannel(c), c.ServerID})
}

// Message is one stored message of a channel. Seq is its number there.
type Message struct {
	ID         core.UUID
	ChannelID  core.UUID
	ServerID   core.UUID // of its channel
	AuthorID   core.UUID
	ByAgent    bool // the author is one of our agents
	Content    string
	Raw        map[string]any
	Metadata   map[string]any
	SourceType string
	SourceID   string
	InReplyTo  core.UUID
	Seq        int64
	CreatedAt  core.Millis
	UpdatedAt  core.Millis
}

// AuthorName is the name the author is shown by, "Agent" or "User" when none is known.
func (m *Message) AuthorName() string {
	for _, key := range [...]string{"agentName", "user_display_name"} {
		if s, _ := m.Metadata[key].(string); s != "" {
			return s
		}
	}
	if m.ByAgent {
		return "Agent"
	}
	return "User"
}

// NewMessage is a message to be accepted.
type NewMessage struct {
	ID         core.UUID // "" = new; a given one makes the call repeatable
	ChannelID  core.UUID
	ServerID   core.UUID // only used to create a channel that does not exist
	AuthorID   core.UUID
	ClientID   string // the client's own id: repeatable per channel and author
	Content    string
	Raw        map[string]any
	Metadata   map[string]any
	SourceType string
	SourceID   string
	InReplyTo  core.UUID
	Target     core.UUID // only this agent reacts; "" = all concerned
	External   bool      // from another platform: repeatable per channel, SourceType and SourceID
	Undeliver  bool      // store and broadcast only: no agent reacts, no completion
	AgentRun   int       // of an agent's message: other agents get it unless so many came in a row; 0 = never
	Create     *NewChannel
}

// NewChannel is a channel to be made. As part of a [NewMessage] it is made only when the channel does not
// exist; its ID, ServerID and the message's author are filled in then.
type NewChannel struct {
	ID           core.UUID // "" = new
	ServerID     core.UUID
	Name         string
	Type         string // GROUP when empty
	SourceType   string
	SourceID     string
	Topic        string
	Metadata     map[string]any
	Participants []core.UUID
	DMKey        string // not empty: at most one channel of the server has it
}

// ChannelPatch changes a channel: nil fields stay, the others replace.
type ChannelPatch struct {
	Name         *string
	Topic        *string
	Metadata     map[string]any
	Participants []core.UUID
}

// Accepted is a stored message.
type Accepted struct {
	Message   *Message
	Channel   *Channel
	Duplicate bool    // it had been stored before; nothing was done now
	Lanes     []Lane  // who has to react
	Complete  *Result // already complete: nobody has to react
	Seq       int64   // number of that completion
}

// Page selects messages of a channel, newest first; with AfterSeq the oldest Limit after it, oldest first.
type Page struct {
	ChannelID     core.UUID
	Before, After core.Millis // exclusive; 0 = open
	Oldest        bool        // the oldest Limit of those within Before and After, still newest first
	AfterSeq      int64       // -1 = not used
	Limit         int
}

// Search selects messages by text and author, newest first.
type Search struct {
	Query         string
	ChannelID     core.UUID
	AuthorID      core.UUID
	From, To      core.Millis
	Limit, Offset int
}

// Kinds of events. The first five are changes of a channel with a number of their own.
const (
	KindMessage  = "message"
	KindEdited   = "edited"
	KindDeleted  = "deleted"
	KindCleared  = "cleared"
	KindComplete = "complete"

	KindChunk       = "chunk"
	KindStreamError = "stream_error"
	KindControl     = "control"
	KindUpdated     = "updated"
	KindRemoved     = "removed"
	KindReplayed    = "replayed" // to one watcher: it has all up to Seq, what follows is live
)

// Event is something that happened in a channel. Watchers, the Gateway and SSE live on these alone.
type Event struct {
	Seq       int64 // per channel, without holes, in commit order; 0 = live only, not kept
	Kind      string
	ChannelID core.UUID
	MessageID core.UUID
	Message   *Message // KindMessage, KindEdited
	Result    *Result  // KindComplete
	Chunk     *Chunk   // KindChunk, KindStreamError
	Control   *Control // KindControl
	Channel   *Channel // KindUpdated
}

// Chunk is a piece of an answer being made, or the report that the stream broke.
type Chunk struct {
	AgentID   core.UUID
	InReplyTo core.UUID // the message being answered
	Text      string    // the piece; of a broken stream all there was
	Index     int
	Error     string
}

// Control asks clients to enable or disable their input.
type Control struct {
	Action string // enable_input or disable_input
	Target string
}

// Results of one agent for one message.
const (
	StatusResponded = "responded"
	StatusIgnored   = "ignored"
	StatusFailed    = "failed"
	StatusTimeout   = "timeout"
	StatusStopped   = "stopped"
)

// AgentResult is how one agent ended with a message.
type AgentResult struct {
	AgentID   core.UUID   `json:"agentId"`
	Status    string      `json:"status"`
	Responses []core.UUID `json:"responseMessageIds,omitempty"`
}

// Result is the end of a message: every agent concerned has answered, ignored it, failed or was stopped.
type Result struct {
	MessageID core.UUID     `json:"messageId"`
	ServerID  core.UUID     `json:"serverId"`
	DM        bool          `json:"dm,omitempty"`
	Agents    []AgentResult `json:"results"`
}

// Status is "no_agent" when nobody was concerned, "error" when none responded and at least one failed or
// timed out, else "completed".
func (r *Result) Status() string {
	if len(r.Agents) == 0 {
		return "no_agent"
	}
	status := "completed"
	for _, a := range r.Agents {
		switch a.Status {
		case StatusResponded:
			return "completed"
		case StatusFailed, StatusTimeout:
			status = "error"
		}
	}
	return status
}

// failure is what a client may know of why nobody answered, "" when that was no failure.
func (r *Result) failure() string {
	if r.Status() != "error" {
		return ""
	}
	for _, a := range r.Agents {
		if a.Status == StatusTimeout {
			return "The agent took too long to answer"
		}
	}
	return "The agent could not answer"
}

// agents is the list of results, never nil.
func (r *Result) agents() []AgentResult {
	if r.Agents == nil {
		return []AgentResult{}
	}
	return r.Agents
}

// Errors of this package.
var (
	ErrChannelNotFound = &core.Error{Code: core.CodeChannelNotFound, Message: "Channel not found"}
	ErrMessageNotFound = &core.Error{Code: core.CodeNotFound, Message: "Message not found"}
	ErrServerNotFound  = &core.Error{Code: core.CodeNotFound, Message: "Message server not found"}
	ErrAgentNotFound   = &core.Error{Code: core.CodeAgentNotFound, Message: "Agent not found"}
	ErrConflict        = &core.Error{Code: core.CodeConflict, Message: "Conflict"}
	ErrForbidden       = &core.Error{Code: core.CodeForbidden, Message: "Not allowed for this identity"}
	ErrShuttingDown    = &core.Error{Code: core.CodeUnavailable, Message: "The server is shutting down", RetryAfter: 1e9}
)
