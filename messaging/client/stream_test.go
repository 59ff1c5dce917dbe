package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/messaging/client"
	"github.com/eliza-go/eliza/runtime/core"
)

// kindsOf are the types of events, runs of the same one told once.
func kindsOf(events []client.Event) string {
	var out []string
	for _, e := range events {
		name := strings.TrimPrefix(fmt.Sprintf("%T", e), "*client.")
		if len(out) == 0 || out[len(out)-1] != name {
			out = append(out, name)
		}
	}
	return strings.Join(out, " ")
}

func TestAnAnswerIsStreamed(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin()))
	c := s.API(client.WithEntity(core.NewUUID(), "Bob"))
	n := client.NewMessage{ID: core.NewUUID(), Channel: core.NewUUID(), Agent: s.Agent("Ada"), Text: "good morning"}
	for turn, want := range []string{"MessageStored StreamChunk MessageBroadcast Done", "MessageStored MessageBroadcast Done"} {
		var all []client.Event
		pieces := ""
		for e, err := range c.Messaging.Stream(t.Context(), n) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, e)
			if e, ok := e.(*client.StreamChunk); ok {
				pieces += e.Text
			}
		}
		done := all[len(all)-1].(*client.Done)
		if kindsOf(all) != want || done.Text != "You said: good morning" || len(done.Replies) != 1 || turn == 0 && pieces != done.Text {
			t.Errorf("got %s, the pieces %q, the end %+v", kindsOf(all), pieces, done)
		}
		if m := all[0].(*client.MessageStored); m.ID != n.ID || m.AuthorName != "Bob" || m.Seq != 1 {
			t.Errorf("stored %+v", m)
		}
	}
}

func TestABrokenAnswer(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]error{
		"event: chunk\ndata: {\"chunk\":\"a\"}\n\n":  io.ErrUnexpectedEOF,
		"event: error\ndata: {\"error\":\"no\"}\n\n": &core.Error{Code: core.CodeProcessing},
		"event: error\ndata: x\n\n":                  &core.Error{Code: core.CodeProcessing},
		"event: user_message\ndata: {\n\n":           nil,
	} {
		c, _ := scripted(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, body)
		})
		var last error
		for _, err := range c.Messaging.Stream(t.Context(), client.NewMessage{Channel: core.NewUUID(), Text: "x"}) {
			last = err
		}
		if last == nil || want != nil && !errors.Is(last, want) {
			t.Errorf("%q: %v, want %v", body, last, want)
		}
	}
}

func TestAChannelIsFollowedOverBrokenConnections(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin()))
	p := newProxy(t, s.Base)
	user, agent := core.NewUUID(), s.Agent("Ada")
	direct := s.API(client.WithEntity(user, ""))
	channel, err := direct.Channels.Direct(t.Context(), user, agent)
	if err != nil {
		t.Fatal(err)
	}
	say := func(text string) {
		if _, err := direct.Messaging.Ask(t.Context(), client.NewMessage{Channel: channel.ID, Text: text}); err != nil {
			t.Error(err)
		}
	}
	say("before")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	at, last := int64(0), int64(0)
	for e, err := range elizatest.API(t, p.url()).Messaging.Follow(ctx, channel.ID, client.After(0)) {
		if err != nil {
			t.Fatal(err)
		}
		switch e := e.(type) {
		case *client.MessageBroadcast:
			at = e.Seq
		case *client.MessageComplete:
			at = e.Seq
			p.cut()
			if at < 12 {
				say("again")
			} else if err := direct.Channels.Delete(ctx, channel.ID); err != nil {
				t.Fatal(err)
			}
		case *client.ChannelDeleted, *client.ControlMessage, *client.StreamChunk:
			continue
		default:
			t.Fatalf("got %+v", e)
		}
		if at != last+1 {
			t.Fatalf("number %d came after %d", at, last)
		}
		if last = at; last == 12 {
			break
		}
	}
	if last != 12 {
		t.Errorf("the last number was %d", last)
	}
	for _, err := range direct.Messaging.Follow(ctx, channel.ID, client.Position{}) {
		if core.CodeOf(err) != core.CodeChannelNotFound {
			t.Errorf("a channel that is gone: %v", err)
		}
	}
}

func TestAGapInWhatIsFollowed(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t)
	c := s.API(client.WithEntity(core.NewUUID(), ""))
	channel := core.NewUUID()
	if _, err := c.Messaging.Send(t.Context(), client.NewMessage{Channel: channel, Text: "x"}); err != nil {
		t.Fatal(err)
	}
	for e, err := range c.Messaging.Follow(t.Context(), channel, client.After(77)) {
		if g, ok := e.(*client.Gap); !ok || err != nil || g.After != 77 || g.Seq != 2 || g.ChannelID != channel {
			t.Errorf("got %+v, %v", e, err)
		}
		break
	}
}
