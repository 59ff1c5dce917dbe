package pieces

import (
	"bytes"
	"context"
	"io"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/runtime/core"
)

// Blobs keeps files in memory.
type Blobs struct {
	mu    sync.Mutex
	files map[string]memoryFile // by kind/owner/name
}

type memoryFile struct {
	bytes []byte
	at    time.Time
}

// NewBlobs returns empty Blobs.
func NewBlobs() *Blobs { return &Blobs{files: map[string]memoryFile{}} }

// Save implements [media.Blobs].
func (b *Blobs) Save(_ context.Context, kind media.Kind, owner core.UUID, name string, r io.Reader) (int64, error) {
	all, err := io.ReadAll(r)
	if err != nil {
		return 0, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.files[path.Join(string(kind), string(owner), name)] = memoryFile{all, time.Now()}
	return int64(len(all)), nil
}

// Open implements [media.Blobs].
func (b *Blobs) Open(_ context.Context, kind media.Kind, owner core.UUID, name string) (*media.Blob, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f, ok := b.files[path.Join(string(kind), string(owner), name)]
	if !ok {
		return nil, media.ErrNotFound
	}
	return &media.Blob{ReadSeekCloser: open{bytes.NewReader(f.bytes)}, Size: int64(len(f.bytes)), Modified: f.at}, nil
}

// Delete implements [media.Blobs].
func (b *Blobs) Delete(_ context.Context, kind media.Kind, owner core.UUID) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for at := range b.files {
		if strings.HasPrefix(at, path.Join(string(kind), string(owner))+"/") {
			delete(b.files, at)
		}
	}
	return nil
}

// Len is the number of files.
func (b *Blobs) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.files)
}

type open struct{ *bytes.Reader }

func (open) Close() error { return nil }
