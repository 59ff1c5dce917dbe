package client

import (
	"context"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// Messaging are the calls on what is said in channels.
type Messaging struct{ c *Client }

// Message is a stored message.
type Message struct {
	ID         core.UUID      `json:"id"`
	ChannelID  core.UUID      `json:"channelId"`
	AuthorID   core.UUID      `json:"authorId"`
	Content    string         `json:"content"`
	Raw        map[string]any `json:"rawMessage"`
	SourceType string         `json:"sourceType"`
	SourceID   string         `json:"sourceId"`
	Metadata   map[string]any `json:"metadata"` // in lists also thought, actions, attachments, authorDisplayName and isAgent
	InReplyTo  core.UUID      `json:"inReplyToRootMessageId"`
	Seq        int64          `json:"seq"` // its number in the channel
	CreatedAt  core.ISO       `json:"createdAt"`
	UpdatedAt  core.ISO       `json:"updatedAt"`
}

// MessageQuery selects messages of a channel: the newest ones, newest first, or with a position the oldest ones
// behind it, oldest first.
type MessageQuery struct {
	Before, After time.Time
	From          Position
	Limit         int // 50 when 0
}

// MessagePage is a part of the messages that match.
type MessagePage struct {
	Messages []Message `json:"messages"`
	HasMore  bool      `json:"hasMore"`
	Seq      int64     `json:"seq"` // the number of the channel's latest change
}

// List returns messages of a channel. An unknown channel has none.
func (m *Messaging) List(ctx context.Context, channel core.UUID, q MessageQuery) (*MessagePage, error) {
	p := params{}.moment("before", q.Before).moment("after", q.After).count("limit", q.Limit).text("afterSeq", q.From.String())
	return data[MessagePage](ctx, m.c, get("api", "messaging", "channels", string(channel), "messages").with(p.values()))
}

// Get returns a message, whatever channel it is in.
func (m *Messaging) Get(ctx context.Context, message core.UUID) (*Message, error) {
	return data[Message](ctx, m.c, get("api", "messaging", "messages", string(message)))
}

// Edit replaces the text of a message and returns it. It is broadcast again under its id; agents are not asked again.
func (m *Messaging) Edit(ctx context.Context, message core.UUID, text string) (*Message, error) {
	body := struct {
		Content string `json:"content"`
	}{text}
	return data[Message](ctx, m.c, patch(body, "api", "messaging", "messages", string(message)))
}

// Delete deletes a message; agents that have not answered it yet are stopped.
func (m *Messaging) Delete(ctx context.Context, channel, message core.UUID) error {
	return m.c.none(ctx, remove("api", "messaging", "channels", string(channel), "messages", string(message)))
}

// Clear deletes all messages of a channel.
func (m *Messaging) Clear(ctx context.Context, channel core.UUID) error {
	return m.c.none(ctx, remove("api", "messaging", "channels", string(channel), "messages"))
}

// SearchQuery selects messages. One of Text, ChannelID and AuthorID must be given.
type SearchQuery struct {
	Text      string // part of the text, in either case
	ChannelID core.UUID
	AuthorID  core.UUID
	From, To  time.Time
	Page
}

// SearchPage is a part of the messages that match, newest first.
type SearchPage struct {
	Messages []Message `json:"messages"`
	Total    int       `json:"total"` // that match
	HasMore  bool      `json:"hasMore"`
}

// Search finds messages.
func (m *Messaging) Search(ctx context.Context, q SearchQuery) (*SearchPage, error) {
	body := struct {
		Text      string    `json:"query,omitempty"`
		ChannelID core.UUID `json:"channelId,omitempty"`
		AuthorID  core.UUID `json:"authorId,omitempty"`
		From      int64     `json:"from,omitempty"`
		To        int64     `json:"to,omitempty"`
		Limit     int       `json:"limit,omitempty"`
		Offset    int       `json:"offset,omitempty"`
	}{q.Text, q.ChannelID, q.AuthorID, millis(q.From), millis(q.To), q.Limit, q.Offset}
	r := post(body, "api", "messaging", "messages", "search")
	r.repeatable = true
	return data[SearchPage](ctx, m.c, r)
}

// millis is a moment as numbers of the wire, 0 when it is not set.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
