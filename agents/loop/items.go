package loop

import "strings"

// maxItems bounds what is read of one list.
const maxItems = 256

// itemsOf returns the elements inside the elements of an answer: what a model writes when it is asked for a
// list. It never fails: what is no element is passed over.
func itemsOf(s string) map[string][]map[string]string {
	s = dropThinking(s)
	inner := s
	if strings.Contains(s, "<response") {
		var ok bool
		if inner, ok = responseOf(s); !ok {
			return nil
		}
	}
	var out map[string][]map[string]string
	elements(inner, func(name, raw string) {
		if name == "text" || name == "thought" || out[name] != nil || !strings.Contains(raw, "<") {
			return
		}
		if list := listItems(raw); len(list) > 0 {
			if out == nil {
				out = map[string][]map[string]string{}
			}
			out[name] = list
		}
	})
	return out
}

// listItems are the direct children of a list, in order; one without elements of its own has its text under "".
func listItems(raw string) []map[string]string {
	var out []map[string]string
	elements(raw, func(_, raw string) {
		if len(out) == maxItems {
			return
		}
		item := map[string]string(children(raw))
		if len(item) == 0 {
			if text := strings.TrimSpace(decodeEntities(raw)); text != "" {
				item = map[string]string{"": text}
			}
		}
		if len(item) > 0 {
			out = append(out, item)
		}
	})
	return out
}
