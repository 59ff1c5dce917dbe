package socketio_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/eliza-go/eliza/messaging/socketio"
)

// probe opens the WebSocket of an upgrade and goes as far as the answer to the probe.
func (r *rig) probe(sid string) *websocket.Conn {
	r.t.Helper()
	c := r.dial("EIO=4&transport=websocket&sid="+sid, nil)
	r.write(c, "2probe")
	if got, err := readText(c); got != "3probe" {
		r.t.Fatalf("probe answered with %q (%v)", got, err)
	}
	synctest.Wait()
	return c
}

func (r *rig) write(c *websocket.Conn, packet string) {
	r.t.Helper()
	if err := c.WriteMessage(websocket.TextMessage, []byte(packet)); err != nil {
		r.t.Fatalf("write %s: %v", packet, err)
	}
}

func (r *rig) read(c *websocket.Conn, want ...string) {
	r.t.Helper()
	for _, w := range want {
		if got, err := readText(c); got != w {
			r.t.Fatalf("read %q (%v), want %q", got, err, w)
		}
	}
}

// session opens a polling session and enters the main namespace.
func (r *rig) session() (sid string) {
	r.t.Helper()
	sid = r.open()
	r.post(sid, "40")
	synctest.Wait()
	if a := r.get(sid); !strings.HasPrefix(a.body, "40") {
		r.t.Fatalf("connect: %+v", a)
	}
	return sid
}

// sockets collects the connected sockets, so that a test can send to them.
func sockets(to chan *socketio.Socket) func(*socketio.Server) {
	return func(io *socketio.Server) {
		io.Of("/").OnConnect(func(s *socketio.Socket) {
			echo(s)
			to <- s
		})
	}
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	all := make(chan *socketio.Socket, 1)
	bubble(t, socketio.Options{}, sockets(all), func(t *testing.T, r *rig) {
		sid := r.session()
		s := <-all
		get := r.pending(sid)
		c := r.probe(sid)
		(<-get).want(t, "the GET that waited", 200, "6")
		r.get(sid).want(t, "a GET after the probe", 200, "6")

		_ = s.Emit("a")
		r.get(sid).want(t, "still by polling", 200, `42["a"]`)
		r.post(sid, `427["mark"]`).want(t, "POST before the end", 200, "ok")
		synctest.Wait()
		_ = s.Emit("b")
		_ = s.Emit("c")
		r.write(c, "5")
		r.read(c, "437[]", `42["b"]`, `42["c"]`)
		r.write(c, `428["mark"]`)
		r.read(c, "438[]")
		_ = s.Emit("d")
		r.read(c, `42["d"]`)

		r.get(sid).want(t, "GET after the upgrade", 400, badRequest)
		r.post(sid, "3").want(t, "POST after the upgrade", 400, badRequest)
		r.closedAtOnce(sid)
		r.write(c, `429["mark"]`)
		r.read(c, "439[]")
	})
}

// closedAtOnce asks for an upgrade that must be refused.
func (r *rig) closedAtOnce(sid string) {
	r.t.Helper()
	c := r.dial("EIO=4&transport=websocket&sid="+sid, nil)
	if got, err := readText(c); closeCode(err) != 1005 {
		r.t.Errorf("read %q, %v; want the WebSocket closed", got, err)
	}
}

// TestUpgradeGivesWay: a poll that comes between probe and end waits for the end.
func TestUpgradeGivesWay(t *testing.T) {
	t.Parallel()
	bubble(t, socketio.Options{}, namespaces, func(t *testing.T, r *rig) {
		sid := r.session()
		c := r.probe(sid)
		get := r.pending(sid)
		r.write(c, "5")
		(<-get).want(t, "the GET that waited", 400, badRequest)
		r.write(c, `427["mark"]`)
		r.read(c, "437[]")
	})
}

func TestUpgradeFails(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		do   func(r *rig, c *websocket.Conn)
	}{
		{"too late", func(r *rig, c *websocket.Conn) { time.Sleep(11 * time.Second) }},
		{"no probe, too late", nil},
		{"wrong packet", func(r *rig, c *websocket.Conn) { r.write(c, `42["mark"]`) }},
		{"binary", func(r *rig, c *websocket.Conn) { _ = c.WriteMessage(websocket.BinaryMessage, []byte("5")) }},
		{"hangs up", func(r *rig, c *websocket.Conn) { _ = c.Close() }},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, socketio.Options{}, namespaces, func(t *testing.T, r *rig) {
				sid := r.session()
				if tc.do == nil {
					c := r.dial("EIO=4&transport=websocket&sid="+sid, nil)
					r.closedAtOnce(sid) // one at a time
					time.Sleep(11 * time.Second)
					if _, err := readText(c); closeCode(err) != 1005 {
						t.Errorf("read: %v, want the WebSocket closed", err)
					}
				} else {
					tc.do(r, r.probe(sid))
				}
				synctest.Wait()
				r.post(sid, `427["mark"]`).want(t, "post", 200, "ok")
				r.get(sid).want(t, "get", 200, "437[]")
				r.write(r.probe(sid), "5") // another try is welcome
				synctest.Wait()
				r.get(sid).want(t, "after the upgrade", 400, badRequest)
			})
		})
	}
	t.Run("session ends meanwhile", func(t *testing.T) {
		t.Parallel()
		bubble(t, socketio.Options{}, namespaces, func(t *testing.T, r *rig) {
			sid := r.session()
			c := r.probe(sid)
			r.post(sid, "abc")
			if _, err := readText(c); err == nil {
				t.Error("the WebSocket stays open")
			}
		})
	})
	t.Run("shutdown meanwhile", func(t *testing.T) {
		t.Parallel()
		bubble(t, socketio.Options{}, namespaces, func(t *testing.T, r *rig) {
			sid := r.session()
			c := r.probe(sid)
			r.shutdown()
			if _, err := readText(c); err == nil {
				t.Error("the WebSocket stays open")
			}
		})
	})
}

// TestUpgradeUnderLoad sends numbered packets both ways while sessions upgrade: none is lost, doubled or overtaken.
func TestUpgradeUnderLoad(t *testing.T) {
	t.Parallel()
	const sessions, packets = 20, 400
	errs := make(chan error, sessions*3)
	r := newRig(t, socketio.Options{QueuePackets: packets + 10}, func(io *socketio.Server) {
		io.Of("/").OnConnect(func(s *socketio.Socket) {
			due := 0
			s.On("n", func(e *socketio.Event) {
				var n int
				if err := e.Decode(0, &n); err != nil || n != due {
					errs <- fmt.Errorf("server: got %d (%v), want %d", n, err, due)
				}
				due++
			})
			s.On("total", func(e *socketio.Event) { _ = e.Ack(due) })
			s.On("start", func(*socketio.Event) {
				for i := range packets {
					_ = s.Emit("n", i)
					if i%20 == 0 {
						time.Sleep(time.Millisecond) // spread over the upgrade; not a synchronisation
					}
				}
			})
		})
	})
	var all sync.WaitGroup
	for range sessions {
		all.Go(func() { r.upgradeUnderLoad(packets, errs) })
	}
	all.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
}

func (r *rig) upgradeUnderLoad(packets int, errs chan<- error) {
	sid := r.open()
	r.post(sid, "40\x1e42[\"start\"]")
	due, sent := 0, 0
	take := func(packet string) (done bool) {
		switch {
		case packet == "6", packet == "2", strings.HasPrefix(packet, "40"):
		case packet == "437["+strconv.Itoa(packets)+"]":
			return true
		case packet == fmt.Sprintf(`42["n",%d]`, due):
			due++
		default:
			errs <- fmt.Errorf("client: got %s, want number %d", packet, due)
			return true
		}
		return false
	}
	send := func(n int) string {
		var out []string
		for ; n > 0 && sent < packets; n-- {
			out = append(out, fmt.Sprintf(`42["n",%d]`, sent))
			sent++
		}
		return strings.Join(out, separator)
	}
	// As the real client does it: the poll under way is finished after the probe was answered, then comes 5.
	c := r.dial("EIO=4&transport=websocket&sid="+sid, nil)
	var probed sync.WaitGroup
	probed.Go(func() {
		r.write(c, "2probe")
		r.read(c, "3probe")
	})
	r.post(sid, send(packets/2))
	for range 3 {
		for packet := range strings.SplitSeq(r.get(sid).body, separator) {
			take(packet)
		}
	}
	probed.Wait()
	for packet := range strings.SplitSeq(r.get(sid).body, separator) {
		take(packet)
	}
	r.write(c, "5")
	for sent < packets {
		r.write(c, send(1))
	}
	r.write(c, `427["total"]`)
	for answered := false; !answered || due < packets; {
		packet, err := readText(c)
		if err != nil {
			errs <- err
			return
		}
		answered = take(packet) || answered
	}
}
