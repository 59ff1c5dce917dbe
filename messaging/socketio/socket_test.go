package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/messaging/socketio"
)

// one returns a connected socket and its client.
func one(t *testing.T, r *rig, connect func(*rig) *peer, all chan *socketio.Socket) (*socketio.Socket, *peer) {
	t.Helper()
	p := connect(r)
	p.connect()
	return <-all, p
}

func TestEmit(t *testing.T) {
	t.Parallel()
	transports(t, func(t *testing.T, connect func(*rig) *peer) {
		all := make(chan *socketio.Socket, 1)
		r := newRig(t, socketio.Options{}, sockets(all))
		s, p := one(t, r, connect, all)
		blob := []byte{1, 2, 3}
		args := map[string]any{"z": blob, "a": []any{"x", blob}, "raw": json.RawMessage(`{"k": "<&>"}`)}
		m, err := socketio.Encode("made before", 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{
			s.Send(m),
			s.SendVolatile(m),
			s.Emit("none"),
			s.Emit("args", 1, "two", nil, []string{"x"}, map[string]any{"b": "<&>"}),
			s.Emit("bin", args, []byte(nil), []byte{}),
			s.EmitVolatile("volatile"),
		} {
			if err != nil {
				t.Error(err)
			}
		}
		p.script(`< 42["made before",1]
			< 42["made before",1]
			< 42["none"]
			< 42["args",1,"two",null,["x"],{"b":"<&>"}]
			< 453-["bin",{"a":["x",{"_placeholder":true,"num":0}],"raw":{"k":"<&>"},"z":{"_placeholder":true,"num":1}},null,{"_placeholder":true,"num":2}]
			< bAQID
			< bAQID
			< b
			< 42["volatile"]
		`)
		if _, kept := args["z"].([]byte); !kept {
			t.Error("the caller's arguments were changed")
		}
		for event, want := range map[string]error{"connect": socketio.ErrReserved, "newListener": socketio.ErrReserved} {
			if err := s.Emit(event); !errors.Is(err, want) {
				t.Errorf("Emit(%q) = %v, want %v", event, err, want)
			}
			if _, err := s.EmitWithAck(t.Context(), event); !errors.Is(err, want) {
				t.Errorf("EmitWithAck(%q) = %v, want %v", event, err, want)
			}
		}
		if err := s.Emit("x", make(chan int)); err == nil {
			t.Error("a channel was encoded")
		}
		eleven := make([]any, 11)
		for i := range eleven {
			eleven[i] = blob
		}
		if err := s.Emit("x", eleven...); !errors.Is(err, socketio.ErrBinary) {
			t.Errorf("eleven attachments: %v, want %v", err, socketio.ErrBinary)
		}
		p.script(mark)
		p.send("41")
		<-s.Context().Done()
		if err := s.Emit("late"); !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("Emit after the end = %v, want %v", err, socketio.ErrClosed)
		}
		if _, err := s.EmitWithAck(t.Context(), "late"); !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("EmitWithAck after the end = %v, want %v", err, socketio.ErrClosed)
		}
	})
}

func TestEmitWithAck(t *testing.T) {
	t.Parallel()
	transports(t, func(t *testing.T, connect func(*rig) *peer) {
		all := make(chan *socketio.Socket, 1)
		r := newRig(t, socketio.Options{}, sockets(all))
		s, p := one(t, r, connect, all)
		type result struct {
			args []json.RawMessage
			err  error
		}
		ask := func(ctx context.Context, args ...any) chan result {
			c := make(chan result, 1)
			go func() {
				got, err := s.EmitWithAck(ctx, "q", args...)
				c <- result{got, err}
			}()
			return c
		}
		answer := ask(t.Context(), 1)
		p.script("< 420[\"q\",1]\n> 430[\"a\",{\"b\":null}]␞430[\"again\"]\n")
		if got := <-answer; got.err != nil || len(got.args) != 2 || string(got.args[0]) != `"a"` || string(got.args[1]) != `{"b":null}` {
			t.Errorf("answer %s, %v", got.args, got.err)
		}
		answer = ask(t.Context(), []byte{9})
		p.script("< 451-1[\"q\",{\"_placeholder\":true,\"num\":0}]\n< bCQ==\n> 461-1[{\"_placeholder\":true,\"num\":0}]␞bAQID\n")
		if got := <-answer; got.err != nil || len(got.args) != 1 || string(got.args[0]) != `"AQID"` {
			t.Errorf("binary answer %s, %v", got.args, got.err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		answer = ask(ctx)
		p.expect(`422["q"]`)
		cancel(errors.ErrUnsupported)
		if got := <-answer; !errors.Is(got.err, errors.ErrUnsupported) {
			t.Errorf("cancelled: %v", got.err)
		}
		p.script("> 432[]\n" + mark)
		answer = ask(t.Context())
		p.expect(`423["q"]`)
		p.send("41")
		if got := <-answer; !errors.Is(got.err, socketio.ErrClosed) {
			t.Errorf("client gone: %v, want %v", got.err, socketio.ErrClosed)
		}
	})
}

// TestAckInsideHandler: a handler can wait for its own client, which no other event may overtake.
func TestAckInsideHandler(t *testing.T) {
	t.Parallel()
	r := newRig(t, socketio.Options{}, func(io *socketio.Server) {
		io.Of("/").OnConnect(func(s *socketio.Socket) {
			echo(s)
			s.On("ask", func(e *socketio.Event) {
				got, err := s.EmitWithAck(s.Context(), "q")
				_ = e.Ack(got, err == nil)
			})
		})
	})
	p := r.websocket(t)
	p.connect()
	p.script("> 421[\"ask\"]\n> 422[\"mark\"]\n< 420[\"q\"]\n> 430[5]\n< 431[[5],true]\n< 432[]\n")
}

func TestAckOnce(t *testing.T) {
	t.Parallel()
	errs := make(chan error, 3)
	r := newRig(t, socketio.Options{}, func(io *socketio.Server) {
		io.Of("/").OnConnect(func(s *socketio.Socket) {
			echo(s)
			s.On("x", func(e *socketio.Event) {
				if e.HasAck() {
					errs <- e.Ack()
				}
				errs <- e.Ack()
			})
		})
	})
	p := r.websocket(t)
	p.connect()
	p.script("> 421[\"x\"]\n> 42[\"x\"]\n< 431[]\n" + mark)
	if err := <-errs; err != nil {
		t.Errorf("first Ack: %v", err)
	}
	for range 2 {
		if err := <-errs; !errors.Is(err, socketio.ErrNoAck) {
			t.Errorf("Ack = %v, want %v", err, socketio.ErrNoAck)
		}
	}
}

func TestEventDecode(t *testing.T) {
	t.Parallel()
	got := make(chan *socketio.Event, 2)
	r := newRig(t, socketio.Options{}, func(io *socketio.Server) {
		io.Of("/").OnConnect(func(s *socketio.Socket) { s.OnUnhandled(func(e *socketio.Event) { got <- e }) })
	})
	p := r.websocket(t)
	p.connect()
	p.send(`451-["up",{"blob":{"_placeholder":true,"num":0},"n":12345678901234567890}]`, "bAQID", `42[7,null]`)
	e := <-got
	var v struct {
		Blob []byte
		N    uint64
	}
	if err := e.Decode(0, &v); err != nil || string(v.Blob) != "\x01\x02\x03" || v.N != 12345678901234567890 {
		t.Errorf("Decode = %+v, %v", v, err)
	}
	if err := e.Decode(0, new(string)); err == nil {
		t.Error("an object decodes into a string")
	}
	if e.Decode(1, &v) == nil || e.Decode(-1, &v) == nil {
		t.Error("an argument that is not there decodes")
	}
	if diff := cmp.Diff([][]byte{{1, 2, 3}}, e.Attachments()); diff != "" {
		t.Errorf("attachments (-want +got):\n%s", diff)
	}
	values, err := e.Values()
	want := []any{map[string]any{"blob": []byte{1, 2, 3}, "n": json.Number("12345678901234567890")}}
	if diff := cmp.Diff(want, values); diff != "" || err != nil {
		t.Errorf("values, %v (-want +got):\n%s", err, diff)
	}
	e = <-got
	if e.Name != "7" || len(e.Args) != 1 || string(e.Args[0]) != "null" || e.Attachments() != nil || e.Socket() == nil {
		t.Errorf("event %q %s", e.Name, e.Args)
	}
}

func TestDisconnectBySocket(t *testing.T) {
	t.Parallel()
	transports(t, func(t *testing.T, connect func(*rig) *peer) {
		ends := newRecord()
		r := newRig(t, socketio.Options{}, func(io *socketio.Server) {
			for _, name := range []string{"/", "/custom"} {
				io.Of(name).OnConnect(func(s *socketio.Socket) {
					echo(s)
					ends.watch(s)
					s.On("leave", func(*socketio.Event) { s.Disconnect(false) })
					s.On("close", func(*socketio.Event) { s.Disconnect(true) })
				})
			}
		})
		p := connect(r)
		p.connect()
		p.script("> 40/custom,\n< 40/custom,{\"sid\":\"*\"}\n")
		// What the client has sent before it knew is ignored, also its own leave-taking.
		p.script("> 42/custom,[\"leave\"]␞42/custom,[\"echo\"]\n< 41/custom,\n> 42/custom,[\"echo\"]␞41/custom,\n" + mark)
		ends.want(t, "server namespace disconnect")
		p.script("> 40/custom,\n< 40/custom,{\"sid\":\"*\"}\n> 42[\"close\"]␞42[\"echo\"]\n< 41\n< 41/custom,\nx\n")
		ends.want(t, "server namespace disconnect")
		ends.want(t, "server namespace disconnect")
		if p.ws != nil && p.code != 1005 {
			t.Errorf("close code %d, want 1005", p.code)
		}
	})
}

// TestNothingAfterDisconnect: no handler runs once the socket was told of its end, and none twice at a time.
func TestNothingAfterDisconnect(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"41", "1", "2", "hang up", "server"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			var running atomic.Int32
			var late atomic.Bool
			done := make(chan struct{})
			all := make(chan *socketio.Socket, 1)
			r := newRig(t, socketio.Options{}, func(io *socketio.Server) {
				io.Of("/").OnConnect(func(s *socketio.Socket) {
					var over bool
					s.OnUnhandled(func(e *socketio.Event) {
						if running.Add(1) != 1 || over {
							late.Store(true)
						}
						running.Add(-1)
					})
					s.OnDisconnect(func(string) {
						over = true
						close(done)
					})
					all <- s
				})
			})
			p := r.websocket(t)
			p.connect()
			s := <-all
			for i := range 500 {
				p.send(`42["x"]`)
				if i == 250 && end == "server" {
					go s.Disconnect(true)
				}
			}
			switch end {
			case "hang up":
				_ = p.ws.Close()
			case "server":
			default:
				p.send(end)
			}
			<-done
			if late.Load() {
				t.Error("a handler ran after the disconnect, or two at once")
			}
		})
	}
}

// TestDrain: events that came before the client left are handled, but not for ever.
func TestDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log []string
		start := time.Now()
		note := func(format string, args ...any) {
			log = append(log, fmt.Sprintf("%v ", time.Since(start))+fmt.Sprintf(format, args...))
		}
		r := newPipeRig(t, socketio.Options{}, func(io *socketio.Server) {
			io.Of("/").OnConnect(func(s *socketio.Socket) {
				s.On("wait", func(*socketio.Event) {
					<-s.Context().Done()
					note("wait ends")
				})
				s.On("quick", func(*socketio.Event) { note("quick %v", s.Context().Err()) })
				s.OnDisconnect(func(reason string) { note("%s", reason) })
			})
		})
		p := r.websocket(t)
		p.connect()
		p.send(`42["quick"]`, `42["wait"]`, `42["quick"]`)
		synctest.Wait()
		p.close()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		want := []string{"0s quick <nil>", "5s wait ends", "5s transport close"}
		if diff := cmp.Diff(want, log); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestPanicsAreLogged(t *testing.T) {
	t.Parallel()
	r := newRig(t, socketio.Options{}, func(io *socketio.Server) {
		io.Of("/").OnConnect(func(s *socketio.Socket) {
			echo(s)
			s.OnDisconnect(func(string) { panic("at the end") })
			panic("at the start")
		})
	})
	p := r.websocket(t)
	p.connect()
	p.script("> 42[\"fail\"]\n" + mark + "> 41\n")
	r.shutdown()
	for _, want := range []string{"at the start", "on purpose", "at the end", "handler=fail", "stack="} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("%q is not in the log:\n%s", want, r.log)
		}
	}
}

func TestData(t *testing.T) {
	t.Parallel()
	all := make(chan *socketio.Socket, 1)
	r := newRig(t, socketio.Options{}, func(io *socketio.Server) {
		io.Of("/").Use(func(s *socketio.Socket) error {
			s.SetData(s.ID())
			if s.Emit("early") == nil || s.Connected() {
				return errors.New("the socket can send already")
			}
			return nil
		})
		io.Of("/").OnConnect(func(s *socketio.Socket) { all <- s })
	})
	p := r.websocket(t)
	id := p.connect()
	s := <-all
	if s.Data() != id || s.ID() != id || s.ID() == p.sid || s.Namespace().Name() != "/" || !s.Connected() {
		t.Errorf("Data %v, ID %v, sid %v", s.Data(), s.ID(), p.sid)
	}
}
