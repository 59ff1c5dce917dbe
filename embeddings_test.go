package eliza_test

import (
	"testing"

	"github.com/eliza-go/eliza/internal/elizatest"
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
