package loop

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

// Setting implements [core.Runtime]: the character's secrets, its settings, the secrets in its settings,
// then the host's settings. Texts are decrypted; other values have their JSON form.
func (r *Runtime) Setting(key string) (string, bool) {
	c := r.Character()
	nested, _ := c.Settings["secrets"].(map[string]any)
	for _, m := range []map[string]any{c.Secrets, c.Settings, nested} {
		if s, ok := settingText(m[key]); ok {
			return r.opts.Decrypt(s), true
		}
	}
	return r.opts.Setting(key)
}

func settingText(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", false
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case json.Number:
		return v.String(), true
	}
	b, err := core.EncodeJSON(v)
	return string(b), err == nil
}

// setting returns the first setting that is there.
func (r *Runtime) setting(keys ...string) string {
	for _, k := range keys {
		if s, ok := r.Setting(k); ok && s != "" {
			return s
		}
	}
	return ""
}

// settingInt is a whole number within bounds, def when it is none.
func (r *Runtime) settingInt(key string, def, least, most int) int {
	n, err := strconv.Atoi(strings.TrimSpace(r.setting(key)))
	if err != nil {
		return def
	}
	return min(max(n, least), most)
}

// settingBool is true for true, 1, yes and on.
func (r *Runtime) settingBool(key string) bool {
	switch strings.ToLower(strings.TrimSpace(r.setting(key))) {
	case "true", "1", "yes", "on":
		return true
	}
	return false
}

// settingList reads a list separated by commas, with or without square brackets and quotes.
func (r *Runtime) settingList(keys ...string) []string {
	var out []string
	for _, s := range strings.Split(strings.Trim(strings.TrimSpace(r.setting(keys...)), "[]"), ",") {
		if s = strings.Trim(s, " \t\r\n\"'"); s != "" {
			out = append(out, s)
		}
	}
	return out
}
