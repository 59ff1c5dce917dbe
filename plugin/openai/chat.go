package openai

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	tailWait  = 2 * time.Second       // for usage and the end mark, once the answer is complete
	drainWait = 50 * time.Millisecond // for the end of the body after the end mark, so that the connection can be used again
)

// textModel is one agent's [core.TextModel].
type textModel struct {
	backend  *backend
	settings settings
}

var _ core.TextModel = (*textModel)(nil)

// Generate implements [core.TextModel].
func (m *textModel) Generate(ctx context.Context, r core.TextRequest) iter.Seq2[core.TextDelta, error] {
	return func(yield func(core.TextDelta, error) bool) {
		if err := m.generate(ctx, r, yield); err != nil && !errors.Is(err, errBroken) {
			yield(core.TextDelta{}, err)
		}
	}
}

func (m *textModel) generate(ctx context.Context, r core.TextRequest, yield func(core.TextDelta, error) bool) error {
	p, err := m.backend.provider(m.settings)
	if err != nil {
		return err
	}
	body, err := m.settings.chat(r)
	if err != nil {
		return err
	}
	return p.exchange(ctx, "/chat/completions", body, func(a *answer) error {
		return p.readText(a, func(d core.TextDelta) bool {
			a.begun = true
			return yield(d, nil)
		})
	})
}

// chunk is a piece of an answer, or a whole one.
type chunk struct {
	Choices []choice        `json:"choices"`
	Usage   usage           `json:"usage"`
	Error   json.RawMessage `json:"error"`
}

type choice struct {
	Index        int         `json:"index"`
	Delta        messagePart `json:"delta"`
	Message      messagePart `json:"message"`
	Text         string      `json:"text"`
	FinishReason string      `json:"finish_reason"`
}

type messagePart struct {
	Content text   `json:"content"`
	Refusal string `json:"refusal"`
}

// usage counts tokens; a count that cannot be read is none.
type usage struct{ *core.Usage }

func (u *usage) UnmarshalJSON(b []byte) error {
	var n *core.Usage
	if json.Unmarshal(b, &n) == nil && n != nil {
		if n.TotalTokens == 0 {
			n.TotalTokens = n.PromptTokens + n.CompletionTokens
		}
		u.Usage = n
	}
	return nil
}

// text is a text, null, or a list of parts of which those with a text count.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	switch b[0] {
	case '"':
		return json.Unmarshal(b, (*string)(t))
	case '[':
		var parts []struct {
			Text string `json:"text"`
		}
		if err := json.Unmarshal(b, &parts); err != nil {
			return err
		}
		for _, p := range parts {
			*t += text(p.Text)
		}
	}
	return nil
}

// parse reads a chunk; an error object in it is a [failure].
func (p *provider) parse(raw []byte) (c chunk, err error) {
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, fmt.Errorf("%w: %w", errGarbage, err)
	}
	if e := string(c.Error); e != "" && e != "null" && e != `""` && e != "false" {
		return c, p.failed(c.Error)
	}
	return c, nil
}

// said returns the text of the first choice and why it ended, if it did.
func (c chunk) said() (text, finish string) {
	for _, ch := range c.Choices {
		if ch.Index == 0 {
			return first(string(ch.Delta.Content), string(ch.Message.Content), ch.Text, ch.Delta.Refusal, ch.Message.Refusal), ch.FinishReason
		}
	}
	return "", ""
}

// readText reads an answer, streamed or in one piece, and calls emit with its pieces until it returns false.
// The last piece carries the reason of the end.
func (p *provider) readText(a *answer, emit func(core.TextDelta) bool) error {
	br := bufio.NewReaderSize(a, 16<<10)
	start, err := firstByte(br)
	if err != nil {
		return err
	}
	if start == '{' || start == '[' {
		return p.readPlain(br, emit)
	}
	return p.readStream(a, br, emit)
}

// firstByte skips white space and a byte order mark, and tells what comes then.
func firstByte(br *bufio.Reader) (byte, error) {
	for {
		b, err := br.ReadByte()
		if err != nil {
			return 0, err
		}
		switch b {
		case ' ', '\t', '\r', '\n', 0xef, 0xbb, 0xbf:
		default:
			return b, br.UnreadByte()
		}
	}
}

func (p *provider) readPlain(br *bufio.Reader, emit func(core.TextDelta) bool) error {
	var raw json.RawMessage
	if err := json.NewDecoder(br).Decode(&raw); err != nil {
		return err
	}
	c, err := p.parse(raw)
	if err != nil {
		return err
	}
	if len(c.Choices) == 0 {
		return fmt.Errorf("%w: no choices", errGarbage)
	}
	text, finish := c.said()
	if !emit(core.TextDelta{Text: text, Usage: c.Usage.Usage, FinishReason: first(finish, "stop")}) {
		return errBroken
	}
	return nil
}

func (p *provider) readStream(a *answer, br *bufio.Reader, emit func(core.TextDelta) bool) error {
	var last core.TextDelta
	d := decoder{r: br}
	for {
		raw, err := d.next()
		if errors.Is(err, errDone) {
			last.FinishReason = first(last.FinishReason, "stop")
		}
		if err != nil && last.FinishReason != "" {
			break // the answer is complete: what is wrong with its end does no harm
		}
		if err != nil {
			return err
		}
		c, err := p.parse(raw)
		if err != nil {
			return err
		}
		text, finish := c.said()
		if text != "" && !emit(core.TextDelta{Text: text}) {
			return errBroken
		}
		if finish != "" {
			last.FinishReason = finish
			a.watch.shorten(tailWait)
		}
		if c.Usage.Usage != nil {
			last.Usage = c.Usage.Usage
		}
	}
	if !emit(last) {
		return errBroken
	}
	a.watch.shorten(drainWait)
	_, _ = io.CopyN(io.Discard, br, 4<<10) // only for the connection's sake
	return nil
}
