package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eliza-go/eliza/messaging/socketio"
)

func TestShutdown(t *testing.T) {
	t.Parallel()
	ends := newRecord()
	r := newRig(t, socketio.Options{}, func(io *socketio.Server) {
		io.Of("/").OnConnect(func(s *socketio.Socket) {
			ends.watch(s)
			s.On("bye", func(*socketio.Event) { _ = s.Emit("queued") })
		})
	})
	ws := r.websocket(t)
	ws.connect()
	poll := r.polling(t)
	poll.connect()
	r.open() // one that is not connected and does not poll
	r.shutdown()
	ws.expectClosed()
	if ws.code != 1001 {
		t.Errorf("close code %d, want 1001", ws.code)
	}
	poll.expectClosed()
	ends.want(t, "server shutting down")
	ends.want(t, "server shutting down")
	if a := r.do("GET", polling, ""); a.status != 503 {
		t.Errorf("handshake afterwards: %d, want 503", a.status)
	}
	if a := r.get(poll.sid); a.status != 503 {
		t.Errorf("poll afterwards: %d, want 503", a.status)
	}
	if status, _ := r.refusedDial("EIO=4&transport=websocket", nil); status != 503 {
		t.Errorf("websocket afterwards: %d, want 503", status)
	}
	r.shutdown()
}

func TestShutdownAnswersPolls(t *testing.T) {
	t.Parallel()
	bubble(t, socketio.Options{}, namespaces, func(t *testing.T, r *rig) {
		sid := r.session()
		get := r.pending(sid)
		r.shutdown()
		(<-get).want(t, "the GET that waited", 200, "1")
	})
}

func TestShutdownUnused(t *testing.T) {
	t.Parallel()
	s := socketio.New(socketio.Options{})
	for range 2 {
		if err := s.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown() = %v", err)
		}
	}
}

// TestShutdownWaits: handlers are told by their context and waited for, as long as the caller's allows.
func TestShutdownWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stubborn := make(chan struct{})
		r := newPipeRig(t, socketio.Options{}, func(io *socketio.Server) {
			io.Of("/").OnConnect(func(s *socketio.Socket) {
				s.On("stubborn", func(*socketio.Event) { <-stubborn })
				s.On("polite", func(*socketio.Event) {
					<-s.Context().Done()
					time.Sleep(time.Second)
				})
			})
		})
		a, b := r.websocket(t), r.websocket(t)
		a.connect()
		b.connect()
		a.send(`42["polite"]`)
		b.send(`42["stubborn"]`)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if err := r.io.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown() = %v, want a timeout", err)
		}
		close(stubborn)
		start := time.Now()
		if err := r.io.Shutdown(t.Context()); err != nil || time.Since(start) > time.Second {
			t.Errorf("second Shutdown() = %v after %v", err, time.Since(start))
		}
	})
}

// TestShutdownStalledClients: who neither reads nor finishes its request does not hold it up for long.
func TestShutdownStalledClients(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := make(chan *socketio.Socket, 1)
		r := newPipeRig(t, socketio.Options{}, sockets(all))
		s, _ := r.stalled(all)
		_ = s.Emit("x")
		r.raw("POST", r.open(), "Content-Length: 100\r\n")
		synctest.Wait()
		start := time.Now()
		r.shutdown()
		if got := time.Since(start); got > 5*time.Second {
			t.Errorf("Shutdown took %v", got)
		}
	})
}

// TestShutdownUnderConnects: clients that come at the very moment get in and are sent away, or are refused.
func TestShutdownUnderConnects(t *testing.T) {
	t.Parallel()
	for range 10 {
		r := newRig(t, socketio.Options{}, namespaces)
		var all sync.WaitGroup
		for i := range 10 {
			all.Go(func() {
				if i%2 == 0 {
					r.do("GET", polling, "")
					return
				}
				c, res, err := r.dialer.Dial(r.wsURL("EIO=4&transport=websocket"), nil)
				if err != nil {
					if res != nil {
						_ = res.Body.Close()
					}
					return
				}
				defer func() { _ = c.Close() }()
				for err == nil {
					_, err = readText(c)
				}
				if code := closeCode(err); code != 1001 {
					t.Errorf("closed with %d (%v), want 1001", code, err)
				}
			})
		}
		r.shutdown()
		all.Wait()
	}
}

// TestEventOrder: events are handled one by one as they came, also when a handler takes its time, and
// another socket does not wait for that.
func TestEventOrder(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	r := newRig(t, socketio.Options{}, func(io *socketio.Server) {
		n := io.Of("/")
		n.Use(func(s *socketio.Socket) error {
			s.SetData(new([]string))
			return nil
		})
		n.OnConnect(func(s *socketio.Socket) {
			log := s.Data().(*[]string) // only the socket's own functions touch it
			*log = append(*log, "connect")
			s.On("block", func(*socketio.Event) { <-release })
			s.On("log", func(e *socketio.Event) { _ = e.Ack(len(*log), (*log)[0]) })
			s.OnUnhandled(func(e *socketio.Event) { *log = append(*log, e.Name) })
			_ = s.Emit("hello")
		})
	})
	a, b := r.websocket(t), r.polling(t)
	a.send("40", `42["block"]`)
	for i := range 500 { // more than wait in memory
		a.send(fmt.Sprintf(`42["e%d"]`, i))
	}
	a.send(`421["log"]`)
	b.script("> 40␞421[\"log\"]\n< 40{\"sid\":\"*\"}\n< 42[\"hello\"]\n< 431[1,\"connect\"]\n")
	close(release)
	a.script("< 40{\"sid\":\"*\"}\n< 42[\"hello\"]\n< 431[501,\"connect\"]\n")
}
