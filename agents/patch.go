package agents

import (
	"encoding/json"
	"maps"

	"github.com/eliza-go/eliza/runtime/core"
)

// patchable are the keys a patch may change; all others in it are ignored.
var patchable = []string{
	"name", "username", "system", "bio", "templates", "messageExamples", "postExamples", "topics",
	"adjectives", "knowledge", "plugins", "settings", "secrets", "style",
}

// patched applies a partial document to a character: scalars and arrays replace, settings and secrets
// merge, where null deletes a key. changed is false when it says nothing new.
func patched(c *core.Character, patch json.RawMessage) (out *core.Character, changed bool, err error) {
	var delta map[string]any
	if err := core.DecodeJSON(patch, &delta); err != nil || delta == nil {
		return nil, false, core.BadRequest("Invalid JSON body: expected an object")
	}
	if id, ok := delta["id"]; ok {
		if s, _ := id.(string); core.StringToUUID(s) != c.ID {
			return nil, false, core.BadRequest("id differs from the agent's")
		}
	}
	v := checker{}
	v.character(delta, false)
	if len(v.reasons) > 0 {
		return nil, false, core.BadRequest("Invalid agent: " + v.reasons[0])
	}
	doc, err := document(c)
	if err != nil {
		return nil, false, err
	}
	for _, key := range patchable {
		x, ok := delta[key]
		if !ok {
			continue
		}
		changed = true
		if m, isMap := x.(map[string]any); isMap && (key == "settings" || key == "secrets") {
			old, _ := doc[key].(map[string]any)
			x = merge(old, m)
		}
		doc[key] = x
	}
	if !changed {
		return c, false, nil
	}
	b, err := core.EncodeJSON(doc)
	if err != nil {
		return nil, false, err
	}
	out = &core.Character{}
	if err := core.DecodeJSON(b, out); err != nil {
		return nil, false, core.BadRequest("Invalid agent").Wrap(err)
	}
	return out, true, nil
}

func document(c *core.Character) (map[string]any, error) {
	b, err := core.EncodeJSON(c)
	if err != nil {
		return nil, err
	}
	var doc map[string]any
	return doc, core.DecodeJSON(b, &doc)
}

// merge lays delta over old, object by object. null deletes; an object emptied by that disappears.
func merge(old, delta map[string]any) map[string]any {
	out := maps.Clone(old)
	if out == nil {
		out = map[string]any{}
	}
	for k, x := range delta {
		switch x := x.(type) {
		case nil:
			delete(out, k)
		case map[string]any:
			was, _ := out[k].(map[string]any)
			if m := merge(was, x); len(m) > 0 || len(x) == 0 {
				out[k] = m
			} else {
				delete(out, k)
			}
		default:
			out[k] = x
		}
	}
	return out
}
