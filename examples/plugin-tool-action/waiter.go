package main

import (
	"context"
	"fmt"
	"iter"
	"regexp"
	"strings"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// waiter is a [core.TextModel] that understands one sentence. It answers in the form every model is asked for.
type waiter struct{}

func waiterPlugin() plugin.Plugin {
	return plugin.Plugin{Name: "waiter", Description: "A model of a few lines", Models: func(core.Runtime) (core.Models, error) {
		return core.Models{Text: waiter{}}, nil
	}}
}

// Generate implements [core.TextModel].
func (waiter) Generate(_ context.Context, r core.TextRequest) iter.Seq2[core.TextDelta, error] {
	return func(yield func(core.TextDelta, error) bool) {
		_ = yield(core.TextDelta{Text: answer(r)}, nil) && yield(core.TextDelta{FinishReason: "stop"}, nil)
	}
}

var (
	wish = regexp.MustCompile(`(?i)table for (-?\d+) on (\w+)`)
	free = regexp.MustCompile(`Free tables: .*`)
)

// answer chooses the action, by its name and parameters, when the prompt offers it and the message asks for it.
func answer(r core.TextRequest) string {
	if r.Purpose != core.PurposeRespond || len(r.Messages) == 0 {
		return "<response></response>" // titles, reflection: nothing to say
	}
	m := wish.FindStringSubmatch(r.Messages[len(r.Messages)-1].Text)
	if m == nil || !strings.Contains(r.Prompt, "- BOOK_TABLE: ") {
		return respond("REPLY", "", "For how many, and on which day? "+free.FindString(r.Prompt)) // the provider's text
	}
	return respond("BOOK_TABLE", fmt.Sprintf(`{"BOOK_TABLE": {"guests": %s, "day": %q}}`, m[1], strings.ToLower(m[2])), "")
}

func respond(action, params, text string) string {
	return "<response><thought>as asked</thought><actions>" + action + "</actions><params>" + params + "</params><text>" + text + "</text></response>"
}
