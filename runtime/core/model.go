package core

import (
	"context"
	"io"
	"iter"
)

// Types of text models.
const (
	TextSmall = "TEXT_SMALL"
	TextLarge = "TEXT_LARGE"
)

// Purposes of a text request: what the caller wants to do with the answer, and so its expected shape.
const (
	PurposeRespond       = "respond"        // <response> with thought, actions, providers, text
	PurposeShouldRespond = "should_respond" // <response> with name, reasoning, action RESPOND, IGNORE or STOP
	PurposeReply         = "reply"          // <response> with thought, text
	PurposeContinue      = "continue"       // the rest of a cut answer, in <text>
	PurposeTitle         = "title"          // a few words of plain text
	PurposeReflect       = "reflect"        // <response> with facts and relationships, each a list of elements
	PurposeConfirm       = "confirm"        // yes or no, in <answer>
	PurposeImage         = "image"          // what an image shall show, in <prompt>, and a few words to go with it, in <text>
	PurposeStep          = "step"           // <response> with thought, action, parameters, providers, isFinish
)

// Models is what an agent can do; nil = not available. Plugins offer the same struct, and per field the
// plugin with the highest priority wins.
type Models struct {
	Text        TextModel // serves all text types: TextRequest.Type says which
	Embedder    Embedder
	Transcriber Transcriber
	Speaker     Speaker
	Describer   Describer
	Imager      Imager
}

// TextRequest asks a text model. Prompt is the rendered template; Messages is the same conversation in
// structure, oldest first, the last one to be answered. A model uses whichever suits it.
type TextRequest struct {
	Type, Purpose  string
	System, Prompt string
	Messages       []ChatMessage
	AgentName      string // who is to speak
	MaxTokens      int    // 0 = the model's own
	Temperature    *float64
	Stop           []string
	User           string // for the provider's abuse detection
}

// ChatMessage is one message of a conversation.
type ChatMessage struct {
	Role string // system, user or assistant
	Name string
	Text string
}

// TextDelta is the next piece of an answer. The last one may carry usage and the reason of its end.
type TextDelta struct {
	Text         string
	Usage        *Usage
	FinishReason string // "" while running; stop, length, content_filter …
}

// Usage counts tokens.
type Usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
}

// TextModel generates text. Safe for concurrent use. The sequence ends after the first error; breaking off
// the loop, or ending ctx, releases everything the call holds. A plain answer is the drained stream.
type TextModel interface {
	Generate(ctx context.Context, r TextRequest) iter.Seq2[TextDelta, error]
}

// Embedder turns texts into vectors of Dim numbers. Name is stored beside every vector.
type Embedder interface {
	Name() string
	Dim() int
	Embed(ctx context.Context, texts []string) ([][]float32, error)
}

// Transcriber turns speech into text.
type Transcriber interface {
	Transcribe(ctx context.Context, audio io.Reader, name, language string) (string, error)
}

// Speaker turns text into speech. The caller closes the reader.
type Speaker interface {
	Speak(ctx context.Context, text, voice string) (io.ReadCloser, error)
}

// Describer says what an image shows.
type Describer interface {
	Describe(ctx context.Context, url, prompt string) (title, description string, err error)
}

// Imager makes images and returns their addresses.
type Imager interface {
	Image(ctx context.Context, prompt, size string, count int) ([]string, error)
}
