package socketio_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/eliza-go/eliza/messaging/socketio"
)

func TestHeartbeat(t *testing.T) {
	t.Parallel()
	bubble(t, socketio.Options{}, namespaces, func(t *testing.T, r *rig) {
		start := time.Now()
		p := r.websocket(t)
		p.connect()
		for i := range 6 {
			p.await("2")
			if got, want := time.Since(start), time.Duration(i+1)*25*time.Second; got != want {
				t.Errorf("ping %d after %v, want %v", i, got, want)
			}
			time.Sleep(time.Duration(i) * 3 * time.Second) // a slow answer does not shift the next ping
			p.send("3")
		}
	})
}

// await waits for a packet for as long as it takes.
func (p *peer) await(want string) {
	p.t.Helper()
	if got, ok := <-p.in; !ok || got != want {
		p.t.Fatalf("got packet %q (open: %v), want %q", got, ok, want)
	}
}

func (p *peer) awaitEnd() {
	p.t.Helper()
	for got := range p.in {
		if got != "2" {
			p.t.Errorf("got packet %q", got)
		}
	}
}

func TestPingTimeout(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"websocket", "polling"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			ends := newRecord()
			var ended time.Time
			bubble(t, socketio.Options{}, func(io *socketio.Server) {
				io.Of("/").OnConnect(func(s *socketio.Socket) {
					s.OnDisconnect(func(string) { ended = time.Now() })
					ends.watch(s)
				})
			}, func(t *testing.T, r *rig) {
				start := time.Now()
				var p *peer
				if transport == "polling" {
					p = r.polling(t)
				} else {
					p = r.websocket(t)
				}
				p.connect()
				p.awaitEnd()
				synctest.Wait()
				if got := ended.Sub(start); got != 45*time.Second {
					t.Errorf("closed after %v, want 45s", got)
				}
				ends.want(t, "ping timeout")
				if p.ws != nil && p.code != 1005 {
					t.Errorf("close code %d, want 1005", p.code)
				}
				r.get(p.sid).want(t, "afterwards", 400, unknownSID)
			})
		})
	}
}

// TestAnyPacketIsLife: a client that sends, but whose pong is late, is not dropped.
func TestAnyPacketIsLife(t *testing.T) {
	t.Parallel()
	bubble(t, socketio.Options{}, namespaces, func(t *testing.T, r *rig) {
		p := r.websocket(t)
		p.connect()
		for range 5 {
			p.await("2")
			p.send(`42["nosuch"]`)
		}
	})
}

func TestPollingHeartbeat(t *testing.T) {
	t.Parallel()
	bubble(t, socketio.Options{}, namespaces, func(t *testing.T, r *rig) {
		sid, start := r.open(), time.Now()
		r.post(sid, "40")
		synctest.Wait()
		r.get(sid)
		for i := range 3 {
			r.get(sid).want(t, "poll", 200, "2")
			if got, want := time.Since(start), time.Duration(i+1)*25*time.Second; got != want {
				t.Errorf("ping %d after %v, want %v", i, got, want)
			}
			r.post(sid, "3").want(t, "pong", 200, "ok")
		}
	})
}

// TestPongBeyondInterval: a timeout longer than the interval leaves no two pings open.
func TestPongBeyondInterval(t *testing.T) {
	t.Parallel()
	opts := socketio.Options{PingInterval: time.Second, PingTimeout: 10 * time.Second}
	bubble(t, opts, namespaces, func(t *testing.T, r *rig) {
		p := r.websocket(t)
		p.connect()
		for range 3 {
			p.await("2")
			time.Sleep(9 * time.Second)
			select {
			case got := <-p.in:
				t.Fatalf("got %q before the pong", got)
			default:
			}
			p.send("3")
		}
	})
}

func TestConnectTimeout(t *testing.T) {
	t.Parallel()
	for _, packet := range []string{"", "40/nosuch", "40/closed"} {
		t.Run("after "+packet, func(t *testing.T) {
			t.Parallel()
			bubble(t, socketio.Options{}, namespaces, func(t *testing.T, r *rig) {
				start := time.Now()
				p := r.websocket(t)
				if packet != "" {
					p.send(packet)
					<-p.in
				}
				p.awaitEnd()
				if got := time.Since(start); got != 10*time.Second || p.code != 1005 {
					t.Errorf("closed after %v with code %d, want 10s and 1005", got, p.code)
				}
			})
		})
	}
	t.Run("middleware takes too long", func(t *testing.T) {
		t.Parallel()
		bubble(t, socketio.Options{}, func(io *socketio.Server) {
			io.Of("/").Use(func(s *socketio.Socket) error {
				<-s.Context().Done()
				return nil
			})
			io.Of("/").OnConnect(func(*socketio.Socket) { t.Error("connected") })
		}, func(t *testing.T, r *rig) {
			p := r.websocket(t)
			p.send("40")
			p.awaitEnd()
		})
	})
	t.Run("connected in time, left later", func(t *testing.T) {
		t.Parallel()
		bubble(t, socketio.Options{}, namespaces, func(t *testing.T, r *rig) {
			p := r.websocket(t)
			p.connect()
			p.send("41")
			p.await("2")
		})
	})
}

// TestHeartbeatWhileHandlersBlock: pings go out and pongs are seen while a handler keeps its socket busy, and
// a client whose connection is not read because of that is not blamed for it.
func TestHeartbeatWhileHandlersBlock(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	bubble(t, socketio.Options{}, func(io *socketio.Server) {
		release = make(chan struct{}) // of the bubble
		io.Of("/").OnConnect(func(s *socketio.Socket) {
			s.On("block", func(*socketio.Event) { <-release })
			echo(s)
		})
	}, func(t *testing.T, r *rig) {
		p := r.websocket(t)
		p.connect()
		p.send(`42["block"]`)
		p.await("2")
		p.send("3")
		done := make(chan struct{})
		go func() { // a pipe has no buffer: the server stops reading at some point
			defer close(done)
			for range 200 {
				p.send(`42["nosuch"]`)
			}
			p.send(`427["mark"]`)
		}()
		for range 4 {
			p.await("2")
		}
		close(release)
		p.await("437[]")
		<-done
	})
}

func TestProtocolPing(t *testing.T) {
	t.Parallel()
	r := newRig(t, socketio.Options{}, namespaces)
	c := r.dial("EIO=4&transport=websocket", nil)
	pongs := make(chan string, 1)
	c.SetPongHandler(func(data string) error { pongs <- data; return nil })
	if err := c.WriteControl(websocket.PingMessage, []byte("x"), time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if err := c.WriteMessage(websocket.TextMessage, []byte("40/nosuch")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := readText(c); err != nil {
			t.Fatal(err)
		}
	}
	if got := <-pongs; got != "x" {
		t.Errorf("pong %q, want x", got)
	}
}
