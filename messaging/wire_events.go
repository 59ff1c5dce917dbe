package messaging

import (
	"github.com/eliza-go/eliza/runtime/core"
)

// place names a channel and its message server under both of their names.
type place struct {
	ChannelID core.UUID `json:"channelId"`
	RoomID    core.UUID `json:"roomId"`
}

func placeOf(channel core.UUID) place { return place{channel, channel} }

// broadcastView is a message as a room gets it ("messageBroadcast" of the contract).
type broadcastView struct {
	ID         core.UUID `json:"id"`
	SenderID   core.UUID `json:"senderId"`
	SenderName string    `json:"senderName"`
	Text       string    `json:"text"`
	place
	ServerID        core.UUID      `json:"serverId"`
	MessageServerID core.UUID      `json:"messageServerId"`
	CreatedAt       core.Millis    `json:"createdAt"`
	UpdatedAt       core.Millis    `json:"updatedAt,omitempty"`
	Source          string         `json:"source"`
	ClientMessageID string         `json:"clientMessageId,omitempty"`
	Attachments     []any          `json:"attachments,omitempty"`
	Thought         string         `json:"thought,omitempty"`
	Actions         []any          `json:"actions,omitempty"`
	InReplyTo       core.UUID      `json:"inReplyTo,omitempty"`
	Raw             map[string]any `json:"rawMessage,omitempty"`
	Seq             int64          `json:"seq"`
}

func broadcast(m *Message) broadcastView {
	v := broadcastView{
		ID: m.ID, SenderID: m.AuthorID, SenderName: m.AuthorName(), Text: m.Content, place: placeOf(m.ChannelID),
		ServerID: m.ServerID, MessageServerID: m.ServerID, CreatedAt: m.CreatedAt, Source: m.SourceType,
		Attachments: attachmentsOf(m.Metadata, m.Raw), InReplyTo: m.InReplyTo, Seq: m.Seq,
	}
	v.Thought, _ = m.Raw["thought"].(string)
	v.Actions, _ = m.Raw["actions"].([]any)
	if m.SourceType == SourceAction {
		v.Raw, v.UpdatedAt = m.Raw, m.UpdatedAt
	}
	return v
}

// edited is a message that was changed: the same, under the number of the change.
func edited(e Event) broadcastView {
	v := broadcast(e.Message)
	v.Seq, v.UpdatedAt = e.Seq, e.Message.UpdatedAt
	return v
}

// ackView tells a sender that its message is stored.
type ackView struct {
	ClientMessageID string    `json:"clientMessageId,omitempty"`
	MessageID       core.UUID `json:"messageId"`
	Status          string    `json:"status"`
	place
	Seq       int64 `json:"seq"`
	Duplicate bool  `json:"duplicate,omitempty"`
}

func ack(m *Message, clientID string, duplicate bool) ackView {
	return ackView{
		ClientMessageID: clientID, MessageID: m.ID, Status: "received_by_server_and_processing", place: placeOf(m.ChannelID),
		Seq: m.Seq, Duplicate: duplicate,
	}
}

type completeView struct {
	place
	MessageID       core.UUID     `json:"messageId,omitempty"`
	ServerID        core.UUID     `json:"serverId"`
	MessageServerID core.UUID     `json:"messageServerId"`
	Status          string        `json:"status"`
	Results         []AgentResult `json:"results"`
	Seq             int64         `json:"seq,omitempty"`
}

type deletedView struct {
	MessageID core.UUID `json:"messageId"`
	place
	Seq int64 `json:"seq"`
}

type clearedView struct {
	place
	Seq int64 `json:"seq"`
}

type updatedView struct {
	place
	Updates *Channel `json:"updates"`
}

type controlView struct {
	Action string `json:"action"`
	place
	Target string `json:"target,omitempty"`
}

type chunkView struct {
	MessageID core.UUID `json:"messageId"`
	Chunk     string    `json:"chunk"`
	Index     int       `json:"index"`
	AgentID   core.UUID `json:"agentId"`
	ChannelID core.UUID `json:"channelId"`
}

type streamErrorView struct {
	MessageID core.UUID `json:"messageId"`
	ChannelID core.UUID `json:"channelId"`
	AgentID   core.UUID `json:"agentId"`
	Error     string    `json:"error"`
	Partial   string    `json:"partialText,omitempty"`
}

// frame is one socket event: its name and its one argument.
type frame struct {
	name string
	data any
}

// frames is what a room gets for an event. An input that was disabled is enabled before the completion.
func frames(e Event, inputControl func(*Result) bool) []frame {
	at := placeOf(e.ChannelID)
	switch e.Kind {
	case KindMessage:
		return []frame{{"messageBroadcast", broadcast(e.Message)}}
	case KindEdited:
		return []frame{{"messageBroadcast", edited(e)}}
	case KindDeleted:
		return []frame{{"messageDeleted", deletedView{e.MessageID, at, e.Seq}}}
	case KindCleared:
		return []frame{{"channelCleared", clearedView{at, e.Seq}}}
	case KindComplete:
		r := e.Result
		done := frame{"messageComplete", completeView{at, e.MessageID, r.ServerID, r.ServerID, r.Status(), r.agents(), e.Seq}}
		if inputControl(r) {
			return []frame{{"controlMessage", controlView{"enable_input", at, ""}}, done}
		}
		return []frame{done}
	case KindChunk:
		return []frame{{"messageStreamChunk", chunkView{e.MessageID, e.Chunk.Text, e.Chunk.Index, e.Chunk.AgentID, e.ChannelID}}}
	case KindStreamError:
		return []frame{{"messageStreamError", streamErrorView{e.MessageID, e.ChannelID, e.Chunk.AgentID, e.Chunk.Error, e.Chunk.Text}}}
	case KindControl:
		return []frame{{"controlMessage", controlView{e.Control.Action, at, e.Control.Target}}}
	case KindUpdated:
		return []frame{{"channelUpdated", updatedView{at, e.Channel}}}
	case KindRemoved:
		return []frame{{"channelDeleted", at}}
	}
	return nil
}
