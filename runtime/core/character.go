package core

import (
	"encoding/json"
	"strings"
)

// Character is who an agent is: the document clients create agents from. A Character handed out by the
// server is shared and must be treated as immutable; [Character.Clone] gives one to change.
type Character struct {
	ID              UUID              `json:"id,omitempty"`
	Name            string            `json:"name"`
	Username        string            `json:"username,omitempty"`
	System          string            `json:"system,omitempty"`
	Bio             Bio               `json:"bio"`
	Templates       map[string]string `json:"templates,omitempty"`
	MessageExamples [][]Example       `json:"messageExamples,omitempty"`
	PostExamples    []string          `json:"postExamples,omitempty"`
	Topics          []string          `json:"topics,omitempty"`
	Adjectives      []string          `json:"adjectives,omitempty"`
	Knowledge       []any             `json:"knowledge,omitempty"` // text, {path, shared} or {directory, shared}
	Plugins         []string          `json:"plugins,omitempty"`
	Settings        map[string]any    `json:"settings,omitempty"`
	Secrets         map[string]any    `json:"secrets,omitempty"`
	Style           Style             `json:"style,omitzero"`
}

// Example is one line of an example conversation.
type Example struct {
	Name    string  `json:"name"`
	Content Content `json:"content"`
}

// Style is how an agent writes: always, in chats, in posts.
type Style struct {
	All  []string `json:"all,omitempty"`
	Chat []string `json:"chat,omitempty"`
	Post []string `json:"post,omitempty"`
}

// Bio is one text or a list of lines; it is written back in the form it came in.
type Bio struct {
	Lines  []string
	Single bool // given as one text; Lines has that one
}

// First is the first line, "" when there is none.
func (b Bio) First() string {
	if len(b.Lines) == 0 {
		return ""
	}
	return b.Lines[0]
}

// MarshalJSON writes a text or an array, as it was given.
func (b Bio) MarshalJSON() ([]byte, error) {
	if b.Single {
		return EncodeJSON(b.First())
	}
	if b.Lines == nil {
		return []byte("[]"), nil
	}
	return EncodeJSON(b.Lines)
}

// UnmarshalJSON reads a text or an array of texts.
func (b *Bio) UnmarshalJSON(data []byte) error {
	*b = Bio{}
	if strings.HasPrefix(string(data), `"`) {
		b.Single, b.Lines = true, make([]string, 1)
		return json.Unmarshal(data, &b.Lines[0])
	}
	return json.Unmarshal(data, &b.Lines)
}

// Clone returns a deep copy.
func (c *Character) Clone() *Character {
	b, err := EncodeJSON(c)
	if err != nil {
		panic(err) // a Character is made of JSON values only
	}
	var out Character
	if err := DecodeJSON(b, &out); err != nil {
		panic(err)
	}
	return &out
}
