package eliza_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// TestWhatIsSaidGetsAnEmbedding uses nothing but the defaults.
func TestWhatIsSaidGetsAnEmbedding(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t)
	agent, channel := s.Agent("Ada"), core.NewUUID()
	s.Say(channel, core.NewUUID(), agent, "I am unhappy about the weather", "http").Want(201)
	elizatest.Eventually(t, "both sides of the talk have their vectors", func() bool {
		list, _ := s.Get("/api/agents/" + string(agent) + "/memories?tableName=messages&includeEmbedding=true").Want(200).Data()["memories"].([]any)
		with := 0
		for _, m := range list {
			if v, _ := m.(map[string]any)["embedding"].([]any); len(v) > 0 {
				with++
			}
		}
		return with == 2 && len(list) == 2
	})
}

// heard is an embedding model that notes what it is asked about.
type heard struct {
	mu    sync.Mutex
	texts []string
}

func (*heard) Name() string { return "heard" }
func (*heard) Dim() int     { return 1 }

func (h *heard) Embed(_ context.Context, texts []string) ([][]float32, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.texts = append(h.texts, texts...)
	return slices.Repeat([][]float32{{1}}, len(texts)), nil
}

func (h *heard) about(text string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Contains(h.texts, text)
}

// unwelcoming is a messaging service that takes no agents while it is closed.
type unwelcoming struct {
	messaging.Service
	closed *atomic.Bool
}

func (u unwelcoming) AddServerAgent(ctx context.Context, server, agent core.UUID) error {
	if u.closed.Load() {
		return errors.New("closed")
	}
	return u.Service.AddServerAgent(ctx, server, agent)
}

func TestMemoriesOfAnAgentThatCouldNotBeStartedWait(t *testing.T) {
	t.Parallel()
	var closed atomic.Bool
	model := &heard{}
	s := elizatest.Start(t,
		eliza.WrapMessaging(func(m messaging.Service) messaging.Service { return unwelcoming{m, &closed} }),
		eliza.WithPlugins(plugin.Plugin{Name: "heard", Priority: 10, Models: func(core.Runtime) (core.Models, error) { return core.Models{Embedder: model}, nil }}))
	add := func(agent core.UUID, text string) {
		t.Helper()
		if _, err := s.Memory().For(agent).Add(t.Context(), core.Memory{Table: core.TableFacts, Content: core.Content{Text: text}}); err != nil {
			t.Fatal(err)
		}
	}
	closed.Store(true)
	bob, _, err := s.Agents().Create(t.Context(), &core.Character{Name: "Bob", Bio: core.Bio{Lines: []string{"stays outside"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Agents().Start(t.Context(), bob.Character.ID); err == nil {
		t.Fatal("the agent was started")
	}
	closed.Store(false)
	add(bob.Character.ID, "of Bob")
	add(s.Agent("Ada"), "of Ada")
	elizatest.Eventually(t, "the other's get their vectors", func() bool { return model.about("of Ada") })
	if model.about("of Bob") {
		t.Error("the model of a closed agent is asked")
	}
}

// named is an embedding model of any name.
type named string

func (n named) Name() string { return string(n) }
func (named) Dim() int       { return 2 }

func (named) Embed(_ context.Context, texts []string) ([][]float32, error) {
	out := make([][]float32, len(texts))
	for i := range out {
		out[i] = []float32{1, float32(i)}
	}
	return out, nil
}

// TestAPatchThatNamesAnotherModelEmbedsAgain changes only a setting: nothing is said afterwards.
func TestAPatchThatNamesAnotherModelEmbedsAgain(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithPlugins(plugin.Plugin{Name: "embedder", Models: func(rt core.Runtime) (core.Models, error) {
		name, _ := rt.Setting("MODEL")
		return core.Models{Embedder: named("model " + name)}, nil
	}}))
	agent, channel := s.Agent("Ada"), core.NewUUID()
	made := func(model string) {
		t.Helper()
		elizatest.Eventually(t, "vectors by "+model, func() bool {
			page, err := s.Memory().For(agent).List(t.Context(), core.MemoryQuery{Table: core.TableMessages, IncludeEmbedding: true})
			return err == nil && len(page) == 2 && page[0].Model == model && page[1].Model == model
		})
	}
	s.Patch("/api/agents/"+string(agent), map[string]any{"settings": map[string]any{"MODEL": "one"}}).Want(200)
	s.Say(channel, core.NewUUID(), agent, "hello", "http").Want(201)
	made("model one")
	s.Patch("/api/agents/"+string(agent), map[string]any{"settings": map[string]any{"MODEL": "two"}}).Want(200)
	made("model two")
}
