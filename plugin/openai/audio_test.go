package openai_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/plugin/openai"
	"github.com/eliza-go/eliza/runtime/core"
)

// fields are those of a form, its file among them as "name: content".
func fields(t *testing.T, r *http.Request) map[string]string {
	t.Helper()
	if r.ContentLength <= 0 {
		t.Errorf("Content-Length = %d", r.ContentLength)
	}
	form, err := r.MultipartReader()
	if err != nil {
		t.Error(err)
		return nil
	}
	out := map[string]string{}
	for {
		p, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Error(err)
			return out
		}
		b, err := io.ReadAll(p)
		if err != nil {
			t.Error(err)
		}
		v := string(b)
		if p.FileName() != "" {
			v = p.FileName() + ": " + v
		}
		out[p.FormName()] = v
	}
}

func TestTranscribe(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	opts := serve(t, func(w http.ResponseWriter, r *http.Request) {
		want := map[string]string{"model": "hear", "response_format": "json", "language": "de", "file": "a.wav: RIFF"}
		if d := cmp.Diff(want, fields(t, r)); r.URL.Path != "/v1/audio/transcriptions" || d != "" {
			t.Errorf("request to %s (-want +got):\n%s", r.URL.Path, d)
		}
		if calls.Add(1) == 1 { // the file is sent again
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, `{"text":"hello","usage":{}}`)
	})
	m := models(t, opts, newAgent("OPENAI_TRANSCRIPTION_MODEL", "hear")).Transcriber
	name := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(name, []byte("RIFF"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for what, audio := range map[string]io.Reader{"file": file, "stream": io.LimitReader(strings.NewReader("RIFF"), 10)} {
		calls.Store(0)
		if got, err := m.Transcribe(t.Context(), audio, "a.wav", "de-DE"); err != nil || got != "hello" {
			t.Errorf("%s: Transcribe = %q, %v", what, got, err)
		}
	}
}

func TestTranscribeWithoutRefusedParameters(t *testing.T) {
	t.Parallel()
	opts := serve(t, func(w http.ResponseWriter, r *http.Request) {
		f := fields(t, r)
		for _, name := range [...]string{"response_format", "language"} {
			if _, ok := f[name]; ok {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = fmt.Fprintf(w, `{"error":{"message":"unknown field %s"}}`, name)
				return
			}
		}
		if f["file"] != "a'_.wav: x" {
			t.Errorf("file = %q", f["file"])
		}
		_, _ = io.WriteString(w, "plain text\n")
	})
	opts.TranscriptionModel = "hear"
	got, err := models(t, opts, newAgent()).Transcriber.Transcribe(t.Context(), strings.NewReader("x"), "a'\".wav", "en")
	if err != nil || got != "plain text" {
		t.Errorf("Transcribe = %q, %v", got, err)
	}
}

func TestTranscribeBadAnswers(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no text": `{}`, "wrong type": `{"text":1}`, "error": `{"error":{"message":"no"}}`, "cut off": `{"text":"he`, "page": `<html>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, body) })
			opts.TranscriptionModel, opts.MaxRetries = "hear", -1
			got, err := models(t, opts, newAgent()).Transcriber.Transcribe(t.Context(), strings.NewReader("x"), "", "")
			if got != "" || core.CodeOf(err) != core.CodeModel {
				t.Errorf("Transcribe = %q, %v", got, err)
			}
		})
	}
}

func TestTranscribeTooMuch(t *testing.T) {
	t.Parallel()
	opts := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	opts.TranscriptionModel = "hear"
	m := models(t, opts, newAgent()).Transcriber
	big := bytes.NewReader(make([]byte, 50<<20+1))
	for _, audio := range [...]io.Reader{big, io.MultiReader(big)} {
		_, _ = big.Seek(0, io.SeekStart)
		if _, err := m.Transcribe(t.Context(), audio, "a.wav", ""); core.CodeOf(err) != core.CodeFileTooLarge {
			t.Errorf("Transcribe = %v", err)
		}
	}
}

func TestSpeak(t *testing.T) {
	t.Parallel()
	const sound = "ID3\x04 sound"
	var calls atomic.Int32
	opts := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b := readBody(t, r)
		if r.URL.Path != "/v1/audio/speech" || b.fields["model"] != "say" || b.fields["input"] != "hello" || b.fields["response_format"] != "mp3" {
			t.Errorf("request to %s with %v", r.URL.Path, b.fields)
		}
		switch voice := b.fields["voice"]; {
		case calls.Add(1) == 1:
			w.WriteHeader(http.StatusTooManyRequests)
		case voice != "nova" && voice != "ash":
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprintf(w, `{"error":{"message":"voice %s is not supported","param":"voice"}}`, voice)
		default:
			_, _ = io.WriteString(w, sound+voice.(string))
		}
	})
	opts.SpeechModel, opts.Voice = "say", "no such"
	m := models(t, opts, newAgent("OPENAI_TTS_VOICE", "nova")).Speaker
	for _, c := range [...]struct{ voice, want string }{{"", "nova"}, {"ash", "ash"}, {"en-us", "nova"}, {"ash", "ash"}} {
		if got, err := spoken(t, m, c.voice); err != nil || got != sound+c.want {
			t.Errorf("Speak with voice %q = %q, %v", c.voice, got, err)
		}
	}
	if _, err := spoken(t, models(t, opts, newAgent()).Speaker, ""); core.CodeOf(err) != core.CodeModel {
		t.Errorf("no voice that the endpoint knows: %v", err)
	}
}

func spoken(t *testing.T, m core.Speaker, voice string) (string, error) {
	t.Helper()
	r, err := m.Speak(t.Context(), "hello", voice)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(r)
	return string(b), errors.Join(err, r.Close())
}

func TestSpeakBadAnswers(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"nothing": "", "error": `{"error":{"message":"no"}}`, "object": `{"a":1}`, "page": ` <html>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, body) })
			opts.SpeechModel, opts.MaxRetries = "say", -1
			if got, err := spoken(t, models(t, opts, newAgent()).Speaker, ""); got != "" || core.CodeOf(err) != core.CodeModel {
				t.Errorf("Speak = %q, %v", got, err)
			}
		})
	}
}

func TestWhoHearsAndSpeaks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opts          openai.Options
		settings      []string
		hears, speaks bool
	}{
		"nothing":              {},
		"OpenAI with a key":    {settings: []string{"OPENAI_API_KEY", "k"}, hears: true, speaks: true},
		"OpenAI, host's key":   {opts: openai.Options{APIKey: "k"}, hears: true, speaks: true},
		"OpenAI without a key": {opts: openai.Options{BaseURL: openai.DefaultBaseURL + "/"}},
		"elsewhere":            {opts: openai.Options{BaseURL: "http://127.0.0.1:1/v1", APIKey: "k"}},
		"elsewhere, named": {
			opts: openai.Options{BaseURL: "http://127.0.0.1:1/v1"}, settings: []string{"OPENAI_TTS_MODEL", "x", "OPENAI_TRANSCRIPTION_MODEL", "x"},
			hears: true, speaks: true,
		},
		"the host names one":   {opts: openai.Options{BaseURL: "http://127.0.0.1:1/v1", SpeechModel: "x"}, speaks: true},
		"another address, own": {opts: openai.Options{APIKey: "k"}, settings: []string{"OPENAI_BASE_URL", "http://127.0.0.1:1/v1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := models(t, c.opts, newAgent(c.settings...))
			if (m.Transcriber != nil) != c.hears || (m.Speaker != nil) != c.speaks {
				t.Errorf("transcriber %v, speaker %v; want %v, %v", m.Transcriber != nil, m.Speaker != nil, c.hears, c.speaks)
			}
		})
	}
}
