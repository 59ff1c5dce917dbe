package speech

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	maxAudio      = 50 << 20 // bytes of a recording
	maxSeconds    = "1800"   // of it that are listened to
	maxTranscript = 1 << 20  // bytes of the text
)

// transcriber is the [core.Transcriber] of this machine.
type transcriber struct {
	*runner
	sox     string
	ffmpeg  string // "" = not installed
	command []string
}

var _ core.Transcriber = (*transcriber)(nil)

// Transcribe implements [core.Transcriber]. It listens to the first half hour. The name and the language are
// not looked at: the bytes tell the format, and the command knows its language.
func (t *transcriber) Transcribe(ctx context.Context, audio io.Reader, _, _ string) (text string, err error) {
	err = t.session(ctx, func(ctx context.Context, dir string) error {
		text, err = t.transcribe(ctx, dir, audio)
		return errors.Join(err, os.RemoveAll(dir))
	})
	return text, err
}

func (t *transcriber) transcribe(ctx context.Context, dir string, audio io.Reader) (string, error) {
	raw, wave := filepath.Join(dir, "recording"), filepath.Join(dir, "recording.wav")
	if err := keep(raw, audio); err != nil {
		return "", err
	}
	convert, err := t.conversion(raw, wave)
	if err != nil {
		return "", err
	}
	if err := convert.run(ctx); err != nil {
		return "", err
	}
	var out bytes.Buffer
	command := program{path: t.command[0], args: append(slices.Clone(t.command[1:]), wave), stdout: &bounded{&out, maxTranscript}}
	if err := command.run(ctx); err != nil {
		return "", err
	}
	return strings.TrimSpace(strings.ToValidUTF8(out.String(), "\ufffd")), nil
}

// keep writes a recording into a file.
func keep(name string, audio io.Reader) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(audio, maxAudio+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("speech: keep a recording: %w", err)
	}
	if n > maxAudio {
		return &core.Error{Code: core.CodeFileTooLarge, Message: "The audio is too large"}
	}
	return nil
}
