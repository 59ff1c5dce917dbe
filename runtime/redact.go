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

// plain is an attribute's value as JSON can say it, redacted by its name and by the names inside.
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
		if err, ok := v.Any().(error); ok {
			return shorten(fmt.Sprint(err)) // which survives an Error that panics
		}
		if doc, ok := document(v.Any()); ok {
			return doc
		}
	}
	return shorten(fmt.Sprint(v.Any()))
}

// document is a value that has the form of a JSON object or array, redacted: a copy, for the value may be
// changed later and the entry is read at any time. One that is too large, or empty, is left to its text.
func document(v any) (doc any, ok bool) {
	defer func() {
		if recover() != nil { // in a method of the value
			doc, ok = nil, false
		}
	}()
	b, err := core.EncodeJSON(v)
	if err != nil || len(b) < 3 || len(b) > maxField || b[0] != '[' && b[0] != '{' {
		return nil, false
	}
	if err := core.DecodeJSON(b, &doc); err != nil {
		return nil, false
	}
	return redact(doc), true
}

// redact hides what looks like a secret, at any depth.
func redact(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return redactMap(v)
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = redact(x)
		}
		return out
	case string:
		return shorten(v)
	}
	return v
}

func redactMap(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, x := range m {
		if secretKey(k) {
			x = redacted
		}
		out[k] = redact(x)
	}
	return out
}

func shorten(s string) string {
	if len(s) <= maxField {
		return s
	}
	return strings.ToValidUTF8(s[:maxField], "") + "…"
}
