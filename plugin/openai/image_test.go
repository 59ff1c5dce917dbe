package openai_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/plugin/openai"
	"github.com/eliza-go/eliza/runtime/core"
)

var pixel = base64.StdEncoding.EncodeToString([]byte("\x89PNG\r\n\x1a\nrest of it"))

func TestImage(t *testing.T) {
	t.Parallel()
	var got []map[string]any
	opts := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b := readBody(t, r)
		got = append(got, b.fields)
		if r.URL.Path != "/v1/images/generations" {
			t.Errorf("request to %s", r.URL.Path)
		}
		if b.fields["size"] == "9x9" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":{"message":"Invalid value","param":"size"}}`)
			return
		}
		_, _ = io.WriteString(w, `{"created":1,"data":[{"b64_json":"`+pixel+`"},{"url":"https://images.example/1.png","revised_prompt":"x"}]}`)
	})
	opts.ImageModel, opts.ImageSize = "draw", "1x1"
	m := models(t, opts, newAgent()).Imager
	want := []string{"data:image/png;base64," + pixel, "https://images.example/1.png"}
	for range 2 {
		list, err := m.Image(t.Context(), "a cat", "9x9", 99)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, list); d != "" {
			t.Error(d)
		}
	}
	if list, err := models(t, opts, newAgent("OPENAI_IMAGE_MODEL", "own")).Imager.Image(t.Context(), "a cat", "", 0); err != nil || len(list) != 2 {
		t.Errorf("Image = %v, %v", list, err)
	}
	full := map[string]any{"model": "draw", "prompt": "a cat", "n": 10.0, "size": "9x9"}
	bare := map[string]any{"model": "draw", "prompt": "a cat", "n": 10.0}
	own := map[string]any{"model": "own", "prompt": "a cat", "size": "1x1"}
	if d := cmp.Diff([]map[string]any{full, bare, full, bare, own}, got); d != "" {
		t.Error(d)
	}
	if _, err := m.Image(t.Context(), " ", "", 1); core.CodeOf(err) != core.CodeBadRequest {
		t.Errorf("Image of nothing = %v", err)
	}
}

func TestImageBadAnswers(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"none": `{"data":[]}`, "nothing": `{"data":[{}]}`, "a file": `{"data":[{"url":"file:///etc/passwd"}]}`, "wrong type": `{"data":{"url":1}}`,
		"text inside": `{"data":[{"b64_json":"aGVsbG8gdGhlcmU="}]}`, "no base64": `{"data":[{"b64_json":"!!!!"}]}`,
		"error": `{"error":{"message":"no"}}`, "cut off": `{"data":[{"b64_json":"` + pixel, "page": `<html>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, body) })
			opts.ImageModel, opts.MaxRetries = "draw", -1
			list, err := models(t, opts, newAgent()).Imager.Image(t.Context(), "x", "", 1)
			if list != nil || core.CodeOf(err) != core.CodeModel {
				t.Errorf("Image = %v, %v", list, err)
			}
		})
	}
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		opts := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":{"message":"Your request was rejected by the safety system"}}`)
		})
		opts.ImageModel = "draw"
		if _, err := models(t, opts, newAgent()).Imager.Image(t.Context(), "x", "", 1); core.CodeOf(err) != core.CodeModel {
			t.Errorf("Image = %v", err)
		}
	})
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer             string
		title, description string
	}{
		"lines":    {"**Title: A cat**\n\nIt sleeps.\nOn a mat.", "A cat", "It sleeps.\nOn a mat."},
		"heading":  {"# A cat\nIt sleeps.", "A cat", "It sleeps."},
		"one line": {"A cat sleeps.", "", "A cat sleeps."},
		"elements": {"<response><title>A cat</title><description> It sleeps. </description></response>", "A cat", "It sleeps."},
		"nothing":  {" \n", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := serve(t, func(w http.ResponseWriter, r *http.Request) {
				b := readBody(t, r)
				want := []any{
					map[string]any{"type": "text", "text": "what is it"},
					map[string]any{"type": "image_url", "image_url": map[string]any{"url": "data:image/png;base64,AA"}},
				}
				if d := cmp.Diff(want, b.messages[0]["content"]); d != "" || b.fields["model"] != "look" || r.URL.Path != "/v1/chat/completions" {
					t.Errorf("%s, model %v: %s", r.URL.Path, b.fields["model"], d)
				}
				flush(w, piece(c.answer)+finish+done)
			})
			title, text, err := models(t, opts, newAgent("OPENAI_IMAGE_DESCRIPTION_MODEL", "look")).Describer.Describe(t.Context(), "data:image/png;base64,AA", "what is it")
			if title != c.title || text != c.description || (err != nil) != (c.description == "") {
				t.Errorf("Describe = %q, %q, %v", title, text, err)
			}
		})
	}
}

func TestWhoDrawsAndLooks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opts         openai.Options
		settings     []string
		draws, looks bool
	}{
		"OpenAI with a key": {settings: []string{"OPENAI_API_KEY", "k"}, draws: true, looks: true},
		"elsewhere":         {opts: openai.Options{BaseURL: "http://127.0.0.1:1/v1"}},
		"elsewhere, named":  {opts: openai.Options{BaseURL: "http://127.0.0.1:1/v1", DescriberModel: "x"}, settings: []string{"OPENAI_IMAGE_MODEL", "x"}, draws: true, looks: true},
	} {
		m := models(t, c.opts, newAgent(c.settings...))
		if (m.Imager != nil) != c.draws || (m.Describer != nil) != c.looks {
			t.Errorf("%s: imager %v, describer %v", name, m.Imager != nil, m.Describer != nil)
		}
	}
}
