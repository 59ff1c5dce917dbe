package messaging

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

const sourceSocket = "socketio_client" // of socket messages without a source

// Numbers of the generic event "message"; the numeric event names are the same.
const (
	typeJoin = "1"
	typeSend = "2"
)

var errPayload = core.BadRequest("The payload must be an object")

// generic is the event "message": {type, payload}.
func (g *Gateway) generic(ctx context.Context, m *member, payload json.RawMessage) (any, error) {
	var in struct {
		Type    json.RawMessage `json:"type"`
		Payload json.RawMessage `json:"payload"`
	}
	if !isObject(payload) || json.Unmarshal(payload, &in) != nil {
		return nil, errPayload
	}
	var number json.Number
	if json.Unmarshal(in.Type, &number) != nil { // takes a number and a text that is one
		return nil, core.BadRequest("Unknown message type")
	}
	switch t := number.String(); {
	case t == typeJoin:
		return g.join(ctx, m, in.Payload)
	case t == typeSend:
		return g.send(ctx, m, in.Payload)
	case len(t) == 1 && t >= "3" && t <= "6":
		return nil, nil
	}
	return nil, core.BadRequest("Unknown message type")
}

func isObject(b json.RawMessage) bool { return len(b) > 0 && b[0] == '{' }

// socketRef are the ids of a channel and its message server under any of their names.
type socketRef struct {
	ChannelID string `json:"channelId"`
	RoomID    string `json:"roomId"`
	ServerID  string `json:"serverId"`
	Newer     string `json:"messageServerId"`
	Snake     string `json:"server_id"`
}

func (r socketRef) channel() string { return cmp.Or(r.ChannelID, r.RoomID) }
func (r socketRef) server() string  { return cmp.Or(r.ServerID, r.Newer, r.Snake) }

type joinPayload struct {
	socketRef
	AgentID     string         `json:"agentId"`
	EntityID    string         `json:"entityId"`
	Username    string         `json:"username"`
	DisplayName string         `json:"displayName"`
	Metadata    map[string]any `json:"metadata"`
	AfterSeq    *int64         `json:"afterSeq"`
}

// joinedView is the answer to a join.
type joinedView struct {
	Message string `json:"message"`
	place
	Participants []core.UUID `json:"participantIds"`
	AgentID      core.UUID   `json:"agentId,omitempty"`
	Seq          int64       `json:"seq"`

	Missed *[]missedView `json:"missed,omitempty"` // what happened after the number the client had
	Gap    bool          `json:"gap,omitempty"`    // not all of that is kept, or it is too much
}

func (g *Gateway) join(ctx context.Context, m *member, payload json.RawMessage) (any, error) {
	var in joinPayload
	if err := decodePayload(payload, &in); err != nil {
		return nil, err
	}
	if in.channel() == "" {
		return nil, core.BadRequest("channelId is required for joining.")
	}
	var channel, agent, entity, server core.UUID
	if err := parseIDs(idField{in.channel(), &channel}, idField{in.AgentID, &agent}, idField{in.EntityID, &entity}, idField{in.server(), &server}); err != nil {
		return nil, err
	}
	if in.AfterSeq != nil && *in.AfterSeq < 0 {
		return nil, core.BadRequest("afterSeq must be 0 or more")
	}
	entity = cmp.Or(entity, m.entity)
	if m.identity.EntityID != "" && entity != m.identity.EntityID {
		return nil, ErrForbidden
	}
	if err := g.hold(ctx, m, channel); err != nil {
		return nil, err
	}
	if in.AfterSeq == nil {
		m.socket.Join(string(channel))
	}
	g.svc.Joined(ctx, Join{
		ChannelID: channel, ServerID: cmp.Or(server, core.DefaultServerID), EntityID: entity, AgentID: agent,
		Username: in.Username, DisplayName: in.DisplayName, Metadata: in.Metadata,
	})
	view, err := g.joined(ctx, m, channel)
	if err != nil {
		return nil, err
	}
	view.AgentID = agent
	tell := func() {
		g.emit(m.socket, "channel_joined", view)
		g.emit(m.socket, "room_joined", view)
	}
	if in.AfterSeq == nil {
		tell()
		return view, nil
	}
	return view, g.resume(ctx, m, channel, *in.AfterSeq, func(missed []missedView, head int64, gap bool) {
		if view.Seq, view.Gap = max(view.Seq, head), gap; !gap {
			view.Missed, view.Seq = &missed, head
		}
		tell()
	})
}

// leaving is the event "leave_channel": the socket gets nothing of the channel any more.
func (g *Gateway) leaving(_ context.Context, m *member, payload json.RawMessage) (any, error) {
	var in socketRef
	if err := decodePayload(payload, &in); err != nil {
		return nil, err
	}
	if in.channel() == "" {
		return nil, core.BadRequest("channelId is required for leaving.")
	}
	channel, err := core.ParseUUID(in.channel())
	if err != nil {
		return nil, err
	}
	g.leave(m, channel)
	return placeOf(channel), nil
}

func (g *Gateway) joined(ctx context.Context, m *member, channel core.UUID) (*joinedView, error) {
	v := &joinedView{
		Message: "Socket " + m.socket.ID() + " successfully joined channel " + string(channel) + ".",
		place:   placeOf(channel), Participants: []core.UUID{},
	}
	ch, err := g.svc.Channel(ctx, channel)
	if core.CodeOf(err) == core.CodeChannelNotFound && err != nil {
		return v, nil // it is made by its first message
	}
	if err != nil {
		return nil, err
	}
	v.Seq = ch.Head
	v.Participants, err = g.svc.Participants(ctx, channel)
	return v, err
}

type sendPayload struct {
	socketRef
	SenderID     string         `json:"senderId"`
	SenderName   string         `json:"senderName"`
	Message      string         `json:"message"`
	Source       string         `json:"source"`
	MessageID    string         `json:"messageId"`
	TargetUserID string         `json:"targetUserId"`
	Metadata     map[string]any `json:"metadata"`
	Attachments  []any          `json:"attachments"`
}

func (g *Gateway) send(ctx context.Context, m *member, payload json.RawMessage) (any, error) {
	var in sendPayload
	if err := decodePayload(payload, &in); err != nil {
		return nil, err
	}
	n, target, err := in.newMessage(m.socket.ID(), payload)
	if err != nil {
		return nil, err
	}
	n.Create = autoChannel(&n, createdBySocket, "", target, g.opts.Now.Now())

	s := &send{member: m, clientID: in.MessageID}
	g.mu.Lock()
	g.sends[n.ID] = s
	g.mu.Unlock()
	var a *Accepted
	err = guarded(g.log, "accept", func() (err error) {
		a, err = g.svc.Accept(ctx, n)
		return err
	})
	unsettled := g.take(n.ID) // nobody watches the channel, or nothing was stored
	switch {
	case err != nil:
		return nil, err
	case a.Duplicate:
		g.emit(m.socket, "messageAck", ack(a.Message, in.MessageID, true))
	case unsettled != nil:
		g.settle(s, a.Message)
	}
	if isDMMetadata(n.Metadata) && !a.Duplicate {
		g.svc.Joined(ctx, Join{ChannelID: n.ChannelID, ServerID: a.Message.ServerID, EntityID: n.AuthorID, DisplayName: in.SenderName, Metadata: in.Metadata})
	}
	return ack(a.Message, in.MessageID, a.Duplicate), nil
}

// newMessage is the payload as a message, and the other side of a direct conversation.
func (in *sendPayload) newMessage(socket string, payload json.RawMessage) (n NewMessage, target core.UUID, err error) {
	if in.channel() == "" || in.server() == "" || in.SenderID == "" || in.Message == "" {
		return n, "", core.BadRequest("channelId, serverId (messageServerId), senderId and message are required")
	}
	n = NewMessage{ID: core.NewUUID(), ClientID: in.MessageID, Content: in.Message, SourceType: cmp.Or(in.Source, sourceSocket)}
	n.SourceID = cmp.Or(in.MessageID, string(n.ID))
	err = parseIDs(idField{in.channel(), &n.ChannelID}, idField{in.server(), &n.ServerID}, idField{in.SenderID, &n.AuthorID}, idField{in.TargetUserID, &target})
	if err != nil {
		return n, "", err
	}
	n.Target = targetOf(in.Metadata)
	n.Metadata = maps.Clone(in.Metadata)
	if n.Metadata == nil {
		n.Metadata = map[string]any{}
	}
	if in.SenderName != "" {
		n.Metadata["user_display_name"] = in.SenderName
	}
	n.Metadata["socket_id"] = socket
	n.Metadata["serverId"], n.Metadata["messageServerId"] = n.ServerID, n.ServerID
	if len(in.Attachments) > 0 {
		n.Metadata["attachments"] = in.Attachments
	}
	return n, target, decodePayload(payload, &n.Raw)
}

// decodePayload reads an event's object.
func decodePayload(payload json.RawMessage, v any) error {
	if !isObject(payload) {
		return errPayload
	}
	if httpapi.TooDeep(payload) {
		return core.BadRequest("The payload is nested too deeply")
	}
	if err := core.DecodeJSON(httpapi.WithoutNUL(payload), v); err != nil {
		return core.BadRequest("Invalid payload").Wrap(err)
	}
	return nil
}

// idField is an id as a client wrote it, and where it goes.
type idField struct {
	text string
	into *core.UUID
}

// parseIDs reads ids; an empty one stays unset.
func parseIDs(fields ...idField) error {
	for _, f := range fields {
		if f.text == "" {
			continue
		}
		id, err := core.ParseUUID(f.text)
		if err != nil {
			return err
		}
		*f.into = id
	}
	return nil
}
