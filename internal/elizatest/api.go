package elizatest

import (
	"context"
	"testing"
	"time"

	"github.com/eliza-go/eliza/messaging/client"
	"github.com/eliza-go/eliza/runtime/core"
)

// API is the typed client of the server, quick to try again.
func (s *Server) API(opts ...client.Option) *client.Client {
	s.T.Helper()
	return API(s.T, s.Base, opts...)
}

// API is a typed client of the server at base, quick to try again.
func API(t testing.TB, base string, opts ...client.Option) *client.Client {
	t.Helper()
	c, err := client.New(base, append([]client.Option{client.WithRetry(client.Retry{Min: 5 * time.Millisecond, Max: 2 * time.Second})}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Connected is a socket of c that is closed with the test.
func Connected(t testing.TB, c *client.Client, o client.SocketOptions) *client.Socket {
	t.Helper()
	sock, err := c.Dial(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sock.Close() })
	return sock
}

// Joined joins the room of a channel.
func Joined(t testing.TB, s *client.Socket, channel core.UUID, from client.Position) *client.Joined {
	t.Helper()
	j, err := s.Join(t.Context(), client.Join{Channel: channel, From: from})
	if err != nil {
		t.Fatalf("join %s: %v", channel, err)
	}
	return j
}

// Until takes events of a socket up to the first of a type for which ok, unless nil, holds, and returns it, and with it
// all that came before.
func Until[E client.Event](t testing.TB, s *client.Socket, ok func(E) bool) (E, []client.Event) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var all []client.Event
	for e, err := range s.Events(ctx) {
		if err != nil {
			var want E
			t.Fatalf("waiting for %T: %v; so far %d events", want, err, len(all))
		}
		all = append(all, e)
		if is, right := e.(E); right && (ok == nil || ok(is)) {
			return is, all
		}
	}
	var want E
	t.Fatalf("waiting for %T: the socket is closed", want)
	return want, all
}
