package audio

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/eliza-go/eliza/runtime/core"
)

// Clip is finished speech of a known size, kept in a temporary file. It belongs to one goroutine at a time.
type Clip struct {
	file *tempFile
	size int64
	wave bool
}

// NewClip reads audio to its end, at most [MaxFile] bytes, into a temporary file in dir, the system's own
// folder for such files when dir is "".
func NewClip(r io.Reader, dir string) (clip *Clip, err error) {
	f, err := newTempFile(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if clip == nil { // also when r panics
			err = errors.Join(err, f.Close())
		}
	}()
	c := &Clip{file: f}
	if c.size, err = f.fill(r, MaxFile); err == nil {
		c.wave, err = f.isWave()
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Type is the MIME type the bytes speak for: audio/wav or audio/mpeg.
func (c *Clip) Type() string {
	if c.wave {
		return "audio/wav"
	}
	return "audio/mpeg"
}

// Format is the usual extension of the type, without its dot.
func (c *Clip) Format() string {
	if c.wave {
		return "wav"
	}
	return "mp3"
}

// Size is the number of bytes [Clip.WriteTo] writes.
func (c *Clip) Size() int64 { return c.size }

// WriteTo implements [io.WriterTo]. It writes the whole clip each time.
func (c *Clip) WriteTo(w io.Writer) (int64, error) {
	if _, err := c.file.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	return io.Copy(w, c.file.File)
}

// Close gives the file back. It is safe on nil.
func (c *Clip) Close() error {
	if c == nil {
		return nil
	}
	return c.file.Close()
}

// errTooMuch tells that more bytes came than are allowed.
var errTooMuch = errors.New("audio: too many bytes")

// tempFile is a file that is gone once it is closed.
type tempFile struct {
	*os.File
	gone bool // from its folder already
}

func newTempFile(dir string) (*tempFile, error) {
	f, err := os.CreateTemp(dir, "eliza-audio-*")
	if err != nil {
		return nil, full(fmt.Errorf("audio: make a temporary file: %w", err))
	}
	// Where the system allows it the name goes at once, so that not even a crash leaves the file behind.
	return &tempFile{File: f, gone: os.Remove(f.Name()) == nil}, nil
}

// fill copies at most limit bytes into the file and goes back to its beginning.
func (f *tempFile) fill(r io.Reader, limit int64) (int64, error) {
	n, err := io.Copy(f.File, io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return n, full(err)
	case n > limit:
		return n, errTooMuch
	}
	_, err = f.Seek(0, io.SeekStart)
	return n, err
}

// isWave tells whether the file begins like a WAV file.
func (f *tempFile) isWave() (bool, error) {
	var head [12]byte
	n, err := f.ReadAt(head[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return n == len(head) && string(head[:4]) == "RIFF" && string(head[8:]) == "WAVE", nil
}

// Close closes and removes the file.
func (f *tempFile) Close() error {
	err := f.File.Close()
	if !f.gone {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}

// full gives the error of a volume without room its code.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return &core.Error{Code: core.CodeStorageFull, Message: "No space is left for the audio", Err: err}
	}
	return err
}
