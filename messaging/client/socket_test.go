package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/messaging/client"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestATurnOverASocket(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin()))
	user, agent, channel := core.NewUUID(), s.Agent("Ada"), core.NewUUID()
	sock := elizatest.Connected(t, s.API(client.WithEntity(user, "Bob")), client.SocketOptions{})
	if j := elizatest.Joined(t, sock, channel, client.Position{}); j.Seq != 0 || len(j.Participants) != 0 || j.Gap {
		t.Errorf("joined %+v", j)
	}
	n := client.NewMessage{Channel: channel, Agent: agent, Text: "good morning", ID: core.NewUUID()}
	ack, err := sock.Send(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	done, all := elizatest.Until[*client.MessageComplete](t, sock, nil)
	if want := "MessageBroadcast ControlMessage StreamChunk MessageBroadcast ControlMessage MessageComplete"; kindsOf(all) != want {
		t.Errorf("got %s, want %s", kindsOf(all), want)
	}
	own, reply := all[0].(*client.MessageBroadcast), all[len(all)-3].(*client.MessageBroadcast)
	if own.ID != ack.MessageID || own.ClientMessageID != string(n.ID) || ack.ClientMessageID != string(n.ID) || own.SenderID != user || own.SenderName != "Bob" || ack.Seq != 1 {
		t.Errorf("sent %+v, acknowledged %+v", own, ack)
	}
	if reply.Text != "You said: good morning" || reply.InReplyTo != own.ID || reply.SenderID != agent || len(reply.Actions) != 1 || done.Results[0].Responses[0] != reply.ID {
		t.Errorf("reply %+v, completion %+v", reply, done)
	}
	again, err := sock.Send(t.Context(), n)
	if err != nil || !again.Duplicate || again.MessageID != ack.MessageID {
		t.Errorf("sent again: %+v, %v", again, err)
	}
}

func TestRoomsOfASocket(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t)
	c := s.API(client.WithEntity(core.NewUUID(), ""))
	sock, other := elizatest.Connected(t, c, client.SocketOptions{}), elizatest.Connected(t, c, client.SocketOptions{})
	channel := core.NewUUID()
	say := func(text string) {
		t.Helper()
		if _, err := other.Send(t.Context(), client.NewMessage{Channel: channel, Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	say("1") // and its completion
	if j := elizatest.Joined(t, sock, core.UUID(strings.ToUpper(string(channel))), client.After(1)); j.Seq != 2 {
		t.Errorf("joined %+v", j)
	}
	if _, err := sock.Join(t.Context(), client.Join{Channel: channel}); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("joined twice: %v", err)
	}
	if _, err := sock.Join(t.Context(), client.Join{Channel: "x"}); core.CodeOf(err) != core.CodeInvalidID {
		t.Errorf("joined nothing: %v", err)
	}
	if e, all := elizatest.Until[*client.MessageComplete](t, sock, nil); e.Seq != 2 || len(all) != 1 {
		t.Errorf("missed %s", kindsOf(all))
	}
	if err := sock.Leave(t.Context(), channel); err != nil {
		t.Fatal(err)
	}
	say("2")
	elizatest.Joined(t, sock, channel, client.Position{})
	say("3")
	if e, all := elizatest.Until[*client.MessageComplete](t, sock, nil); e.Seq != 6 || len(all) != 2 {
		t.Errorf("after a pause: %s", kindsOf(all))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sock.Join(ctx, client.Join{Channel: core.NewUUID()}); !errors.Is(err, context.Canceled) {
		t.Errorf("joined without time: %v", err)
	}
	if err := sock.Leave(t.Context(), core.NewUUID()); err != nil {
		t.Error(err)
	}
	for range 20 { // in whatever state it is met
		id := core.NewUUID()
		asked := make(chan error, 1)
		go func() {
			_, err := sock.Join(t.Context(), client.Join{Channel: id})
			asked <- err
		}()
		elizatest.Eventually(t, "the join is over", func() bool {
			if err := sock.Leave(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-asked:
				if err != nil && core.CodeOf(err) != core.CodeConflict {
					t.Errorf("joined and left: %v", err)
				}
				return true
			default:
				return false
			}
		})
	}
	if _, err := sock.Send(t.Context(), client.NewMessage{Channel: channel, Text: "x", Author: "x"}); core.CodeOf(err) != core.CodeInvalidID {
		t.Errorf("sent as nobody: %v", err)
	}
	if _, err := sock.Send(t.Context(), client.NewMessage{Channel: channel, Text: strings.Repeat("x", 1_000_000)}); core.CodeOf(err) != core.CodePayloadTooLarge {
		t.Errorf("sent too much: %v", err)
	}
}

func TestAClosedSocket(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t)
	sock := elizatest.Connected(t, s.API(), client.SocketOptions{})
	channel := core.NewUUID()
	elizatest.Joined(t, sock, channel, client.Position{})
	if _, err := sock.Send(t.Context(), client.NewMessage{Channel: channel, Text: "x", Author: core.NewUUID()}); err != nil {
		t.Fatal(err)
	}
	elizatest.Until[*client.MessageComplete](t, sock, nil)
	for range 2 {
		if err := sock.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for e, err := range sock.Events(t.Context()) {
		t.Errorf("got %v, %v", e, err)
	}
	if _, err := sock.Join(t.Context(), client.Join{Channel: core.NewUUID()}); !errors.Is(err, client.ErrClosed) {
		t.Errorf("joined: %v", err)
	}
	if _, err := sock.Send(t.Context(), client.NewMessage{Channel: channel, Text: "x"}); !errors.Is(err, client.ErrClosed) {
		t.Errorf("sent: %v", err)
	}
	if err := sock.SubscribeLogs(t.Context(), client.LogFilter{}); !errors.Is(err, client.ErrClosed) {
		t.Errorf("subscribed: %v", err)
	}
}

func TestWhoIsRefused(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithAPIKey("k"))
	if _, err := s.API(client.WithAPIKey("wrong")).Dial(t.Context(), client.SocketOptions{}); core.CodeOf(err) != core.CodeUnauthorized {
		t.Errorf("a wrong key: %v", err)
	}
	if _, err := s.API(client.WithAPIKey("k"), client.WithEntity("x", "")).Dial(t.Context(), client.SocketOptions{}); core.CodeOf(err) != core.CodeForbidden {
		t.Errorf("nobody: %v", err)
	}
	if _, err := elizatest.API(t, s.Base+"/elsewhere").Dial(t.Context(), client.SocketOptions{}); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("another path: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.API().Dial(ctx, client.SocketOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("no time: %v", err)
	}

	p := newProxy(t, s.Base)
	sock := elizatest.Connected(t, elizatest.API(t, p.url(), client.WithAPIKey("k")), client.SocketOptions{})
	p.lead(elizatest.Start(t, eliza.WithAPIKey("another")).Base)
	p.cut()
	var last error
	for _, err := range sock.Events(t.Context()) {
		last = err
	}
	if core.CodeOf(last) != core.CodeUnauthorized {
		t.Errorf("the socket ended with %v", last)
	}
	if _, err := sock.Join(t.Context(), client.Join{Channel: core.NewUUID()}); core.CodeOf(err) != core.CodeUnauthorized {
		t.Errorf("joined: %v", err)
	}
}

func TestTheLogIsFollowed(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t)
	p := newProxy(t, s.Base)
	c := elizatest.API(t, p.url())
	sock := elizatest.Connected(t, c, client.SocketOptions{})
	if err := sock.SubscribeLogs(t.Context(), client.LogFilter{Level: "warn"}); err != nil {
		t.Fatal(err)
	}
	write := func(level, text string) {
		t.Helper()
		if _, err := s.API().Runtime.AddLogs(t.Context(), []client.ClientLog{{Level: level, Message: text}}, client.ServerLogQuery{}); err != nil {
			t.Fatal(err)
		}
	}
	says := func(text string) func(*client.LogStream) bool {
		return func(e *client.LogStream) bool { return e.Entry.Message == text }
	}
	write("info", "unseen")
	write("warn", "first")
	if _, all := elizatest.Until(t, sock, says("first")); strings.Contains(fmt.Sprintf("%+v", all), "unseen") {
		t.Error("the filter lets everything pass")
	}
	p.cut()
	elizatest.Until[*client.Connected](t, sock, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	seen := make(chan struct{})
	go func() {
		defer close(seen)
		for e, err := range sock.Events(ctx) {
			if l, ok := e.(*client.LogStream); err != nil || ok && l.Entry.Message == "second" {
				return
			}
		}
	}()
	elizatest.Eventually(t, "the log is followed again", func() bool {
		write("warn", "second")
		select {
		case <-seen:
			return ctx.Err() == nil
		default:
			return false
		}
	})
	if err := sock.UnsubscribeLogs(t.Context()); err != nil {
		t.Fatal(err)
	}
}
