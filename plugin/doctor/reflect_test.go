package doctor

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/runtime/core"
)

func TestFacts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"Hi, my name is Robert.":                             {"Bob's name is Robert."},
		"I live in Berlin and I work as a nurse!":            {"Bob lives in Berlin.", "Bob works as a nurse."},
		"Well, i like my dog, but I hate MY cat":             {"Bob likes their dog.", "Bob hates their cat."},
		"I’m from Chile. I love walks and music":             {"Bob is from Chile.", "Bob loves walks and music."},
		"my favourite colour is blue, and I am called Bobby": {"Bob's favourite colour is blue.", "Bob is called Bobby."},
		"Do I live in Berlin? I like you. I like it here":    nil,
		"If I live in Berlin. I don't like tea. I like":      nil,
		"I would like tea; she says I hate tea":              nil,
		"I love " + strings.Repeat("very ", 20) + "long":     nil,
		"My name is Ünsal <b> & co":                          {"Bob's name is Ünsal <b> & co."},
		"":                                                   nil,
	} {
		var got []string
		for _, f := range factsIn([]core.ChatMessage{{Role: roleUser, Name: "Bob", Text: text}, {Role: roleAssistant, Name: "Ada", Text: "I live in a machine."}}) {
			if f.who != "Bob" {
				t.Errorf("%q is about %q", text, f.who)
			}
			got = append(got, f.claim)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestReflect(t *testing.T) {
	t.Parallel()
	many := []core.ChatMessage{{Role: roleUser, Text: "I live nowhere"}}
	for _, place := range strings.Fields("a b c d e f g h i j") {
		many = append(many, core.ChatMessage{Role: roleUser, Name: "Bob", Text: "I live in " + place}, core.ChatMessage{Role: roleUser, Name: "Bob", Text: "I live in " + place})
	}
	r := core.TextRequest{Purpose: core.PurposeReflect, Messages: many}
	got := NewModel(Options{}).answer(r)
	if n := strings.Count(got, "<fact>"); n != maxFacts || !strings.Contains(got, "<fact><claim>Bob lives in j.</claim><about>Bob</about></fact>") || got != NewModel(Options{}).answer(r) {
		t.Errorf("%d facts in %s", n, got)
	}
	if got := NewModel(Options{}).answer(core.TextRequest{Purpose: core.PurposeReflect}); strings.Contains(got, "<fact>") || !strings.Contains(got, "<facts></facts>") {
		t.Errorf("of nothing: %s", got)
	}
	for purpose, part := range map[string]string{core.PurposeConfirm: "<answer>no</answer>", core.PurposeStep: "<isFinish>true</isFinish>", core.PurposeImage: "<prompt>I live in j</prompt>"} {
		if got := NewModel(Options{}).answer(core.TextRequest{Purpose: purpose, Messages: many}); !strings.Contains(got, part) {
			t.Errorf("%s = %s", purpose, got)
		}
	}
}

func FuzzFacts(f *testing.F) {
	f.Add("my name is X and I live in Y. I like ’", "Bob")
	f.Add("İ and i love İstanbul", "B")
	f.Fuzz(func(t *testing.T, text, name string) {
		for _, x := range factsIn([]core.ChatMessage{{Role: roleUser, Name: name, Text: text}}) {
			if !strings.HasPrefix(x.claim, name) || len(strings.Fields(x.claim)) > maxFactWords+len(strings.Fields(name))+20 {
				t.Errorf("%q of %q", x.claim, text)
			}
		}
	})
}
