package openai

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/textproto"
	"slices"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

// payload is the body of a request as it is sent. It can be opened again and again.
type payload struct {
	mime string
	size int64
	open func() io.Reader
}

// attachment is a file that goes with a request.
type attachment struct {
	name    string
	content io.ReaderAt
	size    int64
}

// encode writes the request as JSON or, when it has a file, as a form whose fields are the request's.
func (r request) encode(file *attachment) (payload, error) {
	if file != nil {
		return r.form(file)
	}
	raw, err := core.EncodeJSON(r)
	if err != nil {
		return payload{}, err
	}
	return payload{"application/json", int64(len(raw)), func() io.Reader { return bytes.NewReader(raw) }}, nil
}

func (r request) form(file *attachment) (payload, error) {
	var head bytes.Buffer
	w := multipart.NewWriter(&head)
	for _, name := range slices.Sorted(maps.Keys(r)) {
		if err := w.WriteField(name, fmt.Sprint(r[name])); err != nil {
			return payload{}, err
		}
	}
	h := textproto.MIMEHeader{}
	h.Set("Content-Disposition", `form-data; name="file"; filename="`+headerText(file.name)+`"`)
	h.Set("Content-Type", "application/octet-stream")
	if _, err := w.CreatePart(h); err != nil {
		return payload{}, err
	}
	before := bytes.Clone(head.Bytes())
	head.Reset()
	if err := w.Close(); err != nil {
		return payload{}, err
	}
	after := head.Bytes()
	return payload{
		mime: w.FormDataContentType(), size: int64(len(before)+len(after)) + file.size,
		open: func() io.Reader {
			return io.MultiReader(bytes.NewReader(before), io.NewSectionReader(file.content, 0, file.size), bytes.NewReader(after))
		},
	}, nil
}

// headerText is a name inside quotes in a header.
func headerText(name string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c == '"' || c == '\\' {
			return '_'
		}
		return c
	}, name)
}
