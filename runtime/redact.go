package runtime

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

const redacted = "[redacted]"

// maxField bounds one field of a log entry, in bytes: a line is no place for a document.
const maxField = 4 << 10

var secretWords = [...]string{"password", "passwd", "secret", "token", "apikey", "authorization", "cookie", "privatekey", "credential"}

// secretKey tells whether a field's name says that its value must not be shown.
func secretKey(key string) bool {
	k := strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(key))
	for _, w := range secretWords {
		if strings.Contains(k, w) {
			return true
		}
	}
	return false
}

// plain is an attribute's value as JSON can say it, redacted by its name and, in a map, by the names
// there.
func plain(key string, v slog.Value) any {
	if secretKey(key) {
		return redacted
	}
	switch v.Kind() {
	case slog.KindBool:
		return v.Bool()
	case slog.KindInt64:
		return v.Int64()
	case slog.KindUint64:
		return v.Uint64()
	case slog.KindFloat64:
		return v.Float64()
	case slog.KindAny:
		if m, ok := v.Any().(map[string]any); ok {
			return redactMap(m)
		}
		if b, err := core.EncodeJSON(v.Any()); err == nil && len(b) > 0 && (b[0] == '[' || b[0] == '{') && string(b) != "{}" && len(b) <= maxField {
			return v.Any()
		}
	}
	return shorten(fmt.Sprint(v.Any()))
}

func redactMap(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, x := range m {
		if secretKey(k) {
			x = redacted
		} else if s, ok := x.(string); ok {
			x = shorten(s)
		}
		out[k] = x
	}
	return out
}

func shorten(s string) string {
	if len(s) <= maxField {
		return s
	}
	return strings.ToValidUTF8(s[:maxField], "") + "…"
}
