package openai

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

// maxAudio bounds a recording that is to be transcribed.
const maxAudio = 50 << 20

// transcriber is one agent's [core.Transcriber].
type transcriber struct {
	backend  *backend
	settings settings
}

var _ core.Transcriber = (*transcriber)(nil)

// Transcribe implements [core.Transcriber]. Audio that can be read at any place, as a file can, is not copied.
func (t *transcriber) Transcribe(ctx context.Context, audio io.Reader, name, language string) (string, error) {
	p, err := t.backend.provider(t.settings)
	if err != nil {
		return "", err
	}
	file, err := newAttachment(audio, first(name, "audio.wav"))
	if err != nil {
		return "", err
	}
	body := request{"model": first(t.settings.transcriptionModel(p.endpoint), DefaultTranscriptionModel), "response_format": "json"}
	if code, _, _ := strings.Cut(strings.ToLower(language), "-"); code != "" {
		body["language"] = code // endpoints know languages, not their countries
	}
	var text string
	err = p.post(ctx, "/audio/transcriptions", body, file, func(a *answer) (err error) {
		text, err = p.readTranscript(a)
		return err
	})
	return text, err
}

// newAttachment makes audio a file that can be sent more than once.
func newAttachment(audio io.Reader, name string) (*attachment, error) {
	if f, ok := audio.(interface {
		io.ReaderAt
		io.Seeker
	}); ok {
		size, err := f.Seek(0, io.SeekEnd)
		if err != nil {
			return nil, fmt.Errorf("openai: read the audio: %w", err)
		}
		if size > maxAudio {
			return nil, errAudioTooLarge()
		}
		return &attachment{name, f, size}, nil
	}
	raw, err := io.ReadAll(io.LimitReader(audio, maxAudio+1))
	if err != nil {
		return nil, fmt.Errorf("openai: read the audio: %w", err)
	}
	if len(raw) > maxAudio {
		return nil, errAudioTooLarge()
	}
	return &attachment{name, bytes.NewReader(raw), int64(len(raw))}, nil
}

func errAudioTooLarge() error {
	return &core.Error{Code: core.CodeFileTooLarge, Message: "The audio is too large"}
}

// readTranscript reads an answer that is an object with a text, or the text itself.
func (p *provider) readTranscript(a *answer) (string, error) {
	raw, err := io.ReadAll(a)
	if err != nil {
		return "", err
	}
	if len(raw) == maxAnswer {
		return "", fmt.Errorf("%w: it is too long", errGarbage)
	}
	if trimmed := bytes.TrimSpace(raw); len(trimmed) == 0 || trimmed[0] != '{' {
		if len(trimmed) > 0 && trimmed[0] == '<' {
			return "", fmt.Errorf("%w: a page instead of a text", errGarbage)
		}
		return string(trimmed), nil // an endpoint that knows no JSON here
	}
	var body struct {
		Text  *string         `json:"text"`
		Error json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return "", fmt.Errorf("%w: %w", errGarbage, err)
		}
		return "", io.ErrUnexpectedEOF
	}
	if e := string(body.Error); e != "" && e != "null" {
		return "", p.failed(body.Error)
	}
	if body.Text == nil {
		return "", fmt.Errorf("%w: no text", errGarbage)
	}
	return *body.Text, nil
}

// speaker is one agent's [core.Speaker].
type speaker struct {
	backend  *backend
	settings settings
}

var _ core.Speaker = (*speaker)(nil)

// Speak implements [core.Speaker]. The audio is complete when it returns: only so can a failed request be
// repeated.
func (s *speaker) Speak(ctx context.Context, text, voice string) (io.ReadCloser, error) {
	p, err := s.backend.provider(s.settings)
	if err != nil {
		return nil, err
	}
	choice := voices{first(s.settings.get(keyVoice), s.settings.opts.Voice, DefaultVoice)}
	if voice != "" && voice != choice[0] {
		choice = append(voices{voice}, choice...)
	}
	body := request{
		"model": first(s.settings.speechModel(p.endpoint), DefaultSpeechModel), "input": text, "response_format": "mp3",
		voiceField: choice,
	}
	var sound []byte
	err = p.exchange(ctx, "/audio/speech", body, func(a *answer) (err error) {
		sound, err = p.readSound(a)
		return err
	})
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(sound)), nil
}

// readSound reads audio. What is text instead is an error, for no audio file begins like it.
func (p *provider) readSound(a *answer) ([]byte, error) {
	raw, err := io.ReadAll(a)
	if err != nil {
		return nil, err
	}
	switch start := bytes.TrimSpace(raw[:min(len(raw), 64)]); {
	case len(start) == 0:
		return nil, fmt.Errorf("%w: no audio", errGarbage)
	case len(raw) == maxAnswer:
		return nil, fmt.Errorf("%w: it is too long", errGarbage)
	case start[0] == '{':
		var body struct {
			Error json.RawMessage `json:"error"`
		}
		if json.Unmarshal(raw, &body) == nil && len(body.Error) > 0 {
			return nil, p.failed(body.Error)
		}
		return nil, fmt.Errorf("%w: an object instead of audio", errGarbage)
	case start[0] == '<':
		return nil, fmt.Errorf("%w: a page instead of audio", errGarbage)
	}
	return raw, nil
}
