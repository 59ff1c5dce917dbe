package bootstrap

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	agentID core.UUID = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
	userID  core.UUID = "11111111-1111-4111-8111-111111111111"
)

// brain is a runtime without Turn.
type brain struct{ core.BareRuntime }

func (brain) Turn(context.Context, *core.Turn, core.Out) (core.Outcome, error) {
	return core.Outcome{}, core.ErrUnsupported
}

func call(c *core.Character) *plugin.Call {
	at := core.MillisOf(time.Now().Add(-90 * time.Minute))
	mem := core.Memory{
		ID: "m2", CreatedAt: core.Now(), EntityID: userID, Content: core.Content{Text: "and now?", Attachments: []core.Media{
			{ID: "f2", URL: "data:text/plain;base64,AAAA", Title: "new.txt", ContentType: "document", Text: "fresh"},
		}},
		Metadata: map[string]any{"raw": map[string]any{"senderName": "Bob"}},
	}
	old := core.Memory{ID: "m1", CreatedAt: at, EntityID: agentID, Content: core.Content{
		Text: "hello", Thought: "greet", Actions: []string{"REPLY"}, Attachments: []core.Media{{ID: "f1", Title: "old.txt", Text: "stale"}},
	}}
	done := core.Memory{ID: "m0", CreatedAt: at, EntityID: agentID, Content: core.Content{Text: "PAY: done"}, Metadata: map[string]any{"type": "action_result"}}
	return &plugin.Call{
		Runtime: brain{core.BareRuntime{ID: agentID, Char: c}}, Memory: &mem, Room: core.Room{Type: "DM"},
		Recent: []core.Memory{done, old, mem}, People: []core.Entity{{ID: userID, Names: []string{"Bob", "Bobby"}}, {ID: agentID, Names: []string{"Ada"}}},
		Actions:   []plugin.Action{{Name: "PAY", Description: "Pays.", Params: []byte(`{"type":"object"}`)}, {Name: "REPLY", Description: "Says."}},
		Providers: []plugin.Provider{{Name: "FACTS", Description: "What is known", Dynamic: true}, {Name: "TIME"}, {Name: "X", Dynamic: true, Private: true}},
	}
}

func ada() *core.Character {
	return &core.Character{
		ID: agentID, Name: "Ada", System: "You count.", Bio: core.Bio{Lines: []string{"Born to count.", "Never tires."}},
		Topics: []string{"numbers"}, Adjectives: []string{"exact"}, PostExamples: []string{"Post one"},
		Style:           core.Style{All: []string{"be brief"}, Chat: []string{"be kind"}, Post: []string{"be loud"}},
		MessageExamples: [][]core.Example{{{Name: "{{name1}}", Content: core.Content{Text: "Count!"}}, {Content: core.Content{Text: "One.", Actions: []string{"REPLY"}}}}},
	}
}

// get asks a provider.
func get(t *testing.T, name string, c *plugin.Call) plugin.Data {
	t.Helper()
	for _, p := range Plugin().Providers {
		if p.Name == name {
			d, err := p.Get(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
	}
	t.Fatal("no provider", name)
	return plugin.Data{}
}

func TestProviders(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		keys  string
		parts []string
		not   []string
	}{
		"CHARACTER": {
			"agentName bio system topic topics adjective messageDirections postDirections directions examples characterMessageExamples characterPostExamples",
			[]string{"Born to count.\nNever tires.", "Ada is exact.", "numbers", "be brief\nbe kind", "{{name1}}: Count!\nAda: One. (actions: REPLY)"},
			[]string{"be loud", "Post one"},
		},
		"RECENT_MESSAGES": {
			"recentMessages recentMessage recentActionResults recentPosts recentInteractions",
			[]string{"(1 hour ago) [" + string(agentID) + "] Ada: hello\n  (thought: greet)\n  (actions: REPLY)\n  (attachment: f1 - old.txt)", "Bob: and now?", "Message to answer now"},
			[]string{"PAY: done", "base64"},
		},
		"ACTIONS":     {"actionNames actionsWithDescriptions actionsWithParams actionExamples", []string{"- PAY: Pays.\n- REPLY: Says.", `PAY: {"type":"object"}`}, nil},
		"PROVIDERS":   {"providersWithDescriptions", []string{"- FACTS: What is known"}, []string{"TIME", "- X"}},
		"TIME":        {"time", []string{"UTC"}, nil},
		"ENTITIES":    {"entities", []string{"Bob / Bobby [" + string(userID) + "]", "that is you"}, nil},
		"ATTACHMENTS": {"attachments", []string{"Text: fresh", "Name: old.txt", "[no longer shown]"}, []string{"stale", "AAAA", "Description: \n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := get(t, name, call(ada()))
			for key := range strings.FieldsSeq(want.keys) {
				if _, ok := d.Values[key]; !ok {
					t.Errorf("no value %q", key)
				}
			}
			for _, s := range want.parts {
				if !strings.Contains(d.Text, s) {
					t.Errorf("text lacks %q:\n%s", s, d.Text)
				}
			}
			for _, s := range want.not {
				if strings.Contains(d.Text, s) {
					t.Errorf("text has %q:\n%s", s, d.Text)
				}
			}
		})
	}
}

func TestProvidersOfNothing(t *testing.T) {
	t.Parallel()
	c := &plugin.Call{Runtime: brain{core.BareRuntime{ID: agentID, Char: &core.Character{Name: "Ada"}}}}
	for _, p := range Plugin().Providers {
		d, err := p.Get(t.Context(), c)
		if err != nil || strings.Contains(d.Text, "#") && p.Name != "ANXIETY" {
			t.Errorf("%s = %q, %v", p.Name, d.Text, err)
		}
	}
}

func TestFeed(t *testing.T) {
	t.Parallel()
	c := call(ada())
	c.Room.Type = "FEED"
	if d := get(t, "CHARACTER", c); !strings.Contains(d.Text, "be loud") || !strings.Contains(d.Text, "Post one") {
		t.Errorf("text:\n%s", d.Text)
	}
	if d := get(t, "RECENT_MESSAGES", c); d.Values["recentPosts"] == "" {
		t.Error("no posts")
	}
}

func TestSameMessageSameChoice(t *testing.T) {
	t.Parallel()
	c := ada()
	for range 40 {
		c.Bio.Lines = append(c.Bio.Lines, string(core.NewUUID()))
	}
	a, b := get(t, "CHARACTER", call(c)), get(t, "CHARACTER", call(c))
	if diff := cmp.Diff(a, b); diff != "" {
		t.Error(diff)
	}
	if n := strings.Count(a.Values["bio"].(string), "\n") + 1; n != maxBio {
		t.Errorf("%d lines of bio", n)
	}
}

func TestReply(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer plugin.Answer
		fail   error
		want   string
	}{
		"text":   {answer: plugin.Answer{Text: "hi", Thought: "t"}, want: "hi"},
		"silent": {},
		"error":  {fail: core.ErrUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var said core.Content
			c := &plugin.Call{
				Generate: func(_ context.Context, p plugin.Prompt) (plugin.Answer, error) {
					if !p.Stream || p.Name != "replyTemplate" {
						t.Errorf("prompt = %+v", p)
					}
					return tt.answer, tt.fail
				},
				Reply: func(_ context.Context, c core.Content) error { said = c; return nil },
			}
			_, err := reply().Run(t.Context(), c)
			if said.Text != tt.want || (err == nil) != (tt.want != "") || tt.fail != nil && !errors.Is(err, tt.fail) {
				t.Errorf("said %q, %v", said.Text, err)
			}
		})
	}
	for _, a := range Plugin().Actions[1:3] {
		if _, err := a.Run(t.Context(), &plugin.Call{}); err != nil || !a.Idempotent || len(a.Similes) != 3 {
			t.Errorf("%s = %v", a.Name, err)
		}
	}
}

func TestAgo(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second: "just now", 59 * time.Second: "just now", time.Minute: "1 minute ago", 2 * time.Hour: "2 hours ago", 50 * time.Hour: "2 days ago",
	} {
		if got := ago(d); got != want {
			t.Errorf("ago(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestJoinedWithoutIdentity(t *testing.T) {
	t.Parallel()
	if err := joined(t.Context(), brain{}, core.Event{}); err != nil {
		t.Error(err)
	}
	if id("AAAAAAAA-AAAA-4AAA-8AAA-AAAAAAAAAAAA") != agentID || id("x") != "" || id(7) != "" {
		t.Error("id")
	}
}
