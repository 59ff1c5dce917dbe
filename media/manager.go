package media

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/url"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

// Options tunes a [Manager]. The zero value is ready to use.
type Options struct {
	PublicPath string     // in front of the addresses of files, for a server mounted below it
	Now        core.Clock // of the times in generated names; time.Now when nil
}

// Manager is the [Service] over [Blobs].
type Manager struct {
	blobs Blobs
	opts  Options
}

var _ Service = (*Manager)(nil)

// New returns a Manager of what lies in blobs.
func New(blobs Blobs, opts Options) *Manager {
	if blobs == nil {
		panic("media: no blobs")
	}
	return &Manager{blobs: blobs, opts: opts}
}

// Upload implements [Service].
func (m *Manager) Upload(ctx context.Context, up Upload) (*File, error) {
	original, err := originalName(up.Name)
	if err != nil {
		return nil, err
	}
	t, err := declaredType(up.Type)
	if err != nil {
		return nil, err
	}
	body := bufio.NewReaderSize(up.Body, sniffed)
	head, err := body.Peek(sniffed)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if t, err = realType(t, head); err != nil {
		return nil, err
	}
	name := newName(m.opts.Now.Now(), extension(t, original))
	size, err := m.save(ctx, up, name, body, decoders[t])
	if err != nil {
		return nil, failed(ctx, err)
	}
	return &File{URL: m.url(up.Kind, up.Owner, name), Type: t, Filename: name, OriginalName: original, Size: size}, nil
}

func (m *Manager) save(ctx context.Context, up Upload, name string, body io.Reader, decode func(io.Reader) error) (int64, error) {
	if decode != nil {
		check := newImageCheck(body, decode)
		defer check.stop()
		body = check
	}
	return m.blobs.Save(ctx, up.Kind, up.Owner, name, body)
}

// failed is the error of an upload: who refused it has said why, all else is the store's.
func failed(ctx context.Context, err error) error {
	if _, ok := errors.AsType[*core.Error](err); ok || ctx.Err() != nil {
		return err
	}
	return &core.Error{Code: core.CodeUpload, Message: "The file could not be stored", Err: err}
}

// Open implements [Service].
func (m *Manager) Open(ctx context.Context, kind Kind, owner core.UUID, name string) (*Blob, error) {
	if !ValidName(name) {
		return nil, errName
	}
	return m.blobs.Open(ctx, kind, owner, name)
}

// DeleteAgent implements [Service].
func (m *Manager) DeleteAgent(ctx context.Context, id core.UUID) error {
	return errors.Join(m.blobs.Delete(ctx, KindAgent, id), m.blobs.Delete(ctx, KindGenerated, id))
}

// DeleteChannel implements [Service].
func (m *Manager) DeleteChannel(ctx context.Context, id core.UUID) error {
	return m.blobs.Delete(ctx, KindChannel, id)
}

// PublicURL implements [Service].
func (m *Manager) PublicURL(address string) string {
	local, ok := m.blobs.(Locator)
	if !ok {
		return address
	}
	kind, owner, name, ok := local.Locate(strings.TrimPrefix(address, "file://"))
	if !ok {
		return address
	}
	return m.url(kind, owner, name)
}

func (m *Manager) url(kind Kind, owner core.UUID, name string) string {
	folder := "/media/uploads/" + string(kind)
	if kind == KindGenerated {
		folder = "/media/generated"
	}
	return m.opts.PublicPath + folder + "/" + string(owner) + "/" + url.PathEscape(name)
}
