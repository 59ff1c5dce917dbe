package eliza_test

import (
	"context"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

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
