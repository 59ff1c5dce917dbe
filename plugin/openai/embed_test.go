package openai_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/runtime/core"
)

func TestEmbed(t *testing.T) {
	t.Parallel()
	var sizes []int
	opts := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b := readBody(t, r)
		input := b.fields["input"].([]any)
		sizes = append(sizes, len(input))
		if r.URL.Path != "/v1/embeddings" || b.fields["model"] != "m" {
			t.Errorf("request to %s with %v", r.URL.Path, b.fields["model"])
		}
		if _, ok := b.fields["dimensions"]; ok {
			w.WriteHeader(400)
			_, _ = io.WriteString(w, `{"error":{"message":"dimensions are fixed","param":"dimensions","code":"no"}}`)
			return
		}
		type vector struct {
			Index     int       `json:"index"`
			Embedding []float32 `json:"embedding"`
		}
		var data []vector
		for i := len(input) - 1; i >= 0; i-- { // in the wrong order
			data = append(data, vector{i, []float32{float32(len(input[i].(string))), 0.5}})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": data})
	})
	opts.EmbeddingModel, opts.EmbeddingDimensions = "m", 2
	e := models(t, opts, newAgent()).Embedder
	if e.Name() != "m" || e.Dim() != 2 {
		t.Errorf("embedder %s of %d numbers, want m of 2", e.Name(), e.Dim())
	}
	texts := make([]string, 150)
	for i := range texts {
		texts[i] = strings.Repeat("x", i)
	}
	got, err := e.Embed(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 150 || got[0][0] != 1 || got[149][0] != 149 || got[99][1] != 0.5 {
		t.Errorf("vectors are not those of their texts")
	}
	if d := cmp.Diff([]int{100, 100, 50}, sizes); d != "" {
		t.Errorf("requests differ (-want +got):\n%s", d)
	}
	if none, err := e.Embed(t.Context(), nil); err != nil || len(none) != 0 {
		t.Errorf("Embed(nil) = %v, %v", none, err)
	}
}

func TestEmbedBadAnswers(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"too few":     `{"data":[{"index":0,"embedding":[1,2]}]}`,
		"same index":  `{"data":[{"index":0,"embedding":[1,2]},{"index":0,"embedding":[1,2]}]}`,
		"wild index":  `{"data":[{"index":-1,"embedding":[1,2]},{"index":9,"embedding":[1,2]}]}`,
		"wrong size":  `{"data":[{"embedding":[1,2]},{"embedding":[1,2,3]}]}`,
		"wrong types": `{"data":[{"embedding":"abc"},{"embedding":true}]}`,
		"error":       `{"error":{"message":"no"}}`,
		"cut off":     `{"data":[{"embedd`,
		"page":        `<html>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, body) })
			opts.EmbeddingModel, opts.EmbeddingDimensions, opts.MaxRetries = "m", 2, -1
			got, err := models(t, opts, newAgent()).Embedder.Embed(t.Context(), []string{"a", "b"})
			if core.CodeOf(err) != core.CodeModel || got != nil {
				t.Errorf("Embed() = %v, %v, want a model error", got, err)
			}
		})
	}
}
