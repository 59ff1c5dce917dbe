package eliza_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// newAgent makes an agent for the examples and starts it.
func newAgent(srv *eliza.Server) eliza.UUID {
	ctx := context.Background()
	agent, _, err := srv.Agents().Create(ctx, &eliza.Character{Name: "Ada", Bio: core.Bio{Lines: []string{"An example."}}})
	if err != nil {
		panic(err)
	}
	if err := srv.Agents().Start(ctx, agent.Character.ID); err != nil {
		panic(err)
	}
	return agent.Character.ID
}

// The program's own code talks to an agent, without HTTP.
func ExampleServer_Ask() {
	srv, done := newServer(eliza.WithPlugins(elizatest.Echo().Plugin())) // any plugin with a text model
	defer done()
	ada, user := newAgent(srv), core.NewUUID()

	answer, err := srv.Ask(context.Background(), ada, user, "Good morning!")
	if err != nil {
		panic(err)
	}
	fmt.Println(answer.Text())
	// Output: You said: Good morning!
}

// The answer as it is being made.
func ExampleServer_AskStream() {
	srv, done := newServer(eliza.WithPlugins(elizatest.Echo().Plugin()))
	defer done()
	ada, user := newAgent(srv), core.NewUUID()

	for e, err := range srv.AskStream(context.Background(), ada, user, "one two three") {
		switch {
		case err != nil:
			panic(err)
		case e.Kind == messaging.KindChunk:
			fmt.Print(e.Chunk.Text) // a piece of the answer
		case e.Kind == messaging.KindComplete:
			fmt.Printf("\n%s\n", e.Result.Status())
		}
	}
	// Output:
	// You said: one two three
	// completed
}

// A host's policy, whichever way a message comes in: some are refused, answers are signed.
func ExampleWithHooks() {
	srv, done := newServer(eliza.WithPlugins(elizatest.Echo().Plugin()), eliza.WithHooks(messaging.Hooks{
		BeforeAccept: func(_ context.Context, m *messaging.NewMessage) error {
			if strings.Contains(m.Content, "password") {
				return &eliza.Error{Code: core.CodeForbidden, Message: "Keep your secrets"}
			}
			return nil
		},
		BeforeReply: func(_ context.Context, _ *core.Turn, c *core.Content) error {
			c.Text += " (a machine says)"
			return nil
		},
	}))
	defer done()
	ada, user := newAgent(srv), core.NewUUID()

	_, err := srv.Ask(context.Background(), ada, user, "My password is 1234")
	fmt.Println(err)
	answer, err := srv.Ask(context.Background(), ada, user, "Good morning!")
	fmt.Println(answer.Text(), err)
	// Output:
	// Keep your secrets
	// You said: Good morning! (a machine says) <nil>
}

// The program follows what happens in a channel, whoever talks there.
func ExampleServer_Messaging() {
	srv, done := newServer(eliza.WithPlugins(elizatest.Echo().Plugin()))
	defer done()
	ctx := context.Background()
	ada, user := newAgent(srv), core.NewUUID()
	channel, err := srv.Messaging().DM(ctx, core.DefaultServerID, user, ada)
	if err != nil {
		panic(err)
	}
	ended := make(chan struct{})
	stop, err := srv.Messaging().Watch(ctx, channel.ID, -1, func(e messaging.Event) { // from now on, in order
		switch e.Kind {
		case messaging.KindMessage:
			fmt.Println(e.Message.AuthorName()+":", e.Message.Content)
		case messaging.KindComplete:
			close(ended)
		}
	})
	if err != nil {
		panic(err)
	}
	defer stop()
	if _, err := srv.Messaging().Accept(ctx, messaging.NewMessage{ChannelID: channel.ID, AuthorID: user, Content: "Good morning!"}); err != nil {
		panic(err)
	}
	<-ended
	// Output:
	// User: Good morning!
	// Ada: You said: Good morning!
}
