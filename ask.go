package eliza

import (
	"context"
	"iter"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

const sourceAsk = "ask" // of messages that come from the host's own code

// Ask says text to an agent on behalf of a user, any id of the host's, and waits for the answer. The conversation of the
// two is kept: it is their direct channel on the default message server, which clients see too. Leaving, by the end of
// ctx, cancels nothing. An agent that does not run is an error of code [core.CodeNotFound], one that fails of code
// [core.CodeModel] or [core.CodeTimeout].
func (s *Server) Ask(ctx context.Context, agent, user UUID, text string) (*messaging.Answer, error) {
	n, err := s.question(ctx, agent, user, text)
	if err != nil {
		return nil, err
	}
	return messaging.Ask(ctx, s.messaging, n)
}

// AskStream is [Server.Ask] that yields what comes of the question as it comes, see [messaging.Stream].
func (s *Server) AskStream(ctx context.Context, agent, user UUID, text string) iter.Seq2[messaging.Event, error] {
	return func(yield func(messaging.Event, error) bool) {
		n, err := s.question(ctx, agent, user, text)
		if err != nil {
			yield(messaging.Event{}, err)
			return
		}
		messaging.Stream(ctx, s.messaging, n)(yield)
	}
}

// question is a message to an agent in the channel the user has with it.
func (s *Server) question(ctx context.Context, agent, user UUID, text string) (messaging.NewMessage, error) {
	a, err := s.agents.Get(ctx, agent)
	if err == nil && !a.Active {
		err = agents.ErrNotRunning
	}
	if err != nil {
		return messaging.NewMessage{}, err
	}
	if user, err = core.ParseUUID(string(user)); err != nil {
		return messaging.NewMessage{}, core.BadRequest("the user is no UUID")
	}
	channel, err := s.messaging.DM(ctx, core.DefaultServerID, user, agent)
	if err != nil {
		return messaging.NewMessage{}, err
	}
	return messaging.NewMessage{ChannelID: channel.ID, AuthorID: user, Content: text, SourceType: sourceAsk}, nil
}
