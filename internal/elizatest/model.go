package elizatest

import (
	"context"
	"iter"
	"math"
	"strings"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// Model is a text model that says what a function says, word by word.
type Model func(ctx context.Context, r core.TextRequest) (string, error)

// Generate implements [core.TextModel].
func (m Model) Generate(ctx context.Context, r core.TextRequest) iter.Seq2[core.TextDelta, error] {
	return func(yield func(core.TextDelta, error) bool) {
		text, err := m(ctx, r)
		if err != nil {
			yield(core.TextDelta{}, err)
			return
		}
		for word := range strings.SplitAfterSeq(text, " ") {
			if !yield(core.TextDelta{Text: word}, nil) {
				return
			}
		}
		yield(core.TextDelta{FinishReason: "stop"}, nil)
	}
}

// Plugin gives the model to every agent, before any other.
func (m Model) Plugin() plugin.Plugin {
	return plugin.Plugin{
		Name: "scripted", Priority: math.MaxInt,
		Models: func(core.Runtime) (core.Models, error) { return core.Models{Text: m}, nil },
	}
}

// Echo answers every message with it.
func Echo() Model {
	return func(_ context.Context, r core.TextRequest) (string, error) {
		return Respond("You said: " + Last(r)), nil
	}
}

// Last is the text that is to be answered.
func Last(r core.TextRequest) string {
	if len(r.Messages) == 0 {
		return ""
	}
	return r.Messages[len(r.Messages)-1].Text
}

// Respond is a model's whole answer with one reply.
func Respond(text string) string {
	text = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
	return "<response><thought>as the test wants</thought><actions>REPLY</actions><providers></providers><text>" + text + "</text></response>"
}
