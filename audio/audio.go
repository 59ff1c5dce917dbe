package audio

import (
	"context"
	"io"

	"github.com/eliza-go/eliza/runtime/core"
)

// Bounds of what passes through this package.
const (
	MaxFile = 50 << 20 // bytes of a recording, and of speech that is made
	maxText = 100_000  // characters of a text to be spoken or answered
	maxName = 255      // bytes of an id or a name
)

// Agents finds running agents.
type Agents interface {
	// Runtime returns a running agent, an error of code NOT_FOUND for any other.
	Runtime(ctx context.Context, id core.UUID) (core.Runtime, error)
}

// Messages finds messages that are to be spoken.
type Messages interface {
	// MessageText returns the text of a message the agent may speak, an error of code NOT_FOUND when there
	// is none.
	MessageText(ctx context.Context, agent, message core.UUID) (string, error)
}

// Service is what the routes ask for. [Manager] implements it; a host may wrap or replace it. All methods are
// safe for concurrent use and return an error of code NOT_FOUND for an agent that does not run, and one of code
// MODEL_ERROR when it lacks the model.
type Service interface {
	// Running returns an error when the agent does not run.
	Running(ctx context.Context, agent core.UUID) error
	// Transcribe returns what is said in a recording, "" when nothing is.
	Transcribe(ctx context.Context, agent core.UUID, r Recording) (string, error)
	// Speak has a text or a message spoken. The caller closes the clip.
	Speak(ctx context.Context, agent core.UUID, s Speech) (*Clip, error)
	// Converse has the agent answer, and speak the answer. The caller closes the reply's clip.
	Converse(ctx context.Context, agent core.UUID, q Question) (*Reply, error)
}

// Recording is speech to be understood.
type Recording struct {
	Audio    io.Reader // read to its end; when it is an [io.ReadSeeker], possibly more than once
	Name     string    // of a file; its extension tells the format
	Language string    // a hint such as "en"; "" = unknown
}

// Speech is what is to be spoken: Text or, when that is empty, a message.
type Speech struct {
	Text      string
	MessageID core.UUID
	Voice     string // a hint; voices the model does not have are ignored
}

// Question is what somebody says to an agent. Only Text is needed.
type Question struct {
	Text        string
	RoomID      string // "default-room-<agent>" when ""
	EntityID    string // who speaks; the caller's own entity, or "Anon", when ""
	WorldID     string // "direct" when ""
	Name        string // of who speaks
	Attachments []core.Media
	Voice       string // as in [Speech]
}

// Reply is a spoken answer.
type Reply struct {
	Text  string
	Audio *Clip
}

// Errors of a [Manager], to be matched by code.
var (
	ErrNotRunning    = &core.Error{Code: core.CodeNotFound, Message: "Agent not found or not running"}
	ErrNoTranscriber = &core.Error{Code: core.CodeModel, Message: "The agent has no model for transcription"}
	ErrNoSpeaker     = &core.Error{Code: core.CodeModel, Message: "The agent has no model for speech"}
	ErrSilent        = &core.Error{Code: core.CodeModel, Message: "The agent gave no answer"}
	ErrForbidden     = &core.Error{Code: core.CodeForbidden, Message: "Forbidden"}
)

func invalid(message string) *core.Error {
	return &core.Error{Code: core.CodeInvalidRequest, Message: message}
}
