package loop

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	maxImage = 20 << 20 // bytes of an image that is shown to a model
	maxMade  = 32 << 20 // bytes of an image a model made
)

// Files are the server's own files, as far as a brain has to do with them. Safe for concurrent use.
type Files interface {
	// Open opens a file by the address clients know it under. An error of code [core.CodeNotFound] says that
	// it is none of ours. The caller closes it.
	Open(ctx context.Context, address string) (io.ReadCloser, error)
	// Keep stores what an agent made and returns its address.
	Keep(ctx context.Context, agent core.UUID, name, mime string, content io.Reader) (address string, err error)
}

// read returns what is behind an address, at most limit bytes of it, and whether that is all: of a data: URL
// or of a file of ours. Of any other it is nil, for nothing is fetched from elsewhere.
func (r *Runtime) read(ctx context.Context, address string, limit int) (content []byte, whole bool, err error) {
	if strings.HasPrefix(address, "data:") {
		_, content, err = dataURL(address, limit)
		return content[:min(len(content), limit)], len(content) <= limit, err
	}
	if r.opts.Files == nil {
		return nil, true, nil
	}
	file, err := r.opts.Files.Open(ctx, address)
	if errors.Is(err, &core.Error{Code: core.CodeNotFound}) {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = file.Close() }()
	content, err = io.ReadAll(io.LimitReader(file, int64(limit)+1))
	return content[:min(len(content), limit)], len(content) <= limit, err
}

// inline returns an image as a data URL, "" when it is none of ours.
func (r *Runtime) inline(ctx context.Context, address string) (string, error) {
	if strings.HasPrefix(address, "data:") {
		return address, nil
	}
	content, whole, err := r.read(ctx, address, maxImage)
	switch {
	case err != nil || content == nil:
		return "", err
	case !whole:
		return "", fmt.Errorf("loop: the image has more than %d bytes", maxImage)
	}
	return "data:" + mimeOf(content) + ";base64," + base64.StdEncoding.EncodeToString(content), nil
}

func mimeOf(content []byte) string {
	t, _, _ := strings.Cut(http.DetectContentType(content), ";")
	return t
}

var errDataURL = errors.New("loop: not a data URL")

// dataURL reads data:[<type>][;base64],<content>, one byte more than limit at most.
func dataURL(s string, limit int) (mime string, content []byte, err error) {
	head, body, ok := strings.Cut(strings.TrimPrefix(s, "data:"), ",")
	if !ok || !strings.HasPrefix(s, "data:") {
		return "", nil, errDataURL
	}
	mime, coded := strings.CutSuffix(head, ";base64")
	mime, _, _ = strings.Cut(mime, ";")
	mime = strings.ToLower(strings.TrimSpace(mime))
	if !coded {
		text, err := url.PathUnescape(body)
		if err != nil {
			return "", nil, fmt.Errorf("%w: %w", errDataURL, err)
		}
		return mime, []byte(text[:min(len(text), limit+1)]), nil
	}
	body = strings.TrimRight(strings.TrimSpace(body), "=")
	content, err = io.ReadAll(io.LimitReader(base64.NewDecoder(base64.RawStdEncoding, strings.NewReader(body)), int64(limit)+1))
	if err != nil {
		return "", nil, fmt.Errorf("%w: %w", errDataURL, err)
	}
	return mime, content, nil
}

// keeper is an image model whose images are files: what it gives as data: URLs is stored.
type keeper struct {
	core.Imager
	files Files
	agent core.UUID
}

// Image implements [core.Imager].
func (k keeper) Image(ctx context.Context, prompt, size string, count int) ([]string, error) {
	list, err := k.Imager.Image(ctx, prompt, size, count)
	if err != nil {
		return nil, err
	}
	out := make([]string, 0, len(list))
	for _, address := range list {
		if strings.HasPrefix(address, "data:") {
			if address, err = k.keep(ctx, address); err != nil {
				return nil, err
			}
		}
		out = append(out, address)
	}
	return out, nil
}

func (k keeper) keep(ctx context.Context, address string) (string, error) {
	_, content, err := dataURL(address, maxMade)
	switch {
	case err != nil:
		return "", &core.Error{Code: core.CodeModel, Message: "The image model gave no image", Err: err}
	case len(content) > maxMade:
		return "", &core.Error{Code: core.CodeModel, Message: "The image is too large"}
	}
	mime := mimeOf(content)
	class, kind, _ := strings.Cut(mime, "/")
	if class != "image" {
		return "", &core.Error{Code: core.CodeModel, Message: "The image model gave no image"}
	}
	kept, err := k.files.Keep(ctx, k.agent, "image."+kind, mime, bytes.NewReader(content))
	if err != nil {
		return "", fmt.Errorf("loop: keep an image: %w", err)
	}
	return kept, nil
}
