package eliza_test

import (
	"context"
	"fmt"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/runtime/core"
)

// forgetful keeps nothing agents learn about people.
type forgetful struct{ memory.Service }

func (f forgetful) For(agent core.UUID) core.Memories { return noFacts{f.Service.For(agent)} }

type noFacts struct{ core.Memories }

func (n noFacts) Add(ctx context.Context, m core.Memory) (core.UUID, error) {
	if m.Table == core.TableFacts {
		return core.NewUUID(), nil
	}
	return n.Memories.Add(ctx, m)
}

// What agents remember can be decorated too: brains ask the wrapped service for their memories.
func ExampleWrapMemory() {
	srv, done := newServer(eliza.WrapMemory(func(s memory.Service) memory.Service { return forgetful{s} }))
	defer done()
	ctx, agent := context.Background(), running(srv, "Ada")
	rt, err := srv.Agents().Runtime(ctx, agent)
	if err != nil {
		panic(err)
	}
	_, err = rt.Memories().Add(ctx, core.Memory{Table: core.TableFacts, Content: core.Content{Text: "Bob lives in Berlin."}})
	kept, _, _ := srv.Memory().Memories(ctx, agent, core.MemoryQuery{Table: core.TableFacts})
	fmt.Println(len(kept), err)
	// Output: 0 <nil>
}
