package eliza_test

import (
	"context"
	"iter"
	"runtime"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// ends are the ways foreign code ends the goroutine it runs in.
var ends = map[string]func(){
	"panic":  func() { panic("hunter2") },
	"Goexit": runtime.Goexit,
}

// unhurt shows that a server still does its work: another agent answers.
func unhurt(t *testing.T, s *elizatest.Server) {
	t.Helper()
	s.T = t
	agent, channel := s.Agent("Bystander "+string(core.NewUUID())), core.NewUUID()
	answered(t, s, channel, agent)
}

func answered(t *testing.T, s *elizatest.Server, channel, agent core.UUID) {
	t.Helper()
	s.Say(channel, core.NewUUID(), agent, "hello", "http").Want(201)
	if n := len(s.Messages(channel)); n < 2 {
		t.Errorf("%d messages, want an answer", n)
	}
}

// A piece of a plugin may panic, or end its goroutine, wherever it is called: the agent that has it may not start, or
// may not answer, and nobody else notices.
func TestPluginCodeEndsNobodyElse(t *testing.T) {
	t.Parallel()
	noted := func(ctx context.Context, c *plugin.Call) (plugin.Result, error) { return plugin.Result{}, nil }
	type piece struct {
		plugin func(end func()) plugin.Plugin
		starts bool   // the agent does
		says   string // what the model of the agent says: a plain answer when empty
		fails  bool   // the turn does
	}
	for name, p := range map[string]piece{
		"Init": {plugin: func(end func()) plugin.Plugin {
			return plugin.Plugin{Init: func(context.Context, core.Runtime) error { end(); return nil }}
		}},
		"Service.Start": {plugin: func(end func()) plugin.Plugin {
			return plugin.Plugin{Services: []plugin.Service{{Type: "x", Start: func(context.Context, core.Runtime) (any, error) { end(); return nil, nil }}}}
		}},
		"Service.Stop": {starts: true, plugin: func(end func()) plugin.Plugin {
			return plugin.Plugin{Services: []plugin.Service{{
				Type: "x", Start: func(context.Context, core.Runtime) (any, error) { return 1, nil },
				Stop: func(context.Context, any) error { end(); return nil },
			}}}
		}},
		"Models": {starts: true, plugin: func(end func()) plugin.Plugin {
			return plugin.Plugin{Models: func(core.Runtime) (core.Models, error) { end(); return core.Models{}, nil }}
		}},
		"Provider.Get": {starts: true, plugin: func(end func()) plugin.Plugin {
			return plugin.Plugin{Providers: []plugin.Provider{{Name: "X", Get: func(context.Context, *plugin.Call) (plugin.Data, error) { end(); return plugin.Data{}, nil }}}}
		}},
		"Action.Validate": {starts: true, plugin: func(end func()) plugin.Plugin {
			return plugin.Plugin{Actions: []plugin.Action{{Name: "X", Validate: func(context.Context, *plugin.Call) (bool, error) { end(); return true, nil }, Run: noted}}}
		}},
		"Action.Run": {
			starts: true, says: "<response><actions>REPLY,X</actions><text>fine</text></response>",
			plugin: func(end func()) plugin.Plugin {
				return plugin.Plugin{Actions: []plugin.Action{{Name: "X", Run: func(context.Context, *plugin.Call) (plugin.Result, error) { end(); return plugin.Result{}, nil }}}}
			},
		},
		"Evaluator.Validate": {starts: true, plugin: func(end func()) plugin.Plugin {
			return plugin.Plugin{Evaluators: []plugin.Evaluator{{Name: "X", AlwaysRun: true, Validate: func(context.Context, *plugin.Call) (bool, error) { end(); return true, nil }, Run: noted}}}
		}},
		"Evaluator.Run": {starts: true, plugin: func(end func()) plugin.Plugin {
			return plugin.Plugin{Evaluators: []plugin.Evaluator{{Name: "X", AlwaysRun: true, Run: func(context.Context, *plugin.Call) (plugin.Result, error) { end(); return plugin.Result{}, nil }}}}
		}},
		"Events": {starts: true, plugin: func(end func()) plugin.Plugin {
			on := map[string][]func(context.Context, core.Runtime, core.Event) error{}
			for _, event := range []string{core.EventMessageReceived, core.EventRunStarted, core.EventRunEnded, core.EventModelUsed, core.EventMessageSent, core.EventEntityJoined} {
				on[event] = append(on[event], func(context.Context, core.Runtime, core.Event) error { end(); return nil })
			}
			return plugin.Plugin{Events: on}
		}},
		"TextModel": {starts: true, fails: true, plugin: func(end func()) plugin.Plugin {
			return speaks(func(func(core.TextDelta, error) bool) { end() })
		}},
		"TextModel in the middle": {starts: true, fails: true, plugin: func(end func()) plugin.Plugin {
			return speaks(func(yield func(core.TextDelta, error) bool) {
				yield(core.TextDelta{Text: "<response><text>half of it"}, nil)
				end()
			})
		}},
	} {
		for kind, end := range ends {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				bad := p.plugin(end)
				bad.Name = "bad"
				says := p.says
				model := elizatest.Model(func(_ context.Context, r core.TextRequest) (string, error) {
					if says != "" && r.AgentName == "Bad" {
						return says, nil
					}
					return elizatest.Respond("fine"), nil
				}).Plugin()
				model.Priority = 1
				s := elizatest.Start(t, eliza.WithPlugins(model), eliza.WithPluginCatalog(bad))
				agent := withPlugin(t, s, "bad")
				began := time.Now()
				start := s.Post("/api/agents/"+string(agent)+"/start", nil)
				if !p.starts {
					start.WantError(500, core.CodeStart)
					unhurt(t, s)
					return
				}
				start.Want(200)
				channel := core.NewUUID()
				s.Say(channel, core.NewUUID(), agent, "hello", "http").Want(201)
				if said := s.Messages(channel); len(said) != 2 && !p.fails || len(said) != 1 && p.fails {
					t.Errorf("messages: %v", said)
				}
				unhurt(t, s)
				s.Post("/api/agents/"+string(agent)+"/stop", nil).Want(200)
				if took := time.Since(began); took > 8*time.Second {
					t.Errorf("it took %v: somebody waited for what had ended", took)
				}
			})
		}
	}
}

// speaks is a plugin whose text model is a sequence, before any other.
func speaks(seq iter.Seq2[core.TextDelta, error]) plugin.Plugin {
	return plugin.Plugin{Priority: 2, Models: func(core.Runtime) (core.Models, error) {
		return core.Models{Text: sequence(seq)}, nil
	}}
}

type sequence iter.Seq2[core.TextDelta, error]

func (s sequence) Generate(context.Context, core.TextRequest) iter.Seq2[core.TextDelta, error] {
	return iter.Seq2[core.TextDelta, error](s)
}

// withPlugin makes an agent that names a plugin, and does not start it.
func withPlugin(t *testing.T, s *elizatest.Server, name string) core.UUID {
	t.Helper()
	a, _, err := s.Agents().Create(t.Context(), &core.Character{Name: "Bad", Bio: core.Bio{Lines: []string{"breaks"}}, Plugins: []string{name}})
	if err != nil {
		t.Fatal(err)
	}
	return a.Character.ID
}

// unreadable is an error that panics when somebody wants to know what it says.
type unreadable struct{ text *string }

func (u *unreadable) Error() string                { return *u.text }
func (u *unreadable) Is(error) bool                { return *u.text == "" }
func (u *unreadable) MarshalJSON() ([]byte, error) { return []byte(*u.text), nil }

// What plugin code returns may be as broken as the code.
func TestErrorsOfPluginsEndNobodyElse(t *testing.T) {
	t.Parallel()
	bad := &unreadable{}
	act := func(context.Context, *plugin.Call) (plugin.Result, error) {
		return plugin.Result{Text: "x", Values: map[string]any{"v": bad}, Data: map[string]any{"d": bad}}, bad
	}
	for name, p := range map[string]plugin.Plugin{
		"Init":         {Init: func(context.Context, core.Runtime) error { return bad }},
		"Models":       {Models: func(core.Runtime) (core.Models, error) { return core.Models{}, bad }},
		"Provider.Get": {Providers: []plugin.Provider{{Name: "X", Get: func(context.Context, *plugin.Call) (plugin.Data, error) { return plugin.Data{}, bad }}}},
		"Provider.Data": {Providers: []plugin.Provider{{Name: "X", Get: func(context.Context, *plugin.Call) (plugin.Data, error) {
			return plugin.Data{Text: "x", Values: map[string]any{"agentName": bad}}, nil
		}}}},
		"Action.Run":         {Actions: []plugin.Action{{Name: "X", Run: act}}},
		"Evaluator":          {Evaluators: []plugin.Evaluator{{Name: "X", AlwaysRun: true, Run: act}}},
		"Evaluator.Validate": {Evaluators: []plugin.Evaluator{{Name: "X", AlwaysRun: true, Run: act, Validate: func(context.Context, *plugin.Call) (bool, error) { return false, bad }}}},
		"Event": {Events: map[string][]func(context.Context, core.Runtime, core.Event) error{
			core.EventRunEnded: {func(context.Context, core.Runtime, core.Event) error { return bad }}, core.EventRunStarted: {func(context.Context, core.Runtime, core.Event) error { return bad }},
		}},
		"Service.Stop": {Services: []plugin.Service{{
			Type: "x", Start: func(context.Context, core.Runtime) (any, error) { return 1, nil }, Stop: func(context.Context, any) error { return bad },
		}}},
		"TextModel": {Priority: 2, Models: func(core.Runtime) (core.Models, error) {
			return core.Models{Text: sequence(func(yield func(core.TextDelta, error) bool) { yield(core.TextDelta{}, bad) })}, nil
		}},
		"Route": {Routes: []plugin.Route{{Method: "GET", Path: "/unreadable", Handler: func(echo.Context, core.Runtime) error { return bad }}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p.Name = "bad"
			model := elizatest.Model(func(_ context.Context, r core.TextRequest) (string, error) {
				if r.AgentName == "Bad" {
					return "<response><actions>REPLY,X</actions><text>fine</text></response>", nil
				}
				return elizatest.Respond("fine"), nil
			}).Plugin()
			model.Priority = 1
			s := elizatest.Start(t, eliza.WithPlugins(model), eliza.WithPluginCatalog(p))
			agent := withPlugin(t, s, "bad")
			if start := s.Post("/api/agents/"+string(agent)+"/start", nil); name == "Init" {
				start.WantError(500, core.CodeStart)
			} else {
				start.Want(200)
				s.Say(core.NewUUID(), core.NewUUID(), agent, "hello", "http").Want(201)
			}
			if name == "Route" {
				s.Get("/unreadable").WantError(500, core.CodeInternal)
			}
			unhurt(t, s)
			s.Post("/api/agents/"+string(agent)+"/stop", nil)
		})
	}
}

func TestRoutesOfPluginsEndNobodyElse(t *testing.T) {
	t.Parallel()
	var routes []plugin.Route
	for kind, end := range ends {
		routes = append(routes, plugin.Route{Method: "GET", Path: "/" + kind, Handler: func(echo.Context, core.Runtime) error { end(); return nil }})
	}
	s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin(), plugin.Plugin{Name: "bad", Routes: routes}))
	agent := s.Agent("Ada")
	for kind := range ends {
		for _, path := range []string{"/" + kind, "/api/agents/" + string(agent) + "/plugins/bad/" + kind} {
			s.Get(path).WantError(500, core.CodeInternal)
		}
	}
	unhurt(t, s)
}
