package audio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/labstack/echo/v4"
	"go.uber.org/goleak"

	"github.com/eliza-go/eliza/audio"
	"github.com/eliza-go/eliza/internal/apitest"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ada   core.UUID = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
	other core.UUID = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
	room            = "cccccccc-cccc-4ccc-8ccc-cccccccccccc"
)

// wav is a second of silence, 16 kHz mono.
func wav() []byte {
	b := []byte("RIFF\x24\x7d\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00data\x00\x7d\x00\x00")
	return append(b, make([]byte, 32000)...)
}

// brain is a runtime whose models and answers a test sets.
type brain struct {
	core.BareRuntime
	models core.Models
	answer func(ctx context.Context, t *core.Turn, out core.Out) (core.Outcome, error)

	mu    sync.Mutex
	turns []core.Turn
}

func (b *brain) Models() core.Models { return b.models }

func (b *brain) Turn(ctx context.Context, t *core.Turn, out core.Out) (core.Outcome, error) {
	b.mu.Lock()
	b.turns = append(b.turns, *t)
	b.mu.Unlock()
	if b.answer == nil {
		return core.Outcome{Reply: &core.Content{Text: "You said: " + t.Content.Text}}, nil
	}
	return b.answer(ctx, t, out)
}

type hears func(ctx context.Context, audio io.Reader, name, language string) (string, error)

func (f hears) Transcribe(ctx context.Context, audio io.Reader, name, language string) (string, error) {
	return f(ctx, audio, name, language)
}

type speaks func(ctx context.Context, text, voice string) (io.ReadCloser, error)

func (f speaks) Speak(ctx context.Context, text, voice string) (io.ReadCloser, error) {
	return f(ctx, text, voice)
}

type messages map[core.UUID]string

func (m messages) MessageText(_ context.Context, _, id core.UUID) (string, error) {
	text, ok := m[id]
	if !ok {
		return "", &core.Error{Code: core.CodeNotFound, Message: "Message not found"}
	}
	return text, nil
}

// fixture is the routes over one running agent.
type fixture struct {
	t       *testing.T
	brain   *brain
	manager *audio.Manager
	web     *echo.Echo
	dir     string // for temporary files
}

// Runtime implements audio.Agents.
func (f *fixture) Runtime(_ context.Context, id core.UUID) (core.Runtime, error) {
	if id != ada {
		return nil, &core.Error{Code: core.CodeAgentNotFound, Message: "Agent not found"}
	}
	return f.brain, nil
}

func setup(t *testing.T, change func(*audio.Options, *audio.HandlerOptions)) *fixture {
	t.Helper()
	f := &fixture{t: t, web: echo.New(), dir: t.TempDir(), brain: &brain{
		BareRuntime: core.BareRuntime{ID: ada, Char: &core.Character{Name: "Ada"}},
		models: core.Models{
			Transcriber: hears(func(_ context.Context, r io.Reader, name, language string) (string, error) {
				b, err := io.ReadAll(r)
				return strings.TrimSpace(name + " " + language + " " + string(b[:min(4, len(b))])), err
			}),
			Speaker: speaks(func(_ context.Context, text, voice string) (io.ReadCloser, error) {
				return io.NopCloser(strings.NewReader("ID3" + text + voice)), nil
			}),
		},
	}}
	opts := audio.Options{TempDir: f.dir, Messages: messages{room: "a message"}}
	h := audio.HandlerOptions{Logger: slog.New(slog.DiscardHandler), TempDir: f.dir}
	if change != nil {
		change(&opts, &h)
	}
	f.manager = audio.New(f, opts)
	audio.NewHandler(f.manager, h).Routes(f.web.Group("/api/audio"))
	t.Cleanup(func() {
		left, err := os.ReadDir(f.dir)
		if err != nil || len(left) != 0 {
			t.Errorf("temporary files left: %v, %v", left, err)
		}
	})
	return f
}

// file is a part of a form.
type file struct {
	field, name, mime string
	content           []byte
}

func form(t *testing.T, fields map[string]string, files ...file) (contentType string, body []byte) {
	t.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	var errs []error
	for k, v := range fields {
		errs = append(errs, w.WriteField(k, v))
	}
	for _, f := range files {
		h := textproto.MIMEHeader{}
		h.Set("Content-Disposition", `form-data; name="`+f.field+`"; filename="`+f.name+`"`)
		if f.mime != "" {
			h.Set("Content-Type", f.mime)
		}
		p, err := w.CreatePart(h)
		if err == nil {
			_, err = p.Write(f.content)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(append(errs, w.Close())...); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), buf.Bytes()
}

func (f *fixture) send(path, contentType string, body []byte) *httptest.ResponseRecorder {
	f.t.Helper()
	req := httptest.NewRequestWithContext(f.t.Context(), http.MethodPost, "/api/audio"+path, bytes.NewReader(body))
	req.Header.Set("Content-Type", contentType)
	rec := httptest.NewRecorder()
	apitest.Handler(f.t, f.web).ServeHTTP(rec, req)
	return rec
}

func (f *fixture) json(path, body string) *httptest.ResponseRecorder {
	f.t.Helper()
	return f.send(path, "application/json", []byte(body))
}

func (f *fixture) upload(path string, fields map[string]string, files ...file) *httptest.ResponseRecorder {
	f.t.Helper()
	contentType, body := form(f.t, fields, files...)
	return f.send(path, contentType, body)
}

func recording() file { return file{"file", "a.wav", "audio/wav", wav()} }

func decode(t *testing.T, rec *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
		t.Fatalf("%d %q: %v", rec.Code, rec.Body, err)
	}
	return body
}

// fails checks an error envelope.
func fails(t *testing.T, rec *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	body := decode(t, rec)
	e, _ := body["error"].(map[string]any)
	if rec.Code != status || body["success"] != false || e["code"] != code {
		t.Errorf("%d %s, want %d %s", rec.Code, rec.Body, status, code)
	}
}
