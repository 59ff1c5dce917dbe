package openai_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/runtime/core"
)

func TestRefusedParameters(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status int
		error  string
		gone   string // may not be in the body any more
		there  string // must be instead
	}{
		"max_tokens":     {400, `{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","param":"max_tokens","code":"unsupported_parameter"}}`, "max_tokens", "max_completion_tokens"},
		"temperature":    {400, `{"error":{"message":"Unsupported value: 'temperature' does not support 0.5 with this model.","param":"temperature","code":"unsupported_value"}}`, "temperature", "max_tokens"},
		"stream_options": {400, `{"error":"Unrecognized request argument supplied: stream_options"}`, "stream_options", "temperature"},
		"unnamed":        {400, `bad request`, "stream_options", "temperature"},
		"field errors":   {422, `{"detail":[{"loc":["body","stop"],"msg":"extra fields not permitted","input":{"max_tokens":1}}]}`, "stop", "max_tokens"},
		"array":          {400, `[{"error":{"code":400,"message":"Invalid JSON payload received. Unknown name \"seed\": Cannot find field."}}]`, "seed", "stop"},
		"system":         {400, `{"error":{"message":"Unsupported value: 'messages[0].role' does not support 'system' with this model.","code":"unsupported_value"}}`, "system", "stop"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bodies := make(chan body, 10)
			opts := serve(t, func(w http.ResponseWriter, r *http.Request) {
				b := readBody(t, r)
				bodies <- b
				_, has := b.fields[tt.gone]
				if has || tt.gone == "system" && b.messages[0]["role"] == "system" {
					w.WriteHeader(tt.status)
					_, _ = io.WriteString(w, tt.error)
					return
				}
				_, _ = io.WriteString(w, piece("ok")+done)
			})
			opts.MaxRetries = -1
			half := 0.5
			r := hello
			r.MaxTokens, r.Temperature, r.Stop = 10, &half, []string{"END"}
			m := models(t, opts, newAgent("DEFAULT_SEED", "1")).Text
			for range 2 {
				if got := drain(t.Context(), m, r); got.Err != nil || got.Text != "ok" {
					t.Fatalf("answer = %q, %v", got.Text, got.Err)
				}
			}
			if n := len(bodies); n != 3 {
				t.Errorf("%d requests, want two for the first answer and one for the second", n)
			}
			<-bodies
			b := <-bodies
			if _, ok := b.fields[tt.there]; !ok {
				t.Errorf("body = %v, want one with %s", b.fields, tt.there)
			}
			if tt.gone == "system" && b.messages[0]["content"] != "be brief\n\nhello" {
				t.Errorf("messages = %v", b.messages)
			}
		})
	}
	t.Run("a refused value is not remembered", func(t *testing.T) {
		t.Parallel()
		var calls atomic.Int64
		m := models(t, script(&calls, func(r *http.Request) (*http.Response, error) {
			if _, ok := readBody(t, r).fields["temperature"]; ok {
				return respond(400, `{"error":{"message":"temperature is above 2","param":"temperature","code":"decimal_above_max_value"}}`), nil
			}
			return respond(200, piece("ok")+done), nil
		}), newAgent("DEFAULT_TEMPERATURE", "3")).Text
		for range 2 {
			if got := drain(t.Context(), m, hello); got.Err != nil {
				t.Fatal(got.Err)
			}
		}
		if n := calls.Load(); n != 4 {
			t.Errorf("%d requests, want two for each answer", n)
		}
	})
	t.Run("a refusal of something else", func(t *testing.T) {
		t.Parallel()
		var calls atomic.Int64
		got := drain(t.Context(), models(t, script(&calls, func(*http.Request) (*http.Response, error) {
			return respond(400, `{"error":{"message":"the prompt is too long","code":"context_length_exceeded"}}`), nil
		}), newAgent()).Text, hello)
		if calls.Load() != 1 || got.Err == nil || !strings.Contains(got.Err.Error(), "too long") {
			t.Errorf("error = %v after %d calls", got.Err, calls.Load())
		}
	})
}

// TestErrorsAreClean checks that no error holds the key, and that causes are short.
func TestErrorsAreClean(t *testing.T) {
	t.Parallel()
	const key = "sk-very-secret"
	echo := `{"error":{"message":"wrong key ` + key + ` ` + strings.Repeat("x", 100_000) + `"}}`
	steps := map[string]trip{
		"refusal":   func(*http.Request) (*http.Response, error) { return respond(401, echo), nil },
		"no JSON":   func(*http.Request) (*http.Response, error) { return respond(403, key+strings.Repeat("x", 1<<20)), nil },
		"in stream": say(`data: ` + echo + "\n\n"),
		"transport": func(r *http.Request) (*http.Response, error) { return nil, errors.New("bad header " + key) },
		"garbage":   say("data: " + key + "\n\n"),
	}
	for name, step := range steps {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int64
			opts := script(&calls, step)
			opts.APIKey, opts.MaxRetries = key, -1
			got := drain(t.Context(), models(t, opts, newAgent()).Text, hello)
			checkError(t, got.Err, &core.Error{Code: core.CodeModel})
			var texts []string
			for err := got.Err; err != nil; err = errors.Unwrap(err) {
				texts = append(texts, err.Error())
			}
			all := strings.Join(texts, "\n")
			if strings.Contains(all, key) || len(all) > 4000 {
				t.Errorf("error = %.3000s", all)
			}
		})
	}
}

func TestBodiesAreClosed(t *testing.T) {
	t.Parallel()
	var closed, calls atomic.Int64
	step := func(code int, text string) trip {
		return func(*http.Request) (*http.Response, error) {
			resp := respond(code, text)
			resp.Body = closer{resp.Body, &closed}
			return resp, nil
		}
	}
	synctest.Test(t, func(t *testing.T) {
		opts := script(&calls, step(500, "no"), step(200, ""), step(400, "temperature"), step(200, piece("a")+done))
		got := drain(t.Context(), models(t, opts, newAgent("DEFAULT_TEMPERATURE", "1")).Text, hello)
		if d := cmp.Diff([]any{"a", int64(4), int64(4)}, []any{got.Text, calls.Load(), closed.Load()}); d != "" {
			t.Error(d, got.Err)
		}
	})
}

type closer struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c closer) Close() error {
	c.n.Add(1)
	return c.ReadCloser.Close()
}
