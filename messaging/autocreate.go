package messaging

import (
	"github.com/eliza-go/eliza/runtime/core"
)

// Who made a channel that did not exist when its first message came.
const (
	createdByHTTP   = "gui_auto_creation"
	createdBySocket = "socketio_auto_creation"
)

// autoChannel is the channel a message makes when its own does not exist: the sender is in it and, in a
// direct conversation, the other side if the message names one.
func autoChannel(n *NewMessage, by, hint string, target core.UUID, now core.Millis) *NewChannel {
	short := string(n.ChannelID[:8])
	c := &NewChannel{Name: "Chat " + short, Type: TypeGroup, SourceType: "auto_created", Participants: []core.UUID{n.AuthorID}}
	if hint == TypeDM || isDMMetadata(n.Metadata) {
		c.Name, c.Type = "DM "+short, TypeDM
		if other := otherSide(n.Metadata, target); other != "" {
			c.Participants = append(c.Participants, other)
		}
	}
	c.Metadata = map[string]any{
		"created_by": by, "created_for_user": n.AuthorID, "created_at": now.String(), "channel_type": c.Type,
	}
	for k, v := range n.Metadata {
		c.Metadata[k] = v
	}
	return c
}

// otherSide is the first valid id among the places where clients put it.
func otherSide(meta map[string]any, target core.UUID) core.UUID {
	for _, key := range [...]string{"targetUserId", "recipientId"} {
		s, _ := meta[key].(string)
		if id, err := core.ParseUUID(s); err == nil {
			return id
		}
	}
	return target
}
