package loop

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	b := build(t, setup{
		char: func(c *core.Character) {
			c.Secrets = map[string]any{"A": "enc:secret", "EMPTY": nil}
			c.Settings = map[string]any{"A": "setting", "B": true, "C": 3, "D": "true", "secrets": map[string]any{"B": "x", "E": "enc:deep"}}
		},
		opts: func(o *Options) {
			o.Decrypt = func(s string) string { return strings.TrimPrefix(s, "enc:") }
			o.Setting = func(k string) (string, bool) { return "host", k == "F" || k == "A" }
		},
	})
	for key, want := range map[string]string{"A": "secret", "B": "true", "C": "3", "D": "true", "E": "deep", "F": "host", "EMPTY": "-", "G": "-"} {
		got, ok := b.rt.Setting(key)
		if !ok {
			got = "-"
		}
		if got != want {
			t.Errorf("Setting(%q) = %q, want %q", key, got, want)
		}
	}
}

func TestSwapCharacter(t *testing.T) {
	t.Parallel()
	own := &model{script: []string{xml("a", "REPLY", "", "from my own key")}}
	keyed := plugin.Plugin{Name: "keyed", Priority: 5, Models: func(rt core.Runtime) (core.Models, error) {
		if _, ok := rt.Setting("KEY"); !ok {
			return core.Models{}, nil
		}
		return core.Models{Text: own}, nil
	}}
	b := build(t, setup{script: []string{xml("a", "REPLY", "", "yes")}, plugins: []plugin.Plugin{keyed}})
	if got := said(b.turn(t, message("hi"))); got != "yes" {
		t.Fatal(got)
	}
	next := b.rt.Character().Clone()
	next.Name, next.Secrets = "Grace", map[string]any{"KEY": "k"}
	b.rt.SwapCharacter(next)
	m := message("again")
	m.MessageID = core.NewUUID()
	if got := said(b.turn(t, m)); got != "from my own key" || own.asked()[0].AgentName != "Grace" {
		t.Errorf("after the swap: %q", got)
	}
}

func TestModelChoice(t *testing.T) {
	t.Parallel()
	gives := func(name string, priority int, m core.Models, err error) plugin.Plugin {
		return plugin.Plugin{Name: name, Priority: priority, Models: func(core.Runtime) (core.Models, error) {
			if errors.Is(err, errBroken) {
				panic(err)
			}
			return m, err
		}}
	}
	low, high, tie := &model{}, &model{}, &model{}
	see := describer("x")
	b := build(t, setup{plugins: []plugin.Plugin{
		gives("low", 1, core.Models{Text: low, Describer: see}, nil), gives("high", 2, core.Models{Text: high}, nil), gives("tie", 2, core.Models{Text: tie}, nil),
		gives("broken", 9, core.Models{Text: low}, errBroken),
	}})
	if m := b.rt.Models(); m.Text != core.TextModel(high) || m.Describer == nil || m.Embedder != nil {
		t.Errorf("Models = %+v", m)
	}
}

type describer string

func (d describer) Describe(_ context.Context, url, _ string) (string, string, error) {
	return "title", string(d) + " " + url, nil
}

func TestImages(t *testing.T) {
	t.Parallel()
	p := plugin.Plugin{Name: "eyes", Models: func(core.Runtime) (core.Models, error) { return core.Models{Describer: describer("seen")}, nil }}
	b := build(t, setup{script: []string{xml("a", "REPLY", "", "yes")}, plugins: []plugin.Plugin{p}, opts: func(o *Options) {
		o.Files = cabinet{"/media/x.png": "\x89PNG\r\n\x1a\n"}
	}})
	m := message("look")
	m.Content.Attachments = []core.Media{
		{URL: "data:image/png;base64,AA", ContentType: "image"},
		{URL: "/media/x.png", ContentType: "image/png"},
		{URL: "https://example.com/x.png", ContentType: "image"},
		{URL: "data:text", ContentType: "document"},
	}
	b.turn(t, m)
	var got []string
	for _, a := range b.mem.all[core.MemoryID(agentID, m.MessageID)].Content.Attachments {
		got = append(got, a.Description)
	}
	if diff := cmp.Diff([]string{"seen data:image/png;base64,AA", "seen data:image/png;base64,iVBORw0KGgo=", "", ""}, got); diff != "" {
		t.Error(diff)
	}
	if m.Content.Attachments[0].Description != "" {
		t.Error("the turn's own content was changed")
	}
}

func TestServices(t *testing.T) {
	t.Parallel()
	var calls []string
	svc := func(name string, err error) plugin.Service {
		return plugin.Service{
			Type: name,
			Start: func(context.Context, core.Runtime) (any, error) {
				calls = append(calls, "start "+name)
				return name, err
			},
			Stop: func(_ context.Context, v any) error { calls = append(calls, "stop "+v.(string)); return nil },
		}
	}
	b := build(t, setup{plugins: []plugin.Plugin{{Name: "s", Services: []plugin.Service{svc("one", nil), svc("two", nil)}}}})
	if v, ok := b.rt.Service("two"); !ok || v != "two" {
		t.Errorf("Service = %v, %v", v, ok)
	}
	if err := errors.Join(b.rt.Close(t.Context()), b.rt.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.rt.Service("two"); ok {
		t.Error("a stopped service is still there")
	}
	if diff := cmp.Diff([]string{"start one", "start two", "stop two", "stop one"}, calls); diff != "" {
		t.Error(diff)
	}
	calls = nil
	factory, err := New(Options{
		Logger: slog.New(slog.DiscardHandler), Memories: func(core.UUID) core.Memories { return newMemories() },
		Plugins: []plugin.Plugin{{Name: "s", Services: []plugin.Service{svc("one", nil), svc("bad", errBroken)}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := factory(t.Context(), &core.Character{ID: agentID, Name: "Ada"}); core.CodeOf(err) != core.CodeStart || !errors.Is(err, errBroken) {
		t.Errorf("build = %v", err)
	}
	if diff := cmp.Diff([]string{"start one", "start bad", "stop one"}, calls); diff != "" {
		t.Error(diff)
	}
}

func TestInitFails(t *testing.T) {
	t.Parallel()
	factory, err := New(Options{
		Logger: slog.New(slog.DiscardHandler), Memories: func(core.UUID) core.Memories { return newMemories() },
		Plugins: []plugin.Plugin{{Name: "p", Init: func(context.Context, core.Runtime) error { panic("oh") }}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := factory(t.Context(), &core.Character{ID: agentID, Name: "Ada"}); core.CodeOf(err) != core.CodeStart {
		t.Errorf("build = %v", err)
	}
	if _, err := New(Options{}); err == nil {
		t.Error("New without memories gives no error")
	}
}

func TestEvaluators(t *testing.T) {
	t.Parallel()
	ran := make(chan string, 9)
	eval := func(name string, always bool) plugin.Evaluator {
		return plugin.Evaluator{Name: name, AlwaysRun: always, Run: func(ctx context.Context, c *plugin.Call) (plugin.Result, error) {
			a, err := c.Generate(ctx, plugin.Prompt{Template: "reflect"})
			ran <- name + " " + a.Text
			return plugin.Result{}, err
		}}
	}
	bad := plugin.Evaluator{Name: "BAD", AlwaysRun: true, Run: func(context.Context, *plugin.Call) (plugin.Result, error) { panic("oh") }}
	never := eval("NEVER", true)
	never.Validate = func(context.Context, *plugin.Call) (bool, error) { return false, nil }
	p := plugin.Plugin{Name: "e", Evaluators: []plugin.Evaluator{eval("IF_SAID", false), eval("ALWAYS", true), bad, never}}
	for answer, want := range map[string][]string{
		xml("a", "REPLY", "", "yes"): {"ALWAYS yes", "IF_SAID yes"},
		xml("a", "IGNORE", "", ""):   {"ALWAYS "},
	} {
		b := build(t, setup{script: []string{answer}, plugins: []plugin.Plugin{p}})
		b.turn(t, message("hi"))
		var got []string
		for range want {
			select {
			case s := <-ran:
				got = append(got, s)
			case <-time.After(5 * time.Second):
				t.Fatal("evaluators do not run")
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if err := b.rt.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	heard := make(chan string, 20)
	on := map[string][]func(context.Context, core.Runtime, core.Event) error{}
	for _, name := range []string{core.EventRunStarted, core.EventMessageReceived, core.EventMessageSent, core.EventRunEnded, core.EventModelUsed} {
		on[name] = append(on[name], func(_ context.Context, _ core.Runtime, e core.Event) error { heard <- e.Name; panic("oh") })
	}
	b := build(t, setup{script: []string{xml("a", "REPLY", "", "yes")}, plugins: []plugin.Plugin{{Name: "ears", Events: on}}})
	b.turn(t, message("hi"))
	want := []string{core.EventRunStarted, core.EventMessageReceived, core.EventModelUsed, core.EventMessageSent, core.EventRunEnded}
	for _, name := range want {
		select {
		case got := <-heard:
			if got != name {
				t.Errorf("heard %s, want %s", got, name)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("no event", name)
		}
	}
	if err := b.rt.Emit(t.Context(), core.Event{Name: core.EventRunEnded}); err == nil {
		t.Error("Emit hides what handlers do")
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	b := build(t, setup{})
	err := b.rt.Emit(t.Context(), core.Event{Name: core.EventEntityJoined, Source: "socketio", Data: map[string]any{
		"entityId": userID, "worldId": core.DefaultServerID, "roomId": channelID, "metadata": map[string]any{"displayName": "Bob", "type": "DM"},
	}})
	if err != nil || len(b.mem.connects) != 1 {
		t.Fatalf("Emit = %v, %d connects", err, len(b.mem.connects))
	}
	if c := b.mem.connects[0]; c.ChannelID != channelID || c.AuthorID != userID || c.AuthorName != "Bob" || c.ChannelType != "DM" || c.ServerID != core.DefaultServerID {
		t.Errorf("connect = %+v", c)
	}
}

func TestPlugins(t *testing.T) {
	t.Parallel()
	list := func(names ...string) []plugin.Plugin {
		var out []plugin.Plugin
		for _, n := range names {
			name, deps, _ := strings.Cut(n, ">")
			out = append(out, plugin.Plugin{Name: name, Dependencies: splitList(deps)})
		}
		return out
	}
	p := NewPlugins(slog.New(slog.DiscardHandler), list("boot", "boot"), list("a>b", "b>@x/plugin-c", "c>a", "@y/plugin-d", "boot", "e>missing,boot"))
	for chosen, want := range map[string]string{
		"":                            "boot",
		"a":                           "boot c b a",
		"@elizaos/plugin-d,d,D":       "boot @y/plugin-d",
		"@elizaos/plugin-sql,e,other": "boot e",
	} {
		var got []string
		for _, pl := range p.PluginsOf(&core.Character{Plugins: splitList(chosen)}) {
			got = append(got, pl.Name)
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("PluginsOf(%q) = %q, want %q", chosen, s, want)
		}
	}
	for name, want := range map[string]bool{"a": true, "@elizaos/plugin-a": true, "plugin-d": true, "boot": false, "sql": false, "": false} {
		if got := p.KnownPlugin(name); got != want {
			t.Errorf("KnownPlugin(%q) = %v", name, got)
		}
	}
}

func TestAbilitiesOfTheHigherPriority(t *testing.T) {
	t.Parallel()
	mine := plugin.Plugin{Name: "mine", Priority: 1, Providers: []plugin.Provider{{
		Name: "TIME", Get: func(context.Context, *plugin.Call) (plugin.Data, error) { return plugin.Data{Text: "It is late."}, nil },
	}}, Actions: []plugin.Action{{Name: "SEARCH", Similes: []string{"REPLY", "LOOK"}, Run: says("SEARCH").Run}}, Evaluators: []plugin.Evaluator{{
		Name: "REFLECTION", Description: "mine", Run: func(context.Context, *plugin.Call) (plugin.Result, error) { return plugin.Result{}, nil },
	}}}
	b := build(t, setup{script: []string{xml("a", "REPLY", "", "yes")}, plugins: []plugin.Plugin{mine}})
	if got := said(b.turn(t, message("hi"))); got != "yes" || !strings.Contains(b.model.asked()[0].Prompt, "It is late.") {
		t.Errorf("reply %q, prompt %s", got, b.model.asked()[0].Prompt)
	}
	for name, want := range map[string]string{"look": "SEARCH", "Send_Reply": "REPLY", "REP": "REP"} {
		if got := b.rt.set.canonical(name); got != want {
			t.Errorf("canonical(%q) = %q, want %q", name, got, want)
		}
	}
	if list := b.rt.set.looking; len(list) != 1 || list[0].Description != "mine" {
		t.Errorf("evaluators = %+v", list)
	}
}
