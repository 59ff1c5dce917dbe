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

	"github.com/gabriel-vasile/mimetype"

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
	format, err := soxFormat(raw)
	if err != nil {
		return "", err
	}
	// The format is named, for a file of another kind could make sox open further ones.
	args := []string{"-V1", "-t", format, raw, "-t", "wav", "-e", "signed-integer", "-b", "16", "-r", "16000", "-c", "1", wave, "trim", "0", maxSeconds}
	if err := (program{path: t.sox, args: args, env: plainEnv()}).run(ctx); err != nil {
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

// soxFormat is what sox calls the format of a file.
func soxFormat(name string) (string, error) {
	found, err := mimetype.DetectFile(name)
	if err != nil {
		return "", err
	}
	for format, name := range map[string]string{
		"wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "aiff": "audio/aiff", "au": "audio/basic",
	} {
		if found.Is(name) {
			return format, nil
		}
	}
	if found.Is("audio/ogg") || found.Is("application/ogg") {
		return oggFormat(name)
	}
	return "", &core.Error{
		Code: core.CodeInvalidFileType, Message: "This audio format cannot be transcribed here", Details: "use WAV, MP3, FLAC or Ogg",
	}
}

// oggFormat tells what is inside an Ogg file.
func oggFormat(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	start, err := io.ReadAll(io.LimitReader(f, 256))
	if err != nil {
		return "", err
	}
	if bytes.Contains(start, []byte("OpusHead")) {
		return "opus", nil
	}
	return "ogg", nil
}
