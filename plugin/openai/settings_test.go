package openai_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/plugin/openai"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestModelsNeedSettings(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		opts           openai.Options
		settings       []string
		text, embedder bool
		err            string
	}{
		"nothing":             {},
		"only a model":        {settings: []string{"OPENAI_EMBEDDING_MODEL", "x"}},
		"blank key":           {settings: []string{"OPENAI_API_KEY", "  "}},
		"own key":             {settings: []string{"OPENAI_API_KEY", "sk-a"}, text: true},
		"own address":         {settings: []string{"OPENAI_BASE_URL", "http://127.0.0.1:11434/v1"}, text: true},
		"host's key":          {opts: openai.Options{APIKey: "sk-a"}, text: true},
		"embeddings":          {settings: []string{"OPENAI_API_KEY", "sk-a", "OPENAI_EMBEDDING_MODEL", "text-embedding-3-small"}, text: true, embedder: true},
		"unknown embeddings":  {settings: []string{"OPENAI_API_KEY", "sk-a", "OPENAI_EMBEDDING_MODEL", "x"}, err: "OPENAI_EMBEDDING_DIMENSIONS"},
		"embedding size":      {settings: []string{"OPENAI_API_KEY", "sk-a", "OPENAI_EMBEDDING_MODEL", "x", "EMBEDDING_DIMENSION", "512"}, text: true, embedder: true},
		"absurd size":         {settings: []string{"OPENAI_API_KEY", "sk-a", "OPENAI_EMBEDDING_MODEL", "x", "OPENAI_EMBEDDING_DIMENSIONS", "-3"}, err: "OPENAI_EMBEDDING_DIMENSIONS"},
		"size is no number":   {settings: []string{"OPENAI_API_KEY", "sk-a", "OPENAI_EMBEDDING_MODEL", "x", "OPENAI_EMBEDDING_DIMENSIONS", "big"}, err: "OPENAI_EMBEDDING_DIMENSIONS"},
		"bad address":         {settings: []string{"OPENAI_BASE_URL", "ftp://x"}, err: "OPENAI_BASE_URL"},
		"address of no host":  {settings: []string{"OPENAI_BASE_URL", "localhost:11434"}, err: "OPENAI_BASE_URL"},
		"bad parameter":       {settings: []string{"OPENAI_API_KEY", "sk-a", "TEXT_SMALL_TEMPERATURE", "hot"}, err: "TEXT_SMALL_TEMPERATURE"},
		"parameter not whole": {settings: []string{"OPENAI_API_KEY", "sk-a", "MODEL_MAX_TOKEN", "1.5"}, err: "MODEL_MAX_TOKEN"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := openai.Plugin(tt.opts).Models(newAgent(tt.settings...))
			if (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("Models() error = %v, want one with %q", err, tt.err)
			}
			if (m.Text != nil) != tt.text || (m.Embedder != nil) != tt.embedder {
				t.Errorf("Models() = %+v, want text %v, embedder %v", m, tt.text, tt.embedder)
			}
		})
	}
}

func TestSettingsAreDeclared(t *testing.T) {
	t.Parallel()
	names := openai.Plugin(openai.Options{}).Settings
	for _, want := range []string{
		"OPENAI_API_KEY", "OPENAI_BASE_URL", "SMALL_MODEL", "OPENAI_LARGE_MODEL", "OPENAI_EMBEDDING_MODEL",
		"TEXT_SMALL_MAX_TOKENS", "TEXT_LARGE_TOP_P", "DEFAULT_SEED", "MODEL_MAX_TOKEN", "MODEL_FREQ_PENALTY",
	} {
		if !slices.Contains(names, want) {
			t.Errorf("Settings lacks %s", want)
		}
	}
	sorted := slices.Sorted(slices.Values(names))
	if len(slices.Compact(sorted)) != len(names) {
		t.Errorf("Settings has doubles: %v", names)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 1)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Host + " " + r.Header.Get("Authorization")
		_, _ = io.WriteString(w, piece("a")+done)
	})
	opts := serve(t, h)
	opts.APIKey = "sk-host"
	elsewhere := httptest.NewServer(h)
	t.Cleanup(elsewhere.Close)
	home := strings.TrimSuffix(strings.TrimPrefix(opts.BaseURL, "http://"), "/v1")
	away := strings.TrimPrefix(elsewhere.URL, "http://")
	p := openai.Plugin(opts)
	tests := []struct {
		name     string
		settings []string
		want     string
	}{
		{"host's key at the host's address", nil, home + " Bearer sk-host"},
		{"own key", []string{"OPENAI_API_KEY", "sk-own"}, home + " Bearer sk-own"},
		{"host's address by name", []string{"OPENAI_BASE_URL", opts.BaseURL + "/"}, home + " Bearer sk-host"},
		{"host's key never goes elsewhere", []string{"OPENAI_BASE_URL", elsewhere.URL}, away + " "},
		{"own key at an own address", []string{"OPENAI_API_KEY", " sk-own\n", "OPENAI_BASE_URL", elsewhere.URL}, away + " Bearer sk-own"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := p.Models(newAgent(tt.settings...))
			if err != nil {
				t.Fatal(err)
			}
			if got := drain(t.Context(), m.Text, hello); got.Err != nil {
				t.Fatal(got.Err)
			}
			if got := <-seen; got != tt.want {
				t.Errorf("request to and as %q, want %q", got, tt.want)
			}
		})
	}
	t.Run("changed while running", func(t *testing.T) {
		a := newAgent("OPENAI_API_KEY", "sk-1")
		m, err := p.Models(a)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"sk-1", "sk-2"} {
			a.settings["OPENAI_API_KEY"] = key
			drain(t.Context(), m.Text, hello)
			if got, want := <-seen, home+" Bearer "+key; got != want {
				t.Errorf("request as %q, want %q", got, want)
			}
		}
	})
}

func TestParameterPrecedence(t *testing.T) {
	t.Parallel()
	var last atomic.Pointer[map[string]any]
	opts := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b := readBody(t, r)
		last.Store(&b.fields)
		_, _ = io.WriteString(w, piece("a")+done)
	})
	opts.SmallModel = "host-small"
	warm := 0.9
	tests := []struct {
		name     string
		request  core.TextRequest
		settings []string
		want     map[string]any
	}{
		{"nothing set", core.TextRequest{}, nil, map[string]any{"max_tokens": nil, "temperature": nil, "user": "Ada", "model": "gpt-4o"}},
		{"legacy", core.TextRequest{}, []string{
			"MODEL_MAX_TOKEN", "1", "MODEL_TEMPERATURE", "0.1", "MODEL_FREQ_PENALTY", "0.2", "MODEL_PRESENCE_PENALTY", "0.3",
		}, map[string]any{"max_tokens": 1.0, "temperature": 0.1, "frequency_penalty": 0.2, "presence_penalty": 0.3}},
		{"default over legacy", core.TextRequest{}, []string{"MODEL_MAX_TOKEN", "1", "DEFAULT_MAX_TOKENS", "2"}, map[string]any{"max_tokens": 2.0}},
		{"type over default", core.TextRequest{}, []string{
			"DEFAULT_MAX_TOKENS", "2", "TEXT_LARGE_MAX_TOKENS", "3", "TEXT_SMALL_MAX_TOKENS", "4",
		}, map[string]any{"max_tokens": 3.0}},
		{"call over all", core.TextRequest{MaxTokens: 5, Temperature: &warm, User: "u", Stop: []string{"X"}}, []string{
			"TEXT_LARGE_MAX_TOKENS", "3", "TEXT_LARGE_TEMPERATURE", "0.1",
		}, map[string]any{"max_tokens": 5.0, "temperature": 0.9, "user": "u", "stop": []any{"X"}}},
		{"the rest", core.TextRequest{AgentName: "Bo"}, []string{
			"DEFAULT_TOP_P", "0.5", "DEFAULT_TOP_K", "40", "DEFAULT_MIN_P", "0.05", "DEFAULT_SEED", "7", "DEFAULT_REPETITION_PENALTY", "1.1",
		}, map[string]any{"top_p": 0.5, "top_k": 40.0, "min_p": 0.05, "seed": 7.0, "repetition_penalty": 1.1, "user": "Bo"}},
		{"small model of the host", core.TextRequest{Type: core.TextSmall}, nil, map[string]any{"model": "host-small"}},
		{"small model by setting", core.TextRequest{Type: core.TextSmall}, []string{"SMALL_MODEL", "s"}, map[string]any{"model": "s"}},
		{"the vendor's setting first", core.TextRequest{Type: core.TextSmall}, []string{"SMALL_MODEL", "s", "OPENAI_SMALL_MODEL", "v"}, map[string]any{"model": "v"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.request.Prompt = "hi"
			if tt.request.Type == "" {
				tt.request.Type = core.TextLarge
			}
			if got := drain(t.Context(), models(t, opts, newAgent(tt.settings...)).Text, tt.request); got.Err != nil {
				t.Fatal(got.Err)
			}
			got := map[string]any{}
			for name := range tt.want {
				got[name] = (*last.Load())[name]
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("body differs (-want +got):\n%s", d)
			}
		})
	}
}
