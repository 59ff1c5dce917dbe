package eliza_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/messaging/client"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestAMessageIsAnsweredOnEveryTransport(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"websocket", "http", "sse"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin()))
			agent, user, channel := s.Agent("Ada"), core.NewUUID(), core.NewUUID()
			sock := elizatest.Dial(t, s.Base, map[string]any{"entityId": user}, nil)
			sock.Emit("1", map[string]any{"channelId": channel, "entityId": user})
			sock.Wait("channel_joined", nil)

			a := s.Say(channel, user, agent, "good morning", transport)
			switch transport {
			case "sse":
				a.Want(200)
				if text := string(a.Raw); !strings.Contains(text, "event: user_message\n") || strings.Count(text, "event: done\n") != 1 ||
					!strings.Contains(text, `"text":"You said: good morning"`) {
					t.Errorf("stream = %s", text)
				}
			case "http":
				reply, _ := a.Want(201).Body["agentResponse"].(map[string]any)
				if reply["text"] != "You said: good morning" {
					t.Errorf("agentResponse = %v", reply)
				}
			default:
				a.Want(201)
			}

			sock.Wait("messageComplete", nil)
			if got, want := frames(sock), "messageBroadcast:user disable_input chunks messageBroadcast:agent enable_input messageComplete"; got != want {
				t.Errorf("the room got %q, want %q", got, want)
			}
			said := s.Messages(channel)
			if len(said) != 2 || said[1]["content"] != "You said: good morning" || said[1]["inReplyToRootMessageId"] != said[0]["id"] {
				t.Errorf("stored: %v", said)
			}
			var pieces strings.Builder
			for _, c := range sock.Named("messageStreamChunk") {
				pieces.WriteString(c["chunk"].(string))
				if c["messageId"] != said[1]["id"] {
					t.Errorf("chunk of %v, want the id of the reply %v", c["messageId"], said[1]["id"])
				}
			}
			if pieces.String() != "You said: good morning" {
				t.Errorf("the pieces make %q", pieces.String())
			}
		})
	}
}

// frames is what a socket got for a turn, chunks as one word.
func frames(s *elizatest.Socket) string {
	var out []string
	for _, e := range s.Events() {
		switch e.Name {
		case "messageBroadcast":
			who := "user"
			if e.Data["source"] == "agent_response" {
				who = "agent"
			}
			out = append(out, e.Name+":"+who)
		case "controlMessage":
			out = append(out, e.Data["action"].(string))
		case "messageStreamChunk":
			if out[len(out)-1] != "chunks" {
				out = append(out, "chunks")
			}
		case "messageComplete":
			out = append(out, e.Name)
		}
	}
	return strings.Join(out, " ")
}

func TestTwentyQuickMessagesAreAnsweredInOrder(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin()))
	agent, user, channel := s.Agent("Ada"), core.NewUUID(), core.NewUUID()
	sock := elizatest.Dial(t, s.Base, map[string]any{"entityId": user}, nil)
	sock.Emit("1", map[string]any{"channelId": channel})
	var want []string
	for i := range 20 {
		text := fmt.Sprintf("message %d", i)
		want = append(want, "You said: "+text)
		sock.Emit("2", map[string]any{
			"channelId": channel, "senderId": user, "serverId": core.DefaultServerID, "message": text, "messageId": text,
			"metadata": map[string]any{"isDm": true, "targetUserId": agent},
		})
	}
	sock.WaitCount("messageComplete", 20)
	var got []string
	var last float64
	for _, m := range sock.Named("messageBroadcast") {
		if m["senderId"] == string(agent) {
			got = append(got, m["text"].(string))
		}
		if seq := m["seq"].(float64); seq <= last {
			t.Errorf("seq %v after %v", seq, last)
		} else {
			last = seq
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("answers: %q", got)
	}
}

func TestChannelsOverlap(t *testing.T) {
	t.Parallel()
	var meet sync.WaitGroup // done when all five turns are under way at once
	meet.Add(5)
	model := elizatest.Model(func(ctx context.Context, r core.TextRequest) (string, error) {
		meet.Done()
		all := make(chan struct{})
		go func() { meet.Wait(); close(all) }()
		select {
		case <-all:
			return elizatest.Respond("together"), nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	})
	s := elizatest.Start(t, eliza.WithPlugins(model.Plugin()))
	agent := s.Agent("Ada")
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			a := s.Say(core.NewUUID(), core.NewUUID(), agent, "hello", "http")
			if reply, _ := a.Body["agentResponse"].(map[string]any); reply["text"] != "together" {
				t.Errorf("answer: %.300s", a.Raw)
			}
		})
	}
	wg.Wait()
}

func TestWhateverAnAgentDoesItsMessageCompletes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		model  func(ctx context.Context) (string, error)
		status string // of the message
		result string // of the agent
	}{
		{"fails", func(context.Context) (string, error) { return "", errors.New("no model today") }, "error", "failed"},
		{"panics", func(context.Context) (string, error) { panic("boom") }, "error", "failed"},
		{"hangs", func(ctx context.Context) (string, error) { <-ctx.Done(); return "", ctx.Err() }, "error", "timeout"},
		{"ignores", func(context.Context) (string, error) {
			return "<response><thought>no</thought><actions>IGNORE</actions><text></text></response>", nil
		}, "completed", "ignored"},
		{"talks without any tag", func(context.Context) (string, error) { return "just words", nil }, "completed", "responded"},
		{"says nothing at all", func(context.Context) (string, error) { return "", nil }, "error", "failed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			model := elizatest.Model(func(ctx context.Context, r core.TextRequest) (string, error) {
				if elizatest.Last(r) == "and now?" {
					return elizatest.Respond("fine"), nil
				}
				return tc.model(ctx)
			})
			s := elizatest.Start(t, eliza.WithPlugins(model.Plugin()), eliza.WithTurnTimeout(500*time.Millisecond))
			agent, user, channel := s.Agent("Ada"), core.NewUUID(), core.NewUUID()
			sock := elizatest.Dial(t, s.Base, nil, nil)
			sock.Emit("1", map[string]any{"channelId": channel})
			sock.Wait("channel_joined", nil)
			s.Say(channel, user, agent, "hello", "websocket").Want(201)
			done := sock.Wait("messageComplete", nil)
			result := done["results"].([]any)[0].(map[string]any)
			if done["status"] != tc.status || result["status"] != tc.result {
				t.Errorf("messageComplete = %v, want %s and %s", done, tc.status, tc.result)
			}
			if text := frames(sock); strings.Count(text, "enable_input") != 1 || strings.Count(text, "messageComplete") != 1 {
				t.Errorf("the room got %q", text)
			}
			s.Say(channel, user, agent, "and now?", "websocket").Want(201)
			if got := sock.WaitCount("messageComplete", 2)[1]; got["status"] != "completed" {
				t.Errorf("the next message: %v", got)
			}
		})
	}
}

func TestAFailingProviderCostsNoAnswer(t *testing.T) {
	t.Parallel()
	broken := plugin.Plugin{Name: "broken", Providers: []plugin.Provider{
		{Name: "PANICS", Get: func(context.Context, *plugin.Call) (plugin.Data, error) { panic("boom") }},
		{Name: "FAILS", Get: func(context.Context, *plugin.Call) (plugin.Data, error) {
			return plugin.Data{}, errors.New("no data")
		}},
	}}
	s := elizatest.Start(t, eliza.WithPlugins(broken, elizatest.Echo().Plugin()))
	a := s.Say(core.NewUUID(), core.NewUUID(), s.Agent("Ada"), "still there?", "http").Want(201)
	if reply, _ := a.Body["agentResponse"].(map[string]any); reply["text"] != "You said: still there?" {
		t.Errorf("answer: %s", a.Raw)
	}
}

func TestAgentsAnswerEachOtherOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		opts    []eliza.Option
		answers int
	}{
		{"off by default: both answer the user once", nil, 2},
		{"on, at most three in a row", []eliza.Option{eliza.WithAgentToAgent(3)}, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := elizatest.Start(t, append(tc.opts, eliza.WithPlugins(elizatest.Echo().Plugin()))...)
			ada, bob, user := s.Agent("Ada"), s.Agent("Bob"), core.NewUUID()
			channel, _ := s.Post("/api/messaging/central-channels", map[string]any{
				"name": "two agents", "type": "DM", "server_id": core.DefaultServerID, "participantCentralUserIds": []core.UUID{user, ada, bob},
			}).Want(201).Data()["id"].(string)
			s.Post("/api/messaging/channels/"+channel+"/messages", map[string]any{
				"author_id": user, "server_id": core.DefaultServerID, "content": "hello", "transport": "http",
			}).Want(201)
			count := func() (n int) {
				for _, m := range s.Messages(core.UUID(channel)) {
					if m["authorId"] != string(user) {
						n++
					}
				}
				return n
			}
			elizatest.Eventually(t, "enough answers", func() bool { return count() >= tc.answers })
			// Another question is answered after everything that was under way in both lanes.
			s.Post("/api/messaging/channels/"+channel+"/messages", map[string]any{
				"author_id": user, "server_id": core.DefaultServerID, "content": "enough", "transport": "http", "metadata": map[string]any{"targetAgentId": ada},
			}).Want(201)
			if tc.opts == nil {
				if n := count(); n != 3 {
					t.Errorf("%d agent messages, want one of each to the first question and one to the second", n)
				}
				return
			}
			longest, run := 0, 0
			for _, m := range s.Messages(core.UUID(channel)) {
				if run++; m["authorId"] == string(user) {
					run = 0
				}
				longest = max(longest, run)
			}
			if longest < 3 || longest > 6 { // the third in a row is the last that is delivered; answers may be under way
				t.Errorf("%d agent messages in a row", longest)
			}
		})
	}
}

func TestAClientMessageIDMakesASendRepeatable(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin()))
	c, channel := s.API(client.WithEntity(core.NewUUID(), "")), core.NewUUID()
	sock := elizatest.Connected(t, c, client.SocketOptions{})
	elizatest.Joined(t, sock, channel, client.Position{})
	message := client.NewMessage{ID: core.NewUUID(), Channel: channel, Agent: s.Agent("Ada"), Text: "once"}
	var acks [2]*client.Ack
	for i := range acks {
		var err error
		if acks[i], err = sock.Send(t.Context(), message); err != nil {
			t.Fatal(err)
		}
	}
	if acks[0].MessageID != acks[1].MessageID || !acks[1].Duplicate || acks[0].Duplicate {
		t.Errorf("acknowledgements: %+v, %+v", acks[0], acks[1])
	}
	elizatest.Until[*client.MessageComplete](t, sock, nil)
	if said, err := c.Messaging.List(t.Context(), channel, client.MessageQuery{}); err != nil || len(said.Messages) != 2 {
		t.Errorf("stored: %+v, %v", said, err)
	}
}

func TestDeletingAMessageCancelsItsTurn(t *testing.T) {
	t.Parallel()
	began := make(chan struct{})
	model := elizatest.Model(func(ctx context.Context, r core.TextRequest) (string, error) {
		if elizatest.Last(r) != "never mind" {
			return elizatest.Respond("ok"), nil
		}
		close(began)
		<-ctx.Done()
		return "", ctx.Err()
	})
	s := elizatest.Start(t, eliza.WithPlugins(model.Plugin()))
	c, agent, channel := s.API(client.WithEntity(core.NewUUID(), "")), s.Agent("Ada"), core.NewUUID()
	sock := elizatest.Connected(t, c, client.SocketOptions{})
	elizatest.Joined(t, sock, channel, client.Position{})
	sent, err := c.Messaging.Send(t.Context(), client.NewMessage{Channel: channel, Agent: agent, Text: "never mind"})
	if err != nil {
		t.Fatal(err)
	}
	<-began
	if err := c.Messaging.Delete(t.Context(), channel, sent.ID); err != nil {
		t.Fatal(err)
	}
	stopped := func(e *client.MessageComplete) bool { return e.Results[0].Status == "stopped" }
	elizatest.Until(t, sock, stopped)
	elizatest.Until[*client.MessageDeleted](t, sock, nil)
	if said, err := c.Messaging.List(t.Context(), channel, client.MessageQuery{}); err != nil || len(said.Messages) != 0 {
		t.Errorf("stored: %+v, %v", said, err)
	}
	if known, err := c.Memory.List(t.Context(), agent, client.MemoryQuery{}); err != nil || len(known.Memories) != 0 {
		t.Errorf("the agent remembers %+v, %v", known, err)
	}
	if a, err := c.Messaging.Ask(t.Context(), client.NewMessage{Channel: channel, Text: "next"}); err != nil || len(a.Replies) != 1 {
		t.Errorf("the next message was answered with %+v, %v", a, err)
	}
}

func TestStoppingAnAgentEndsItsTurnsAsStopped(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin()))
	c, agent, channel := s.API(client.WithEntity(core.NewUUID(), "")), s.Agent("Ada"), core.NewUUID()
	for _, turn := range []struct {
		before  func(context.Context, core.UUID) error
		text    string
		replies int
	}{{c.Agents.Start, "hello", 1}, {c.Agents.Stop, "anybody?", 0}, {c.Agents.Start, "and now?", 1}} {
		if err := turn.before(t.Context(), agent); err != nil {
			t.Fatal(err)
		}
		a, err := c.Messaging.Ask(t.Context(), client.NewMessage{Channel: channel, Agent: agent, Text: turn.text})
		if err != nil || len(a.Replies) != turn.replies {
			t.Errorf("%s: %+v, %v; want %d replies", turn.text, a, err, turn.replies)
		}
	}
}
