package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

// adder is a brain. BareRuntime answers what it does not: that it has no memories, models or services.
type adder struct{ core.BareRuntime }

// newAdder is the [agents.Factory]: the server calls it when an agent starts, and when its character has changed.
func newAdder(_ context.Context, c *core.Character) (core.Runtime, error) {
	return adder{core.BareRuntime{ID: c.ID, Char: c}}, nil
}

var number = regexp.MustCompile(`-?\d+`)

// Turn implements [core.Runtime]. The server stores what it says, in order and exactly once: a turn that a crash cut
// begins again, and the replies of the cut one stay.
func (a adder) Turn(ctx context.Context, t *core.Turn, out core.Out) (core.Outcome, error) {
	if t.AuthorID == a.ID {
		return core.Outcome{}, nil // no reply: the turn ends as ignored
	}
	found := number.FindAllString(t.Content.Text, -1)
	if len(found) == 0 {
		return answer(out, "Give me some numbers."), nil
	}
	sum := 0
	for _, text := range found {
		n, err := strconv.Atoi(text)
		if err != nil {
			return answer(out, text+" is too large for me."), nil
		}
		sum += n
	}
	// All replies but the last are sent, so that readers see them while the work goes on.
	first := answer(out, fmt.Sprintf("I see %d numbers: %s.", len(found), strings.Join(found, ", ")))
	if _, err := out.Send(ctx, first.Reply); err != nil {
		return core.Outcome{}, err
	}
	// The last one is returned: it is stored together with the end of the turn.
	return answer(out, fmt.Sprintf("Together they are %d.", sum)), nil
}

// answer shows a reply word by word to who reads along, and returns it.
func answer(out core.Out, text string) core.Outcome {
	for word := range strings.SplitAfterSeq(text, " ") {
		out.Stream(word)
	}
	return core.Outcome{Reply: &core.Content{Text: text}}
}
