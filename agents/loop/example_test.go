package loop_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/eliza-go/eliza/agents/loop"
	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/plugin/bootstrap"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

// model answers every prompt in the form the brain asks for.
type model struct{}

func (model) Generate(_ context.Context, r core.TextRequest) iter.Seq2[core.TextDelta, error] {
	return func(yield func(core.TextDelta, error) bool) {
		last := r.Messages[len(r.Messages)-1].Text
		yield(core.TextDelta{Text: "<response><actions>REPLY</actions><text>You said: " + last + "</text></response>"}, nil)
	}
}

// printed is where the answer goes: no channel, no clients.
type printed struct{}

func (printed) NextReply() core.UUID { return core.StringToUUID("reply") }
func (printed) Stream(text string)   { fmt.Println("streamed:", text) }
func (printed) Send(_ context.Context, c *core.Content) (core.UUID, error) {
	fmt.Println("sent:", c.Text)
	return core.NewUUID(), nil
}
func (printed) Progress(context.Context, core.UUID, core.Content) error { return nil }
func (printed) Acting(context.Context) error                            { return nil }

// The default brain by itself: a character, a model and a memory, and one message to answer.
func Example() {
	dir, err := os.MkdirTemp("", "loop")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	quiet := slog.New(slog.DiscardHandler)
	db, err := storage.Open(ctx, filepath.Join(dir, "memory.db"), storage.Options{Logger: quiet})
	if err != nil {
		panic(err)
	}
	defer db.Close()
	memories := memory.New(db.Memory(), memory.Options{Logger: quiet})
	defer memories.Close()

	build, err := loop.New(loop.Options{
		Logger: quiet, Memories: memories.For,
		Plugins: []plugin.Plugin{bootstrap.Plugin(), {
			Name: "scripted", Models: func(core.Runtime) (core.Models, error) { return core.Models{Text: model{}}, nil },
		}},
	})
	if err != nil {
		panic(err)
	}
	ada, err := build(ctx, &core.Character{ID: core.NewUUID(), Name: "Ada", Bio: core.Bio{Lines: []string{"Counts things."}}})
	if err != nil {
		panic(err)
	}
	defer ada.Close(ctx)

	outcome, err := ada.Turn(ctx, &core.Turn{
		ID: core.NewUUID(), Attempt: 1, MessageID: core.NewUUID(), ChannelID: core.NewUUID(), ServerID: core.DefaultServerID,
		AuthorID: core.NewUUID(), AuthorName: "Bob", ChannelType: "DM", Content: core.Content{Text: "hello"}, CreatedAt: core.Now(),
	}, printed{})
	if err != nil {
		panic(err)
	}
	fmt.Println("reply:", outcome.Reply.Text)
	fmt.Println("remembered:", outcome.Commit(ctx))
	// Output:
	// streamed: You said: hello
	// reply: You said: hello
	// remembered: <nil>
}
