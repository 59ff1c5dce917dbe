package eliza_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestHostCodeAsksAnAgent(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin()))
	agent, user := s.Agent("Ada"), core.NewUUID()
	for i := range 2 {
		text := fmt.Sprintf("question %d", i)
		a, err := s.Ask(t.Context(), agent, user, text)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := a.Text(), "You said: "+text; got != want || a.Result.Status() != "completed" {
			t.Errorf("Ask: %q (%s), want %q", got, a.Result.Status(), want)
		}
	}
	channel, err := s.Messaging().DM(t.Context(), core.DefaultServerID, user, agent)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.Messages(channel.ID)); n != 4 {
		t.Errorf("%d messages in the direct channel, want 4", n)
	}
}

func TestHostCodeFollowsAnAnswer(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin()))
	agent, user := s.Agent("Ada"), core.NewUUID()
	var kinds, pieces []string
	for e, err := range s.AskStream(t.Context(), agent, user, "one two three") {
		if err != nil {
			t.Fatal(err)
		}
		if len(kinds) == 0 || kinds[len(kinds)-1] != e.Kind {
			kinds = append(kinds, e.Kind)
		}
		if e.Kind == messaging.KindChunk {
			pieces = append(pieces, e.Chunk.Text)
		}
	}
	if got := strings.Join(kinds, " "); got != "message chunk message complete" {
		t.Errorf("kinds of events: %s", got)
	}
	if got := strings.Join(pieces, ""); got != "You said: one two three" || len(pieces) < 2 {
		t.Errorf("pieces: %q", pieces)
	}
	for range s.AskStream(t.Context(), agent, user, "and again") {
		break // leaving cancels nothing
	}
	channel, _ := s.Messaging().DM(t.Context(), core.DefaultServerID, user, agent)
	if _, err := messaging.Ask(t.Context(), s.Messaging(), messaging.NewMessage{ChannelID: channel.ID, AuthorID: user, Content: "last"}); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Messages(channel.ID)); n != 6 {
		t.Errorf("%d messages, want 6", n)
	}
}

func TestQuestionsThatCannotBeAnswered(t *testing.T) {
	t.Parallel()
	answer := elizatest.Model(func(ctx context.Context, r core.TextRequest) (string, error) {
		switch elizatest.Last(r) {
		case "fail":
			return "", errors.New("no model")
		case "hang":
			<-ctx.Done()
			return "", ctx.Err()
		}
		return elizatest.Respond("yes"), nil
	}).Plugin()
	s := elizatest.Start(t, eliza.WithPlugins(answer))
	hurried := elizatest.Start(t, eliza.WithPlugins(answer), eliza.WithTurnTimeout(200*time.Millisecond))
	hurried.Agent("Ada")
	agent, user := s.Agent("Ada"), core.NewUUID()
	on := func(text string) *elizatest.Server {
		if text == "hang" {
			return hurried
		}
		return s
	}
	last := func(agent, user core.UUID, text string) (err error) {
		for _, err = range on(text).AskStream(t.Context(), agent, user, text) {
		}
		return err
	}
	for _, c := range []struct {
		name        string
		agent, user core.UUID
		text        string
		code        core.Code
		stream      bool // refused before it is stored: the stream tells as well
	}{
		{"no such agent", core.NewUUID(), user, "x", core.CodeNotFound, true},
		{"no user", agent, "nobody", "x", core.CodeBadRequest, true},
		{"nothing said", agent, user, "  ", core.CodeBadRequest, true},
		{"the model fails", agent, user, "fail", core.CodeModel, false},
		{"the model hangs", agent, user, "hang", core.CodeTimeout, false},
	} {
		if _, err := on(c.text).Ask(t.Context(), c.agent, c.user, c.text); core.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want code %s", c.name, err, c.code)
		}
		if err := last(c.agent, c.user, c.text); c.stream && core.CodeOf(err) != c.code {
			t.Errorf("%s, streamed: %v, want code %s", c.name, err, c.code)
		} else if !c.stream && err != nil {
			t.Errorf("%s, streamed: %v", c.name, err)
		}
	}
	err := s.WithTx(t.Context(), func(ctx context.Context, _ *gorm.DB) error {
		_, err := s.Ask(ctx, agent, user, "hello")
		return err
	})
	if err == nil {
		t.Error("a question inside a transaction waits for itself")
	}

	if err := s.Agents().Stop(t.Context(), agent); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Ask(t.Context(), agent, user, "x"); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("an agent that does not run: %v", err)
	}
}

func TestLeavingAQuestionCancelsNothing(t *testing.T) {
	t.Parallel()
	begun, block := make(chan struct{}, 1), make(chan struct{})
	s := elizatest.Start(t, eliza.WithPlugins(elizatest.Model(func(_ context.Context, r core.TextRequest) (string, error) {
		if elizatest.Last(r) == "block" {
			begun <- struct{}{}
			<-block
		}
		return elizatest.Respond("yes"), nil
	}).Plugin()))
	agent, user := s.Agent("Ada"), core.NewUUID()
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan error, 1)
	go func() {
		_, err := s.Ask(ctx, agent, user, "block")
		asked <- err
	}()
	<-begun
	cancel()
	if err := <-asked; !errors.Is(err, context.Canceled) {
		t.Errorf("who leaves gets %v", err)
	}
	close(block)
	if _, err := s.Ask(t.Context(), agent, user, "and now?"); err != nil {
		t.Fatal(err)
	}
	channel, _ := s.Messaging().DM(t.Context(), core.DefaultServerID, user, agent)
	answers := 0
	for _, m := range s.Messages(channel.ID) {
		if m["content"] == "yes" {
			answers++
		}
	}
	if answers != 2 {
		t.Errorf("%d answers are stored, want that nobody waited for as well", answers)
	}
}
