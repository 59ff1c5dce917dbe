package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

// Media are the calls on files.
type Media struct{ c *Client }

// File is an uploaded file.
type File struct {
	URL          string `json:"url"` // relative to the server's host
	Type         string `json:"type"`
	Filename     string `json:"filename"` // the server's name for it
	OriginalName string `json:"originalName"`
	Size         int64  `json:"size"`
}

// Download is a file of the server's.
type Download struct {
	Type string        // MIME type
	Size int64         // -1 = not known
	Body io.ReadCloser // the caller closes it
}

// UploadToAgent stores a file for an agent.
func (m *Media) UploadToAgent(ctx context.Context, agent core.UUID, u Upload) (*File, error) {
	return m.upload(ctx, u, "api", "media", "agents", string(agent), "upload-media")
}

// Upload stores a file for a channel, which need not exist yet.
func (m *Media) Upload(ctx context.Context, channel core.UUID, u Upload) (*File, error) {
	return m.upload(ctx, u, "api", "media", "channels", string(channel), "upload-media")
}

func (m *Media) upload(ctx context.Context, u Upload, path ...string) (*File, error) {
	f, err := newForm(u, nil)
	if err != nil {
		return nil, err
	}
	return data[File](ctx, m.c, request{method: http.MethodPost, path: path, stream: f})
}

// Open reads a file by the address the server gave: of an upload, an attachment or a panel.
func (m *Media) Open(ctx context.Context, address string) (*Download, error) {
	u, err := m.c.base.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("client: address of a file: %w", err)
	}
	if u.Host != m.c.base.Host || u.Scheme != m.c.base.Scheme {
		return nil, core.BadRequest("the file is on another host, " + u.Host)
	}
	res, err := m.c.openAt(ctx, &request{method: http.MethodGet, path: at(strings.TrimPrefix(u.Path, "/")), accept: "*/*"}, u.String())
	if err != nil {
		return nil, err
	}
	return &Download{res.Header.Get("Content-Type"), res.ContentLength, res.Body}, nil
}
