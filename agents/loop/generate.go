package loop

import (
	"context"
	"errors"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// generator is the Generate of a call. s is the action it is for, nil for one that shows nothing.
func (u *turn) generator(state *plugin.State, during string, s *step) func(context.Context, plugin.Prompt) (plugin.Answer, error) {
	return func(ctx context.Context, p plugin.Prompt) (plugin.Answer, error) {
		if p.Type == "" {
			p.Type = core.TextLarge
		}
		if p.Purpose == "" {
			p.Purpose = core.PurposeReply
		}
		req := core.TextRequest{Type: p.Type, Purpose: p.Purpose, Prompt: u.render(withValues(state, p.Values), p.Name, p.Template), Messages: u.messages()}
		if req.Prompt == "" {
			return plugin.Answer{}, errors.New("the prompt is empty")
		}
		x := newExtractor(nil, &shown{})
		var st *stream
		if p.Stream && s != nil {
			if err := s.before(ctx); err != nil {
				return plugin.Answer{}, err
			}
			st = &stream{x, &pacer{emit: s.show}}
		}
		c, err := u.ask(ctx, req, st, during)
		if err != nil {
			return plugin.Answer{}, err
		}
		return answerOf(c.text, x), nil
	}
}

// before sends what the action said until now: the pieces that follow belong to the reply after that.
func (s *step) before(ctx context.Context) error {
	s.mu.Lock()
	said := s.said
	s.said = nil
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return errSlow
	}
	s.u.enqueue(said)
	return s.u.flush(ctx, 0)
}

// show streams a piece while the action runs.
func (s *step) show(piece string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.u.out.Stream(piece)
	}
}

// answerOf reads an answer that may have tags or none, or was cut. x finds the text when nothing else does.
func answerOf(s string, x *extractor) plugin.Answer {
	f, ok := parseAnswer(s)
	if f["text"] == "" {
		if cut := children(dropThinking(s)); !ok || cut["text"] != "" {
			f = cut
		}
	}
	a := plugin.Answer{Thought: f["thought"], Text: f["text"], Fields: f, Items: itemsOf(s)}
	if a.Text == "" {
		if text, ok := plainText(s); ok {
			a.Text = text
		} else if x.shown.text.Len() == 0 {
			x.feed(s)
			x.end()
		}
	}
	if a.Text == "" {
		a.Text = x.shown.text.String()
	}
	return a
}
