package client

import (
	"encoding/json"

	"github.com/eliza-go/eliza/runtime/core"
)

// Event is something that happened: in a channel, in the answer to a message, in the server's log, or to a socket.
// It is one of the types of this package that say so, always as a pointer.
type Event interface{ event() }

type (
	// MessageBroadcast is a message that was stored or, with UpdatedAt, changed. An answer replaces the chunks of
	// its id.
	MessageBroadcast struct {
		ID              core.UUID      `json:"id"`
		ChannelID       core.UUID      `json:"channelId"`
		ServerID        core.UUID      `json:"serverId"`
		SenderID        core.UUID      `json:"senderId"`
		SenderName      string         `json:"senderName"`
		Text            string         `json:"text"`
		Source          string         `json:"source"` // agent_response, agent_action, or what the client gave
		ClientMessageID string         `json:"clientMessageId"`
		Attachments     []core.Media   `json:"-"` // those that are as they should be
		Thought         string         `json:"thought"`
		Actions         []string       `json:"-"` // as are these
		InReplyTo       core.UUID      `json:"inReplyTo"`
		Raw             map[string]any `json:"rawMessage"` // of an agent's progress
		Seq             int64          `json:"seq"`
		CreatedAt       core.Millis    `json:"createdAt"`
		UpdatedAt       core.Millis    `json:"updatedAt"`
	}

	// MessageComplete says that all agents have done with a message. There is exactly one for each message.
	MessageComplete struct {
		ChannelID core.UUID     `json:"channelId"`
		ServerID  core.UUID     `json:"serverId"`
		MessageID core.UUID     `json:"messageId"`
		Status    string        `json:"status"` // completed, no_agent or error
		Results   []AgentResult `json:"results"`
		Seq       int64         `json:"seq"`
	}

	// AgentResult is what one agent did about a message.
	AgentResult struct {
		AgentID   core.UUID   `json:"agentId"`
		Status    string      `json:"status"` // responded, ignored, failed, timeout or stopped
		Responses []core.UUID `json:"responseMessageIds"`
	}

	// MessageDeleted says that one message is gone.
	MessageDeleted struct {
		ChannelID core.UUID `json:"channelId"`
		MessageID core.UUID `json:"messageId"`
		Seq       int64     `json:"seq"`
	}

	// ChannelCleared says that all messages of a channel are gone.
	ChannelCleared struct {
		ChannelID core.UUID `json:"channelId"`
		Seq       int64     `json:"seq"`
	}

	// ChannelUpdated has a channel as it is now.
	ChannelUpdated struct {
		ChannelID core.UUID `json:"channelId"`
		Channel   Channel   `json:"updates"`
	}

	// ChannelDeleted says that a channel is gone with all that was in it.
	ChannelDeleted struct {
		ChannelID core.UUID `json:"channelId"`
	}

	// ControlMessage asks to lock or unlock the input.
	ControlMessage struct {
		ChannelID core.UUID `json:"channelId"`
		Action    string    `json:"action"` // enable_input or disable_input
		Target    string    `json:"target"` // an element of the client's, may be empty
	}

	// StreamChunk is a piece of the answer that will have this id. Index counts from 0.
	StreamChunk struct {
		ChannelID core.UUID `json:"channelId"` // not in the answer to a message
		AgentID   core.UUID `json:"agentId"`   // nor this
		MessageID core.UUID `json:"messageId"`
		Text      string    `json:"chunk"`
		Index     int       `json:"index"`
	}

	// StreamError says that an answer broke off after at least one chunk.
	StreamError struct {
		ChannelID core.UUID `json:"channelId"`
		AgentID   core.UUID `json:"agentId"`
		MessageID core.UUID `json:"messageId"`
		Error     string    `json:"error"`
		Partial   string    `json:"partialText"` // what had come
	}

	// Gap says that not all that happened in a channel could be told: changes after number After up to Seq are
	// missing. The history has the messages.
	Gap struct {
		ChannelID core.UUID `json:"channelId"`
		After     int64     `json:"-"`
		Seq       int64     `json:"seq"`
	}

	// MessageStored is the message whose answer is streamed.
	MessageStored struct {
		ID         core.UUID      `json:"id"`
		ChannelID  core.UUID      `json:"channel_id"`
		ServerID   core.UUID      `json:"message_server_id"`
		AuthorID   core.UUID      `json:"author_id"`
		AuthorName string         `json:"author_display_name"`
		Content    string         `json:"content"`
		Metadata   map[string]any `json:"metadata"`
		Seq        int64          `json:"seq"`
		CreatedAt  core.Millis    `json:"created_at"`
	}

	// Done ends the answer to a message.
	Done struct {
		Reply           // the last one
		Replies []Reply `json:"responses"` // all of them; empty when no agent answered
	}

	// LogStream is an entry of the server's log.
	LogStream struct {
		Entry   core.LogEntry `json:"payload"`
		Dropped int           `json:"-"` // entries left out before it: they were not read in time
	}

	// Unknown is an event this package has no type for, or whose payload is not of that type.
	Unknown struct {
		Name string
		Data json.RawMessage // its first argument, nil when there is none
	}
)

func (*MessageBroadcast) event() {}
func (*MessageComplete) event()  {}
func (*MessageDeleted) event()   {}
func (*ChannelCleared) event()   {}
func (*ChannelUpdated) event()   {}
func (*ChannelDeleted) event()   {}
func (*ControlMessage) event()   {}
func (*StreamChunk) event()      {}
func (*StreamError) event()      {}
func (*Gap) event()              {}
func (*MessageStored) event()    {}
func (*Done) event()             {}
func (*LogStream) event()        {}
func (*Unknown) event()          {}

type plainBroadcast MessageBroadcast

// UnmarshalJSON takes what a client put into a message as far as it is as it should be.
func (m *MessageBroadcast) UnmarshalJSON(b []byte) error {
	var v struct {
		plainBroadcast
		Attachments []json.RawMessage `json:"attachments"`
		Actions     []json.RawMessage `json:"actions"`
	}
	if err := core.DecodeJSON(b, &v); err != nil {
		return err
	}
	*m = MessageBroadcast(v.plainBroadcast)
	m.Attachments, m.Actions = usable[core.Media](v.Attachments), usable[string](v.Actions)
	return nil
}

func usable[T any](list []json.RawMessage) (out []T) {
	for _, raw := range list {
		var v T
		if string(raw) != "null" && core.DecodeJSON(raw, &v) == nil {
			out = append(out, v)
		}
	}
	return out
}

// kinds are the events of channels and of logs, by their names on the wire.
var kinds = map[string]func() Event{
	"messageBroadcast":   func() Event { return &MessageBroadcast{} },
	"messageComplete":    func() Event { return &MessageComplete{} },
	"messageDeleted":     func() Event { return &MessageDeleted{} },
	"channelCleared":     func() Event { return &ChannelCleared{} },
	"channelUpdated":     func() Event { return &ChannelUpdated{} },
	"channelDeleted":     func() Event { return &ChannelDeleted{} },
	"controlMessage":     func() Event { return &ControlMessage{} },
	"messageStreamChunk": func() Event { return &StreamChunk{} },
	"messageStreamError": func() Event { return &StreamError{} },
	"log_stream":         func() Event { return &LogStream{} },
}

// decodeEvent reads an event.
func decodeEvent(name string, payload json.RawMessage) Event {
	if make := kinds[name]; make != nil {
		if e := make(); core.DecodeJSON(payload, e) == nil {
			return e
		}
	}
	return &Unknown{name, payload}
}

// mark is where an event belongs: its channel, and its number there. 0 = it has none.
type mark struct {
	Channel core.UUID `json:"channelId"`
	Seq     int64     `json:"seq"`
}

func markOf(payload json.RawMessage) (m mark) {
	if json.Unmarshal(payload, &m) != nil || m.Seq < 0 {
		return mark{}
	}
	return m
}
