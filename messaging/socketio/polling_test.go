package socketio_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eliza-go/eliza/messaging/socketio"
)

const (
	unknownSID = `{"code":1,"message":"Session ID unknown"}`
	badRequest = `{"code":3,"message":"Bad request"}`
)

func (a answer) want(t *testing.T, what string, status int, body string) {
	t.Helper()
	if a.status != status || a.body != body {
		t.Errorf("%s: %d %q, want %d %q", what, a.status, a.body, status, body)
	}
}

// pending starts a GET and returns when the server holds it.
func (r *rig) pending(sid string) <-chan answer {
	c := r.background(func() answer { return r.get(sid) })
	synctest.Wait()
	return c
}

// bubble runs a test on fake time, over pipes.
func bubble(t *testing.T, opts socketio.Options, setup func(*socketio.Server), fn func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { fn(t, newPipeRig(t, opts, setup)) })
}

func TestPollingAnswers(t *testing.T) {
	t.Parallel()
	bubble(t, socketio.Options{}, namespaces, func(t *testing.T, r *rig) {
		sid := r.open()
		get := r.pending(sid)
		a := r.post(sid, `40`)
		a.want(t, "post", 200, "ok")
		if got := a.header.Get("Content-Type"); got != "text/html" {
			t.Errorf("content type of a POST's answer: %q", got)
		}
		if a := <-get; !strings.HasPrefix(a.body, `40{"sid":"`) || a.header.Get("Content-Type") != "text/plain; charset=UTF-8" {
			t.Errorf("get: %+v", a)
		}
		r.post(sid, "42[\"echo\",1]\x1e451-[\"echo\",{\"_placeholder\":true,\"num\":0}]\x1ebAQID\x1e427[\"mark\"]")
		synctest.Wait()
		r.get(sid).want(t, "several packets", 200,
			"42[\"echo\",1]\x1e451-[\"echo\",{\"_placeholder\":true,\"num\":0}]\x1ebAQID\x1e437[]")
	})
}

// TestPollingViolations checks what closes a session in this transport, with a GET waiting.
func TestPollingViolations(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 1_000_001)
	for _, c := range []struct {
		name, reason string
		do           func(r *rig, sid string) answer
		status       int
		body         string
	}{
		{"second get", "transport error", (*rig).get, 400, badRequest},
		{"bad payload", "parse error", func(r *rig, sid string) answer { return r.post(sid, "abc") }, 400, badRequest},
		{"empty payload", "parse error", func(r *rig, sid string) answer { return r.post(sid, "") }, 400, badRequest},
		{"bad base64", "parse error", func(r *rig, sid string) answer { return r.post(sid, "b!!") }, 400, badRequest},
		{"too large", "transport error", func(r *rig, sid string) answer { return r.post(sid, large) }, 413, ""},
		{"binary body", "transport error", func(r *rig, sid string) answer {
			return r.do("POST", polling+"&sid="+sid, "4x", "Content-Type", "application/octet-stream")
		}, 400, badRequest},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ends := newRecord()
			bubble(t, socketio.Options{}, func(io *socketio.Server) { io.Of("/").OnConnect(ends.watch) }, func(t *testing.T, r *rig) {
				sid := r.open()
				r.post(sid, "40")
				synctest.Wait()
				r.get(sid)
				get := r.pending(sid)
				c.do(r, sid).want(t, c.name, c.status, c.body)
				(<-get).want(t, "the GET that waited", 200, "1")
				ends.want(t, c.reason)
				r.get(sid).want(t, "afterwards", 400, unknownSID)
				r.post(sid, "3").want(t, "afterwards, POST", 400, unknownSID)
			})
		})
	}
}

// TestPollingSize: exactly the limit is fine.
func TestPollingSize(t *testing.T) {
	t.Parallel()
	bubble(t, socketio.Options{MaxPayload: 100}, namespaces, func(t *testing.T, r *rig) {
		sid := r.open()
		r.post(sid, "40\x1e42[\"nosuch\",\""+strings.Repeat("x", 81)+"\"]").want(t, "100 bytes", 200, "ok")
	})
}

func TestPollingClose(t *testing.T) {
	t.Parallel()
	t.Run("get waits", func(t *testing.T) {
		t.Parallel()
		bubble(t, socketio.Options{}, nil, func(t *testing.T, r *rig) {
			sid := r.open()
			get := r.pending(sid)
			r.post(sid, "1").want(t, "close", 200, "ok")
			(<-get).want(t, "get", 200, "6")
			r.get(sid).want(t, "afterwards", 400, unknownSID)
		})
	})
	t.Run("overtakes the get", func(t *testing.T) {
		t.Parallel()
		bubble(t, socketio.Options{}, nil, func(t *testing.T, r *rig) {
			sid := r.open()
			post := r.background(func() answer { return r.post(sid, "1") })
			synctest.Wait()
			r.get(sid).want(t, "get", 200, "6")
			(<-post).want(t, "close", 200, "ok")
			r.get(sid).want(t, "afterwards", 400, unknownSID)
		})
	})
	t.Run("no get", func(t *testing.T) {
		t.Parallel()
		bubble(t, socketio.Options{}, nil, func(t *testing.T, r *rig) {
			sid := r.open()
			r.post(sid, "1").want(t, "close", 200, "ok")
			r.get(sid).want(t, "afterwards", 400, unknownSID)
		})
	})
	t.Run("what came before is handled", func(t *testing.T) {
		t.Parallel()
		got := make(chan string, 10)
		bubble(t, socketio.Options{}, func(io *socketio.Server) {
			io.Of("/").OnConnect(func(s *socketio.Socket) {
				s.OnUnhandled(func(e *socketio.Event) { got <- fmt.Sprint(e.Name, " ", s.Context().Err()) })
				s.OnDisconnect(func(reason string) { got <- reason })
			})
		}, func(t *testing.T, r *rig) {
			r.post(r.session(), "42[\"a\"]\x1e42[\"b\"]\x1e1")
			for _, want := range []string{"a <nil>", "b <nil>", "transport close"} {
				if g := <-got; g != want {
					t.Errorf("got %q, want %q", g, want)
				}
			}
		})
	})
}

// TestPollingDisconnect: packet 41 and the end of the session travel in two answers, since a client that
// finds both in one takes the end for an accident.
func TestPollingDisconnect(t *testing.T) {
	t.Parallel()
	setup := func(io *socketio.Server) {
		io.Of("/").OnConnect(func(s *socketio.Socket) {
			s.On("hang up", func(*socketio.Event) {
				_ = s.Emit("last")
				s.Disconnect(true)
			})
		})
	}
	for _, waiting := range []bool{true, false} {
		t.Run(fmt.Sprint("get waits: ", waiting), func(t *testing.T) {
			t.Parallel()
			bubble(t, socketio.Options{}, setup, func(t *testing.T, r *rig) {
				sid := r.open()
				r.post(sid, "40")
				synctest.Wait()
				r.get(sid)
				var get <-chan answer
				if waiting {
					get = r.pending(sid)
				}
				r.post(sid, `42["hang up"]`)
				synctest.Wait()
				if !waiting {
					get = r.pending(sid)
				}
				(<-get).want(t, "first", 200, "42[\"last\"]\x1e41")
				r.post(sid, `42["late"]`).want(t, "a packet meanwhile", 200, "ok")
				r.get(sid).want(t, "second", 200, "1")
				r.get(sid).want(t, "third", 400, unknownSID)
			})
		})
	}
	t.Run("never collected", func(t *testing.T) {
		t.Parallel()
		bubble(t, socketio.Options{}, setup, func(t *testing.T, r *rig) {
			sid := r.open()
			r.post(sid, "40\x1e42[\"hang up\"]")
			time.Sleep(31 * time.Second)
			r.get(sid).want(t, "after half a minute", 400, unknownSID)
		})
	})
	t.Run("client closes first", func(t *testing.T) {
		t.Parallel()
		bubble(t, socketio.Options{}, setup, func(t *testing.T, r *rig) {
			sid := r.open()
			r.post(sid, "40\x1e42[\"hang up\"]")
			synctest.Wait()
			r.post(sid, "1").want(t, "close", 200, "ok")
			r.get(sid).want(t, "afterwards", 400, unknownSID)
		})
	})
}

// TestPollAborted: a client that hangs up its poll is gone.
func TestPollAborted(t *testing.T) {
	t.Parallel()
	ends := newRecord()
	bubble(t, socketio.Options{}, func(io *socketio.Server) { io.Of("/").OnConnect(ends.watch) }, func(t *testing.T, r *rig) {
		sid := r.open()
		r.post(sid, "40")
		synctest.Wait()
		r.get(sid)
		conn := r.raw("GET", sid, "")
		synctest.Wait()
		_ = conn.Close()
		ends.want(t, "transport error")
		r.get(sid).want(t, "afterwards", 400, unknownSID)
	})
}

// TestSecondPost: one that comes while another is under way ends the session and both requests.
func TestSecondPost(t *testing.T) {
	t.Parallel()
	bubble(t, socketio.Options{}, namespaces, func(t *testing.T, r *rig) {
		sid := r.open()
		get := r.pending(sid)
		conn := r.raw("POST", sid, "Content-Length: 100\r\n")
		synctest.Wait()
		r.post(sid, "3").want(t, "second post", 400, badRequest)
		(<-get).want(t, "get", 200, "1")
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || res.StatusCode != 400 {
			t.Errorf("first post: %v %v, want 400", res, err)
		}
	})
}

// raw sends the head of a request over a connection of its own.
func (r *rig) raw(method, sid, header string) net.Conn {
	r.t.Helper()
	conn, err := r.dialer.NetDialContext(r.t.Context(), "", "")
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "%s /socket.io/?%s&sid=%s HTTP/1.1\r\nHost: pipe\r\n%s\r\n", method, polling, sid, header)
	if err != nil {
		r.t.Fatal(err)
	}
	return conn
}
