package loop

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

// maxAsked is how often a model is asked until its answer can be used.
const maxAsked = 3

// decision is what the model wants to say and do.
type decision struct {
	thought   string
	actions   []string // proper names, never empty
	providers []string
	text      string
	params    map[string]json.RawMessage // by normalised name of the action
}

// simple tells whether the text itself is the whole reply.
func (d *decision) simple() bool {
	return len(d.actions) == 1 && d.actions[0] == "REPLY" && d.text != "" && len(d.providers) == 0
}

func (d *decision) content(u *turn) core.Content {
	yes := true
	return core.Content{
		Text: d.text, Thought: d.thought, Actions: d.actions, Providers: d.providers, Simple: &yes, ResponseID: u.out.NextReply(),
	}
}

// decide asks the model what to do.
func (u *turn) decide(ctx context.Context) (*decision, error) {
	shown := &shown{}
	var last string
	var parsed fields
	for range maxAsked {
		req := core.TextRequest{
			Type: core.TextLarge, Purpose: core.PurposeRespond, Prompt: u.render(u.state, templateMessage, ""), Messages: u.messages(),
		}
		x := newExtractor(u.isSimple, shown)
		c, err := u.ask(ctx, req, u.stream(x), "")
		if err != nil {
			return nil, err
		}
		f, ok := parseAnswer(c.text)
		switch {
		case shown.text.Len() > 0:
			if !ok {
				f, _ = parseAnswer(c.text + responseEnd) // cut, but the thought may be whole
			}
			return u.shownAnswer(ctx, x, f)
		case ok && f["thought"] != "" && f["actions"] != "":
			return u.decision(f), nil
		case ok && (parsed == nil || f["text"] != ""):
			parsed = f
		}
		last = c.text
		u.r.log.Debug("answer cannot be used", "run_id", u.run)
	}
	if parsed["text"] != "" || parsed["actions"] != "" || parsed["thought"] != "" {
		return u.decision(parsed), nil
	}
	if text, ok := plainText(last); ok {
		return &decision{actions: []string{"REPLY"}, text: text}, nil
	}
	if f := children(dropThinking(last)); f["text"] != "" {
		return u.decision(f), nil
	}
	return nil, &core.Error{Code: core.CodeModel, Message: "The model gave no usable answer"}
}

// isSimple tells whether the text of an answer with these lists is the reply.
func (u *turn) isSimple(actions, providers string) bool {
	d := u.decision(fields{"actions": actions, "providers": providers, "text": "-"})
	return d.simple()
}

// stream shows what an extractor finds as the coming reply.
func (u *turn) stream(x *extractor) *stream { return &stream{x, &pacer{emit: u.out.Stream}} }

// shownAnswer makes a decision of an answer whose text has been streamed: that stands. A text that was cut
// is completed by one more call.
func (u *turn) shownAnswer(ctx context.Context, x *extractor, f fields) (*decision, error) {
	if !x.complete {
		rest := newExtractor(nil, x.shown)
		req := core.TextRequest{
			Type: core.TextLarge, Purpose: core.PurposeContinue, Messages: u.messages(),
			Prompt: u.fillNames(u.r.templates.render(continueText, withValues(u.state, map[string]any{"written": x.shown.text.String() + x.shown.spaces}).Values)),
		}
		req.Messages = append(req.Messages, core.ChatMessage{Role: "assistant", Name: u.char.Name, Text: x.shown.text.String()})
		_, err := u.ask(ctx, req, u.stream(rest), "")
		if err != nil && ctx.Err() != nil {
			return nil, err
		}
		if err != nil {
			u.r.log.Warn("a cut answer is not completed", "run_id", u.run, "err", err)
		}
	}
	return &decision{thought: f["thought"], actions: []string{"REPLY"}, text: x.shown.text.String()}, nil
}

// decision reads the fields of an answer.
func (u *turn) decision(f fields) *decision {
	d := &decision{thought: f["thought"], text: f["text"], providers: f.list("providers"), params: paramsOf(f["params"])}
	for _, name := range f.list("actions") {
		name = u.r.set.canonical(name)
		if !slices.Contains(d.actions, name) {
			d.actions = append(d.actions, name)
		}
	}
	d.normalise()
	return d
}

// normalise settles contradictions: IGNORE beside other actions counts only when there is no text, and
// NONE with text is a reply.
func (d *decision) normalise() {
	drop := func(name string) {
		d.actions = slices.DeleteFunc(d.actions, func(a string) bool { return a == name })
	}
	if len(d.actions) > 1 && slices.Contains(d.actions, "IGNORE") {
		if d.text == "" {
			d.actions = []string{"IGNORE"}
		} else {
			drop("IGNORE")
		}
	}
	if slices.Contains(d.actions, "NONE") && d.text != "" {
		drop("NONE")
		if len(d.actions) == 0 {
			d.actions = []string{"REPLY"}
		}
	}
	switch {
	case len(d.actions) > 0:
	case d.text != "":
		d.actions = []string{"REPLY"}
	default:
		d.actions = []string{"IGNORE"}
	}
}

// paramsOf reads parameters by action name; what is no object of objects is none.
func paramsOf(s string) map[string]json.RawMessage {
	if !strings.HasPrefix(s, "{") {
		return nil
	}
	var byName map[string]json.RawMessage
	if json.Unmarshal([]byte(s), &byName) != nil {
		return nil
	}
	out := make(map[string]json.RawMessage, len(byName))
	for name, p := range byName {
		out[normal(name)] = p
	}
	return out
}
