package client

import (
	"context"
	"fmt"

	"github.com/eliza-go/eliza/runtime/core"
)

// Ack says that a message is stored.
type Ack struct {
	MessageID       core.UUID `json:"messageId"`
	ClientMessageID string    `json:"clientMessageId"` // the ID of what was sent
	ChannelID       core.UUID `json:"channelId"`
	Seq             int64     `json:"seq"`
	Duplicate       bool      `json:"duplicate"` // it had been stored before
}

type sendBody struct {
	Channel     core.UUID      `json:"channelId"`
	Server      core.UUID      `json:"serverId"`
	Sender      core.UUID      `json:"senderId"`
	SenderName  string         `json:"senderName,omitempty"`
	Text        string         `json:"message"`
	ID          core.UUID      `json:"messageId"`
	Source      string         `json:"source,omitempty"`
	Attachments []core.Media   `json:"attachments,omitempty"`
	Metadata    map[string]any `json:"metadata,omitempty"`
}

// Send says something in a channel, whether the socket is in its room or not, and waits until it is stored, over more
// than one connection if need be: it is stored once. The message's ID is the client's own here; the server gives
// another. Text is required, and InReplyTo and Raw cannot be sent.
func (s *Socket) Send(ctx context.Context, n NewMessage) (*Ack, error) {
	if n.InReplyTo != "" || n.Raw != nil {
		return nil, core.BadRequest("a socket can send neither InReplyTo nor Raw")
	}
	n = s.c.filled(n)
	answer, err := s.request(ctx, "2", sendBody{
		n.Channel, n.Server, n.Author, n.AuthorName, n.Text, n.ID, n.Source, n.Attachments, n.Metadata,
	})
	if err != nil {
		return nil, err
	}
	var a Ack
	if err := core.DecodeJSON(answer, &a); err != nil {
		return nil, fmt.Errorf("client: decode acknowledgement: %w", err)
	}
	return &a, nil
}
