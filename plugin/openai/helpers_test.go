package openai_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/eliza-go/eliza/plugin/openai"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// agent is a runtime with settings.
type agent struct {
	core.BareRuntime
	settings map[string]string
}

func (a agent) Setting(name string) (string, bool) {
	v, ok := a.settings[name]
	return v, ok
}

func (agent) Turn(context.Context, *core.Turn, core.Out) (core.Outcome, error) {
	return core.Outcome{}, core.ErrUnsupported
}

func newAgent(settings ...string) agent {
	a := agent{BareRuntime: core.BareRuntime{ID: core.NewUUID(), Char: &core.Character{Name: "Ada"}}, settings: map[string]string{}}
	for i := 0; i < len(settings); i += 2 {
		a.settings[settings[i]] = settings[i+1]
	}
	return a
}

// serve starts a scripted endpoint and returns Options that lead to it.
func serve(t *testing.T, h http.HandlerFunc) openai.Options {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return openai.Options{BaseURL: srv.URL + "/v1", Client: srv.Client()}
}

func models(t *testing.T, opts openai.Options, a agent) core.Models {
	t.Helper()
	m, err := openai.Plugin(opts).Models(a)
	if err != nil {
		t.Fatalf("Models() = %v", err)
	}
	return m
}

// result is a drained answer.
type result struct {
	Text   string
	Finish string
	Usage  *core.Usage
	Err    error
}

func drain(ctx context.Context, m core.TextModel, r core.TextRequest) result {
	var (
		out result
		b   strings.Builder
	)
	for d, err := range m.Generate(ctx, r) {
		if err != nil {
			out.Err = err
			continue
		}
		b.WriteString(d.Text)
		if d.FinishReason != "" {
			out.Finish, out.Usage = d.FinishReason, d.Usage
		}
	}
	out.Text = b.String()
	return out
}

var hello = core.TextRequest{Type: core.TextSmall, System: "be brief", Prompt: "hello"}

// body is a decoded request.
type body struct {
	fields   map[string]any
	messages []map[string]any
}

func readBody(t *testing.T, r *http.Request) body {
	t.Helper()
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	var b body
	if err := json.Unmarshal(raw, &b.fields); err != nil {
		t.Errorf("request body %q: %v", raw, err)
	}
	list, _ := b.fields["messages"].([]any)
	for _, m := range list {
		b.messages = append(b.messages, m.(map[string]any))
	}
	return b
}

// piece is one event with a text.
func piece(text string) string {
	b, _ := json.Marshal(text)
	return `data: {"choices":[{"index":0,"delta":{"content":` + string(b) + `},"finish_reason":null}]}` + "\n\n"
}

const (
	finish = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n"
	done   = "data: [DONE]\n\n"
)

func flush(w http.ResponseWriter, s string) {
	_, _ = io.WriteString(w, s)
	w.(http.Flusher).Flush()
}
