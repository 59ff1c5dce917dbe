package eliza_test

import (
	"context"
	"fmt"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/runtime/core"
)

// clock is a brain: [core.BareRuntime], and what it answers.
type clock struct{ core.BareRuntime }

func (c clock) Turn(_ context.Context, t *core.Turn, out core.Out) (core.Outcome, error) {
	return core.Outcome{Reply: &core.Content{Text: c.Char.Name + " says: it is late, " + t.Content.Text}}, nil
}

// Another brain in the place of the default one. Channels, storage, sockets and everything else stay.
func ExampleWithRuntimeFactory() {
	srv, done := newServer(eliza.WithRuntimeFactory(func(_ context.Context, c *core.Character) (core.Runtime, error) {
		return clock{core.BareRuntime{ID: c.ID, Char: c}}, nil
	}))
	defer done()
	answer, err := srv.Ask(context.Background(), running(srv, "Ada"), core.NewUUID(), "Bob")
	if err != nil {
		panic(err)
	}
	fmt.Println(answer.Text())
	// Output: Ada says: it is late, Bob
}
