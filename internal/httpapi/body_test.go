package httpapi

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/eliza-go/eliza/runtime/core"
)

func TestWithoutNUL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{}`: `{}`, `{"a":"x\u0000y"}`: `{"a":"xy"}`, `{"\u0000a\u0000":"\u0000"}`: `{"a":""}`, `{"a":"\\u0000"}`: `{"a":"\\u0000"}`, `{"a":"\\\u0000"}`: `{"a":"\\"}`,
		`{"a":"\"\u0000\""}`: `{"a":"\"\""}`, `{"a":"\u0000\u0000\u0001"}`: `{"a":"\u0001"}`,
	} {
		if got := string(WithoutNUL([]byte(in))); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
}

func TestTooDeep(t *testing.T) {
	t.Parallel()
	nest := func(n int) string { return strings.Repeat(`[{"a":`, n/2) + "1" + strings.Repeat("}]", n/2) }
	for in, want := range map[string]bool{
		nest(maxDepth): false, nest(maxDepth + 2): true, `"` + strings.Repeat("[", 1000) + `"`: false, `{"\"` + strings.Repeat("{", 1000) + `":1}`: false,
		"[" + strings.Repeat("[],", 1000) + "1]": false, strings.Repeat("[", 1000): true, `"\\"` + strings.Repeat("[", 1000): true,
	} {
		if got := TooDeep([]byte(in)); got != want {
			t.Errorf("%.40s: %v", in, got)
		}
	}
}

func FuzzWithoutNUL(f *testing.F) {
	f.Add(`{"a":"x\u0000y\\u0000"}`)
	f.Fuzz(func(t *testing.T, in string) {
		if !json.Valid([]byte(in)) {
			return
		}
		out := WithoutNUL([]byte(in))
		var v any
		if err := core.DecodeJSON(out, &v); err != nil {
			t.Fatalf("%s became %s: %v", in, out, err)
		}
		if again, err := json.Marshal(v); err != nil || strings.Contains(strings.ReplaceAll(string(again), `\\`, ""), `\u0000`) {
			t.Fatalf("%s keeps a NUL: %s, %v", in, again, err)
		}
	})
}
