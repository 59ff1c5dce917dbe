package core

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// Content is what a message or memory says. Keys the contract does not name are kept in Extra and written
// back beside the named ones; the zero value is an empty content.
type Content struct {
	Text        string         `json:"text,omitempty"`
	Thought     string         `json:"thought,omitempty"`
	Actions     []string       `json:"actions,omitempty"`
	Providers   []string       `json:"providers,omitempty"`
	Source      string         `json:"source,omitempty"`
	Target      string         `json:"target,omitempty"`
	URL         string         `json:"url,omitempty"`
	InReplyTo   UUID           `json:"inReplyTo,omitempty"`
	Attachments []Media        `json:"attachments,omitempty"`
	ChannelType string         `json:"channelType,omitempty"`
	Simple      *bool          `json:"simple,omitempty"`
	ResponseID  UUID           `json:"responseId,omitempty"`
	Extra       map[string]any `json:"-"`
}

// Media is an attachment: a file or link and what is known about it. Unnamed keys are kept in Extra.
type Media struct {
	ID          string         `json:"id,omitempty"`
	URL         string         `json:"url,omitempty"`
	Title       string         `json:"title,omitempty"`
	Source      string         `json:"source,omitempty"`
	Description string         `json:"description,omitempty"`
	Text        string         `json:"text,omitempty"`
	ContentType string         `json:"contentType,omitempty"` // image, video, audio, document or link
	Extra       map[string]any `json:"-"`
}

type (
	plainContent Content
	plainMedia   Media
)

var (
	contentKeys = []string{"text", "thought", "actions", "providers", "source", "target", "url", "inReplyTo", "attachments", "channelType", "simple", "responseId"}
	mediaKeys   = []string{"id", "url", "title", "source", "description", "text", "contentType"}
)

// MarshalJSON writes the named fields and the extra ones in one object.
func (c Content) MarshalJSON() ([]byte, error) {
	return mergeJSON(plainContent(c), c.Extra, contentKeys)
}

// UnmarshalJSON keeps unknown keys in Extra.
func (c *Content) UnmarshalJSON(b []byte) error {
	extra, err := splitJSON(b, (*plainContent)(c), contentKeys)
	c.Extra = extra
	return err
}

// MarshalJSON writes the named fields and the extra ones in one object.
func (m Media) MarshalJSON() ([]byte, error) { return mergeJSON(plainMedia(m), m.Extra, mediaKeys) }

// UnmarshalJSON keeps unknown keys in Extra.
func (m *Media) UnmarshalJSON(b []byte) error {
	extra, err := splitJSON(b, (*plainMedia)(m), mediaKeys)
	m.Extra = extra
	return err
}

// EncodeJSON is [json.Marshal] as the contract wants it: no HTML escaping, no newline at the end.
func EncodeJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// DecodeJSON reads one value; numbers inside untyped places keep their text ([json.Number]).
func DecodeJSON(b []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	return dec.Decode(v)
}

// mergeJSON writes one object of both. What is under one of the keys in both is that of named.
func mergeJSON(named any, extra map[string]any, keys []string) ([]byte, error) {
	b, err := EncodeJSON(named)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(keys, func(k string) bool { _, both := extra[k]; return both }) {
		if extra, err = besides(extra, b); err != nil {
			return nil, err
		}
	}
	if len(extra) == 0 {
		return b, nil
	}
	rest, err := EncodeJSON(extra)
	if err != nil {
		return nil, err
	}
	if len(b) == 2 { // {}
		return rest, nil
	}
	return append(append(b[:len(b)-1], ','), rest[1:]...), nil
}

// besides is extra without the keys of an object: of two values under one key every reader takes another.
func besides(extra map[string]any, object []byte) (map[string]any, error) {
	var taken map[string]json.RawMessage
	if err := json.Unmarshal(object, &taken); err != nil {
		return nil, err
	}
	extra = maps.Clone(extra)
	maps.DeleteFunc(extra, func(k string, _ any) bool { return taken[k] != nil })
	return extra, nil
}

// splitJSON decodes b into the named fields and returns what else is in it. Keys count as they are written:
// one that differs in case is another.
func splitJSON(b []byte, named any, keys []string) (map[string]any, error) {
	if !hasOther(b, keys) {
		return nil, json.Unmarshal(b, named)
	}
	var rest map[string]json.RawMessage
	if err := json.Unmarshal(b, &rest); err != nil {
		return nil, err
	}
	own := make(map[string]json.RawMessage, len(keys))
	for _, k := range keys {
		if raw, ok := rest[k]; ok {
			own[k] = raw
			delete(rest, k)
		}
	}
	exact, err := json.Marshal(own)
	if err == nil {
		err = json.Unmarshal(exact, named)
	}
	if err != nil || len(rest) == 0 {
		return nil, err
	}
	extra := make(map[string]any, len(rest))
	for k, raw := range rest {
		var v any
		if err := DecodeJSON(raw, &v); err != nil {
			return nil, err
		}
		extra[k] = v
	}
	return extra, nil
}

// hasOther tells whether a valid JSON object has a key besides those named. It answers true when in doubt:
// to most documents the answer is no, and costs them no second decoding.
func hasOther(b []byte, keys []string) bool {
	depth, isKey := 0, false
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			depth++
			isKey = depth == 1 && b[i] == '{'
		case '}', ']':
			depth--
		case ',':
			isKey = depth == 1
		case '"':
			end := i + 1
			for ; end < len(b) && b[end] != '"'; end++ {
				if b[end] == '\\' {
					end++
				}
			}
			if isKey && (end > len(b) || !slices.Contains(keys, string(b[i+1:end]))) {
				return true
			}
			i, isKey = end, false
		}
	}
	return false
}
