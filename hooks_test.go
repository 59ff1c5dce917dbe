package eliza_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// diary notes what hooks are told.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.lines)
}

type hookKey struct{}

// observing hooks note everything; the turn's context has to be that of BeforeTurn.
func observing(t *testing.T, d *diary) messaging.Hooks {
	same := func(ctx context.Context, turn *core.Turn) {
		if got, _ := ctx.Value(hookKey{}).(core.UUID); got != turn.ID {
			t.Errorf("a hook of turn %s has the context of %q", turn.ID, got)
		}
	}
	return messaging.Hooks{
		BeforeAccept: func(_ context.Context, m *messaging.NewMessage) error { d.note("accept " + m.Content); return nil },
		AfterAccept:  func(_ context.Context, a *messaging.Accepted) { d.note("accepted " + a.Message.Content) },
		BeforeTurn: func(ctx context.Context, turn *core.Turn) (context.Context, error) {
			d.note("turn " + turn.Content.Text)
			return context.WithValue(ctx, hookKey{}, turn.ID), nil
		},
		BeforeReply: func(ctx context.Context, turn *core.Turn, c *core.Content) error {
			same(ctx, turn)
			d.note("reply " + c.Text)
			return nil
		},
		AfterReply: func(ctx context.Context, turn *core.Turn, m *messaging.Message) {
			same(ctx, turn)
			d.note("replied " + m.Content)
		},
		AfterTurn: func(ctx context.Context, turn *core.Turn, r messaging.AgentResult) {
			same(ctx, turn)
			d.note("ended " + r.Status + " " + strings.Repeat("i", len(r.Responses)))
		},
	}
}

// eventually waits until the diary ends with a line: hooks after a turn run when clients have its end already.
func (d *diary) eventually(t *testing.T, last string) []string {
	t.Helper()
	elizatest.Eventually(t, "the diary ends with "+last, func() bool {
		lines := d.read()
		return len(lines) > 0 && lines[len(lines)-1] == last
	})
	return d.read()
}

func TestHooksSeeAMessageOnItsWay(t *testing.T) {
	t.Parallel()
	d := &diary{}
	s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin()), eliza.WithHooks(observing(t, d)))
	agent, user := s.Agent("Ada"), core.NewUUID()
	for _, transport := range []string{"http", "sse"} {
		d.mu.Lock()
		d.lines = nil
		d.mu.Unlock()
		s.Say(core.NewUUID(), user, agent, "hello", transport)
		want := []string{"accept hello", "accepted hello", "turn hello", "reply You said: hello", "replied You said: hello", "ended responded i"}
		if got := d.eventually(t, want[len(want)-1]); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) || got[0] != want[0] {
			t.Errorf("%s: %q, want %q", transport, got, want)
		}
	}
}

func TestHooksChangeWhatPasses(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin()), eliza.WithHooks(messaging.Hooks{
		BeforeAccept: func(_ context.Context, m *messaging.NewMessage) error {
			m.Content = strings.ReplaceAll(m.Content, "4711", "****")
			return nil
		},
		BeforeTurn: func(_ context.Context, turn *core.Turn) (context.Context, error) {
			turn.Content.Text += " (politely)"
			return nil, nil
		},
		BeforeReply: func(_ context.Context, _ *core.Turn, c *core.Content) error {
			c.Text = strings.ToUpper(c.Text)
			return nil
		},
	}), eliza.WithHooks(messaging.Hooks{
		BeforeReply: func(_ context.Context, _ *core.Turn, c *core.Content) error {
			c.Text += "!"
			return nil
		},
	}))
	agent, channel := s.Agent("Ada"), core.NewUUID()
	s.Say(channel, core.NewUUID(), agent, "my pin is 4711", "http").Want(201)
	var stored []string
	for _, m := range s.Messages(channel) {
		stored = append(stored, m["content"].(string))
	}
	slices.Sort(stored)
	const said = "YOU SAID: MY PIN IS **** (POLITELY)!"
	if want := []string{said, "my pin is ****"}; !slices.Equal(stored, want) {
		t.Errorf("stored %q, want %q", stored, want)
	}
	// What the agent remembers to have said is what was said.
	found := false
	list, _ := s.Get("/api/agents/" + string(agent) + "/memories").Want(200).Data()["memories"].([]any)
	for _, m := range list {
		text := m.(map[string]any)["content"].(map[string]any)["text"]
		found = found || text == said
		if text == "You said: my pin is **** (politely)" {
			t.Errorf("the agent remembers %q", text)
		}
	}
	if !found {
		t.Errorf("memories: %v", list)
	}
}

func TestHooksRefuse(t *testing.T) {
	t.Parallel()
	refused := &core.Error{Code: core.CodeForbidden, Message: "Not in this house"}
	d := &diary{}
	s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin()), eliza.WithHooks(messaging.Hooks{
		BeforeAccept: func(_ context.Context, m *messaging.NewMessage) error {
			switch {
			case strings.Contains(m.Content, "refuse accept"):
				return refused
			case strings.Contains(m.Content, "break accept"):
				return errors.New("secret")
			case strings.Contains(m.Content, "panic accept"):
				panic("accept")
			}
			return nil
		},
		BeforeTurn: func(_ context.Context, turn *core.Turn) (context.Context, error) {
			switch {
			case strings.Contains(turn.Content.Text, "refuse turn"):
				return nil, refused
			case strings.Contains(turn.Content.Text, "ignore turn"):
				return nil, messaging.ErrIgnore
			case strings.Contains(turn.Content.Text, "panic turn"):
				panic("turn")
			}
			return nil, nil
		},
		BeforeReply: func(_ context.Context, _ *core.Turn, c *core.Content) error {
			switch {
			case strings.Contains(c.Text, "refuse reply"):
				return refused
			case strings.Contains(c.Text, "ignore reply"):
				return messaging.ErrIgnore
			case strings.Contains(c.Text, "panic reply"):
				panic("reply")
			}
			return nil
		},
		AfterTurn: func(_ context.Context, turn *core.Turn, r messaging.AgentResult) {
			d.note(turn.Content.Text + ": " + r.Status)
		},
		AfterAccept: func(context.Context, *messaging.Accepted) { panic("after accept") },
		AfterReply:  func(context.Context, *core.Turn, *messaging.Message) { panic("after reply") },
	}))
	agent, user := s.Agent("Ada"), core.NewUUID()
	say := func(text string) elizatest.Answer { return s.Say(core.NewUUID(), user, agent, text, "http") }

	say("refuse accept").WantError(403, core.CodeForbidden)
	say("break accept").WantError(500, core.CodeInternal)
	say("panic accept").WantError(500, core.CodeInternal)
	for text, status := range map[string]string{
		"refuse turn": "failed", "panic turn": "failed", "ignore turn": "ignored", "refuse reply": "failed", "panic reply": "failed", "ignore reply": "ignored",
		"nothing": "responded",
	} {
		channel := core.NewUUID()
		s.Say(channel, user, agent, text, "http").Want(201)
		d.eventually(t, text+": "+status)
		want := 1
		if status == "responded" {
			want = 2
		}
		if n := len(s.Messages(channel)); n != want {
			t.Errorf("%s: %d messages stored, want %d", text, n, want)
		}
	}
	list, _ := s.Get("/api/agents/" + string(agent) + "/memories").Want(200).Data()["memories"].([]any)
	for _, m := range list {
		if text, _ := m.(map[string]any)["content"].(map[string]any)["text"].(string); strings.HasPrefix(text, "You said: ") && text != "You said: nothing" {
			t.Errorf("the agent remembers to have said %q", text)
		}
	}
}
