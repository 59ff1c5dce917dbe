package eliza_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"maps"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"gorm.io/gorm"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
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

// embedder is a model for embeddings one method of which ends its goroutine, a few times.
type embedder struct {
	at   string
	end  func()
	left *atomic.Int32
}

func (e embedder) maybe(at string) {
	if e.at == at && e.left.Add(-1) >= 0 {
		e.end()
	}
}
func (e embedder) Name() string { e.maybe("Name"); return "e" }
func (e embedder) Dim() int     { e.maybe("Dim"); return 2 }

func (e embedder) Embed(_ context.Context, texts []string) ([][]float32, error) {
	e.maybe("Embed")
	out := make([][]float32, len(texts))
	for i := range out {
		out[i] = []float32{1, 1}
	}
	return out, nil
}

func TestEmbeddersEndNobodyElse(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"Name", "Dim", "Embed"} {
		for kind, end := range ends {
			t.Run(at+" "+kind, func(t *testing.T) {
				t.Parallel()
				e := embedder{at, end, new(atomic.Int32)}
				e.left.Store(2)
				bad := plugin.Plugin{Name: "bad", Priority: 1, Models: func(core.Runtime) (core.Models, error) { return core.Models{Embedder: e}, nil }}
				s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin(), bad))
				agent, channel := s.Agent("Ada"), core.NewUUID()
				answered(t, s, channel, agent)
				elizatest.Eventually(t, "a vector after the failures", func() bool {
					found, _, err := s.Memory().Memories(t.Context(), agent, core.MemoryQuery{Table: core.TableMessages, IncludeEmbedding: true})
					return err == nil && slices.ContainsFunc(found, func(m core.Memory) bool { return len(m.Embedding) == 2 })
				})
			})
		}
	}
}

// ownBrain is a runtime of a host's that ends its goroutine in one method.
type ownBrain struct {
	core.BareRuntime
	at  string
	end func()
}

func (b ownBrain) maybe(at string) {
	if b.at == at {
		b.end()
	}
}

func (b ownBrain) Models() core.Models                     { b.maybe("Models"); return core.Models{} }
func (b ownBrain) SwapCharacter(*core.Character)           { b.maybe("SwapCharacter") }
func (b ownBrain) Close(context.Context) error             { b.maybe("Close"); return nil }
func (b ownBrain) Emit(context.Context, core.Event) error  { b.maybe("Emit"); return nil }
func (b ownBrain) Setting(key string) (v string, set bool) { b.maybe("Setting"); return "", false }

func (b ownBrain) Turn(context.Context, *core.Turn, core.Out) (core.Outcome, error) {
	b.maybe("Turn")
	return core.Outcome{Reply: &core.Content{Text: "yes"}, Commit: func(ctx context.Context) error {
		core.AfterCommit(ctx, func() { b.maybe("after the commit") })
		b.maybe("Commit")
		return nil
	}}, nil
}

func TestBrainsOfAHostEndNobodyElse(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"Factory", "Models", "SwapCharacter", "Close", "Emit", "Turn", "Commit", "after the commit"} {
		for kind, end := range ends {
			t.Run(at+" "+kind, func(t *testing.T) {
				t.Parallel()
				factory := func(_ context.Context, c *core.Character) (core.Runtime, error) {
					b := ownBrain{core.BareRuntime{ID: c.ID, Char: c}, "", end}
					if c.Name == "Bad" {
						b.at = at
					}
					b.maybe("Factory")
					return b, nil
				}
				db := filepath.Join(t.TempDir(), "eliza.db")
				s := served(t, open(t, db, eliza.WithRuntimeFactory(factory)))
				agent := withPlugin(t, s, "none")
				start := s.Post("/api/agents/"+string(agent)+"/start", nil)
				if at == "Factory" {
					start.WantError(500, core.CodeStart)
				} else {
					start.Want(200)
					channel := core.NewUUID()
					s.Say(channel, core.NewUUID(), agent, "hello", "http").Want(201)
					if said := s.Messages(channel); len(said) != 2 && at != "Turn" {
						t.Errorf("messages: %v", said)
					}
					s.Patch("/api/agents/"+string(agent), map[string]any{"system": "other"}).Want(200)
				}
				unhurt(t, s)
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				if err := s.Shutdown(ctx); err != nil && at != "Close" || ctx.Err() != nil {
					t.Errorf("Shutdown: %v", err)
				}
			})
		}
	}
	t.Run("Factory of nothing", func(t *testing.T) {
		t.Parallel()
		s := elizatest.Start(t, eliza.WithRuntimeFactory(func(context.Context, *core.Character) (core.Runtime, error) { return nil, nil }))
		s.Post("/api/agents/"+string(withPlugin(t, s, "none"))+"/start", nil).WantError(500, core.CodeStart)
	})
}

func TestHooksEndNobodyElse(t *testing.T) {
	t.Parallel()
	for kind, end := range ends {
		for at, tc := range map[string]struct {
			hooks  messaging.Hooks
			status int // of the message
			said   int // messages in the channel then
		}{
			"BeforeAccept": {messaging.Hooks{BeforeAccept: func(_ context.Context, n *messaging.NewMessage) error { only(n.Content, end); return nil }}, 500, 0},
			"AfterAccept":  {messaging.Hooks{AfterAccept: func(_ context.Context, a *messaging.Accepted) { only(a.Message.Content, end) }}, 201, 2},
			"BeforeTurn": {messaging.Hooks{BeforeTurn: func(ctx context.Context, turn *core.Turn) (context.Context, error) {
				only(turn.Content.Text, end)
				return ctx, nil
			}}, 201, 1},
			"AfterTurn": {messaging.Hooks{AfterTurn: func(_ context.Context, turn *core.Turn, _ messaging.AgentResult) { only(turn.Content.Text, end) }}, 201, 2},
			"BeforeReply": {messaging.Hooks{BeforeReply: func(_ context.Context, turn *core.Turn, _ *core.Content) error {
				only(turn.Content.Text, end)
				return nil
			}}, 201, 1},
			"AfterReply": {messaging.Hooks{AfterReply: func(_ context.Context, turn *core.Turn, _ *messaging.Message) { only(turn.Content.Text, end) }}, 201, 2},
		} {
			t.Run(at+" "+kind, func(t *testing.T) {
				t.Parallel()
				s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin()), eliza.WithHooks(tc.hooks))
				agent, channel := s.Agent("Ada"), core.NewUUID()
				s.Say(channel, core.NewUUID(), agent, "end", "http").Want(tc.status)
				if tc.said > 0 && len(s.Messages(channel)) != tc.said {
					t.Errorf("messages: %v", s.Messages(channel))
				}
				answered(t, s, core.NewUUID(), agent) // the same lane's agent goes on
				unhurt(t, s)
			})
		}
	}
}

// only calls end for the message that says so.
func only(text string, end func()) {
	if text == "end" {
		end()
	}
}

// Services a host has wrapped, and its callbacks.
type (
	badMessaging struct{ messaging.Service }
	badAgents    struct{ agents.Service }
	badMemory    struct{ memory.Service }
	badMemories  struct{ core.Memories }
	badMedia     struct{ media.Service }
)

func (badMessaging) Accept(context.Context, messaging.NewMessage) (*messaging.Accepted, error) {
	panic("hunter2")
}

func (badMessaging) Watch(context.Context, core.UUID, int64, func(messaging.Event)) (func(), error) {
	panic("hunter2")
}
func (badAgents) Active(context.Context, int) ([]core.UUID, error)         { panic("hunter2") }
func (badAgents) Runtime(context.Context, core.UUID) (core.Runtime, error) { panic("hunter2") }

func (m badMemory) For(agent core.UUID) core.Memories { return badMemories{m.Service.For(agent)} }
func (badMemories) Entities(context.Context, core.UUID) ([]core.Entity, error) {
	panic("hunter2")
}
func (badMemories) Record(context.Context, []core.Memory, []core.Log) error { panic("hunter2") }
func (badMedia) PublicURL(string) string                                    { panic("hunter2") }

func TestWrappedServicesEndNobody(t *testing.T) {
	t.Parallel()
	echoes := eliza.WithPlugins(elizatest.Echo().Plugin())
	t.Run("messaging", func(t *testing.T) {
		t.Parallel()
		s := elizatest.Start(t, echoes, eliza.WrapMessaging(func(svc messaging.Service) messaging.Service { return badMessaging{svc} }))
		agent := s.Agent("Ada")
		s.Say(core.NewUUID(), core.NewUUID(), agent, "hello", "http").WantError(500, core.CodeInternal)
		sock := elizatest.Dial(t, s.Base, nil, nil)
		for range 2 { // of one that could not be watched there is nothing left
			sock.Emit("1", map[string]any{"channelId": someID})
		}
		sock.Emit("2", map[string]any{"channelId": someID, "senderId": someID, "serverId": core.DefaultServerID, "message": "x"})
		for _, e := range sock.WaitCount("messageError", 3) {
			if e["code"] != "INTERNAL_ERROR" {
				t.Errorf("messageError = %v", e)
			}
		}
		s.Get("/api/agents").Want(200)
	})
	t.Run("agents", func(t *testing.T) {
		t.Parallel()
		service := plugin.Plugin{Name: "served", Services: []plugin.Service{{Type: "x", Start: func(context.Context, core.Runtime) (any, error) { return 1, nil }}}}
		s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin(), service), eliza.WrapAgents(func(svc agents.Service) agents.Service { return badAgents{svc} }))
		agent, channel := s.Agent("Ada"), core.NewUUID()
		s.Say(channel, core.NewUUID(), agent, "hello", "http").Want(201)
		if said := s.Messages(channel); len(said) != 1 {
			t.Errorf("messages: %v", said)
		}
		s.Get("/healthz").Want(200)
	})
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		s := elizatest.Start(t, echoes, eliza.WrapMemory(func(svc memory.Service) memory.Service { return badMemory{svc} }))
		unhurt(t, s)
	})
	t.Run("media", func(t *testing.T) {
		t.Parallel()
		attaches := plugin.Plugin{Name: "attaches", Priority: 3, Actions: []plugin.Action{{Name: "X", Run: func(ctx context.Context, c *plugin.Call) (plugin.Result, error) {
			return plugin.Result{}, c.Reply(ctx, core.Content{Text: "x", Attachments: []core.Media{{ID: "1", URL: "/somewhere"}}})
		}}}}
		model := elizatest.Model(func(context.Context, core.TextRequest) (string, error) {
			return "<response><actions>X</actions></response>", nil
		})
		s := elizatest.Start(t, eliza.WithPlugins(model.Plugin(), attaches), eliza.WrapMedia(func(svc media.Service) media.Service { return badMedia{svc} }))
		channel := core.NewUUID()
		s.Say(channel, core.NewUUID(), s.Agent("Ada"), "hello", "http").Want(201)
		s.Get("/healthz").Want(200)
	})
	t.Run("a request to stop", func(t *testing.T) {
		t.Parallel()
		s := elizatest.Start(t, echoes, eliza.WithStop(func() { panic("hunter2") }))
		s.Post("/api/runtime/stop", nil).Want(200)
		unhurt(t, s)
	})
	t.Run("an operator", func(t *testing.T) {
		t.Parallel()
		s := elizatest.Start(t, echoes, eliza.WithOperator(func(*http.Request) bool { panic("hunter2") }))
		s.Post("/api/runtime/stop", nil).WantError(500, core.CodeInternal)
		unhurt(t, s)
	})
}

// ending ends the goroutine in whatever a request makes a server ask of it.
type ending struct{ end func() }

func (e ending) Read([]byte) (int, error) { e.end(); return 0, io.EOF }
func (e ending) Close() error             { return nil }

func (e ending) Speak(_ context.Context, text, _ string) (io.ReadCloser, error) {
	only(text, e.end)
	return e, nil // which ends when it is read
}

func (e ending) Transcribe(context.Context, io.Reader, string, string) (string, error) {
	e.end()
	return "", nil
}

func (e ending) Open(string) (fs.File, error) { e.end(); return nil, nil }

// endingBlobs are [media.Blobs].
type endingBlobs struct{ ending }

func (b endingBlobs) Save(context.Context, media.Kind, core.UUID, string, io.Reader) (int64, error) {
	b.end()
	return 0, nil
}

func (b endingBlobs) Open(context.Context, media.Kind, core.UUID, string) (*media.Blob, error) {
	b.end()
	return nil, nil
}
func (b endingBlobs) Delete(context.Context, media.Kind, core.UUID) error { b.end(); return nil }

func TestWhatRequestsAskForEndsNobodyElse(t *testing.T) {
	t.Parallel()
	for kind, end := range ends {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			e := ending{end}
			models := plugin.Plugin{Name: "bad", Models: func(core.Runtime) (core.Models, error) { return core.Models{Speaker: e, Transcriber: e}, nil }}
			s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin(), models), eliza.WithBlobs(endingBlobs{e}), eliza.WithUI(e))
			agent := string(s.Agent("Ada"))
			for range 2 { // lanes and temporary files are given back
				s.Post("/api/audio/"+agent+"/speech/generate", map[string]any{"text": "hello"}).WantError(500, core.CodeProcessing)
				s.Post("/api/audio/"+agent+"/speech/generate", map[string]any{"text": "end"}).WantError(500, core.CodeProcessing)
				s.Post("/api/audio/"+agent+"/speech/conversation", map[string]any{"text": "hello"}).WantError(500, core.CodeProcessing)
			}
			s.Get("/media/uploads/agents/"+agent+"/0123456789abcdef0123456789abcdef.png").WantError(500, core.CodeInternal)
			s.Get("/app.js").WantError(500, core.CodeInternal)
			s.Delete("/api/agents/"+agent).WantError(500, core.CodeDelete)
			unhurt(t, s)
		})
	}
}

// badStore is a host's store for messages that ends its goroutine, the first few times a method is called.
type badStore struct {
	storage.Store
	m *badMessages
}

func (s badStore) Messaging() messaging.Store { return s.m }

type badMessages struct {
	messaging.Store
	at   string
	end  func()
	left atomic.Int32
}

func (m *badMessages) maybe(at string) {
	if m.at == at && m.left.Add(-1) >= 0 {
		m.end()
	}
}

func (m *badMessages) Claim(ctx context.Context, owner string, lease time.Duration, lanes []messaging.Lane, limit int) ([]messaging.Delivery, error) {
	m.maybe("Claim")
	return m.Store.Claim(ctx, owner, lease, lanes, limit)
}

func (m *badMessages) Due(ctx context.Context, perAgent, limit int) ([]messaging.Lane, error) {
	m.maybe("Due")
	return m.Store.Due(ctx, perAgent, limit)
}

func (m *badMessages) Reap(ctx context.Context, ttl time.Duration, lost int) ([]messaging.Ended, error) {
	m.maybe("Reap")
	return m.Store.Reap(ctx, ttl, lost)
}

func (m *badMessages) Finish(ctx context.Context, d *messaging.Delivery, e messaging.Ending) (*messaging.Ended, error) {
	m.maybe("Finish")
	return m.Store.Finish(ctx, d, e)
}

func (m *badMessages) Events(ctx context.Context, channel core.UUID, after int64, limit int) (messaging.Kept, error) {
	m.maybe("Events")
	return m.Store.Events(ctx, channel, after, limit)
}

func TestStoresOfAHostEndNobody(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"Claim", "Due", "Reap", "Finish", "Events"} {
		for kind, end := range ends {
			t.Run(at+" "+kind, func(t *testing.T) {
				t.Parallel()
				db, err := storage.Open(t.Context(), filepath.Join(t.TempDir(), "eliza.db"), storage.Options{Logger: elizatest.Quiet()})
				if err != nil {
					t.Fatal(err)
				}
				store := badStore{db, &badMessages{Store: db.Messaging(), at: at, end: end}}
				store.m.left.Store(2)
				s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin()), eliza.WithStore(store))
				t.Cleanup(func() { _ = s.Shutdown(context.Background()); _ = db.Close() })
				agent, channel := s.Agent("Ada"), core.NewUUID()
				s.Say(channel, core.NewUUID(), agent, "hello", "websocket").Want(201)
				elizatest.Eventually(t, "an answer after the failures", func() bool { return len(s.Messages(channel)) == 2 })
				for store.m.at == "Events" && store.m.left.Load() > 0 { // who waits for an answer has to watch
					s.Say(channel, core.NewUUID(), agent, "hello", "http").WantError(500, core.CodeInternal)
				}
				answered(t, s, core.NewUUID(), agent)
			})
		}
	}
}

func TestTransactionsOfAHostEndNobody(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin()))
	agent, channel := s.Agent("Ada"), core.NewUUID()
	for kind, end := range ends {
		err := core.Guard(func() error {
			return s.WithTx(t.Context(), func(context.Context, *gorm.DB) error { end(); return nil })
		})
		if err == nil {
			t.Errorf("%s: no error", kind)
		}
		ran := false
		err = core.Guard(func() error {
			return s.WithTx(t.Context(), func(ctx context.Context, _ *gorm.DB) error {
				core.AfterCommit(ctx, end)
				if _, err := s.Messaging().Accept(ctx, messaging.NewMessage{
					ChannelID: channel, ServerID: core.DefaultServerID, AuthorID: agent, Content: kind,
					Create: &messaging.NewChannel{Name: "x", Type: messaging.TypeGroup, Participants: []core.UUID{agent}},
				}); err != nil {
					return err
				}
				core.AfterCommit(ctx, func() { ran = true })
				return nil
			})
		})
		if _, panicked := errors.AsType[*core.PanicError](err); !panicked || !ran {
			t.Errorf("%s after the commit: %v, later ones ran: %v", kind, err, ran)
		}
	}
	if n := len(s.Messages(channel)); n != len(slices.Collect(maps.Keys(ends))) {
		t.Errorf("%d messages", n)
	}
	unhurt(t, s)
}
