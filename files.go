package eliza

import (
	"context"
	"io"
	"net/url"
	"strings"

	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/runtime/core"
)

// ownFiles are the files of the server as brains see them: by their addresses.
type ownFiles struct {
	media.Service
	prefix string // of the addresses, as a client sees them
}

// Open implements [loop.Files]. Only the path of an address counts: nothing is fetched, whatever its host.
func (f ownFiles) Open(ctx context.Context, address string) (io.ReadCloser, error) {
	kind, owner, name, ok := f.locate(address)
	if !ok {
		return nil, media.ErrNotFound
	}
	blob, err := f.Service.Open(ctx, kind, owner, name)
	if err != nil {
		return nil, err
	}
	return blob, nil
}

// Keep implements [loop.Files].
func (f ownFiles) Keep(ctx context.Context, agent core.UUID, name, mime string, content io.Reader) (string, error) {
	file, err := f.Upload(ctx, media.Upload{Kind: media.KindGenerated, Owner: agent, Name: name, Type: mime, Body: content})
	if err != nil {
		return "", err
	}
	return file.URL, nil
}

// locate takes an address apart: /media/uploads/agents/…, /media/uploads/channels/… or /media/generated/….
func (f ownFiles) locate(address string) (kind media.Kind, owner core.UUID, name string, ok bool) {
	u, err := url.Parse(address)
	if err != nil || u.Opaque != "" {
		return "", "", "", false
	}
	path := strings.TrimPrefix(u.Path, f.prefix)
	for folder, kind := range map[string]media.Kind{
		"/media/uploads/agents/": media.KindAgent, "/media/uploads/channels/": media.KindChannel, "/media/generated/": media.KindGenerated,
	} {
		if rest, ok := strings.CutPrefix(path, folder); ok {
			id, name, _ := strings.Cut(rest, "/")
			owner, err := core.ParseUUID(id)
			return kind, owner, name, err == nil && media.ValidName(name)
		}
	}
	return "", "", "", false
}
