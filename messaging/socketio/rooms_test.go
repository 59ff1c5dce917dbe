package socketio_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/messaging/socketio"
)

// joiner lets clients join and leave rooms.
func joiner(s *socketio.Socket) {
	echo(s)
	s.On("join", func(e *socketio.Event) {
		var rooms []string
		_ = e.Decode(0, &rooms)
		s.Join(rooms...)
		_ = e.Ack(s.Rooms())
	})
	s.On("leave", func(e *socketio.Event) {
		var room string
		_ = e.Decode(0, &room)
		s.Leave(room)
		_ = e.Ack(s.Rooms())
	})
}

func TestRooms(t *testing.T) {
	t.Parallel()
	transports(t, func(t *testing.T, connect func(*rig) *peer) {
		r := newRig(t, socketio.Options{}, func(io *socketio.Server) { io.Of("/").OnConnect(joiner) })
		n := r.io.Of("/")
		a, b, c := connect(r), connect(r), connect(r)
		ida, idb, _ := a.connect(), b.connect(), c.connect()
		a.script("> 421[\"join\",[\"x\",\"y\"]]\n< 431[[\"x\",\"y\"]]\n")
		b.script("> 421[\"join\",[\"x\"]]\n< 431[[\"x\"]]\n")

		emit := func(to socketio.Broadcast, event string) {
			t.Helper()
			if err := to.Emit(event); err != nil {
				t.Error(err)
			}
		}
		emit(n.To("x"), "to x")
		emit(n.To("x", "y"), "once each")
		emit(n.To("x").Except(ida), "not a")
		emit(n.To("z"), "nobody")
		emit(n.To(idb), "b alone")
		emit(n.To().Except(ida, idb), "c alone")
		if err := n.Emit("all"); err != nil {
			t.Error(err)
		}
		a.script("< 42[\"to x\"]\n< 42[\"once each\"]\n< 42[\"all\"]\n" + mark)
		b.script("< 42[\"to x\"]\n< 42[\"once each\"]\n< 42[\"not a\"]\n< 42[\"b alone\"]\n< 42[\"all\"]\n" + mark)
		c.script("< 42[\"c alone\"]\n< 42[\"all\"]\n" + mark)

		a.script("> 421[\"leave\",\"x\"]\n< 431[[\"y\"]]\n> 421[\"leave\",\"nowhere\"]\n< 431[[\"y\"]]\n")
		emit(n.To("x"), "without a")
		b.script("< 42[\"without a\"]\n")
		a.script(mark)
		if !n.Has("x") || !n.Has("y") || n.Has("z") {
			t.Errorf("Has: %v %v %v, want true true false", n.Has("x"), n.Has("y"), n.Has("z"))
		}
		if n.Count() != 3 || len(n.Sockets()) != 3 || len(n.Sockets("x", "y")) != 2 || n.Socket(ida).ID() != ida {
			t.Errorf("Count %d, Sockets %d, in rooms %d", n.Count(), len(n.Sockets()), len(n.Sockets("x", "y")))
		}
	})
}

// TestRoomsAfterEnd: the socket tells where it was, and joins nothing any more.
func TestRoomsAfterEnd(t *testing.T) {
	t.Parallel()
	rooms := make(chan []string, 1)
	r := newRig(t, socketio.Options{}, func(io *socketio.Server) {
		io.Of("/").OnConnect(func(s *socketio.Socket) {
			s.Join("a", "b")
			s.OnDisconnect(func(string) {
				s.Join("c")
				s.Leave("a")
				rooms <- s.Rooms()
			})
		})
	})
	p := r.websocket(t)
	p.connect()
	p.send("41")
	if got := <-rooms; !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("Rooms() = %v, want [a b]", got)
	}
	n := r.io.Of("/")
	if n.Has("a") || n.Has("b") || n.Has("c") || n.Count() != 0 {
		t.Errorf("rooms left: %v %v %v, sockets %d", n.Has("a"), n.Has("b"), n.Has("c"), n.Count())
	}
}

func TestNamespacesAreApart(t *testing.T) {
	t.Parallel()
	r := newRig(t, socketio.Options{}, func(io *socketio.Server) {
		io.Of("/").OnConnect(joiner)
		io.Of("/custom").OnConnect(joiner)
	})
	p := r.websocket(t)
	p.connect()
	p.script("> 40/custom,\n< 40/custom,{\"sid\":\"*\"}\n> 42/custom,1[\"join\",[\"x\"]]\n< 43/custom,1[[\"x\"]]\n")
	m, err := socketio.Encode("both", []byte{1})
	if err != nil {
		t.Fatal(err)
	}
	r.io.Of("/").To("x").Send(m)
	r.io.Of("/custom").To("x").Send(m)
	r.io.Of("/").To().Send(m)
	p.script("< 451-/custom,[\"both\",{\"_placeholder\":true,\"num\":0}]\n< bAQ==\n< 451-[\"both\",{\"_placeholder\":true,\"num\":0}]\n< bAQ==\n" + mark)
}

// TestOnRoom: the calls of a room alternate, whatever the sockets do, and end with the truth.
func TestOnRoom(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	calls := map[string][]bool{}
	inside := map[string]int{}
	r := newRig(t, socketio.Options{}, func(io *socketio.Server) {
		n := io.Of("/")
		n.OnConnect(joiner)
		n.OnRoom(func(room string, occupied bool) {
			mu.Lock()
			if inside[room]++; inside[room] > 1 {
				t.Errorf("two calls at once for %s", room)
			}
			mu.Unlock()
			if occupied && !n.Has(room) && room == "steady" {
				t.Errorf("told of a room without sockets")
			}
			mu.Lock()
			defer mu.Unlock()
			inside[room]--
			calls[room] = append(calls[room], occupied)
		})
		n.OnRoom(func(string, bool) { panic("on purpose") })
	})
	keeper := r.websocket(t)
	keeper.connect()
	keeper.script("> 421[\"join\",[\"steady\"]]\n< 431[[\"steady\"]]\n")
	mu.Lock()
	if diff := cmp.Diff([]bool{true}, calls["steady"]); diff != "" {
		t.Errorf("after Join (-want +got):\n%s", diff)
	}
	mu.Unlock()

	var all sync.WaitGroup
	peers := make([]*peer, 8)
	for i := range peers {
		peers[i] = r.websocket(t)
		peers[i].connect()
	}
	for _, p := range peers {
		all.Go(func() {
			for range 100 {
				p.send(`42["join",["busy","steady"]]`, `42["leave","busy"]`, `42["leave","steady"]`)
			}
			p.send(`427["mark"]`)
			p.expect("437[]")
		})
	}
	all.Wait()
	r.shutdown()
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff([]bool{true, false}, calls["steady"]); diff != "" {
		t.Errorf("steady (-want +got):\n%s", diff)
	}
	busy := calls["busy"]
	for i, occupied := range busy {
		if occupied != (i%2 == 0) {
			t.Fatalf("call %d of busy says %v", i, occupied)
		}
	}
	if len(busy)%2 != 0 {
		t.Errorf("busy ends with %v", busy[len(busy)-1])
	}
	if !strings.Contains(r.log.String(), "panic in a room function") {
		t.Error("the panic was not logged")
	}
}

// TestBroadcastOrder: every receiver sees the calls of one sender in their order.
func TestBroadcastOrder(t *testing.T) {
	t.Parallel()
	const packets = 200
	r := newRig(t, socketio.Options{}, func(io *socketio.Server) { io.Of("/").OnConnect(joiner) })
	var peers []*peer
	for i := range 10 {
		p := r.websocket(t)
		if i%2 == 1 {
			p = r.polling(t)
		}
		p.connect()
		p.script("> 421[\"join\",[\"x\"]]\n< 431[[\"x\"]]\n")
		peers = append(peers, p)
	}
	for i := range packets {
		if err := r.io.Of("/").To("x").Emit("n", i); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range peers {
		for i := range packets {
			p.expect(fmt.Sprintf(`42["n",%d]`, i))
		}
	}
}
