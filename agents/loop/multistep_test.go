package loop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// next is a model's answer with the next step.
func next(action, params, providers string, finish bool) string {
	return fmt.Sprintf("<response><thought>plan</thought><action>%s</action><parameters>%s</parameters><providers>%s</providers><isFinish>%v</isFinish></response>",
		action, params, providers, finish)
}

func summary(text string) string {
	return "<response><thought>sum</thought><text>" + text + "</text></response>"
}

func inSteps(more ...string) func(*core.Character) {
	return func(c *core.Character) {
		c.Settings = map[string]any{"USE_MULTI_STEP": "true"}
		for i := 0; i+1 < len(more); i += 2 {
			c.Settings[more[i]] = more[i+1]
		}
	}
}

func TestMultiStep(t *testing.T) {
	t.Parallel()
	var seen []plugin.Call
	look := plugin.Action{Name: "LOOK_UP", Description: "Looks up.", Run: func(ctx context.Context, c *plugin.Call) (plugin.Result, error) {
		seen = append(seen, *c)
		if len(seen) == 2 {
			return plugin.Result{}, errors.New("no luck")
		}
		return plugin.Result{Text: "42", Values: map[string]any{"found": 42}}, c.Reply(ctx, core.Content{Text: "I have something"})
	}}
	depth := plugin.Provider{Name: "DEPTH", Dynamic: true, Get: func(context.Context, *plugin.Call) (plugin.Data, error) {
		return plugin.Data{Text: "it is deep"}, nil
	}}
	b := build(t, setup{
		script: []string{
			next("", "", "DEPTH", false), next("look_up", `{"q":"x"}`, "", false), next("LOOK_UP", "not JSON", "", false), next("", "", "", true),
			summary("It is 42 &amp; deep."),
		},
		char: inSteps(), plugins: []plugin.Plugin{{Name: "acts", Actions: []plugin.Action{look}, Providers: []plugin.Provider{depth}}},
	})
	b.model.size = 5
	m := message("what is it?")
	m.Source, m.Content.Source = "client_chat", "client_chat"
	o := b.turn(t, m)
	if said(o) != "It is 42 & deep." || o.Reply.Thought != "sum" || o.Reply.Actions[0] != "MULTI_STEP_SUMMARY" {
		t.Errorf("reply = %+v", o.Reply)
	}
	if b.out.streamed(1) != "It is 42 & deep." || b.out.streamed(0) != "" || len(b.out.sent) != 1 || b.out.sent[0].Text != "I have something" {
		t.Errorf("streamed %q, sent %+v", b.out.chunks, b.out.sent)
	}
	asked := b.model.asked()
	for i, want := range []string{"step 1 of at most 6", "it is deep", "LOOK_UP: done. 42", "LOOK_UP: failed (no luck)", "LOOK_UP: failed (no luck)"} {
		if !strings.Contains(asked[i].Prompt, want) {
			t.Errorf("prompt %d lacks %q:\n%s", i, want, asked[i].Prompt)
		}
	}
	if asked[3].Purpose != core.PurposeStep || asked[4].Purpose != core.PurposeReply || len(asked) != 5 {
		t.Errorf("%d requests, %s, %s", len(asked), asked[3].Purpose, asked[4].Purpose)
	}
	if string(seen[0].Params) != `{"q":"x"}` || seen[0].State.Data["actionParams"].Data["q"] != "x" || len(seen[1].State.Data["actionParams"].Data) != 0 || seen[1].State.Values["found"] != 42 {
		t.Errorf("the action saw %s, %v", seen[0].Params, seen[0].State.Data["actionParams"])
	}
	if b.out.acting != 2 {
		t.Errorf("marked %d times", b.out.acting)
	}
	want := []string{
		"Step 1: plan", "Step 2: plan", "Executing action: LOOK_UP", "Completed action: LOOK_UP", "Step 3: plan", "Executing action: LOOK_UP", "Failed action: LOOK_UP",
		"Steps: 2",
	}
	if diff := cmp.Diff(want, b.out.progress); diff != "" {
		t.Error(diff)
	}
	var results []string
	for _, id := range b.mem.order {
		if m := b.mem.all[id]; m.Metadata["type"] == actionResult {
			results = append(results, fmt.Sprint(m.Content.Extra["planStep"], " ", m.Content.Text))
		}
	}
	if diff := cmp.Diff([]string{"2 LOOK_UP: 42", "3 LOOK_UP: no luck"}, results); diff != "" {
		t.Error(diff)
	}
}

func TestHowStepsEnd(t *testing.T) {
	t.Parallel()
	acts := with1(says("A", "one"), says("B"))
	for name, tt := range map[string]struct {
		script   []string
		settings []string
		want     string
		sent     int
		calls    int
	}{
		"at once":                  {script: []string{next("", "", "", true), summary("yes")}, want: "yes", calls: 2},
		"REPLY is the end":         {script: []string{next("respond", "", "", false), summary("yes")}, want: "yes", calls: 2},
		"last action":              {script: []string{next("A", "", "", true), summary("yes")}, want: "yes", sent: 1, calls: 2},
		"nothing asked for":        {script: []string{next("NONE", "", "", false), summary("yes")}, want: "yes", calls: 2},
		"ignored":                  {script: []string{next("IGNORE", "", "", true)}, want: "(nothing: ignored)", calls: 1},
		"ignored too late":         {script: []string{next("B", "", "", false), next("IGNORE", "", "", false), summary("yes")}, want: "yes", calls: 3},
		"unknown action":           {script: []string{next("NOBODY", "", "", false), next("", "", "", true), summary("yes")}, want: "yes", calls: 3},
		"enough rounds":            {script: []string{next("B", "", "", false), next("B", "", "", false), summary("yes")}, settings: []string{"MAX_MULTISTEP_ITERATIONS", "2"}, want: "yes", calls: 3},
		"wrong settings":           {script: []string{next("", "", "", true), summary("yes")}, settings: []string{"MAX_MULTISTEP_ITERATIONS", "-1", "MULTISTEP_PARSE_RETRIES", "many"}, want: "yes", calls: 2},
		"plain summary":            {script: []string{next("", "", "", true), "just words"}, want: "just words", calls: 2},
		"summary at the last try":  {script: []string{next("", "", "", true), summary(""), "", summary("yes")}, want: "yes", calls: 4},
		"cut summary":              {script: []string{next("", "", "", true), "<response><text>It is", "<text> done</text>"}, want: "It is done", calls: 3},
		"no summary after a reply": {script: []string{next("A", "", "", true), ""}, want: "(nothing: ignored)", sent: 1, calls: 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := build(t, setup{script: tt.script, char: inSteps(tt.settings...), plugins: acts})
			o := b.turn(t, message("go"))
			if got := said(o); got != tt.want || len(b.out.sent) != tt.sent || len(b.model.asked()) != tt.calls {
				t.Errorf("reply %q, %d sent, %d calls", got, len(b.out.sent), len(b.model.asked()))
			}
			if o.Reply != nil && b.out.streamed(len(b.out.sent)) != tt.want {
				t.Errorf("streamed %q", b.out.streamed(len(b.out.sent)))
			}
		})
	}
}

func TestPlansThatCannotBeRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := build(t, setup{script: []string{"what?", "<response><thought>hm</thought></response>", "", "<x>", "no", summary("anyway")}, char: inSteps()})
		begin := time.Now()
		if got := said(b.turn(t, message("go"))); got != "anyway" || len(b.model.asked()) != 6 {
			t.Errorf("reply %q after %d calls", got, len(b.model.asked()))
		}
		if took := time.Since(begin); took != 15*time.Second {
			t.Errorf("it took %v, want pauses of 1, 2, 4 and 8 s", took)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		b := build(t, setup{script: []string{"what?"}, char: inSteps()})
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		if _, err := b.rt.Turn(ctx, message("go"), b.out); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a turn whose time is over = %v", err)
		}
	})
}

func TestStepsWithTrouble(t *testing.T) {
	t.Parallel()
	t.Run("model fails", func(t *testing.T) {
		t.Parallel()
		b := build(t, setup{char: inSteps()})
		b.model.err = errBroken
		if _, err := b.rt.Turn(t.Context(), message("go"), b.out); core.CodeOf(err) != core.CodeModel {
			t.Errorf("Turn = %v", err)
		}
	})
	t.Run("no answer at all", func(t *testing.T) {
		t.Parallel()
		b := build(t, setup{script: []string{next("", "", "", true), ""}, char: inSteps()})
		if _, err := b.rt.Turn(t.Context(), message("go"), b.out); core.CodeOf(err) != core.CodeModel {
			t.Errorf("Turn = %v", err)
		}
	})
	t.Run("unmarked", func(t *testing.T) {
		t.Parallel()
		pay := says("PAY", "paid")
		pay.Idempotent = false
		b := build(t, setup{script: []string{next("PAY", "", "", false)}, char: inSteps(), plugins: with1(pay)})
		b.out.mark = errBroken
		if _, err := b.rt.Turn(t.Context(), message("go"), b.out); !errors.Is(err, errBroken) || len(b.out.sent) != 0 {
			t.Errorf("Turn = %v", err)
		}
	})
	t.Run("slow provider", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			slow := plugin.Provider{Name: "SLOW", Dynamic: true, Get: func(ctx context.Context, _ *plugin.Call) (plugin.Data, error) {
				<-ctx.Done()
				return plugin.Data{}, ctx.Err()
			}}
			quick := plugin.Provider{Name: "QUICK", Dynamic: true, Get: func(context.Context, *plugin.Call) (plugin.Data, error) {
				return plugin.Data{Text: "quick words"}, nil
			}}
			b := build(t, setup{
				script: []string{next("", "", "SLOW, QUICK", false), next("", "", "", true), summary("yes")}, char: inSteps("PROVIDERS_TOTAL_TIMEOUT_MS", "300"),
				plugins: []plugin.Plugin{{Name: "p", Providers: []plugin.Provider{slow, quick}}},
			})
			begin := time.Now()
			if got := said(b.turn(t, message("go"))); got != "yes" || time.Since(begin) != 300*time.Millisecond {
				t.Errorf("reply %q after %v", got, time.Since(begin))
			}
			if !strings.Contains(b.model.asked()[1].Prompt, "quick words") {
				t.Error("the quick provider is left out with the slow one")
			}
		})
	})
}

func FuzzPlan(f *testing.F) {
	for _, s := range []string{next("A", `{"a":1}`, "X", false), next("null", "[]", "", true), "<response><actions>A, B</actions></response>", "<isFinish>yes</isFinish>"} {
		f.Add(s)
	}
	u := &turn{r: &Runtime{set: &abilities{}}}
	f.Fuzz(func(t *testing.T, s string) {
		fields, ok := parseAnswer(s)
		if !ok {
			return
		}
		if p := u.readPlan(fields); p != nil && p.params != nil && (!json.Valid(p.params) || p.params[0] != '{') {
			t.Errorf("parameters %q of %q", p.params, s)
		}
	})
}
