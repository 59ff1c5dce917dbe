package main

import (
	"strings"
	"testing"

	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/internal/hosttest"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

func TestTheAgentBooksTables(t *testing.T) {
	t.Parallel()
	base, stop := hosttest.Program(t, run, t.TempDir())
	defer stop()
	c := elizatest.Client{T: t, Base: base}
	agent, user, channel := core.StringToUUID("Ada"), core.NewUUID(), core.NewUUID()
	const ask = "For how many, and on which day? Free tables: "
	for _, step := range []struct{ message, answer string }{
		{"Good evening!", ask + "friday 2, saturday 2"},
		{"A table for 4 on Friday, please.", "Your table for 4 on friday is booked."},
		{"A table for 9 on friday.", "We have no table for 9."},
		{"A table for 2 on monday.", ""}, // no such day: refused before the action runs
		{"And a table for 2 on friday.", "Your table for 2 on friday is booked."},
		{"A table for 1 on friday.", "We are full on friday."},
		{"A table for 3 on saturday.", "Your table for 3 on saturday is booked."},
		{"A table for 3 on saturday.", "Your table for 3 on saturday is booked."},
		{"A table for 3 on saturday.", ask + "friday 0, saturday 0"}, // the action is not offered any more
	} {
		reply, _ := c.Say(channel, user, agent, step.message, "http").Want(201).Body["agentResponse"].(map[string]any)
		if text, _ := reply["text"].(string); text != step.answer {
			t.Errorf("%s: %q, want %q", step.message, text, step.answer)
		}
	}
	elizatest.Eventually(t, "the evaluator remembers four bookings", func() bool {
		facts := string(c.Get("/api/memory/" + string(agent) + "/memories?tableName=facts").Want(200).Raw)
		return strings.Count(facts, "A guest was told: Your table") == 4
	})
	hosttest.WrongArguments(t, run)
}
