package bootstrap

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// mind is a runtime that remembers.
type mind struct {
	brain
	memories core.Memories
	models   core.Models
}

func (m mind) Memories() core.Memories { return m.memories }
func (m mind) Models() core.Models     { return m.models }

// states is core.Memories of which only rooms' states work.
type states struct {
	core.Memories
	set  map[core.UUID]string
	fail error
}

func (s states) SetRoomState(_ context.Context, room core.UUID, state string) error {
	if s.fail == nil {
		s.set[room] = state
	}
	return s.fail
}

func actionNamed(t *testing.T, name string) plugin.Action {
	t.Helper()
	for _, a := range Plugin().Actions {
		if a.Name == name {
			return a
		}
	}
	t.Fatal("no action", name)
	return plugin.Action{}
}

func TestWhenRoomActionsAreValid(t *testing.T) {
	t.Parallel()
	valid := func(state, text string) (out []string) {
		c := call(ada())
		c.Room.State, c.Memory.Content.Text = state, text
		for _, a := range []string{"MUTE_ROOM", "UNMUTE_ROOM", "FOLLOW_ROOM", "UNFOLLOW_ROOM"} {
			if ok, err := actionNamed(t, a).Validate(t.Context(), c); ok && err == nil {
				out = append(out, a)
			}
		}
		return out
	}
	for _, tt := range []struct {
		state, text string
		want        []string
	}{
		{"", "hello", []string{"MUTE_ROOM"}},
		{"", "please FOLLOW this room", []string{"MUTE_ROOM", "FOLLOW_ROOM"}},
		{"FOLLOWED", "follow us", []string{"MUTE_ROOM", "UNFOLLOW_ROOM"}},
		{"MUTED", "Ada, talk to us", []string{"UNMUTE_ROOM"}},
		{"MUTED", "Ada, join us", []string{"UNMUTE_ROOM", "FOLLOW_ROOM"}},
	} {
		if diff := cmp.Diff(tt.want, valid(tt.state, tt.text)); diff != "" {
			t.Errorf("%q in a room %q: %s", tt.text, tt.state, diff)
		}
	}
}

func TestRoomActions(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	yes := plugin.Answer{Fields: map[string]string{"answer": " Yes. "}}
	for name, tt := range map[string]struct {
		action       string
		answer       plugin.Answer
		fail, refuse error
		spoken       bool
		state        string // new one, "-" = none
		says         bool
	}{
		"mute":               {action: "MUTE_ROOM", answer: yes, state: "MUTED", says: true},
		"mute after a reply": {action: "MUTE_ROOM", answer: yes, state: "MUTED", spoken: true},
		"unmute":             {action: "UNMUTE_ROOM", answer: plugin.Answer{Text: "true"}, state: "", says: true},
		"follow":             {action: "FOLLOW_ROOM", answer: yes, state: "FOLLOWED", says: true},
		"unfollow":           {action: "UNFOLLOW_ROOM", answer: plugin.Answer{Text: "YES"}, state: "", says: true},
		"no":                 {action: "MUTE_ROOM", answer: plugin.Answer{Text: "no"}, state: "-"},
		"garbage":            {action: "MUTE_ROOM", answer: plugin.Answer{Text: "yes and no, who knows"}, state: "-"},
		"nothing":            {action: "MUTE_ROOM", state: "-"},
		"model fails":        {action: "MUTE_ROOM", fail: broken, state: "-"},
		"store fails":        {action: "MUTE_ROOM", answer: yes, refuse: broken, state: "-"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := states{set: map[core.UUID]string{}, fail: tt.refuse}
			c := call(ada())
			c.Room.ID, c.Runtime = "r", mind{brain: c.Runtime.(brain), memories: s}
			if tt.spoken {
				c.Recent = append(c.Recent, core.Memory{ID: "m3", EntityID: agentID})
			}
			c.Generate = func(_ context.Context, p plugin.Prompt) (plugin.Answer, error) {
				if p.Type != core.TextSmall || p.Purpose != core.PurposeConfirm || p.Name == "" || p.Values["question"] == "" {
					t.Errorf("prompt = %+v", p)
				}
				return tt.answer, tt.fail
			}
			said := 0
			c.Reply = func(context.Context, core.Content) error { said++; return nil }
			result, err := actionNamed(t, tt.action).Run(t.Context(), c)
			if state, done := s.set["r"]; done != (tt.state != "-") || done && state != tt.state {
				t.Errorf("state %q, set %v", state, done)
			}
			if failed := tt.fail != nil || tt.refuse != nil; (err != nil) != failed || (said == 1) != tt.says || !failed && result.Text == "" {
				t.Errorf("said %d times, result %+v, %v", said, result, err)
			}
		})
	}
}

type painter struct {
	images []string
	err    error
}

func (p painter) Image(_ context.Context, prompt, _ string, _ int) ([]string, error) {
	if prompt != "a red cat" {
		return nil, errors.New("wrong prompt " + prompt)
	}
	return p.images, p.err
}

func TestGenerateImage(t *testing.T) {
	t.Parallel()
	a := actionNamed(t, "GENERATE_IMAGE")
	broken := errors.New("broken")
	full := plugin.Answer{Text: "Look!", Fields: map[string]string{"prompt": "a red cat", "text": "Look!"}}
	for name, tt := range map[string]struct {
		answer  plugin.Answer
		fail    error
		painter core.Imager
		words   string
		url     string
	}{
		"image":          {answer: full, painter: painter{images: []string{" /media/generated/x.png "}}, words: "Look!", url: "/media/generated/x.png"},
		"only a prompt":  {answer: plugin.Answer{Text: "a red cat"}, painter: painter{images: []string{"u"}}, words: "Here is the image.", url: "u"},
		"no prompt":      {painter: painter{images: []string{"u"}}},
		"model fails":    {fail: broken, painter: painter{images: []string{"u"}}},
		"painter fails":  {answer: full, painter: painter{err: broken}},
		"no image":       {answer: full, painter: painter{images: []string{" "}}},
		"painter is off": {answer: full},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := call(ada())
			c.Runtime = mind{brain: c.Runtime.(brain), models: core.Models{Imager: tt.painter}}
			if ok, err := a.Validate(t.Context(), c); ok != (tt.painter != nil) || err != nil {
				t.Errorf("valid = %v, %v", ok, err)
			}
			c.Generate = func(context.Context, plugin.Prompt) (plugin.Answer, error) { return tt.answer, tt.fail }
			var said core.Content
			c.Reply = func(_ context.Context, c core.Content) error { said = c; return nil }
			_, err := a.Run(t.Context(), c)
			if (err == nil) != (tt.url != "") || said.Text != tt.words {
				t.Errorf("said %q, %v", said.Text, err)
			}
			if tt.url != "" && (len(said.Attachments) != 1 || said.Attachments[0].URL != tt.url || said.Attachments[0].ContentType != "image" || said.Attachments[0].Title != "a red cat") {
				t.Errorf("attachments = %+v", said.Attachments)
			}
		})
	}
	if a.Idempotent {
		t.Error("an image is paid for, and must not be made again after a crash")
	}
}
