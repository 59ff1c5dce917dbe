package client_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/messaging/client"
	"github.com/eliza-go/eliza/runtime/core"
)

// numbers checks that the changes of channels come once and in order.
type numbers map[core.UUID]int64

// see returns the number of an event, 0 when it has none.
func (n numbers) see(t *testing.T, e client.Event) int64 {
	t.Helper()
	var channel core.UUID
	var seq int64
	switch e := e.(type) {
	case *client.MessageBroadcast:
		channel, seq = e.ChannelID, e.Seq
	case *client.MessageComplete:
		channel, seq = e.ChannelID, e.Seq
	case *client.MessageDeleted:
		channel, seq = e.ChannelID, e.Seq
	case *client.Gap:
		t.Fatalf("a gap: %+v", e)
	default:
		return 0
	}
	if n[channel]++; n[channel] != seq {
		t.Fatalf("number %d of %s came where %d was due", seq, channel, n[channel])
	}
	return seq
}

// until reads events until n changes of each channel have come.
func (n numbers) until(t *testing.T, s *client.Socket, channels []core.UUID, want int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for e, err := range s.Events(ctx) {
		if err != nil {
			t.Fatalf("so far %v: %v", n, err)
		}
		n.see(t, e)
		left := len(channels)
		for _, c := range channels {
			if n[c] >= want {
				left--
			}
		}
		if left == 0 {
			return
		}
	}
}

func newIDs(n int) (ids []core.UUID) {
	for range n {
		ids = append(ids, core.NewUUID())
	}
	return ids
}

func TestASocketSurvivesBrokenConnections(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t)
	web := httptest.NewServer(s.Handler()) // nobody compares answers that are cut off
	defer web.Close()
	p, channels := newProxy(t, web.URL), newIDs(5)
	c := elizatest.API(t, p.url(), client.WithEntity(core.NewUUID(), ""), client.WithRetry(client.Retry{Attempts: 10, Min: 5 * time.Millisecond, Max: 200 * time.Millisecond}))
	sock := elizatest.Connected(t, c, client.SocketOptions{})
	for _, id := range channels {
		elizatest.Joined(t, sock, id, client.After(0))
	}
	const each = 60 // messages, with their completions twice as many changes
	ctx, stop := context.WithCancel(t.Context())
	var work sync.WaitGroup
	defer work.Wait()
	defer stop()
	for _, id := range channels {
		work.Go(func() {
			for i := range each / 2 {
				if _, err := c.Messaging.Send(ctx, client.NewMessage{Channel: id, Text: fmt.Sprint(i)}); err != nil {
					t.Error(err)
				}
				if _, err := sock.Send(ctx, client.NewMessage{Channel: id, Text: fmt.Sprint(i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	work.Go(func() {
		tick := time.NewTicker(60 * time.Millisecond)
		defer tick.Stop()
		for range 12 {
			select {
			case <-tick.C:
				p.cut()
			case <-ctx.Done():
				return
			}
		}
	})
	numbers{}.until(t, sock, channels, 2*each)
	for _, id := range channels {
		page, err := s.API().Messaging.List(t.Context(), id, client.MessageQuery{Limit: 1000})
		if err != nil || len(page.Messages) != each || page.Seq != 2*each {
			t.Errorf("%d messages, number %d, %v", len(page.Messages), page.Seq, err)
		}
	}
}

func TestASocketSurvivesARestart(t *testing.T) {
	t.Parallel()
	db := eliza.WithDatabase(filepath.Join(t.TempDir(), "eliza.db"))
	first := elizatest.Start(t, db)
	p := newProxy(t, first.Base)
	c := elizatest.API(t, p.url(), client.WithEntity(core.NewUUID(), ""))
	sock := elizatest.Connected(t, c, client.SocketOptions{})
	channels, seen := newIDs(3), numbers{}
	for _, id := range channels {
		elizatest.Joined(t, sock, id, client.Position{})
		if _, err := sock.Send(t.Context(), client.NewMessage{Channel: id, Text: "before"}); err != nil {
			t.Fatal(err)
		}
	}
	seen.until(t, sock, channels, 2)
	if err := first.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	for _, id := range channels {
		work.Go(func() { // begins before there is a server again
			if ack, err := sock.Send(t.Context(), client.NewMessage{Channel: id, Text: "after"}); err != nil || ack.Seq < 3 {
				t.Errorf("%+v, %v", ack, err)
			}
		})
	}
	elizatest.Until[*client.Disconnected](t, sock, nil)
	second := elizatest.Start(t, db)
	for _, id := range channels { // perhaps before the socket is back
		if _, err := second.API().Messaging.Send(t.Context(), client.NewMessage{Channel: id, Text: "meanwhile", Author: core.NewUUID()}); err != nil {
			t.Fatal(err)
		}
	}
	p.lead(second.Base)
	seen.until(t, sock, channels, 6)
	work.Wait()
}

func TestASlowReaderCatchesUp(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t)
	c, channels := s.API(client.WithEntity(core.NewUUID(), "")), newIDs(2)
	sock := elizatest.Connected(t, c, client.SocketOptions{Buffer: 8})
	for _, id := range channels {
		elizatest.Joined(t, sock, id, client.Position{})
	}
	for i := range 50 { // while nothing is read, sending goes on
		for _, id := range channels {
			if _, err := sock.Send(t.Context(), client.NewMessage{Channel: id, Text: fmt.Sprint(i)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	numbers{}.until(t, sock, channels, 100)
}

func TestWhatIsTooMuchToTellIsAGap(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t)
	p := newProxy(t, s.Base)
	c, direct, channel := elizatest.API(t, p.url()), s.API(client.WithEntity(core.NewUUID(), "")), core.NewUUID()
	sock := elizatest.Connected(t, c, client.SocketOptions{})
	elizatest.Joined(t, sock, channel, client.Position{})
	say := func() {
		t.Helper()
		if _, err := direct.Messaging.Send(t.Context(), client.NewMessage{Channel: channel, Text: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	say()
	elizatest.Until[*client.MessageComplete](t, sock, nil)
	p.lead("http://127.0.0.1:1")
	p.cut()
	elizatest.Until[*client.Disconnected](t, sock, nil)
	for range 260 { // and as many completions
		say()
	}
	p.lead(s.Base)
	if g, all := elizatest.Until[*client.Gap](t, sock, nil); g.After != 2 || g.Seq != 522 || kindsOf(all) != "Connected Gap" {
		t.Errorf("got %s and %+v", kindsOf(all), g)
	}
	say()
	if e, _ := elizatest.Until[*client.MessageBroadcast](t, sock, nil); e.Seq != 523 {
		t.Errorf("then number %d", e.Seq)
	}
}

func TestManyRoomsAreJoinedAgainWithinTheServersRate(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithSocketRate(100))
	p := newProxy(t, s.Base)
	channels := newIDs(100)
	sock := elizatest.Connected(t, elizatest.API(t, p.url()), client.SocketOptions{})
	for _, id := range channels {
		elizatest.Joined(t, sock, id, client.Position{})
	}
	p.cut()
	elizatest.Until[*client.Connected](t, sock, nil)
	direct := s.API(client.WithEntity(core.NewUUID(), ""))
	for _, id := range channels {
		if _, err := direct.Messaging.Send(t.Context(), client.NewMessage{Channel: id, Text: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	numbers{}.until(t, sock, channels, 2)
}
