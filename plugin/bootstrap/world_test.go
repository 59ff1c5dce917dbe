package bootstrap

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestFactsProvider(t *testing.T) {
	t.Parallel()
	s := &shelf{}
	for i := range 20 {
		s.all = append(s.all, core.Memory{Table: core.TableFacts, RoomID: "r", EntityID: "x", Content: core.Content{Text: fmt.Sprint("room ", i)}, Embedding: []float32{1}, Model: "lengths"})
		s.all = append(s.all, core.Memory{Table: core.TableFacts, RoomID: "q", EntityID: userID, Content: core.Content{Text: fmt.Sprint("person ", i)}, Embedding: []float32{1}, Model: "lengths"})
	}
	s.all = append(s.all, core.Memory{Table: core.TableFacts, RoomID: "r", EntityID: userID, Content: core.Content{Text: "without vector"}})
	c := talk(s, 1)
	for _, embedder := range []core.Embedder{lengths{}, nil} {
		m := c.Runtime.(mind)
		m.models.Embedder = embedder
		c.Runtime = m
		d := get(t, "FACTS", c)
		if n := strings.Count(d.Text, "- room"); embedder != nil && n != 6 || n < 5 {
			t.Errorf("%d facts of the room:\n%s", n, d.Text)
		}
		if n := strings.Count(d.Text, "(about Bob)"); n < 6 || embedder != nil && n > 6 {
			t.Errorf("%d facts of who speaks:\n%s", n, d.Text)
		}
		if (embedder == nil) != strings.Contains(d.Text, "without vector") {
			t.Errorf("facts:\n%s", d.Text)
		}
	}
	for i := range s.all {
		s.all[i].Metadata = map[string]any{"roomType": "DM"}
	}
	c.Room.Type = "GROUP"
	if d := get(t, "FACTS", c); strings.Contains(d.Text, "person") || !strings.Contains(d.Text, "room") {
		t.Errorf("what was told in confidence is told a group:\n%s", d.Text)
	}
	c.Room.Type, c.Memory.EntityID = "DM", ""
	if d := get(t, "FACTS", c); strings.Contains(d.Text, "person") || !strings.Contains(d.Text, "room") {
		t.Errorf("facts about anybody are told when nobody speaks:\n%s", d.Text)
	}
	broken := c.Runtime.(mind)
	broken.models.Embedder = lengths{errBroken}
	c.Runtime = broken
	if _, err := facts().Get(t.Context(), c); err == nil {
		t.Error("a failing embedder is not told")
	}
}

func TestProvidersOfAPlace(t *testing.T) {
	t.Parallel()
	s := &shelf{
		world: &core.World{ID: "w", Name: "The house", Metadata: map[string]any{
			"roles": map[string]any{string(userID): "owner", string(agentID): "ADMIN", "x": "OWNER", "11111111-1111-4111-8111-111111111112": "NONE"},
			"settings": map[string]any{
				"COLOUR": "blue", "API_KEY": "hunter2", "PIN": map[string]any{"value": "1234", "secret": true}, "MOTTO": map[string]any{"description": "what is said", "required": true},
			},
		}},
		rooms:   []core.Room{{ID: "r", WorldID: "w", Name: "Hall", Type: "DM"}, {ID: "s", WorldID: "w", Name: "Attic", Type: "GROUP"}, {ID: "o", WorldID: "other", Name: "Elsewhere"}, {ID: "d", WorldID: "w", Name: "With Carol", Type: "DM"}},
		related: []core.Relationship{{SourceEntityID: userID, TargetEntityID: agentID, Tags: []string{"friends"}, Metadata: map[string]any{"interactions": int64(3)}}, {SourceEntityID: userID, TargetEntityID: "z"}},
	}
	c := talk(s, 1)
	c.Room.Name = "Hall"
	bob, me := "Bob ["+string(userID)+"]", "Ada ["+string(agentID)+"]"
	for name, want := range map[string]string{
		"WORLD":         "# This place\nThe house. You are in Hall.\n\n# Rooms of this place\n- Hall (DM), where you are\n- Attic (GROUP)\n\n# In this room\n- " + bob + "\n- " + me,
		"ROLES":         "# Roles\n- OWNER: " + bob + "\n- ADMIN: " + me,
		"SETTINGS":      "# Settings\n- API_KEY: set, and secret\n- COLOUR: blue\n- MOTTO: not set (what is said), needed\n- PIN: set, and secret",
		"RELATIONSHIPS": "# Relationships\n- " + bob + " and " + me + ": friends (interactions: 3)\n- " + bob + " and somebody [z]",
	} {
		if diff := cmp.Diff(want, get(t, name, c).Text); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if d := get(t, "WORLD", c); d.Values["worldName"] != "The house" || d.Values["currentChannelName"] != "Hall" || d.Values["worldInfo"] != d.Text {
		t.Errorf("values = %v", d.Values)
	}
	c.Room.Type = "GROUP"
	if d := get(t, "SETTINGS", c); d.Text != "" {
		t.Errorf("settings in a group:\n%s", d.Text)
	}
	c.Room.Type, c.Memory.EntityID = "DM", "11111111-1111-4111-8111-111111111112"
	if d := get(t, "SETTINGS", c); d.Text != "" {
		t.Errorf("settings for anybody:\n%s", d.Text)
	}
	s.world = nil
	for _, name := range []string{"WORLD", "ROLES", "SETTINGS"} {
		if d := get(t, name, c); strings.Contains(d.Text, "house") {
			t.Errorf("%s without a world:\n%s", name, d.Text)
		}
	}
}

func TestActionStateProvider(t *testing.T) {
	t.Parallel()
	c := call(ada())
	if d := get(t, "ACTION_STATE", c); d.Text != "" || d.Values["hasActionPlan"] != false || d.Values["failedActions"] != 0 {
		t.Errorf("without a plan: %+v", d)
	}
	so := plugin.Data{
		Values: map[string]any{"hasActionPlan": true, "currentActionStep": 1, "totalActionSteps": 2, "actionResults": "- PAY: done\n"},
		Data:   map[string]any{"actionResults": []any{1}},
	}
	c.State = &plugin.State{Data: map[string]plugin.Data{"ACTION_STATE": so}}
	d := get(t, "ACTION_STATE", c)
	if d.Text != "# What has been done in this turn\nStep 1 of 2 is done.\n- PAY: done" || len(d.Data["actionResults"].([]any)) != 1 {
		t.Errorf("in a plan: %+v", d)
	}
}

func TestHintsAndEvaluators(t *testing.T) {
	t.Parallel()
	c := call(ada())
	c.Evaluators = []plugin.Evaluator{{Name: "REFLECTION", Description: "Learns."}}
	if d := get(t, "EVALUATORS", c); d.Text != "" || d.Values["evaluators"] != "- REFLECTION: Learns." || d.Values["evaluatorNames"] != "REFLECTION" {
		t.Errorf("evaluators = %+v", d)
	}
	for kind, list := range map[string][]string{"DM": hintsDirect, "GROUP": hintsGroup, "VOICE_DM": hintsVoice, "": hintsGroup} {
		c.Room.Type = kind
		hints := strings.Split(get(t, "ANXIETY", c).Values["anxiety"].(string), "\n")
		if len(hints) != hintsGiven {
			t.Errorf("%s: %d hints", kind, len(hints))
		}
		for _, h := range hints {
			if !strings.Contains(strings.Join(list, "\n"), h) {
				t.Errorf("%s: hint %q", kind, h)
			}
		}
	}
}

func TestWhatWasSaidElsewhere(t *testing.T) {
	t.Parallel()
	s := &shelf{}
	for i := range 30 {
		s.all = append(s.all, core.Memory{Table: core.TableMessages, RoomID: "other", EntityID: userID, Content: core.Content{Text: fmt.Sprintf("<%d>", i)}})
	}
	s.all = append(s.all, core.Memory{Table: core.TableMessages, RoomID: "r", EntityID: userID, Content: core.Content{Text: "here"}})
	c := talk(s, 1)
	if d := get(t, "RECENT_MESSAGES", c); d.Values["recentInteractions"] != "" || len(s.lists) != 0 {
		t.Errorf("nobody asked for it: %v", d.Values["recentInteractions"])
	}
	c.Runtime.Character().Templates = map[string]string{"messageHandlerTemplate": "{{recentInteractions}}"}
	got := get(t, "RECENT_MESSAGES", c).Values["recentInteractions"].(string)
	if rows := strings.Split(got, "\n"); len(rows) != maxElsewhere || !strings.HasSuffix(rows[19], "Bob: <29>") || strings.Contains(got, "here") {
		t.Errorf("elsewhere:\n%s", got)
	}
}

func TestResultsOfTheLastRuns(t *testing.T) {
	t.Parallel()
	c := call(ada())
	c.Recent = nil
	for i := range 5 {
		for j := range 2 {
			c.Recent = append(c.Recent, core.Memory{
				Metadata: map[string]any{"type": actionResult}, Content: core.Content{Text: fmt.Sprintf("%d.%d", i, j), Extra: map[string]any{"runId": fmt.Sprint(i)}},
			})
		}
	}
	if got := get(t, "RECENT_MESSAGES", c).Values["recentActionResults"]; got != "2.0\n2.1\n3.0\n3.1\n4.0\n4.1" {
		t.Errorf("results = %q", got)
	}
}
