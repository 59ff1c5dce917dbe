package agents

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	maxName    = 255
	maxReasons = 20
)

// ParseCharacter reads and checks a character document. Unknown top-level keys are refused; the error
// names every path that is wrong.
func ParseCharacter(raw []byte) (*core.Character, error) {
	var doc map[string]any
	if err := core.DecodeJSON(raw, &doc); err != nil || doc == nil {
		return nil, invalid([]string{": Expected an object"})
	}
	v := checker{}
	v.character(doc, true)
	if len(v.reasons) > 0 {
		return nil, invalid(v.reasons)
	}
	var c core.Character
	if err := core.DecodeJSON(raw, &c); err != nil {
		return nil, invalid([]string{": Invalid input"})
	}
	c.ID = core.UUID(strings.ToLower(string(c.ID)))
	return &c, nil
}

func invalid(reasons []string) error {
	return &core.Error{Code: core.CodeCreate, Message: "Character validation failed: " + strings.Join(reasons, "; ")}
}

// checker collects what is wrong with a document.
type checker struct{ reasons []string }

func (v *checker) fail(path, reason string) {
	if len(v.reasons) < maxReasons {
		v.reasons = append(v.reasons, path+": "+reason)
	}
}

var characterKeys = []string{
	"id", "name", "username", "system", "bio", "templates", "messageExamples", "postExamples", "topics",
	"adjectives", "knowledge", "plugins", "settings", "secrets", "style",
}

// character checks a whole document, or with whole false the keys that are there.
func (v *checker) character(doc map[string]any, whole bool) {
	for _, key := range sortedKeys(doc) {
		if whole && !slices.Contains(characterKeys, key) {
			v.fail("", fmt.Sprintf("Unrecognized key: %q", key))
		}
	}
	if x, ok := doc["id"]; ok {
		if s, isText := x.(string); !isText {
			v.fail("id", "Invalid input")
		} else if _, err := core.ParseUUID(s); err != nil {
			v.fail("id", "Invalid UUID")
		}
	}
	if x, ok := doc["name"]; ok || whole {
		v.name(x)
	}
	if x, ok := doc["bio"]; ok || whole {
		if _, isText := x.(string); !isText && !isStrings(x) {
			v.fail("bio", "Invalid input")
		}
	}
	for _, key := range [...]string{"username", "system"} {
		if x, ok := doc[key]; ok {
			v.text(key, x)
		}
	}
	for _, key := range [...]string{"postExamples", "topics", "adjectives", "plugins"} {
		if x, ok := doc[key]; ok && !isStrings(x) {
			v.fail(key, "Invalid input: expected an array of strings")
		}
	}
	v.nested(doc, whole)
}

func (v *checker) nested(doc map[string]any, whole bool) {
	if x, ok := doc["templates"]; ok {
		v.entries("templates", x, v.text)
	}
	if x, ok := doc["settings"]; ok {
		v.entries("settings", x, func(path string, x any) {
			switch {
			case x == nil && whole:
				v.fail(path, "Invalid input")
			case x != nil && path == "settings.secrets":
				v.secrets(path, x, whole)
			}
		})
	}
	if x, ok := doc["secrets"]; ok {
		v.secrets("secrets", x, whole)
	}
	if x, ok := doc["style"]; ok {
		v.entries("style", x, func(path string, x any) {
			if !slices.Contains([]string{"style.all", "style.chat", "style.post"}, path) {
				v.fail("style", fmt.Sprintf("Unrecognized key: %q", strings.TrimPrefix(path, "style.")))
			} else if !isStrings(x) {
				v.fail(path, "Invalid input: expected an array of strings")
			}
		})
	}
	if x, ok := doc["knowledge"]; ok {
		v.list("knowledge", x, v.knowledge)
	}
	if x, ok := doc["messageExamples"]; ok {
		v.list("messageExamples", x, func(path string, x any) { v.list(path, x, v.example) })
	}
}

// secrets checks that no secret hides where it would not be encrypted.
func (v *checker) secrets(path string, x any, whole bool) {
	v.entries(path, x, func(path string, x any) {
		switch x.(type) {
		case string, bool, json.Number:
		case nil:
			if whole {
				v.fail(path, "Invalid input")
			}
		default:
			v.fail(path, "Invalid input")
		}
	})
}

func (v *checker) name(x any) {
	s, ok := x.(string)
	switch {
	case !ok:
		v.fail("name", "Invalid input: expected string")
	case strings.TrimSpace(s) == "":
		v.fail("name", "Too small: expected at least 1 character")
	case len([]rune(s)) > maxName:
		v.fail("name", "Too big: expected at most 255 characters")
	}
}

func (v *checker) text(path string, x any) {
	if _, ok := x.(string); !ok {
		v.fail(path, "Invalid input: expected string")
	}
}

func (v *checker) entries(path string, x any, each func(path string, x any)) {
	m, ok := x.(map[string]any)
	if !ok {
		v.fail(path, "Invalid input: expected object")
		return
	}
	for _, k := range sortedKeys(m) {
		each(path+"."+k, m[k])
	}
}

func (v *checker) list(path string, x any, each func(path string, x any)) {
	l, ok := x.([]any)
	if !ok {
		v.fail(path, "Invalid input: expected array")
		return
	}
	for i, e := range l {
		each(fmt.Sprintf("%s.%d", path, i), e)
	}
}

func (v *checker) knowledge(path string, x any) {
	switch k := x.(type) {
	case string:
	case map[string]any:
		_, file := k["path"].(string)
		_, folder := k["directory"].(string)
		if file == folder {
			v.fail(path, "Invalid input: expected path or directory")
		}
		if s, ok := k["shared"]; ok {
			if _, ok := s.(bool); !ok {
				v.fail(path+".shared", "Invalid input: expected boolean")
			}
		}
	default:
		v.fail(path, "Invalid input")
	}
}

func (v *checker) example(path string, x any) {
	m, ok := x.(map[string]any)
	if !ok {
		v.fail(path, "Invalid input: expected object")
		return
	}
	v.text(path+".name", m["name"])
	content, ok := m["content"].(map[string]any)
	if !ok {
		v.fail(path+".content", "Invalid input: expected object")
		return
	}
	for _, key := range [...]string{"text", "thought", "source", "target", "url", "inReplyTo", "channelType"} {
		if x, ok := content[key]; ok {
			v.text(path+".content."+key, x)
		}
	}
	for _, key := range [...]string{"actions", "providers"} {
		if x, ok := content[key]; ok && !isStrings(x) {
			v.fail(path+".content."+key, "Invalid input: expected an array of strings")
		}
	}
	// What the typed form would not take is wrong as well: attachments, responseId and the like.
	if b, err := core.EncodeJSON(content); err != nil || core.DecodeJSON(b, new(core.Content)) != nil {
		v.fail(path+".content", "Invalid input")
	}
}

func isStrings(x any) bool {
	l, ok := x.([]any)
	for _, e := range l {
		if _, text := e.(string); !text {
			return false
		}
	}
	return ok
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
