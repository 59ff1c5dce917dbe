package openai_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/plugin/openai"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestAnswers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		contentType, body string
		want              result
		wantErr           error
	}{
		"stream": {
			body: `data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}` + "\n\n" + piece("Hel") + piece("lo") + finish +
				`data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}` + "\n\n" + done,
			want: result{Text: "Hello", Finish: "stop", Usage: &core.Usage{PromptTokens: 3, CompletionTokens: 2, TotalTokens: 5}},
		},
		"CRLF, comments, other fields, keep-alives": {
			body: ": hi\r\n\r\nevent: message\r\nid: 7\r\nretry: 10\r\n" + strings.ReplaceAll(piece("a"), "\n", "\r\n") + ":\r\n\r\n\r\n" +
				strings.ReplaceAll(piece("b")+finish+done, "\n", "\r\n"),
			want: result{Text: "ab", Finish: "stop"},
		},
		"no space after data, no empty lines": {
			body: `data:{"choices":[{"delta":{"content":"a"}}]}` + "\n" + `data:{"choices":[{"delta":{"content":"b"},"finish_reason":"length"}]}` + "\ndata:[DONE]",
			want: result{Text: "ab", Finish: "length"},
		},
		"an event on several lines": {
			body: "data: {\"choices\":\ndata: [{\"delta\":{\"content\":\"a\"}}]}\n\n" + finish + done,
			want: result{Text: "a", Finish: "stop"},
		},
		"end mark without reason": {body: piece("a") + done, want: result{Text: "a", Finish: "stop"}},
		"reason without end mark": {body: piece("a") + finish, want: result{Text: "a", Finish: "stop"}},
		"null content and strange usage": {
			body: `data: {"choices":[{"delta":{"content":null},"finish_reason":null}],"usage":null}` + "\n\n" + piece("a") +
				`data: {"choices":null,"usage":{"prompt_tokens":"many"}}` + "\n\n" + finish + done,
			want: result{Text: "a", Finish: "stop"},
		},
		"parts and other choices": {
			body: `data: {"choices":[{"index":1,"delta":{"content":"no"}},{"index":0,"delta":{"content":[{"type":"thinking"},{"type":"text","text":"yes"}]}}]}` + "\n\n" + finish,
			want: result{Text: "yes", Finish: "stop"},
		},
		"plain answer": {
			contentType: "application/json",
			body: `{"choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],
				"usage":{"prompt_tokens":3,"completion_tokens":2}}`,
			want: result{Text: "Hello", Finish: "stop", Usage: &core.Usage{PromptTokens: 3, CompletionTokens: 2, TotalTokens: 5}},
		},
		"plain refusal": {body: `{"choices":[{"message":{"content":null,"refusal":"I will not"}}]}`, want: result{Text: "I will not", Finish: "stop"}},
		"cut off":       {body: piece("Hel"), want: result{Text: "Hel"}, wantErr: io.ErrUnexpectedEOF},
		"cut off inside an event": {
			body: piece("Hel") + `data: {"choices":[{"ind`,
			want: result{Text: "Hel"}, wantErr: io.ErrUnexpectedEOF,
		},
		"cut off plain": {body: `{"choices":[{"mess`, wantErr: io.ErrUnexpectedEOF},
		"nothing":       {body: "", wantErr: io.ErrUnexpectedEOF},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if tt.contentType != "" {
					w.Header().Set("Content-Type", tt.contentType)
				}
				_, _ = io.WriteString(w, tt.body)
			})
			opts.MaxRetries = -1
			got := drain(t.Context(), models(t, opts, newAgent()).Text, hello)
			checkError(t, got.Err, tt.wantErr)
			got.Err = nil
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("answer differs (-want +got):\n%s", d)
			}
		})
	}
}

func checkError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error = %v, want %v", err, want)
	}
	if err != nil && core.CodeOf(err) != core.CodeModel {
		t.Errorf("code of %v = %s, want %s", err, core.CodeOf(err), core.CodeModel)
	}
}

func TestBadAnswers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, text, message string }{
		"garbage":           {"data: oh no\n\n", "", "unreadable"},
		"web page":          {"<!doctype html><p>hi", "", "unreadable"},
		"garbage after all": {piece("a") + "data: {{{\n\n", "a", "unreadable"},
		"endless line":      {piece("a") + "data: " + strings.Repeat("x", 2<<20), "a", "unreadable"},
		"wrong types":       {`data: {"choices":"none"}` + "\n\n", "", "unreadable"},
		"plain array":       {`[1,2,3]`, "", "unreadable"},
		"no choices":        {`{"choices":[]}`, "", "unreadable"},
		"error in a stream": {piece("a") + `data: {"error":{"message":"out of memory","code":503}}` + "\n\n" + piece("b"), "a", "not available"},
		"bare error line":   {piece("a") + `{"error":"boom"}` + "\n", "a", "reported an error"},
		"plain error":       {`{"error":{"message":"no such model","code":404}}`, "", "does not know the model"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, tt.body) })
			opts.MaxRetries = -1
			got := drain(t.Context(), models(t, opts, newAgent()).Text, hello)
			checkError(t, got.Err, &core.Error{Code: core.CodeModel})
			if got.Text != tt.text || got.Err == nil || !strings.Contains(got.Err.Error(), tt.message) {
				t.Errorf("answer = %q, %v, want %q and an error with %q", got.Text, got.Err, tt.text, tt.message)
			}
		})
	}
}

func TestRequest(t *testing.T) {
	t.Parallel()
	seen := make(chan body, 1)
	header := make(chan http.Header, 1)
	opts := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/chat/completions" || r.Method != http.MethodPost {
			t.Errorf("request = %s %s", r.Method, r.URL.Path)
		}
		header <- r.Header
		seen <- readBody(t, r)
		_, _ = io.WriteString(w, piece("a")+done)
	})
	ask := func(t *testing.T, r core.TextRequest, settings ...string) (body, http.Header) {
		t.Helper()
		if got := drain(t.Context(), models(t, opts, newAgent(settings...)).Text, r); got.Err != nil {
			t.Fatal(got.Err)
		}
		return <-seen, <-header
	}
	t.Run("prompt", func(t *testing.T) {
		r := hello
		r.Messages = []core.ChatMessage{{Role: "user", Text: "not this"}}
		b, h := ask(t, r)
		want := map[string]any{
			"model": "gpt-4o-mini", "stream": true, "stream_options": map[string]any{"include_usage": true}, "user": "Ada",
			"messages": []any{map[string]any{"role": "system", "content": "be brief"}, map[string]any{"role": "user", "content": "hello"}},
		}
		if d := cmp.Diff(want, b.fields); d != "" {
			t.Errorf("body differs (-want +got):\n%s", d)
		}
		if h.Get("Authorization") != "" {
			t.Errorf("Authorization without a key = %q", h.Get("Authorization"))
		}
	})
	t.Run("messages", func(t *testing.T) {
		b, _ := ask(t, core.TextRequest{Type: core.TextLarge, Messages: []core.ChatMessage{
			{Role: "user", Name: "Bob", Text: "hi"}, {Role: "assistant", Name: "not valid", Text: "yes?"}, {Text: "well"},
		}}, "LARGE_MODEL", "big")
		want := []map[string]any{
			{"role": "user", "name": "Bob", "content": "hi"}, {"role": "assistant", "content": "yes?"}, {"role": "user", "content": "well"},
		}
		if d := cmp.Diff(want, b.messages); d != "" || b.fields["model"] != "big" {
			t.Errorf("model %v, messages differ (-want +got):\n%s", b.fields["model"], d)
		}
	})
	t.Run("nothing to answer", func(t *testing.T) {
		got := drain(t.Context(), models(t, opts, newAgent()).Text, core.TextRequest{System: "s"})
		if core.CodeOf(got.Err) != core.CodeBadRequest {
			t.Errorf("error = %v, want %s", got.Err, core.CodeBadRequest)
		}
	})
}

// TestPieceByPiece checks that pieces arrive when they are sent, not at the end.
func TestPieceByPiece(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	opts := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for _, s := range []string{piece("a"), piece("b"), finish + done} {
			flush(w, s)
			<-next
		}
	})
	var got []string
	for d, err := range models(t, opts, newAgent()).Text.Generate(t.Context(), hello) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, d.Text+d.FinishReason)
		next <- struct{}{}
	}
	if d := cmp.Diff([]string{"a", "b", "stop"}, got); d != "" {
		t.Error(d)
	}
}

func TestLeaving(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T) (openai.Options, chan struct{}) {
		gone := make(chan struct{})
		return serve(t, func(w http.ResponseWriter, r *http.Request) {
			flush(w, piece("a"))
			<-r.Context().Done()
			close(gone)
		}), gone
	}
	t.Run("break", func(t *testing.T) {
		t.Parallel()
		opts, gone := setup(t)
		for range models(t, opts, newAgent()).Text.Generate(t.Context(), hello) {
			break
		}
		<-gone
	})
	t.Run("cancel", func(t *testing.T) {
		t.Parallel()
		opts, gone := setup(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var last error
		for d, err := range models(t, opts, newAgent()).Text.Generate(ctx, hello) {
			if d.Text == "a" {
				cancel()
			}
			last = err
		}
		<-gone
		if !errors.Is(last, context.Canceled) {
			t.Errorf("error = %v, want %v", last, context.Canceled)
		}
	})
	t.Run("idle", func(t *testing.T) {
		t.Parallel()
		opts, gone := setup(t)
		opts.IdleTimeout = 20 * time.Millisecond
		got := drain(t.Context(), models(t, opts, newAgent()).Text, hello)
		<-gone
		checkError(t, got.Err, &core.Error{Code: core.CodeModel})
		if got.Text != "a" || got.Err == nil || !strings.Contains(got.Err.Error(), "stopped answering") {
			t.Errorf("answer = %q, %v", got.Text, got.Err)
		}
	})
}
