package client_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/messaging/client"
	"github.com/eliza-go/eliza/runtime/core"
)

// serve runs a server whose agents repeat what they are told, and returns its address.
func serve() (address string, done func()) {
	dir, err := os.MkdirTemp("", "eliza")
	check(err)
	srv, err := eliza.NewServer(eliza.WithDatabase(filepath.Join(dir, "eliza.db")), eliza.WithLogger(slog.New(slog.DiscardHandler)),
		eliza.WithPlugins(elizatest.Echo().Plugin()))
	check(err)
	check(srv.Start(context.Background()))
	web := httptest.NewServer(srv.Handler())
	return web.URL, func() {
		check(srv.Shutdown(context.Background()))
		web.Close()
		check(os.RemoveAll(dir))
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// talk is a client of a new server, and a direct channel with an agent there.
func talk(ctx context.Context) (c *client.Client, channel core.UUID, done func()) {
	address, done := serve()
	me := core.NewUUID()
	c, err := client.New(address, client.WithEntity(me, "Bob"))
	check(err)
	agent, err := c.Agents.Create(ctx, &core.Character{Name: "Ada", Bio: core.Bio{Lines: []string{"An example."}}})
	check(err)
	check(c.Agents.Start(ctx, agent.ID))
	direct, err := c.Channels.Direct(ctx, me, agent.ID)
	check(err)
	return c, direct.ID, done
}

// An agent is made, and asked.
func Example() {
	ctx := context.Background()
	address, done := serve()
	defer done()

	me := core.NewUUID()
	c, err := client.New(address, client.WithEntity(me, "Bob"))
	check(err)
	agent, err := c.Agents.Create(ctx, &core.Character{Name: "Ada", Bio: core.Bio{Lines: []string{"An example."}}})
	check(err)
	check(c.Agents.Start(ctx, agent.ID))
	channel, err := c.Channels.Direct(ctx, me, agent.ID)
	check(err)
	answer, err := c.Messaging.Ask(ctx, client.NewMessage{Channel: channel.ID, Text: "Good morning!"})
	check(err)
	fmt.Println(answer.Text())
	// Output: You said: Good morning!
}

// An answer comes piece by piece, and once more as a whole.
func ExampleMessaging_Stream() {
	ctx := context.Background()
	c, channel, done := talk(ctx)
	defer done()

	for e, err := range c.Messaging.Stream(ctx, client.NewMessage{Channel: channel, Text: "Good morning!"}) {
		check(err)
		switch e := e.(type) {
		case *client.StreamChunk:
			fmt.Print(e.Text)
		case *client.Done:
			fmt.Printf("\n%d reply: %s\n", len(e.Replies), e.Text)
		}
	}
	// Output:
	// You said: Good morning!
	// 1 reply: You said: Good morning!
}

// A socket sees what everybody in a channel says.
func ExampleSocket() {
	ctx := context.Background()
	c, channel, done := talk(ctx)
	defer done()

	s, err := c.Dial(ctx, client.SocketOptions{})
	check(err)
	defer s.Close()
	_, err = s.Join(ctx, client.Join{Channel: channel})
	check(err)
	ack, err := s.Send(ctx, client.NewMessage{Channel: channel, Text: "Good morning!"})
	check(err)
	for e, err := range s.Events(ctx) {
		check(err)
		switch e := e.(type) {
		case *client.MessageBroadcast:
			fmt.Printf("%d %s: %s\n", e.Seq, e.SenderName, e.Text)
		case *client.MessageComplete:
			fmt.Println(e.Seq, e.Status, e.MessageID == ack.MessageID)
			return
		}
	}
	// Output:
	// 1 Bob: Good morning!
	// 2 Ada: You said: Good morning!
	// 3 completed true
}

// What was said since a number is told first.
func ExampleMessaging_Follow() {
	ctx := context.Background()
	c, channel, done := talk(ctx)
	defer done()

	answer, err := c.Messaging.Ask(ctx, client.NewMessage{Channel: channel, Text: "Good morning!"})
	check(err)
	for e, err := range c.Messaging.Follow(ctx, channel, client.After(answer.Message.Seq)) {
		check(err)
		if m, ok := e.(*client.MessageBroadcast); ok {
			fmt.Println(m.Text)
			break
		}
	}
	// Output: You said: Good morning!
}

// What a server refuses has a code.
func ExampleAgents_Get() {
	ctx := context.Background()
	c, _, done := talk(ctx)
	defer done()

	_, err := c.Agents.Get(ctx, core.NewUUID())
	fmt.Println(errors.Is(err, &core.Error{Code: core.CodeNotFound}), err)
	// Output: true Agent not found
}
