package client

import (
	"bytes"
	"cmp"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/textproto"
	"path/filepath"
	"slices"
	"sync"

	"github.com/eliza-go/eliza/runtime/core"
)

// Upload is a file on its way to the server: at most 50 MiB, of a type the server takes.
type Upload struct {
	Name    string    // with the extension that tells its type
	Type    string    // MIME type; by the name's extension when empty
	Content io.Reader // read once, never closed, and left alone when the call is over
}

// form is a request with a file, read while it is sent.
type form struct {
	kind string
	body *formBody
}

func newForm(u Upload, fields map[string]string) (*form, error) {
	if u.Content == nil || u.Name == "" {
		return nil, core.BadRequest("an upload needs a name and content")
	}
	var head bytes.Buffer
	w := multipart.NewWriter(&head)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if fields[name] == "" {
			continue
		}
		if err := w.WriteField(name, fields[name]); err != nil {
			return nil, err
		}
	}
	h := textproto.MIMEHeader{}
	h.Set("Content-Disposition", multipart.FileContentDisposition("file", u.Name))
	h.Set("Content-Type", cmp.Or(u.Type, mime.TypeByExtension(filepath.Ext(u.Name)), "application/octet-stream"))
	if _, err := w.CreatePart(h); err != nil {
		return nil, err
	}
	n := head.Len()
	if err := w.Close(); err != nil {
		return nil, err
	}
	all := head.Bytes()
	body := &formBody{Reader: io.MultiReader(bytes.NewReader(all[:n]), u.Content, bytes.NewReader(all[n:])), closed: make(chan struct{})}
	return &form{w.FormDataContentType(), body}, nil
}

// formBody tells when the transport has done with it, which may be after the answer has come.
type formBody struct {
	io.Reader
	once   sync.Once
	closed chan struct{}
}

// Close implements [io.Closer].
func (b *formBody) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}
