package main

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/runtime/core"
)

// sealed keeps files encrypted in other blobs. What one of them holds is in memory while it is written or read; the server
// takes no upload above 50 MiB.
type sealed struct {
	media.Blobs
	key cipher.AEAD
}

// newSealed reads the key from a file, which is made when there is none. A host takes it from where its keys are kept:
// beside the files it protects nothing but their copies.
func newSealed(blobs media.Blobs, file string) (*sealed, error) {
	key, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		key = make([]byte, 32)
		rand.Read(key) // never fails
		if err = os.MkdirAll(filepath.Dir(file), 0o750); err == nil {
			err = os.WriteFile(file, key, 0o600)
		}
	}
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &sealed{blobs, aead}, err
}

// Save implements [media.Blobs].
func (s *sealed) Save(ctx context.Context, kind media.Kind, owner core.UUID, name string, r io.Reader) (int64, error) {
	plain, err := io.ReadAll(r)
	if err != nil {
		return 0, err
	}
	_, err = s.Blobs.Save(ctx, kind, owner, name, bytes.NewReader(s.key.Seal(nil, nil, plain, []byte(name))))
	return int64(len(plain)), err
}

// Open implements [media.Blobs].
func (s *sealed) Open(ctx context.Context, kind media.Kind, owner core.UUID, name string) (*media.Blob, error) {
	blob, err := s.Blobs.Open(ctx, kind, owner, name)
	if err != nil {
		return nil, err
	}
	secret, err := io.ReadAll(blob)
	if err = errors.Join(err, blob.Close()); err != nil {
		return nil, err
	}
	plain, err := s.key.Open(nil, nil, secret, []byte(name))
	if err != nil {
		return nil, err
	}
	return &media.Blob{ReadSeekCloser: opened{bytes.NewReader(plain)}, Size: int64(len(plain)), Modified: blob.Modified}, nil
}

type opened struct{ *bytes.Reader }

// Close implements [io.Closer].
func (opened) Close() error { return nil }
