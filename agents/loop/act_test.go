package loop

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// says is an action that replies once with each text.
func says(name string, texts ...string) plugin.Action {
	return plugin.Action{Name: name, Description: name, Idempotent: true, Run: func(ctx context.Context, c *plugin.Call) (plugin.Result, error) {
		for _, s := range texts {
			if err := c.Reply(ctx, core.Content{Text: s}); err != nil {
				return plugin.Result{}, err
			}
		}
		return plugin.Result{Text: strings.Join(texts, "+"), Values: map[string]any{"by" + name: name}}, nil
	}}
}

func with1(actions ...plugin.Action) []plugin.Plugin {
	return []plugin.Plugin{{Name: "acts", Actions: actions}}
}

func TestActionsInOrder(t *testing.T) {
	t.Parallel()
	pay := says("PAY", "paid")
	pay.Idempotent = false
	var seen plugin.Call
	look := says("LOOK_UP", "found", "more")
	run := look.Run
	look.Similes = []string{"SEARCH_WEB"}
	look.Params = json.RawMessage(`{"type":"object"}`)
	look.Run = func(ctx context.Context, c *plugin.Call) (plugin.Result, error) { seen = *c; return run(ctx, c) }
	answer := strings.Replace(xml("plan", "REPLY, PAY, searchweb, nobody", "", ""), "<text>", `<params>{"look_up":{"q":"x"}}</params><text>`, 1)
	b := build(t, setup{
		script: []string{answer, "<response><thought>t</thought><text>I start</text></response>"}, plugins: with1(pay, look),
	})
	b.model.size = 4
	m := message("go")
	o := b.turn(t, m)
	if got := said(o); got != "(nothing: ignored)" { // the unknown action came last, so all was sent before it
		t.Errorf("last reply = %q", got)
	}
	var sent []string
	for _, c := range b.out.sent {
		sent = append(sent, c.Text)
	}
	if diff := cmp.Diff([]string{"I start", "paid", "found", "more"}, sent); diff != "" {
		t.Error(diff)
	}
	steps := slices.DeleteFunc(slices.Clone(b.out.log), func(s string) bool { return s == "stream" })
	if diff := cmp.Diff([]string{"send I start", "acting", "send paid", "send found", "send more"}, steps); diff != "" {
		t.Error(diff)
	}
	if string(seen.Params) != `{"q":"x"}` || seen.State.Values["byPAY"] != "PAY" || len(seen.State.Data["ACTION_STATE"].Data["actionResults"].([]any)) != 2 {
		t.Errorf("second action saw %s, %v", seen.Params, seen.State.Values)
	}
	if last := seen.Recent[len(seen.Recent)-1]; last.Content.Text != "paid" {
		t.Errorf("the conversation ends with %q", last.Content.Text)
	}
	var results []string
	for _, id := range b.mem.order {
		if m := b.mem.all[id]; m.Metadata["type"] == actionResult {
			results = append(results, m.Content.Text)
		}
	}
	slices.Sort(results)
	if diff := cmp.Diff([]string{"LOOK_UP: found+more", "PAY: paid", "nobody: there is no such action"}, results); diff != "" {
		t.Error(diff)
	}
	if len(b.mem.all) != 8 || b.out.streamed(0) != "I start" {
		t.Errorf("%d memories, streamed %q", len(b.mem.all), b.out.streamed(0))
	}
	if got := strings.Count(strings.Join(b.mem.logTypes(), ","), "action"); got != 4 {
		t.Errorf("%d action logs, want 4", got)
	}
	if r := b.model.asked()[0]; !strings.Contains(r.Prompt, `LOOK_UP: {"type":"object"}`) || !strings.Contains(r.Prompt, "<params>") {
		t.Errorf("prompt tells nothing of parameters:\n%s", r.Prompt)
	}
}

func TestLastReplyIsTheOutcome(t *testing.T) {
	t.Parallel()
	b := build(t, setup{script: []string{xml("plan", "A", "", "")}, plugins: with1(says("A", "one", "two"))})
	o := b.turn(t, message("go"))
	if said(o) != "two" || len(b.out.sent) != 1 || b.out.sent[0].Text != "one" || o.Reply.Actions[0] != "A" || o.Reply.Thought != "plan" {
		t.Errorf("outcome %q, sent %+v", said(o), b.out.sent)
	}
	if m := b.mem.all[b.out.id()]; m.Content.Text != "two" {
		t.Errorf("memory of the last reply = %+v", m)
	}
}

func TestStreamBelongsToItsReply(t *testing.T) {
	t.Parallel()
	twice := plugin.Action{Name: "TWICE", Idempotent: true, Run: func(ctx context.Context, c *plugin.Call) (plugin.Result, error) {
		for range 2 {
			a, err := c.Generate(ctx, plugin.Prompt{Template: "say something, {{agentName}}", Stream: true})
			if err != nil {
				return plugin.Result{}, err
			}
			if err := c.Reply(ctx, core.Content{Text: a.Text}); err != nil {
				return plugin.Result{}, err
			}
		}
		return plugin.Result{}, nil
	}}
	b := build(t, setup{script: []string{xml("plan", "TWICE", "", ""), "first words", "<response><text>second &amp; last</text></response>"}, plugins: with1(twice)})
	b.model.size = 3
	o := b.turn(t, message("go"))
	if said(o) != "second & last" || b.out.streamed(0) != "first words" || b.out.streamed(1) != "second & last" {
		t.Errorf("outcome %q, streamed %q and %q", said(o), b.out.streamed(0), b.out.streamed(1))
	}
	if r := b.model.asked()[1]; r.Prompt != "say something, Ada" {
		t.Errorf("prompt = %q", r.Prompt)
	}
}

func TestActionTrouble(t *testing.T) {
	t.Parallel()
	var late plugin.Call
	released := make(chan struct{})
	t.Cleanup(func() { close(released) })
	bad := map[string]func(ctx context.Context, c *plugin.Call) (plugin.Result, error){
		"PANICS": func(context.Context, *plugin.Call) (plugin.Result, error) { panic("oh") },
		"FAILS": func(ctx context.Context, c *plugin.Call) (plugin.Result, error) {
			return plugin.Result{}, errors.Join(errBroken, c.Reply(ctx, core.Content{Text: "half"}))
		},
		"HANGS": func(ctx context.Context, c *plugin.Call) (plugin.Result, error) {
			late = *c
			<-ctx.Done()
			return plugin.Result{}, ctx.Err()
		},
	}
	for name, run := range bad {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := build(t, setup{
				script:  []string{xml("plan", name+", A", "", "")},
				plugins: with1(plugin.Action{Name: name, Run: run}, says("A", "still here")),
				opts:    func(o *Options) { o.ActionTimeout = 20 * time.Millisecond },
			})
			m := message("go")
			m.Source = "client_chat"
			if got := said(b.turn(t, m)); got != "still here" {
				t.Errorf("reply = %q", got)
			}
			want := []string{"Executing action: " + name, "Failed action: " + name, "Executing action: A", "Completed action: A"}
			if diff := cmp.Diff(want, b.out.progress); diff != "" {
				t.Error(diff)
			}
			if name == "HANGS" && late.Reply(t.Context(), core.Content{Text: "too late"}) == nil {
				t.Error("a reply after the end is taken")
			}
		})
	}
}

func TestNoProgressForSimpleReplies(t *testing.T) {
	t.Parallel()
	for _, actions := range []string{"REPLY", "NONE", "IGNORE"} {
		b := build(t, setup{script: []string{xml("a", actions, "", "yes")}})
		m := message("hi")
		m.Source = "client_chat"
		b.turn(t, m)
		if len(b.out.progress) > 0 {
			t.Errorf("%s: %v", actions, b.out.progress)
		}
	}
}

func TestUnmarkedTurnDoesNotAct(t *testing.T) {
	t.Parallel()
	ran := false
	pay := plugin.Action{Name: "PAY", Run: func(context.Context, *plugin.Call) (plugin.Result, error) { ran = true; return plugin.Result{}, nil }}
	b := build(t, setup{script: []string{xml("a", "PAY", "", "")}, plugins: with1(pay)})
	b.out.mark = errBroken
	if _, err := b.rt.Turn(t.Context(), message("hi"), b.out); !errors.Is(err, errBroken) || ran {
		t.Errorf("Turn = %v, ran: %v", err, ran)
	}
}

func TestReplyWhoseModelFails(t *testing.T) {
	t.Parallel()
	for draft, want := range map[string]string{"": "", "my draft": "my draft"} {
		b := build(t, setup{script: []string{xml("a", "REPLY, NONE_SUCH", "", draft)}})
		b.model.hook = func(_ context.Context, r core.TextRequest) error {
			if r.Purpose == core.PurposeReply {
				return errBroken
			}
			return nil
		}
		o, err := b.rt.Turn(t.Context(), message("hi"), b.out)
		if want == "" && !errors.Is(err, errBroken) || want != "" && said(o) != want {
			t.Errorf("draft %q: %q, %v", draft, said(o), err)
		}
	}
}

func TestInvalidActionIsNotOffered(t *testing.T) {
	t.Parallel()
	offer := func(name string, ok bool, err error) plugin.Action {
		a := says(name)
		a.Validate = func(context.Context, *plugin.Call) (bool, error) {
			if err != nil {
				panic(err)
			}
			return ok, nil
		}
		return a
	}
	b := build(t, setup{script: []string{xml("a", "REPLY", "", "yes")}, plugins: with1(offer("GOOD", true, nil), offer("BAD", false, nil), offer("WORSE", true, errBroken))})
	b.turn(t, message("hi"))
	p := b.model.asked()[0].Prompt
	if !strings.Contains(p, "- GOOD:") || strings.Contains(p, "- BAD:") || strings.Contains(p, "- WORSE:") {
		t.Errorf("prompt:\n%s", p)
	}
}

func TestAnActionMayHaveMoreTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := says("SLOW", "done at last")
		run := slow.Run
		slow.Timeout = 3 * time.Minute
		slow.Run = func(ctx context.Context, c *plugin.Call) (plugin.Result, error) {
			if err := wait(ctx, 2*time.Minute); err != nil {
				return plugin.Result{}, err
			}
			return run(ctx, c)
		}
		b := build(t, setup{script: []string{xml("plan", "SLOW", "", "")}, plugins: with1(slow)})
		if got := said(b.turn(t, message("go"))); got != "done at last" {
			t.Errorf("reply = %q", got)
		}
	})
}
