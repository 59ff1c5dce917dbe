package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// talk is a call after n messages, the first at the moment 1.
func talk(s *shelf, n int) *plugin.Call {
	c := call(ada())
	c.Recent = nil
	for i := range n {
		c.Recent = append(c.Recent, core.Memory{ID: core.UUID(fmt.Sprint(i)), EntityID: userID, CreatedAt: core.Millis(i + 1), Content: core.Content{Text: "words"}})
	}
	c.Room = core.Room{ID: "r", WorldID: "w", Type: "DM"}
	c.Runtime = mind{brain: c.Runtime.(brain), memories: s, models: core.Models{Embedder: lengths{}}}
	return c
}

// answers is a Generate that says one thing.
func answers(a plugin.Answer, err error) func(context.Context, plugin.Prompt) (plugin.Answer, error) {
	return func(context.Context, plugin.Prompt) (plugin.Answer, error) { return a, err }
}

func TestWhenAReflectionIsDue(t *testing.T) {
	t.Parallel()
	s := &shelf{}
	e := newReflection().evaluator()
	due := func(e plugin.Evaluator, n int) bool {
		t.Helper()
		ok, err := e.Validate(t.Context(), talk(s, n))
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if due(e, 8) || len(s.lists) != 0 {
		t.Errorf("8 messages are enough, or cost %d reads", len(s.lists))
	}
	if !due(e, 9) {
		t.Fatal("9 messages are not enough")
	}
	c := talk(s, 9)
	c.Generate = answers(plugin.Answer{Text: "garbage"}, nil)
	if _, err := e.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	reads := len(s.lists)
	if due(e, 17) || !due(e, 18) || len(s.lists) != reads {
		t.Errorf("what was looked at counts again, or is read again: %d reads", len(s.lists)-reads)
	}
	another := newReflection().evaluator() // of another process
	if due(another, 17) || !due(another, 18) {
		t.Error("another process looks again at what was looked at")
	}
	c = talk(s, 18)
	c.Generate = answers(plugin.Answer{}, nil)
	if _, err := another.Run(t.Context(), c); err != nil || len(s.of(tableReflections)) != 1 {
		t.Errorf("%v, %d marks", err, len(s.of(tableReflections)))
	}
	short := talk(&shelf{}, 3)
	short.History = 8
	if ok, err := newReflection().evaluator().Validate(t.Context(), short); !ok || err != nil {
		t.Errorf("a shorter history needs fewer messages: %v, %v", ok, err)
	}
	short.Recent[0].Metadata = map[string]any{"type": actionResult}
	if ok, _ := newReflection().evaluator().Validate(t.Context(), short); ok {
		t.Error("results of actions count as messages")
	}
}

func TestReflectionLearns(t *testing.T) {
	t.Parallel()
	s := &shelf{all: []core.Memory{
		{ID: "k", Table: core.TableFacts, RoomID: "r", EntityID: userID, Content: core.Content{Text: "Bob has a dog."}},
		{ID: "l", Table: core.TableFacts, RoomID: "r", EntityID: userID, Content: core.Content{Text: "Bob owns a dog!"}, Embedding: []float32{float32(len("Bob keeps a dog"))}, Model: "lengths"},
	}}
	c := talk(s, 9)
	var prompt plugin.Prompt
	c.Generate = func(_ context.Context, p plugin.Prompt) (plugin.Answer, error) {
		prompt = p
		return plugin.Answer{Items: map[string][]map[string]string{
			"facts": {
				{"claim": "Bob lives in Berlin.", "about": "[" + string(userID) + "]", "type": "fact"},
				{"claim": "bob  HAS a dog"},
				{"claim": "Bob keeps a dog"},
				{"claim": "Ada counts things.", "about": "ada"},
				{"": "Plain fact"},
				{"claim": "known", "already_known": "true"},
				{"claim": "bio", "in_bio": "true"},
				{"claim": "Bob lives in Berlin"},
				{"claim": "  "},
				{"about": "Bob"},
				{"claim": "Of a stranger", "about": "nobody here"},
			},
			"relationships": {
				{"sourceEntityId": string(userID), "targetEntityId": string(agentID), "tags": "Friends, friends, , colleagues"},
				{"source": "bobby", "target": "Ada"},
				{"sourceEntityId": string(userID), "targetEntityId": "Bob"},
				{"sourceEntityId": "nobody", "targetEntityId": "Ada"},
				{"tags": "x"},
			},
		}}, nil
	}
	r := newReflection().evaluator()
	result, err := r.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if prompt.Type != core.TextSmall || prompt.Purpose != core.PurposeReflect || prompt.Name != "reflectionTemplate" {
		t.Errorf("prompt = %+v", prompt)
	}
	if v := prompt.Values; strings.Count(v["recentMessages"].(string), "words") != 9 || !strings.Contains(v["knownFacts"].(string), "Bob has a dog.") || !strings.Contains(v["entitiesInRoom"].(string), string(userID)) {
		t.Errorf("values = %v", v)
	}
	want := []string{"Bob has a dog.", "Bob owns a dog!", "Bob lives in Berlin.", "Ada counts things.", "Plain fact", "Of a stranger"}
	if diff := cmp.Diff(want, s.of(core.TableFacts)); diff != "" {
		t.Error(diff)
	}
	for _, m := range s.all[2:6] {
		about := userID
		if strings.HasPrefix(m.Content.Text, "Ada") {
			about = agentID
		}
		if m.EntityID != about || m.RoomID != "r" || m.WorldID != "w" || !m.Unique || m.Model != "lengths" || len(m.Embedding) != 1 || m.Metadata["type"] != "fact" {
			t.Errorf("fact = %+v", m)
		}
	}
	if len(s.related) != 2 || !slices.Equal(s.related[0].Tags, []string{"friends", "colleagues"}) || s.related[1].SourceEntityID != userID {
		t.Errorf("relationships = %+v", s.related)
	}
	if result.Text != "4 facts, 2 relationships" {
		t.Errorf("result = %q", result.Text)
	}
	if _, err := r.Run(t.Context(), c); err != nil || len(s.of(core.TableFacts)) != 6 {
		t.Errorf("%v, %d facts after the same answer", err, len(s.of(core.TableFacts)))
	}
}

func TestReflectionTrouble(t *testing.T) {
	t.Parallel()
	fine := plugin.Answer{Items: map[string][]map[string]string{"facts": {{"claim": "Bob lives"}}, "relationships": {{"source": "Bob", "target": "Ada"}}}}
	for name, tt := range map[string]struct {
		shelf  *shelf
		answer error
		embed  error
		fails  bool
		facts  int
	}{
		"fine":           {shelf: &shelf{}, facts: 1},
		"model fails":    {shelf: &shelf{}, answer: errBroken, fails: true},
		"reading fails":  {shelf: &shelf{fail: errBroken}, fails: true},
		"storing fails":  {shelf: &shelf{failWrite: errBroken}, fails: true},
		"embedder fails": {shelf: &shelf{}, embed: errBroken, facts: 1}, // stored without a vector
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReflection().evaluator()
			c := talk(tt.shelf, 9)
			m := c.Runtime.(mind)
			m.models.Embedder = lengths{tt.embed}
			c.Runtime, c.Generate = m, answers(fine, tt.answer)
			_, err := r.Run(t.Context(), c)
			if (err != nil) != tt.fails || tt.fails && !errors.Is(err, errBroken) || len(tt.shelf.of(core.TableFacts)) != tt.facts {
				t.Errorf("Run = %v, facts %q", err, tt.shelf.of(core.TableFacts))
			}
			tt.shelf.fail = nil
			if ok, err := r.Validate(t.Context(), c); ok || err != nil {
				t.Errorf("the same messages are looked at again: %v, %v", ok, err)
			}
		})
	}
}

func TestARoomIsReflectedOnOnce(t *testing.T) {
	t.Parallel()
	s := &shelf{}
	r := newReflection().evaluator()
	c := talk(s, 9)
	asked := 0
	c.Generate = func(ctx context.Context, _ plugin.Prompt) (plugin.Answer, error) {
		asked++
		if ok, err := r.Validate(ctx, talk(s, 30)); ok || err != nil {
			t.Errorf("due while it runs: %v, %v", ok, err)
		}
		if _, err := r.Run(ctx, talk(s, 30)); err != nil { // would panic: there is no Generate
			t.Error(err)
		}
		return plugin.Answer{}, nil
	}
	if _, err := r.Run(t.Context(), c); err != nil || asked != 1 {
		t.Errorf("%v, asked %d times", err, asked)
	}
}
