package client

import (
	"cmp"
	"context"
	"maps"

	"github.com/eliza-go/eliza/runtime/core"
)

// NewMessage is something to be said in a channel. Text or Attachments are required, and the author unless the
// client has an entity; a channel that does not exist is made.
type NewMessage struct {
	Channel core.UUID
	Text    string

	// Agent, when set, is the other side of the direct channel that is made when there is none.
	Agent core.UUID

	ID          core.UUID // of the message to be; a new one when empty. Sending it again is sending the same message
	Author      core.UUID // the client's entity when empty
	AuthorName  string    // the name of the client's entity when both are empty
	Server      core.UUID // of a channel that is made; the default message server when empty
	Attachments []core.Media
	InReplyTo   core.UUID
	Source      string // what made it; the server's default when empty
	Metadata    map[string]any
	Raw         map[string]any // as its platform gave it
}

// Reply is what an agent answered.
type Reply struct {
	ID          core.UUID    `json:"messageId"`
	AgentID     core.UUID    `json:"agentId"`
	Text        string       `json:"text"`
	Thought     string       `json:"thought"`
	Actions     []string     `json:"actions"`
	Providers   []string     `json:"providers"`
	Attachments []core.Media `json:"attachments"`
	InReplyTo   core.UUID    `json:"inReplyTo"`
}

// Answer is a message and what came of it.
type Answer struct {
	Message Message
	Replies []Reply // in order; empty when no agent answered
}

// Text is the text of the last reply, "" when there is none.
func (a *Answer) Text() string {
	if len(a.Replies) == 0 {
		return ""
	}
	return a.Replies[len(a.Replies)-1].Text
}

// How an answer comes.
const (
	transportSocket = "websocket" // not here
	transportHTTP   = "http"      // in the response
	transportSSE    = "sse"       // in the response, as it is made
)

type postBody struct {
	Author      core.UUID      `json:"author_id"`
	Server      core.UUID      `json:"server_id"`
	Content     string         `json:"content"`
	ID          core.UUID      `json:"messageId"`
	InReplyTo   core.UUID      `json:"in_reply_to_message_id,omitempty"`
	Source      string         `json:"source_type,omitempty"`
	Attachments []core.Media   `json:"attachments,omitempty"`
	Metadata    map[string]any `json:"metadata,omitempty"`
	Raw         map[string]any `json:"raw_message,omitempty"`
	Transport   string         `json:"transport"`
}

// filled is a message with what the client knows.
func (c *Client) filled(n NewMessage) NewMessage {
	if n.Author == "" {
		n.Author, n.AuthorName = c.entity, cmp.Or(n.AuthorName, c.name)
	}
	n.ID, n.Server = cmp.Or(n.ID, core.NewUUID()), cmp.Or(n.Server, core.DefaultServerID)
	meta := map[string]any{}
	if n.Agent != "" {
		meta["isDm"], meta["targetUserId"] = true, n.Agent
	}
	if n.AuthorName != "" {
		meta["user_display_name"] = n.AuthorName
	}
	maps.Copy(meta, n.Metadata)
	n.Metadata = meta
	return n
}

func (c *Client) posting(n NewMessage, transport string) request {
	n = c.filled(n)
	r := post(postBody{
		n.Author, n.Server, n.Text, n.ID, n.InReplyTo, n.Source, n.Attachments, n.Metadata, n.Raw, transport,
	}, "api", "messaging", "channels", string(n.Channel), "messages")
	r.repeatable = true // by the message's id
	return r
}

// Send stores a message and returns it at once; what agents answer comes over sockets, by [Messaging.Follow], and
// into the channel. It is repeated safely when the network fails: the message is stored once.
func (m *Messaging) Send(ctx context.Context, n NewMessage) (*Message, error) {
	return data[Message](ctx, m.c, m.c.posting(n, transportSocket))
}

// Ask is Send that waits until every agent concerned has finished. [core.CodeTimeout] says that they go on, and that
// their answers will be in the channel.
func (m *Messaging) Ask(ctx context.Context, n NewMessage) (*Answer, error) {
	v, err := data[answerBody](ctx, m.c, m.c.posting(n, transportHTTP))
	if err != nil {
		return nil, err
	}
	return &Answer{v.Message, v.Replies}, nil
}

type answerBody struct {
	Message
	Replies []Reply `json:"agentResponses"`
}

// Submission is a message of a program or agent outside the server.
type Submission struct {
	NewMessage
	SourceID string // of the message on its platform, which Source names
}

func (c *Client) submission(s Submission, path ...string) request {
	n := c.filled(s.NewMessage)
	r := post(struct {
		Channel core.UUID `json:"channel_id"`
		Name    string    `json:"author_display_name,omitempty"`
		Source  string    `json:"source_id,omitempty"`
		postBody
	}{n.Channel, n.AuthorName, s.SourceID, postBody{
		Author: n.Author, Server: n.Server, Content: n.Text, ID: n.ID, InReplyTo: n.InReplyTo, Source: n.Source, Metadata: withAttachments(n), Raw: n.Raw,
	}}, append(at("api", "messaging"), path...)...)
	r.repeatable = true
	return r
}

// withAttachments is the metadata of a message with its attachments, where submitted messages have them.
func withAttachments(n NewMessage) map[string]any {
	if len(n.Attachments) > 0 {
		n.Metadata["attachments"] = n.Attachments
	}
	return n.Metadata
}

// Submit stores a message, which is handed to the agents of its channel unless one of the server's own wrote it.
func (m *Messaging) Submit(ctx context.Context, s Submission) (*Message, error) {
	return data[Message](ctx, m.c, m.c.submission(s, "submit"))
}

// Ingest takes a message of another platform and returns its id. The same Source and SourceID in the same channel
// again are the same message.
func (m *Messaging) Ingest(ctx context.Context, s Submission) (core.UUID, error) {
	v, err := data[struct {
		ID core.UUID `json:"messageId"`
	}](ctx, m.c, m.c.submission(s, "ingest-external"))
	if err != nil {
		return "", err
	}
	return v.ID, nil
}

// Progress stores and broadcasts what an agent outside the server is doing; no agent reacts to it.
func (m *Messaging) Progress(ctx context.Context, s Submission) (*Message, error) {
	return data[Message](ctx, m.c, m.c.submission(s, "action"))
}

// ProgressPatch replaces what is not nil.
type ProgressPatch struct {
	Content  *string        `json:"content,omitempty"`
	Raw      map[string]any `json:"raw_message,omitempty"`
	Metadata map[string]any `json:"metadata,omitempty"`
	Source   *string        `json:"source_type,omitempty"`
}

// UpdateProgress changes such a message, which is broadcast again under its id.
func (m *Messaging) UpdateProgress(ctx context.Context, message core.UUID, p ProgressPatch) (*Message, error) {
	return data[Message](ctx, m.c, patch(p, "api", "messaging", "action", string(message)))
}

// Complete tells a channel's clients that nothing more will come of a message, or, when that is empty, of what was
// said: for agents outside the server.
func (m *Messaging) Complete(ctx context.Context, channel, message core.UUID) error {
	body := struct {
		Channel core.UUID `json:"channel_id,omitempty"`
		Message core.UUID `json:"message_id,omitempty"`
	}{channel, message}
	return m.c.none(ctx, post(body, "api", "messaging", "complete"))
}
