package loop

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestSimpleReply(t *testing.T) {
	t.Parallel()
	b := build(t, setup{script: []string{xml("greet", "REPLY", "", "Hello &lt;Bob&gt;!")}})
	b.model.size = 3
	m := message("hi")
	id := b.out.NextReply()
	o := b.turn(t, m)
	if got := said(o); got != "Hello <Bob>!" {
		t.Fatalf("reply = %q", got)
	}
	if got := b.out.streamed(0); got != "Hello <Bob>!" {
		t.Errorf("streamed %q", got)
	}
	if diff := cmp.Diff([]string{"REPLY"}, o.Reply.Actions); diff != "" || o.Reply.Thought != "greet" || o.Reply.Simple == nil || !*o.Reply.Simple {
		t.Errorf("content = %+v %s", o.Reply, diff)
	}
	incoming, ok := b.mem.all[core.MemoryID(agentID, m.MessageID)]
	if !ok || incoming.Content.Text != "hi" || incoming.Content.ChannelType != "DM" || incoming.EntityID != userID || incoming.Metadata["sourceId"] != string(m.MessageID) {
		t.Errorf("incoming memory = %+v", incoming)
	}
	if own := b.mem.all[id]; own.Content.Text != "Hello <Bob>!" || own.EntityID != agentID || own.Content.InReplyTo != incoming.ID {
		t.Errorf("memory of the reply = %+v", own)
	}
	if diff := cmp.Diff([]string{"run_event completed", "run_event started", "useModel:TEXT_LARGE"}, b.mem.logTypes()); diff != "" {
		t.Error(diff)
	}
	if b.mem.records != 1 || b.mem.trips != 3 {
		t.Errorf("%d records, %d reads, want 1 and 3", b.mem.records, b.mem.trips)
	}
	if err := o.Commit(t.Context()); err != nil || len(b.mem.all) != 2 || len(b.mem.logs) != 3 {
		t.Errorf("second Commit = %v, %d memories, %d logs", err, len(b.mem.all), len(b.mem.logs))
	}
}

func TestRequest(t *testing.T) {
	t.Parallel()
	b := build(t, setup{script: []string{xml("a", "REPLY", "", "one")}, char: func(c *core.Character) {
		c.System = "You are {{agentName}}, and count."
		c.Settings = map[string]any{"TEXT_LARGE_MAX_TOKENS": "77", "MODEL_TEMPERATURE": 0.25}
		c.MessageExamples = [][]core.Example{{{Name: "{{name1}}", Content: core.Content{Text: "Count!"}}}}
	}})
	b.turn(t, message("first"))
	second := message("second")
	second.MessageID = core.NewUUID()
	b.turn(t, second)
	r := b.model.asked()[1]
	want := []core.ChatMessage{{Role: "user", Name: "Bob", Text: "first"}, {Role: "assistant", Name: "Ada", Text: "one"}, {Role: "user", Name: "Bob", Text: "second"}}
	if diff := cmp.Diff(want, r.Messages); diff != "" {
		t.Error(diff)
	}
	if r.Purpose != core.PurposeRespond || r.Type != core.TextLarge || r.AgentName != "Ada" || r.System != "You are Ada, and count." ||
		r.MaxTokens != 77 || r.Temperature == nil || *r.Temperature != 0.25 {
		t.Errorf("request = %+v", r)
	}
	for _, part := range []string{"Counts things.", "REPLY: ", "Bob: second", "<response>", "IGNORE stands alone", "ENTITIES"} {
		if !strings.Contains(r.Prompt, part) {
			t.Errorf("prompt lacks %q", part)
		}
	}
	if strings.Contains(r.Prompt, "{{") {
		t.Errorf("prompt has holes:\n%s", r.Prompt)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		script []string
		want   string
		calls  int
		fails  bool
	}{
		"thinking first":     {[]string{"<think>hm <response></think>" + xml("a", "REPLY", "", "yes")}, "yes", 1, false},
		"NONE with text":     {[]string{xml("a", "NONE", "", "yes")}, "yes", 1, false},
		"a simile":           {[]string{xml("a", "send_reply", "", "yes")}, "yes", 1, false},
		"IGNORE":             {[]string{xml("a", "IGNORE", "", "")}, "(nothing: ignored)", 1, false},
		"IGNORE and REPLY":   {[]string{xml("a", "IGNORE, REPLY", "", "yes")}, "yes", 1, false},
		"IGNORE, no text":    {[]string{xml("a", "REPLY, IGNORE", "", "")}, "(nothing: ignored)", 1, false},
		"retry":              {[]string{"garbage", "<response><thought>a", xml("a", "REPLY", "", "yes")}, "yes", 3, false},
		"plain text":         {[]string{"Just words."}, "Just words.", 3, false},
		"plain with markup":  {[]string{"Use <b>this</b> & that."}, "Use <b>this</b> & that.", 3, false},
		"no thought":         {[]string{"<response><actions>IGNORE</actions></response>"}, "(nothing: ignored)", 3, false},
		"text without list":  {[]string{"<response><thought>a</thought><text>yes</text></response>"}, "yes", 3, false},
		"no response around": {[]string{"<thought>a</thought><actions>REPLY</actions><text>yes</text>"}, "yes", 3, false},
		"nothing usable":     {[]string{"<response><thought>a</thought>"}, "", 3, true},
		"empty":              {[]string{""}, "", 3, true},
		"streamed, broken":   {[]string{"<response><actions>REPLY</actions><text>yes</text>"}, "yes", 1, false},
		"cut in the middle":  {[]string{"<response><thought>a</thought><actions>REPLY</actions><text>Hello wo", "<text>rld, all</text>"}, "Hello world, all", 2, false},
		"cut at a space":     {[]string{"<response><thought>a</thought><actions>REPLY</actions><text>Hello ", "<response><text>all</text></response>"}, "Hello all", 2, false},
		"cut, plain rest":    {[]string{"<response><thought>a</thought><actions>REPLY</actions><text>Hello wo", "rld"}, "Hello world", 2, false},
		"cut in the end tag": {[]string{"<response><thought>a</thought><actions>REPLY</actions><text>Hello</te"}, "Hello", 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := build(t, setup{script: tt.script})
			b.model.size = 2
			o, err := b.rt.Turn(t.Context(), message("hi"), b.out)
			if tt.fails {
				if core.CodeOf(err) != core.CodeModel {
					t.Errorf("Turn = %v, want a model error", err)
				}
			} else if err != nil || said(o) != tt.want {
				t.Errorf("Turn = %q, %v, want %q", said(o), err, tt.want)
			}
			if got := len(b.model.asked()); got != tt.calls {
				t.Errorf("%d calls, want %d", got, tt.calls)
			}
			if s := b.out.streamed(0); s != "" && s != tt.want {
				t.Errorf("streamed %q", s)
			}
		})
	}
}

func TestCutAnswerKeepsThought(t *testing.T) {
	t.Parallel()
	b := build(t, setup{script: []string{"<response><thought>because</thought><actions>REPLY</actions><text>Hello wo", "<text>rld</text>"}})
	if o := b.turn(t, message("hi")); o.Reply.Thought != "because" || o.Reply.Text != "Hello world" {
		t.Errorf("reply = %+v", o.Reply)
	}
	if r := b.model.asked()[1]; r.Purpose != core.PurposeContinue || !strings.Contains(r.Prompt, "Hello wo") {
		t.Errorf("continuation = %+v", r)
	}
}

func TestWhoIsAnswered(t *testing.T) {
	t.Parallel()
	const no, yes = "<response><name>Ada</name><reasoning>r</reasoning><action>IGNORE</action></response>", "<response><action>RESPOND</action></response>"
	for name, tt := range map[string]struct {
		change  func(*core.Turn)
		set     map[string]any
		verdict string
		asked   bool
		want    bool
	}{
		"DM":             {change: func(m *core.Turn) { m.ChannelType = "DM" }, want: true},
		"group, no":      {verdict: no, asked: true},
		"group, yes":     {verdict: yes, asked: true, want: true},
		"group, STOP":    {verdict: strings.Replace(yes, "RESPOND", "STOP", 1), asked: true},
		"group, garbage": {verdict: "what?", asked: true},
		"name":           {change: func(m *core.Turn) { m.Content.Text = "so, ADA: hello" }, want: true},
		"at name":        {change: func(m *core.Turn) { m.Content.Text = "@ada hello" }, want: true},
		"part of a word": {change: func(m *core.Turn) { m.Content.Text = "the Canadas" }, verdict: no, asked: true},
		"source":         {change: func(m *core.Turn) { m.Source = "client_chat" }, want: true},
		"other source":   {change: func(m *core.Turn) { m.Source = "client_group_chat" }, verdict: no, asked: true},
		"mention": {change: func(m *core.Turn) {
			m.Content.Extra = map[string]any{"mentionContext": map[string]any{"isMention": true}}
		}, want: true},
		"reply": {change: func(m *core.Turn) {
			m.Content.Extra = map[string]any{"mentionContext": map[string]any{"isReply": true}}
		}, want: true},
		"always in channel": {set: map[string]any{"ALWAYS_RESPOND_CHANNELS": "[forum, group]"}, want: true},
		"old name of it":    {set: map[string]any{"SHOULD_RESPOND_BYPASS_TYPES": "GROUP"}, want: true},
		"always to source":  {set: map[string]any{"ALWAYS_RESPOND_SOURCES": "other, SOCKET"}, want: true},
		"self":              {change: func(m *core.Turn) { m.AuthorID = agentID }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var script []string
			if tt.asked {
				script = append(script, tt.verdict)
			}
			b := build(t, setup{script: append(script, xml("a", "REPLY", "", "yes")), char: func(c *core.Character) { c.Settings = tt.set }})
			m := message("hello all")
			m.ChannelType = "GROUP"
			if tt.change != nil {
				tt.change(m)
			}
			o, err := b.rt.Turn(t.Context(), m, b.out)
			if err != nil || (o.Reply != nil) != tt.want {
				t.Errorf("Turn = %q, %v, want an answer: %v", said(o), err, tt.want)
			}
			reqs := b.model.asked()
			if asked := len(reqs) > 0 && reqs[0].Purpose == core.PurposeShouldRespond && reqs[0].Type == core.TextSmall; asked != tt.asked {
				t.Errorf("model asked whether to respond: %v, want %v", asked, tt.asked)
			}
		})
	}
}

func TestSilentRooms(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		state, text string
		off         bool
		want        string
	}{
		"muted":        {"MUTED", "hello", false, "(nothing: muted)"},
		"muted, named": {"MUTED", "hello ada", false, "yes"},
		"off":          {"", "hello", true, "(nothing: off)"},
		"followed":     {"FOLLOWED", "hello", true, "yes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := build(t, setup{script: []string{xml("a", "REPLY", "", "yes")}, char: func(c *core.Character) {
				c.Settings = map[string]any{"BOOTSTRAP_DEFLLMOFF": tt.off}
			}})
			b.mem.state = tt.state
			if got := said(b.turn(t, message(tt.text))); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if len(b.mem.all) == 0 {
				t.Error("the message is not remembered")
			}
		})
	}
}

func TestModelTrouble(t *testing.T) {
	t.Parallel()
	t.Run("error", func(t *testing.T) {
		t.Parallel()
		b := build(t, setup{})
		b.model.hook = func(context.Context, core.TextRequest) error { return errBroken }
		_, err := b.rt.Turn(t.Context(), message("hi"), b.out)
		if core.CodeOf(err) != core.CodeModel || !errors.Is(err, errBroken) || len(b.model.asked()) != 1 {
			t.Errorf("Turn = %v after %d calls", err, len(b.model.asked()))
		}
		if diff := cmp.Diff([]string{"run_event error", "run_event started", "useModel:TEXT_LARGE"}, b.mem.logTypes()); diff != "" {
			t.Error(diff)
		}
		if len(b.mem.all) != 1 {
			t.Errorf("%d memories, want the message", len(b.mem.all))
		}
	})
	t.Run("panic", func(t *testing.T) {
		t.Parallel()
		b := build(t, setup{})
		b.model.hook = func(context.Context, core.TextRequest) error { panic("oh") }
		if _, err := b.rt.Turn(t.Context(), message("hi"), b.out); core.CodeOf(err) != core.CodeModel {
			t.Errorf("Turn = %v", err)
		}
	})
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		b := build(t, setup{})
		b.rt.models.Store(&models{})
		if _, err := b.rt.Turn(t.Context(), message("hi"), b.out); core.CodeOf(err) != core.CodeModel {
			t.Errorf("Turn = %v", err)
		}
	})
	t.Run("error during the stream", func(t *testing.T) {
		t.Parallel()
		b := build(t, setup{script: []string{"<response><thought>a</thought><actions>REPLY</actions><text>Hello wo"}})
		b.model.err = errBroken
		if _, err := b.rt.Turn(t.Context(), message("hi"), b.out); !errors.Is(err, errBroken) || b.out.streamed(0) != "Hello wo" {
			t.Errorf("Turn = %v, streamed %q", err, b.out.streamed(0))
		}
	})
	t.Run("endless", func(t *testing.T) {
		t.Parallel()
		b := build(t, setup{script: []string{"<response>" + strings.Repeat("<a>", 600_000)}})
		b.model.size = 4096
		if _, err := b.rt.Turn(t.Context(), message("hi"), b.out); core.CodeOf(err) != core.CodeModel {
			t.Errorf("Turn = %v", err)
		}
	})
}

func TestCancel(t *testing.T) {
	t.Parallel()
	errStop := errors.New("stop")
	t.Run("during the stream", func(t *testing.T) {
		t.Parallel()
		b := build(t, setup{script: []string{xml("a", "REPLY", "", strings.Repeat("word ", 100))}})
		b.model.size = 10
		ctx, cancel := context.WithCancelCause(t.Context())
		b.model.script[0] += " "
		stop := &stopOut{outBox: b.out, cancel: func() { cancel(errStop) }}
		if _, err := b.rt.Turn(ctx, message("hi"), stop); !errors.Is(err, errStop) {
			t.Errorf("Turn = %v", err)
		}
		if diff := cmp.Diff([]string{"run_event error", "run_event started", "useModel:TEXT_LARGE"}, b.mem.logTypes()); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("a deaf model", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := build(t, setup{})
			b.model.hook = func(context.Context, core.TextRequest) error { time.Sleep(time.Second); return nil }
			ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, errStop)
			defer cancel()
			begin := time.Now()
			if _, err := b.rt.Turn(ctx, message("hi"), b.out); !errors.Is(err, errStop) || time.Since(begin) > 20*time.Millisecond {
				t.Errorf("Turn = %v after %v", err, time.Since(begin))
			}
			if diff := cmp.Diff([]string{"run_event started", "run_event timeout", "useModel:TEXT_LARGE"}, b.mem.logTypes()); diff != "" {
				t.Error(diff)
			}
			if err := b.rt.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	})
}

// stopOut cancels the turn at the first piece.
type stopOut struct {
	*outBox
	cancel func()
}

func (o *stopOut) Stream(text string) { o.outBox.Stream(text); o.cancel() }

func TestCommitMayBeTriedAgain(t *testing.T) {
	t.Parallel()
	b := build(t, setup{script: []string{xml("a", "REPLY", "", "yes")}})
	o, err := b.rt.Turn(t.Context(), message("hi"), b.out)
	if err != nil {
		t.Fatal(err)
	}
	b.mem.refuse = errBroken
	if err := o.Commit(t.Context()); !errors.Is(err, errBroken) {
		t.Fatalf("Commit = %v, want what the store said", err)
	}
	b.mem.refuse = nil
	if err := o.Commit(t.Context()); err != nil {
		t.Errorf("Commit = %v", err)
	}
}

func TestProviders(t *testing.T) {
	t.Parallel()
	get := func(text string) func(context.Context, *plugin.Call) (plugin.Data, error) {
		return func(context.Context, *plugin.Call) (plugin.Data, error) {
			return plugin.Data{Text: text, Values: map[string]any{"v" + text: text}}, nil
		}
	}
	p := plugin.Plugin{Name: "many", Providers: []plugin.Provider{
		{Name: "LATE", Position: 7, Get: get("late-text")},
		{Name: "EARLY", Position: -7, Get: get("early-text")},
		{Name: "ASKED", Dynamic: true, Get: get("asked-text")},
		{Name: "HIDDEN", Private: true, Get: get("hidden-text")},
		{Name: "PANICS", Get: func(context.Context, *plugin.Call) (plugin.Data, error) { panic("oh") }},
		{Name: "FAILS", Get: func(context.Context, *plugin.Call) (plugin.Data, error) { return plugin.Data{Text: "bad"}, errBroken }},
		{Name: "SLOW", Get: func(ctx context.Context, _ *plugin.Call) (plugin.Data, error) {
			<-ctx.Done()
			return plugin.Data{}, ctx.Err()
		}},
	}}
	b := build(t, setup{
		script:  []string{xml("a", "REPLY", "ASKED", "draft"), "<response><thought>b</thought><text>final</text></response>"},
		plugins: []plugin.Plugin{p}, opts: func(o *Options) { o.ProviderTimeout = 20 * time.Millisecond },
	})
	if got := said(b.turn(t, message("hi"))); got != "final" {
		t.Errorf("reply = %q", got)
	}
	reqs := b.model.asked()
	early, late := strings.Index(reqs[0].Prompt, "early-text"), strings.Index(reqs[0].Prompt, "late-text")
	if early < 0 || late < early || strings.Contains(reqs[0].Prompt, "asked-text") || strings.Contains(reqs[0].Prompt, "hidden-text") {
		t.Errorf("prompt:\n%s", reqs[0].Prompt)
	}
	if reqs[1].Purpose != core.PurposeReply || !strings.Contains(reqs[1].Prompt, "asked-text") || !strings.Contains(reqs[1].Prompt, "early-text") {
		t.Errorf("reply prompt:\n%s", reqs[1].Prompt)
	}
	if got := b.out.streamed(0); got != "final" {
		t.Errorf("streamed %q", got)
	}
}

func BenchmarkTurn(b *testing.B) {
	bn := build(b, setup{script: []string{xml("a", "REPLY", "", strings.Repeat("some words ", 20))}})
	bn.model.size = 20
	b.ReportAllocs()
	for b.Loop() {
		m := message("hi")
		m.MessageID = core.NewUUID()
		bn.out = &outBox{}
		o, err := bn.rt.Turn(b.Context(), m, bn.out)
		if err != nil || o.Commit(b.Context()) != nil {
			b.Fatal(err)
		}
	}
}
