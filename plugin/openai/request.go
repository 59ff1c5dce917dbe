package openai

import (
	"regexp"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

// request is the body of a request; its keys are the names on the wire.
type request map[string]any

// message is one message of a chat request.
type message struct {
	Role    string `json:"role"`
	Name    string `json:"name,omitempty"`
	Content string `json:"content"`
}

// voiceField is the parameter with the voices to choose from.
const voiceField = "voice"

// voices are those that will do, the best one first. Only that is sent; an endpoint that does not know it is
// asked for the next.
type voices []string

// MarshalJSON writes the best voice.
func (v voices) MarshalJSON() ([]byte, error) { return core.EncodeJSON(v[0]) }

// systemRole stands for the role "system" among the parameters an endpoint may refuse.
const systemRole = "system"

// optional lists what a request can do without, most often refused first.
var optional = [...]string{
	"max_tokens", "temperature", "stream_options", "top_p", "top_k", "min_p", "seed", "repetition_penalty",
	"frequency_penalty", "presence_penalty", "stop", "user", "dimensions", "response_format", "language", sizeField, voiceField, systemRole,
}

// has tells whether a parameter could still be left out.
func (r request) has(name string) bool {
	if name == systemRole {
		m, _ := r["messages"].([]message)
		return len(m) > 1 && m[0].Role == systemRole
	}
	if name == voiceField {
		v, _ := r[name].(voices)
		return len(v) > 1
	}
	_, ok := r[name]
	return ok
}

// refuse changes the request so that it does without a parameter. It reports whether anything changed.
func (r request) refuse(name string) bool {
	if !r.has(name) {
		return false
	}
	switch name {
	case "max_tokens":
		r["max_completion_tokens"] = r[name]
		delete(r, name)
	case voiceField:
		r[name] = r[name].(voices)[1:]
	case systemRole:
		m := r["messages"].([]message)
		merged := append([]message(nil), m[1:]...)
		merged[0].Content = m[0].Content + "\n\n" + merged[0].Content
		r["messages"] = merged
	default:
		delete(r, name)
	}
	return true
}

// chat makes the body of a text request.
func (s settings) chat(r core.TextRequest) (request, error) {
	messages := conversation(r)
	if len(messages) == 0 {
		return nil, core.BadRequest("A text request needs a prompt or messages")
	}
	body := request{
		"model": s.textModel(r.Type), "messages": messages,
		"stream": true, "stream_options": map[string]bool{"include_usage": true},
	}
	for _, p := range params {
		if v := s.param(p, r.Type); v != nil {
			body[p.wire] = v
		}
	}
	if r.MaxTokens > 0 {
		body["max_tokens"] = r.MaxTokens
	}
	if r.Temperature != nil {
		body["temperature"] = *r.Temperature
	}
	if len(r.Stop) > 0 {
		body["stop"] = r.Stop
	}
	user := first(r.User, r.AgentName)
	if c := s.rt.Character(); user == "" && c != nil {
		user = c.Name
	}
	if user != "" {
		body["user"] = user
	}
	return body, nil
}

// conversation is the system text with the rendered prompt or, when there is none, the messages.
func conversation(r core.TextRequest) []message {
	var m []message
	if r.Prompt != "" {
		m = []message{{Role: "user", Content: r.Prompt}}
	} else {
		for _, c := range r.Messages {
			m = append(m, message{Role: first(c.Role, "user"), Name: wireName(c), Content: c.Text})
		}
	}
	if r.System != "" && len(m) > 0 {
		m = append([]message{{Role: systemRole, Content: r.System}}, m...)
	}
	return m
}

// wireName is a speaker's name where the protocol can carry it: endpoints refuse other characters.
func wireName(c core.ChatMessage) string {
	if c.Role == systemRole || len(c.Name) > 64 || strings.Trim(c.Name, nameChars) != "" {
		return ""
	}
	return c.Name
}

const nameChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

// mentions tells whether an endpoint's complaint names a parameter. Names that are everyday words count only
// in quotes.
func mentions(complaint, name string) bool {
	q := regexp.QuoteMeta(name)
	switch name {
	case "stop", "user", "seed", sizeField:
		q = "['\"`]" + q + "['\"`]"
	case systemRole:
		q = "messages\\[0\\]\\.role|['\"`]system['\"`]"
	default:
		q = `(^|[^a-z0-9_])` + q + `($|[^a-z0-9_])`
	}
	ok, err := regexp.MatchString(q, complaint)
	return err == nil && ok
}
