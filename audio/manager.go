package audio

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/eliza-go/eliza/runtime/core"
)

// Options tunes a [Manager]. The zero value is ready to use.
type Options struct {
	Messages     Messages      // nil = messages cannot be spoken by their id
	TurnTimeout  time.Duration // of an agent's answer; 5 minutes when 0
	ModelTimeout time.Duration // of one transcription or speech; 5 minutes when 0
	TempDir      string        // for speech being made; the system's own when ""
	Now          core.Clock    // of what is said; time.Now when nil
}

// Manager is the [Service] over the agents of a server. It has no work in the background: nothing is to be
// closed.
type Manager struct {
	agents Agents
	opts   Options
	lanes  *lanes
}

var _ Service = (*Manager)(nil)

// New returns a Manager.
func New(agents Agents, opts Options) *Manager {
	opts.TurnTimeout = cmp.Or(opts.TurnTimeout, 5*time.Minute)
	opts.ModelTimeout = cmp.Or(opts.ModelTimeout, 5*time.Minute)
	return &Manager{agents: agents, opts: opts, lanes: newLanes()}
}

// Running implements [Service].
func (m *Manager) Running(ctx context.Context, agent core.UUID) error {
	_, err := m.runtime(ctx, agent)
	return err
}

func (m *Manager) runtime(ctx context.Context, agent core.UUID) (core.Runtime, error) {
	rt, err := m.agents.Runtime(ctx, agent)
	if core.CodeOf(err) == core.CodeAgentNotFound { // as others call it
		return nil, ErrNotRunning.Wrap(err)
	}
	return rt, err
}

// Transcribe implements [Service].
func (m *Manager) Transcribe(ctx context.Context, agent core.UUID, r Recording) (string, error) {
	rt, err := m.runtime(ctx, agent)
	if err != nil {
		return "", err
	}
	model := rt.Models().Transcriber
	if model == nil {
		return "", ErrNoTranscriber
	}
	limited, cancel := context.WithTimeout(ctx, m.opts.ModelTimeout)
	defer cancel()
	var text string
	err = core.Guard(func() (err error) {
		text, err = model.Transcribe(limited, r.Audio, r.Name, r.Language)
		return err
	})
	if err != nil {
		return "", failed(ctx, "The audio could not be transcribed", err)
	}
	return strings.TrimSpace(strings.ToValidUTF8(text, "\ufffd")), nil
}

// Speak implements [Service].
func (m *Manager) Speak(ctx context.Context, agent core.UUID, s Speech) (*Clip, error) {
	rt, err := m.runtime(ctx, agent)
	if err != nil {
		return nil, err
	}
	if s.Text, err = m.text(ctx, agent, s); err != nil {
		return nil, err
	}
	return m.speak(ctx, rt, s.Text, s.Voice)
}

// text finds the words of a speech.
func (m *Manager) text(ctx context.Context, agent core.UUID, s Speech) (text string, err error) {
	text = s.Text
	if strings.TrimSpace(text) == "" && s.MessageID != "" {
		if m.opts.Messages == nil {
			return "", &core.Error{Code: core.CodeNotFound, Message: "Message not found"}
		}
		if text, err = m.opts.Messages.MessageText(ctx, agent, s.MessageID); err != nil {
			return "", err
		}
	}
	return text, checkText(text)
}

func checkText(text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return invalid("Text is required")
	case utf8.RuneCountInString(text) > maxText:
		return core.BadRequest("text is longer than 100000 characters")
	}
	return nil
}

func (m *Manager) speak(ctx context.Context, rt core.Runtime, text, voice string) (*Clip, error) {
	model := rt.Models().Speaker
	if model == nil {
		return nil, ErrNoSpeaker
	}
	limited, cancel := context.WithTimeout(ctx, m.opts.ModelTimeout)
	defer cancel()
	var clip *Clip
	err := core.Guard(func() (err error) {
		clip, err = m.record(limited, model, text, voice)
		return err
	})
	if err != nil {
		return nil, failed(ctx, "The text could not be spoken", err)
	}
	if clip.Size() == 0 {
		_ = clip.Close() // there is nothing in it
		return nil, &core.Error{Code: core.CodeModel, Message: "The model for speech gave no audio"}
	}
	return clip, nil
}

func (m *Manager) record(ctx context.Context, model core.Speaker, text, voice string) (*Clip, error) {
	sound, err := model.Speak(ctx, text, voice)
	if err != nil {
		return nil, err
	}
	defer sound.Close()
	return NewClip(reader{ctx, sound}, m.opts.TempDir)
}

// reader ends with its context.
type reader struct {
	ctx context.Context
	r   io.Reader
}

// Read implements [io.Reader].
func (r reader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(b)
}

// failed gives an error of a model that has none the code of these routes. When it was the caller's context
// that ended, err says so already.
func failed(ctx context.Context, message string, err error) error {
	if e, ours := errors.AsType[*core.Error](err); ctx.Err() != nil || ours && e.Code != core.CodeInternal {
		return err
	}
	return &core.Error{Code: core.CodeProcessing, Message: message, Err: err}
}
