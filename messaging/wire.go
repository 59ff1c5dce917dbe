package messaging

import (
	"encoding/json"
	"maps"
	"strconv"

	"github.com/eliza-go/eliza/runtime/core"
)

func itoa(n int) string { return strconv.Itoa(n) }

// storedView is a message as the API returns it ("Message" of the contract).
type storedView struct {
	ID         core.UUID      `json:"id"`
	ChannelID  core.UUID      `json:"channelId"`
	AuthorID   core.UUID      `json:"authorId"`
	Content    string         `json:"content"`
	Raw        map[string]any `json:"rawMessage,omitempty"`
	SourceType string         `json:"sourceType,omitempty"`
	SourceID   string         `json:"sourceId,omitempty"`
	Metadata   map[string]any `json:"metadata,omitempty"`
	InReplyTo  core.UUID      `json:"inReplyToRootMessageId,omitempty"`
	Seq        int64          `json:"seq"`
	CreatedAt  core.ISO       `json:"createdAt"`
	UpdatedAt  core.ISO       `json:"updatedAt"`
}

func stored(m *Message) storedView {
	return storedView{
		ID: m.ID, ChannelID: m.ChannelID, AuthorID: m.AuthorID, Content: m.Content, Raw: m.Raw, SourceType: m.SourceType,
		SourceID: m.SourceID, Metadata: m.Metadata, InReplyTo: m.InReplyTo, Seq: m.Seq,
		CreatedAt: core.ISO(m.CreatedAt), UpdatedAt: core.ISO(m.UpdatedAt),
	}
}

// listedView is a message in a list: both spellings of the times, null where nothing is answered, and
// metadata enriched by what the raw message says.
type listedView struct {
	storedView
	InReplyTo *core.UUID   `json:"inReplyToRootMessageId"`
	CreatedMS core.Millis  `json:"created_at"`
	UpdatedMS core.Millis  `json:"updated_at"`
	Metadata  listMetadata `json:"metadata"`
}

type listMetadata map[string]any

func listed(m *Message) listedView {
	v := listedView{storedView: stored(m), CreatedMS: m.CreatedAt, UpdatedMS: m.UpdatedAt}
	if m.InReplyTo != "" {
		v.InReplyTo = &m.InReplyTo
	}
	meta := make(listMetadata, len(m.Metadata)+5)
	for _, key := range [...]string{"thought", "actions"} {
		if x, ok := m.Raw[key]; ok {
			meta[key] = x
		}
	}
	maps.Copy(meta, m.Metadata)
	if a := attachmentsOf(m.Metadata, m.Raw); len(a) > 0 {
		meta["attachments"] = a
	}
	if name, _ := m.Metadata["user_display_name"].(string); name != "" {
		meta["authorDisplayName"] = name
	}
	meta["isAgent"] = m.ByAgent
	v.Metadata = meta
	return v
}

func listedAll(page []Message) []listedView {
	list := make([]listedView, len(page))
	for i := range page {
		list[i] = listed(&page[i])
	}
	return list
}

// busView is a message in snake case ("BusMessage" of the contract).
type busView struct {
	ID         core.UUID      `json:"id"`
	ChannelID  core.UUID      `json:"channel_id"`
	ServerID   core.UUID      `json:"message_server_id"`
	ServerOld  core.UUID      `json:"server_id"`
	AuthorID   core.UUID      `json:"author_id"`
	AuthorName string         `json:"author_display_name,omitempty"`
	Content    string         `json:"content"`
	CreatedAt  core.Millis    `json:"created_at"`
	SourceType string         `json:"source_type"`
	SourceID   string         `json:"source_id,omitempty"`
	Raw        map[string]any `json:"raw_message,omitempty"`
	Metadata   map[string]any `json:"metadata,omitempty"`
	InReplyTo  core.UUID      `json:"in_reply_to_message_id,omitempty"`
	Seq        int64          `json:"seq"`
}

func bus(m *Message) busView {
	return busView{
		ID: m.ID, ChannelID: m.ChannelID, ServerID: m.ServerID, ServerOld: m.ServerID, AuthorID: m.AuthorID,
		AuthorName: authorName(m), Content: m.Content, CreatedAt: m.CreatedAt, SourceType: m.SourceType, SourceID: m.SourceID,
		Raw: m.Raw, Metadata: m.Metadata, InReplyTo: m.InReplyTo, Seq: m.Seq,
	}
}

func authorName(m *Message) string {
	name, _ := m.Metadata["user_display_name"].(string)
	return name
}

// unionView is the answer to a posted message: both views in one object. Fields they share by name are
// equal; where only the spelling differs both are there.
type unionView struct {
	storedView
	busFields
	AgentResponse  *nullable    `json:"agentResponse,omitempty"`
	AgentResponses *[]replyView `json:"agentResponses,omitempty"`
}

// busFields are the fields of busView that storedView does not have.
type busFields struct {
	ChannelID  core.UUID      `json:"channel_id"`
	ServerID   core.UUID      `json:"message_server_id"`
	ServerOld  core.UUID      `json:"server_id"`
	ServerNew  core.UUID      `json:"messageServerId"`
	AuthorID   core.UUID      `json:"author_id"`
	AuthorName string         `json:"author_display_name,omitempty"`
	CreatedAt  core.Millis    `json:"created_at"`
	SourceType string         `json:"source_type"`
	Raw        map[string]any `json:"raw_message"`
}

func union(m *Message) unionView {
	return unionView{storedView: stored(m), busFields: busFields{
		ChannelID: m.ChannelID, ServerID: m.ServerID, ServerOld: m.ServerID, ServerNew: m.ServerID, AuthorID: m.AuthorID,
		AuthorName: authorName(m), CreatedAt: m.CreatedAt, SourceType: m.SourceType, Raw: m.Raw,
	}}
}

// replyView is an agent's reply in the answer to a request that waited for it.
type replyView struct {
	Text        string       `json:"text"`
	Thought     string       `json:"thought,omitempty"`
	Actions     []string     `json:"actions,omitempty"`
	Providers   []string     `json:"providers,omitempty"`
	Simple      *bool        `json:"simple,omitempty"`
	Attachments []core.Media `json:"attachments,omitempty"`
	ResponseID  core.UUID    `json:"responseId"`
	MessageID   core.UUID    `json:"messageId"`
	AgentID     core.UUID    `json:"agentId"`
	InReplyTo   core.UUID    `json:"inReplyTo,omitempty"`
}

func replied(m *Message) replyView {
	c := contentOf(m)
	return replyView{
		Text: m.Content, Thought: c.Thought, Actions: c.Actions, Providers: c.Providers, Simple: c.Simple, Attachments: c.Attachments,
		ResponseID: m.ID, MessageID: m.ID, AgentID: m.AuthorID, InReplyTo: m.InReplyTo,
	}
}

// contentOf is a message's content as agents see it.
func contentOf(m *Message) core.Content {
	c := core.Content{}
	if len(m.Raw) > 0 {
		if b, err := core.EncodeJSON(m.Raw); err == nil {
			if core.DecodeJSON(b, &c) != nil {
				c = core.Content{} // whatever a client put there, the text counts
			}
		}
	}
	c.Text = m.Content
	if c.Source == "" {
		c.Source = m.SourceType
	}
	if a := mediaOf(attachmentsOf(m.Metadata, m.Raw)); len(a) > 0 {
		c.Attachments = a
	}
	return c
}

// attachmentsOf finds the attachments of a message, objects only, wherever its client put them.
func attachmentsOf(places ...map[string]any) []any {
	for _, place := range places {
		list, _ := place["attachments"].([]any)
		var out []any
		for _, a := range list {
			if _, ok := a.(map[string]any); ok {
				out = append(out, a)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// mediaOf reads attachments tolerantly: clients write title or name, contentType or type.
func mediaOf(list []any) []core.Media {
	var out []core.Media
	for _, a := range list {
		b, err := core.EncodeJSON(a)
		if err != nil {
			continue
		}
		var m core.Media
		if json.Unmarshal(b, &m) != nil {
			continue
		}
		if name, _ := m.Extra["name"].(string); m.Title == "" {
			m.Title = name
		}
		if kind, _ := m.Extra["type"].(string); m.ContentType == "" {
			m.ContentType = kind
		}
		out = append(out, m)
	}
	return out
}

// replyMessage is what an agent says as a message to be stored.
func replyMessage(agent core.UUID, name string, c core.Content) NewMessage {
	raw := map[string]any{"text": c.Text, "actions": anyStrings(c.Actions), "attachments": media(c.Attachments)}
	if c.Thought != "" {
		raw["thought"] = c.Thought
	}
	if len(c.Providers) > 0 {
		raw["providers"] = anyStrings(c.Providers)
	}
	if c.Simple != nil {
		raw["simple"] = *c.Simple
	}
	for k, v := range c.Extra {
		if _, taken := raw[k]; !taken {
			raw[k] = v
		}
	}
	return NewMessage{
		AuthorID: agent, Content: c.Text, SourceType: SourceAgent, Raw: raw,
		Metadata: map[string]any{"agent_id": agent, "agentName": name, "attachments": media(c.Attachments)},
	}
}

// anyStrings and media make the untyped lists that a stored document would be read back with.
func anyStrings(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

func media(list []core.Media) []any {
	out := make([]any, 0, len(list))
	for _, m := range list {
		b, err := core.EncodeJSON(m)
		var v map[string]any
		if err == nil && core.DecodeJSON(b, &v) == nil {
			out = append(out, v)
		}
	}
	return out
}
