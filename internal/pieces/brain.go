package pieces

import (
	"context"
	"iter"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

// Brain is another brain: it says what it was told, word by word, and needs no plugin for it.
type Brain struct{ core.BareRuntime }

// NewBrain is an agents.Factory.
func NewBrain(_ context.Context, c *core.Character) (core.Runtime, error) {
	return Brain{core.BareRuntime{ID: c.ID, Char: c}}, nil
}

// Turn implements [core.Runtime].
func (b Brain) Turn(_ context.Context, t *core.Turn, out core.Out) (core.Outcome, error) {
	if t.AuthorID == b.ID {
		return core.Outcome{}, nil
	}
	text := "I heard: " + t.Content.Text
	for word := range strings.SplitAfterSeq(text, " ") {
		out.Stream(word)
	}
	return core.Outcome{Reply: &core.Content{Text: text, Actions: []string{"REPLY"}}}, nil
}

// Models implements [core.Runtime]: titles of channels are asked of the model.
func (b Brain) Models() core.Models { return core.Models{Text: parrot{}} }

// parrot is a model that repeats the end of what it is asked.
type parrot struct{}

func (parrot) Generate(_ context.Context, r core.TextRequest) iter.Seq2[core.TextDelta, error] {
	return func(yield func(core.TextDelta, error) bool) {
		_ = yield(core.TextDelta{Text: "Heard and said"}, nil) && yield(core.TextDelta{FinishReason: "stop"}, nil)
	}
}
