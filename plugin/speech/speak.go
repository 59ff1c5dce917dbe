package speech

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

// maxSound bounds a speech: 18 minutes or so.
const maxSound = 48 << 20

// speaker is the [core.Speaker] of this machine.
type speaker struct {
	*runner
	espeak, sox string // sox may be ""
	voice       string
}

var _ core.Speaker = (*speaker)(nil)

// errMute tells that espeak-ng said nothing; so it does when it does not know a voice.
var errMute = errors.New("speech: espeak-ng gave no sound")

// Speak implements [core.Speaker]. A voice that espeak-ng does not have is ignored.
func (s *speaker) Speak(ctx context.Context, text, voice string) (io.ReadCloser, error) {
	var sound io.ReadCloser
	err := s.session(ctx, func(ctx context.Context, dir string) error {
		wave := filepath.Join(dir, "speech.wav")
		err := errMute
		if voiceName(voice) {
			err = s.say(ctx, wave, text, voice)
		}
		if err != nil && !errors.Is(err, errTooMuch) && ctx.Err() == nil {
			err = s.say(ctx, wave, text, s.voice)
		}
		if errors.Is(err, errTooMuch) {
			return &core.Error{Code: core.CodeBadRequest, Message: "The text is too long to be spoken", Err: err}
		}
		if err != nil {
			return err
		}
		sound, err = open(s.compress(ctx, wave))
		return err
	})
	return sound, err
}

// say writes speech into a WAV file.
func (s *speaker) say(ctx context.Context, name, text, voice string) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	args := []string{"-b", "1", "--stdin", "--stdout"}
	if voice != "" {
		args = append(args, "-v", voice)
	}
	err = program{s.espeak, args, plainEnv(), strings.NewReader(spelled(text)), &bounded{f, maxSound}}.run(ctx)
	if err == nil {
		err = mendWave(f)
	}
	return errors.Join(err, f.Close())
}

// spelled keeps espeak-ng from taking a text for phonemes, which stand in double brackets.
func spelled(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\x00", ""), "[[", "[ [")
}

// voiceName tells whether a hint can be the name of a voice: those are also names of files.
func voiceName(s string) bool {
	if s == "" || len(s) > 64 || s[0] == '-' {
		return false
	}
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_+()", c) {
			return false
		}
	}
	return true
}

// compress makes an MP3 file of a WAV file and returns its name, or that of the WAV file where sox cannot.
func (s *speaker) compress(ctx context.Context, wave string) string {
	small := strings.TrimSuffix(wave, ".wav") + ".mp3"
	if s.sox == "" {
		return wave
	}
	err := program{path: s.sox, args: []string{"-V1", "-t", "wav", wave, "-t", "mp3", "-C", "64", small}, env: plainEnv()}.run(ctx)
	if info, statErr := os.Stat(small); err != nil || statErr != nil || info.Size() == 0 {
		return wave
	}
	return small
}

// sound is a file that is gone with its folder once it is closed.
type sound struct {
	*os.File
}

func open(name string) (io.ReadCloser, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	return sound{f}, nil
}

// Close closes the file and removes the folder it is in.
func (s sound) Close() error {
	return errors.Join(s.File.Close(), os.RemoveAll(filepath.Dir(s.Name())))
}

// mendWave writes the true lengths into a WAV file: a program that writes to a pipe cannot know them when it
// begins. [errMute] tells that there is no sound in it.
func mendWave(f *os.File) error {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	start := make([]byte, min(end, 4<<10))
	if _, err := f.ReadAt(start, 0); err != nil {
		return err
	}
	data, ok := soundAt(start)
	if !ok || int64(data) >= end {
		return errMute
	}
	for at, size := range map[int64]int64{4: end - 8, int64(data) - 4: end - int64(data)} {
		if _, err := f.WriteAt(binary.LittleEndian.AppendUint32(nil, uint32(size)), at); err != nil {
			return fmt.Errorf("speech: mend a header: %w", err)
		}
	}
	return nil
}

// soundAt finds where the samples of a WAV file begin.
func soundAt(b []byte) (int, bool) {
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return 0, false
	}
	for at := 12; at+8 <= len(b); {
		size := binary.LittleEndian.Uint32(b[at+4:])
		if string(b[at:at+4]) == "data" {
			return at + 8, true
		}
		if size > uint32(len(b)) {
			break
		}
		at += 8 + int(size) + int(size&1)
	}
	return 0, false
}
