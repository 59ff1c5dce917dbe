package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/eliza-go/eliza/messaging/socketio"
)

// stalled connects a client that reads nothing more, over a pipe, which has no buffer.
func (r *rig) stalled(all chan *socketio.Socket) (*socketio.Socket, *websocket.Conn) {
	r.t.Helper()
	c := r.dial("EIO=4&transport=websocket", nil)
	for _, packet := range []string{"40", ""} {
		if _, err := readText(c); err != nil {
			r.t.Fatal(err)
		}
		if packet != "" {
			r.write(c, packet)
		}
	}
	return <-all, c
}

func TestSlowReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all, ends := make(chan *socketio.Socket, 2), newRecord()
		r := newPipeRig(t, socketio.Options{}, func(io *socketio.Server) {
			sockets(all)(io)
			io.Of("/").OnConnect(ends.watch)
		})
		slow, conn := r.stalled(all)
		quick := r.websocket(t)
		quick.connect()
		<-all
		start := time.Now()
		for i := range 300 {
			if err := r.io.Of("/").Emit("n", i); err != nil {
				t.Fatal(err)
			}
			quick.expect(fmt.Sprintf(`42["n",%d]`, i))
		}
		if time.Since(start) != 0 {
			t.Errorf("the quick client waited %v", time.Since(start))
		}
		ends.want(t, "transport error")
		if err := slow.Emit("late"); !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("Emit = %v, want %v", err, socketio.ErrClosed)
		}
		if got := r.io.Stats().ClosedSlow; got != 1 {
			t.Errorf("ClosedSlow = %d, want 1", got)
		}
		// It wakes up: what was under way comes, and then the reason.
		n := 0
		for ; ; n++ {
			got, err := readText(conn)
			if err != nil {
				if closeCode(err) != 1013 {
					t.Errorf("closed with %v, want 1013", err)
				}
				break
			}
			if got != fmt.Sprintf(`42["n",%d]`, n) {
				t.Fatalf("packet %d is %s", n, got)
			}
		}
		if n == 0 || n > 256 {
			t.Errorf("%d packets before the close", n)
		}
	})
}

// TestSlowReaderNeverWakes: its connection is cut, and nothing is left of it.
func TestSlowReaderNeverWakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := make(chan *socketio.Socket, 1)
		r := newPipeRig(t, socketio.Options{}, sockets(all))
		s, _ := r.stalled(all)
		for s.Emit("x") == nil {
		}
		time.Sleep(5 * time.Second)
		if got := r.io.Stats().Sessions; got != 0 {
			t.Errorf("%d sessions", got)
		}
	})
}

func TestQueueBounds(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 300)
	for _, c := range []struct {
		name  string
		opts  socketio.Options
		data  any
		sends int // that fit
	}{
		{"packets", socketio.Options{QueuePackets: 10}, "x", 10},
		{"attachments count", socketio.Options{QueuePackets: 10}, []byte("x"), 5},
		{"bytes", socketio.Options{QueueBytes: 1000}, large, 3},
		{"a packet larger than all", socketio.Options{QueueBytes: 100}, large, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				all := make(chan *socketio.Socket, 1)
				r := newPipeRig(t, c.opts, sockets(all))
				sid := r.session()
				s := <-all
				for i := range c.sends {
					if err := s.Emit("e", c.data); err != nil {
						t.Fatalf("packet %d: %v", i, err)
					}
				}
				if err := s.Emit("e", c.data); !errors.Is(err, socketio.ErrSlow) {
					t.Errorf("one more: %v, want %v", err, socketio.ErrSlow)
				}
				r.get(sid).want(t, "afterwards", 400, unknownSID)
			})
		})
	}
}

func TestVolatile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := make(chan *socketio.Socket, 1)
		r := newPipeRig(t, socketio.Options{QueuePackets: 4}, sockets(all))
		sid := r.session()
		s, n := <-all, r.io.Of("/")
		_ = s.Emit("a")
		_ = s.EmitVolatile("v")
		_ = n.To().Volatile().Emit("v")
		_ = s.Emit("b")
		_ = n.To().Volatile().Emit("v") // no room: this one is dropped
		if got := r.io.Stats().DroppedVolatile; got != 1 {
			t.Errorf("DroppedVolatile = %d, want 1", got)
		}
		_ = s.Emit("c") // makes room by dropping the other two
		_ = s.Emit("d")
		if got := r.io.Stats(); got.DroppedVolatile != 3 || got.ClosedSlow != 0 {
			t.Errorf("%+v, want 3 dropped and none closed", got)
		}
		r.get(sid).want(t, "get", 200, "42[\"a\"]\x1e42[\"b\"]\x1e42[\"c\"]\x1e42[\"d\"]")
	})
}

// TestWait: who sends much can keep to the client's pace.
func TestWait(t *testing.T) {
	t.Parallel()
	transports(t, func(t *testing.T, connect func(*rig) *peer) {
		all := make(chan *socketio.Socket, 1)
		r := newRig(t, socketio.Options{QueuePackets: 16}, sockets(all))
		s, p := one(t, r, connect, all)
		go func() {
			for i := range 500 {
				if s.Wait(t.Context()) != nil || s.Emit("n", i) != nil {
					return
				}
			}
		}()
		for i := range 500 {
			p.expect(fmt.Sprintf(`42["n",%d]`, i))
		}
	})
}

func TestWaitEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := make(chan *socketio.Socket, 1)
		r := newPipeRig(t, socketio.Options{QueuePackets: 2}, sockets(all))
		sid := r.session()
		s := <-all
		_ = s.Emit("a")
		_ = s.Emit("b")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait = %v, want a timeout", err)
		}
		errs := make(chan error, 1)
		go func() { errs <- s.Wait(t.Context()) }()
		synctest.Wait()
		r.post(sid, "abc")
		if err := <-errs; !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("Wait = %v, want %v", err, socketio.ErrClosed)
		}
		if err := s.Wait(t.Context()); !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("Wait afterwards = %v, want %v", err, socketio.ErrClosed)
		}
	})
}

func TestMessageSize(t *testing.T) {
	t.Parallel()
	ends := newRecord()
	r := newRig(t, socketio.Options{}, func(io *socketio.Server) {
		io.Of("/").OnConnect(echo)
		io.Of("/").OnConnect(ends.watch)
	})
	p := r.websocket(t)
	p.connect()
	exact := `421["nosuch","` + strings.Repeat("x", 1_000_000-16) + `"]`
	p.send(exact)
	p.expect(`431[{"error":"unknown event","code":"BAD_REQUEST"}]`)
	p.send(exact + " ")
	p.expectClosed()
	if p.code != 1009 {
		t.Errorf("close code %d, want 1009", p.code)
	}
	ends.want(t, "transport error")
}

// TestComeAndGo: handlers that a client leaves behind by going in and out are bounded.
func TestComeAndGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newPipeRig(t, socketio.Options{}, func(io *socketio.Server) {
			io.Of("/").OnConnect(func(s *socketio.Socket) {
				s.On("wait", func(*socketio.Event) { <-s.Context().Done() })
			})
		})
		p := r.websocket(t)
		for i := range 100 {
			p.send("40")
			if packet, ok := p.next(); !ok {
				if i != 32 {
					t.Errorf("closed after %d rounds, want 32", i)
				}
				return
			} else if !strings.HasPrefix(packet, "40") {
				t.Fatalf("got %s", packet)
			}
			p.send(`42["wait"]`, "41")
			synctest.Wait()
		}
		t.Error("not closed")
	})
}
