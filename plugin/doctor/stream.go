package doctor

import (
	"context"
	"strings"
	"time"
	"unicode"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	finishStop   = "stop"
	finishLength = "length"
)

// stream hands out text word by word. A word counts as a token. The last delta carries usage and reason.
func (m *Model) stream(ctx context.Context, r core.TextRequest, text string, yield func(core.TextDelta, error) bool) {
	text = untilStop(text, r.Stop)
	sent := 0
	for {
		piece := cutWord(text)
		text = text[len(piece):]
		if err := m.wait(ctx); err != nil {
			yield(core.TextDelta{}, err)
			return
		}
		d := core.TextDelta{Text: piece}
		if sent++; text == "" {
			d.FinishReason = finishStop
		} else if r.MaxTokens > 0 && sent >= r.MaxTokens {
			d.FinishReason = finishLength
		}
		if d.FinishReason != "" {
			d.Usage = usage(r, sent)
		}
		if !yield(d, nil) || d.FinishReason != "" {
			return
		}
	}
}

// wait pauses for the configured delay.
func (m *Model) wait(ctx context.Context) error {
	if m.delay <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(m.delay)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// cutWord returns the first word of text with the white space after it.
func cutWord(text string) string {
	i := strings.IndexFunc(text, unicode.IsSpace)
	if i < 0 {
		return text
	}
	if n := strings.IndexFunc(text[i:], func(c rune) bool { return !unicode.IsSpace(c) }); n >= 0 {
		if i == 0 {
			return text[:n+len(cutWord(text[n:]))]
		}
		return text[:i+n]
	}
	return text
}

// untilStop cuts text before the first of the stop sequences.
func untilStop(text string, stops []string) string {
	for _, s := range stops {
		if s == "" {
			continue
		}
		if i := strings.Index(text, s); i >= 0 {
			text = text[:i]
		}
	}
	return text
}

func usage(r core.TextRequest, completion int) *core.Usage {
	prompt := countWords(r.System) + countWords(r.Prompt)
	if r.Prompt == "" {
		for _, m := range r.Messages {
			prompt += countWords(m.Text)
		}
	}
	return &core.Usage{PromptTokens: prompt, CompletionTokens: completion, TotalTokens: prompt + completion}
}

func countWords(text string) int {
	n, in := 0, false
	for _, c := range text {
		space := unicode.IsSpace(c)
		if !space && !in {
			n++
		}
		in = !space
	}
	return n
}
