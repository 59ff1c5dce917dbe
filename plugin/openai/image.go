package openai

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	maxImages    = 10
	sizeField    = "size"
	imageRequest = "Say what this image shows: a short title on the first line, then a description."
)

// imager is one agent's [core.Imager].
type imager struct {
	backend  *backend
	settings settings
}

var _ core.Imager = (*imager)(nil)

// Image implements [core.Imager]. An image that comes inside the answer is returned as a data: URL. count is
// taken as 1 to 10; an endpoint that does not know the size chooses its own.
func (m *imager) Image(ctx context.Context, prompt, size string, count int) ([]string, error) {
	if strings.TrimSpace(prompt) == "" {
		return nil, core.BadRequest("An image needs a prompt")
	}
	p, err := m.backend.provider(m.settings)
	if err != nil {
		return nil, err
	}
	body := request{"model": first(m.settings.imageModel(p.endpoint), DefaultImageModel), "prompt": prompt}
	if size = first(size, m.settings.get(keyImageSize), m.settings.opts.ImageSize); size != "" {
		body[sizeField] = size
	}
	if count = min(max(count, 1), maxImages); count > 1 {
		body["n"] = count
	}
	var images []string
	err = p.exchange(ctx, "/images/generations", body, func(a *answer) (err error) {
		images, err = p.readImages(a)
		return err
	})
	return images, err
}

// readImages reads images that are in the answer or behind addresses.
func (p *provider) readImages(a *answer) ([]string, error) {
	raw, err := io.ReadAll(a)
	if err != nil {
		return nil, err
	}
	if len(raw) == maxAnswer {
		return nil, fmt.Errorf("%w: it is too long", errGarbage)
	}
	var body struct {
		Data []struct {
			B64 string `json:"b64_json"`
			URL string `json:"url"`
		} `json:"data"`
		Error json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		if _, ok := errors.AsType[*json.SyntaxError](err); ok && len(raw) > 0 && raw[0] == '{' {
			return nil, io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("%w: %w", errGarbage, err)
	}
	if e := string(body.Error); e != "" && e != "null" {
		return nil, p.failed(body.Error)
	}
	var out []string
	for _, d := range body.Data {
		image, err := imageAddress(d.B64, d.URL)
		if err != nil {
			return nil, err
		}
		out = append(out, image)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: no image", errGarbage)
	}
	return out, nil
}

func imageAddress(b64, address string) (string, error) {
	if b64 != "" {
		head, err := base64.StdEncoding.DecodeString(b64[:min(len(b64), 64)&^3])
		t := http.DetectContentType(head)
		if err != nil || !strings.HasPrefix(t, "image/") {
			return "", fmt.Errorf("%w: no image inside", errGarbage)
		}
		return "data:" + t + ";base64," + b64, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("%w: no address of an image", errGarbage)
	}
	return address, nil
}

// describer is one agent's [core.Describer].
type describer struct {
	backend  *backend
	settings settings
}

var _ core.Describer = (*describer)(nil)

// seen is a message with an image.
type seen struct {
	Role    string `json:"role"`
	Content []part `json:"content"`
}

type part struct {
	Type  string   `json:"type"`
	Text  string   `json:"text,omitempty"`
	Image *address `json:"image_url,omitempty"`
}

type address struct {
	URL string `json:"url"`
}

// Describe implements [core.Describer]. The first line of an answer of several is the title.
func (d *describer) Describe(ctx context.Context, url, prompt string) (title, description string, err error) {
	p, err := d.backend.provider(d.settings)
	if err != nil {
		return "", "", err
	}
	body := request{
		"model": first(d.settings.describerModel(p.endpoint), DefaultDescriberModel),
		"messages": []seen{{Role: "user", Content: []part{
			{Type: "text", Text: first(prompt, imageRequest)}, {Type: "image_url", Image: &address{url}},
		}}},
	}
	var said strings.Builder
	err = p.exchange(ctx, "/chat/completions", body, func(a *answer) error {
		said.Reset()
		return p.readText(a, func(delta core.TextDelta) bool {
			said.WriteString(delta.Text)
			return true
		})
	})
	if err != nil {
		return "", "", err
	}
	if title, description = describedAs(said.String()); description == "" {
		return "", "", p.modelError("The model did not describe the image", nil)
	}
	return title, description, nil
}

// describedAs takes a description apart: <title> and <description>, or lines.
func describedAs(s string) (title, description string) {
	inside := func(name string) string {
		_, rest, _ := strings.Cut(s, "<"+name+">")
		text, _, ok := strings.Cut(rest, "</"+name+">")
		if !ok {
			return ""
		}
		return strings.TrimSpace(text)
	}
	if description = inside("description"); description != "" {
		return inside("title"), description
	}
	head, rest, _ := strings.Cut(strings.TrimSpace(s), "\n")
	head, rest = strings.Trim(head, " \t\r#*"), strings.TrimSpace(rest)
	if len(head) > len("title:") && strings.EqualFold(head[:len("title:")], "title:") {
		head = strings.Trim(head[len("title:"):], " *")
	}
	if rest == "" {
		return "", head
	}
	return head, rest
}
