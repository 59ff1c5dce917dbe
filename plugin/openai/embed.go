package openai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/eliza-go/eliza/runtime/core"
)

// embedBatch is how many texts go into one request: the smallest limit among well-known endpoints.
const embedBatch = 100

// maxDimensions is what the server can store.
const maxDimensions = 4096

// embedder is one agent's [core.Embedder]. Its model and size are fixed when the agent starts.
type embedder struct {
	backend  *backend
	settings settings
	model    string
	dim      int
}

var _ core.Embedder = (*embedder)(nil)

// ownDimensions is the size of a model's vectors, 0 when this package does not know it.
func ownDimensions(model string) int {
	switch model {
	case "text-embedding-3-small", "text-embedding-ada-002":
		return 1536
	case "text-embedding-3-large", "gemini-embedding-001":
		return 3072
	case "nomic-embed-text", "nomic-embed-text:latest", "text-embedding-004":
		return 768
	case "mxbai-embed-large", "mxbai-embed-large:latest", "bge-m3", "bge-m3:latest":
		return 1024
	case "all-minilm", "all-minilm:latest":
		return 384
	}
	return 0
}

// dimensions is the size of an agent's vectors.
func (s settings) dimensions(model string) (int, error) {
	dim := s.opts.EmbeddingDimensions
	if v := s.get(keyDimensions, keyAnyDimension); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			return 0, fmt.Errorf("openai: setting %s is not a whole number", keyDimensions)
		}
		dim = n
	}
	if dim == 0 {
		dim = ownDimensions(model)
	}
	if dim < 1 || dim > maxDimensions {
		return 0, fmt.Errorf("openai: setting %s must tell the size of this model's vectors, 1 to %d", keyDimensions, maxDimensions)
	}
	return dim, nil
}

// Name implements [core.Embedder].
func (e *embedder) Name() string { return e.model }

// Dim implements [core.Embedder].
func (e *embedder) Dim() int { return e.dim }

// Embed implements [core.Embedder].
func (e *embedder) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	p, err := e.backend.provider(e.settings)
	if err != nil {
		return nil, err
	}
	out := make([][]float32, 0, len(texts))
	for len(texts) > 0 {
		n := min(len(texts), embedBatch)
		part, err := e.batch(ctx, p, texts[:n])
		if err != nil {
			return nil, err
		}
		out, texts = append(out, part...), texts[n:]
	}
	return out, nil
}

func (e *embedder) batch(ctx context.Context, p *provider, texts []string) ([][]float32, error) {
	input := make([]string, len(texts))
	for i, t := range texts {
		input[i] = first(t, " ") // endpoints refuse an empty text
	}
	body := request{"model": e.model, "input": input}
	if e.dim != ownDimensions(e.model) {
		body["dimensions"] = e.dim
	}
	var out [][]float32
	err := p.exchange(ctx, "/embeddings", body, func(a *answer) (err error) {
		out, err = p.readVectors(a, len(input), e.dim)
		return err
	})
	return out, err
}

// readVectors reads n vectors of dim numbers, in the order of their texts.
func (p *provider) readVectors(a *answer, n, dim int) ([][]float32, error) {
	var body struct {
		Data []struct {
			Index     *int      `json:"index"`
			Embedding []float32 `json:"embedding"`
		} `json:"data"`
		Error json.RawMessage `json:"error"`
	}
	if err := json.NewDecoder(a).Decode(&body); err != nil {
		if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return nil, fmt.Errorf("%w: %w", errGarbage, err)
		}
		return nil, err
	}
	if e := string(body.Error); e != "" && e != "null" {
		return nil, p.failed(body.Error)
	}
	if len(body.Data) != n {
		return nil, fmt.Errorf("%w: %d vectors for %d texts", errGarbage, len(body.Data), n)
	}
	out := make([][]float32, n)
	for i, v := range body.Data {
		if v.Index != nil {
			i = *v.Index
		}
		if i < 0 || i >= n || out[i] != nil {
			return nil, fmt.Errorf("%w: vectors without order", errGarbage)
		}
		if len(v.Embedding) != dim {
			return nil, fmt.Errorf("%w: a vector of %d numbers instead of %d", errGarbage, len(v.Embedding), dim)
		}
		out[i] = v.Embedding
	}
	return out, nil
}
