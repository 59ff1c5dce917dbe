package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// chat is one person's conversation with an agent.
type chat struct {
	srv   *eliza.Server
	agent *eliza.Character
	me    eliza.UUID // the same at every start
	out   io.Writer
}

// talk asks the agent what is typed, line by line. A failed answer is shown and the conversation goes on.
func (c *chat) talk(ctx context.Context, typed <-chan string) error {
	if err := c.recall(ctx); err != nil {
		return err
	}
	for {
		fmt.Fprint(c.out, "You: ")
		select {
		case <-ctx.Done():
			fmt.Fprintln(c.out)
			return nil
		case line, ok := <-typed:
			if !ok {
				fmt.Fprintln(c.out)
				return nil
			}
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			if err := c.ask(ctx, line); err != nil && ctx.Err() == nil {
				fmt.Fprintln(c.out, "(no answer:", err.Error()+")")
			}
		}
	}
}

// recall shows the end of the conversation up to now.
func (c *chat) recall(ctx context.Context) error {
	channel, err := c.srv.Messaging().DM(ctx, core.DefaultServerID, c.me, c.agent.ID) // where AskStream talks
	if err != nil {
		return err
	}
	page, err := c.srv.Messaging().Messages(ctx, messaging.Page{ChannelID: channel.ID, AfterSeq: -1, Limit: 10})
	if err != nil {
		return err
	}
	for _, m := range slices.Backward(page.Messages) { // they come newest first
		who := "You"
		if m.ByAgent {
			who = c.agent.Name
		}
		fmt.Fprintf(c.out, "%s: %s\n", who, m.Content)
	}
	return nil
}

// ask prints an answer as it comes. Each reply is a message; what of it was not streamed is printed when it is stored.
func (c *chat) ask(ctx context.Context, text string) error {
	streaming := false
	for e, err := range c.srv.AskStream(ctx, c.agent.ID, c.me, text) {
		switch {
		case err != nil:
			return err
		case e.Kind == messaging.KindChunk && !streaming:
			fmt.Fprint(c.out, c.agent.Name+": "+e.Chunk.Text)
			streaming = true
		case e.Kind == messaging.KindChunk:
			fmt.Fprint(c.out, e.Chunk.Text)
		case e.Kind == messaging.KindMessage && e.Message.ByAgent && streaming:
			fmt.Fprintln(c.out)
			streaming = false
		case e.Kind == messaging.KindMessage && e.Message.ByAgent:
			fmt.Fprintf(c.out, "%s: %s\n", c.agent.Name, e.Message.Content)
		case e.Kind == messaging.KindComplete && e.Result.Status() == "error":
			fmt.Fprintln(c.out, "(the agent could not answer)")
		}
	}
	return nil
}
