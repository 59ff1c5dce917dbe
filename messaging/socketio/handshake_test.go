package socketio_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/messaging/socketio"
)

func TestHandshake(t *testing.T) {
	t.Parallel()
	r := newRig(t, socketio.Options{}, nil)
	const numbers = `"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`

	a := r.do("GET", polling+"&t=abc", "")
	want := `0{"sid":"*","upgrades":["websocket"],` + numbers
	if got := sidPattern.ReplaceAllString(a.body, `"sid":"*"`); a.status != 200 || got != want {
		t.Errorf("polling handshake = %d %s, want %s", a.status, got, want)
	}
	if got := a.header.Get("Content-Type"); got != "text/plain; charset=UTF-8" {
		t.Errorf("content type %q", got)
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("cache control %q", got)
	}

	hello, err := readText(r.dial("EIO=4&transport=websocket", nil))
	want = `0{"sid":"*","upgrades":[],` + numbers
	if got := sidPattern.ReplaceAllString(hello, `"sid":"*"`); err != nil || got != want {
		t.Errorf("websocket handshake = %s (%v), want %s", got, err, want)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t, socketio.Options{}, nil)
	sid := r.open()
	const (
		transport = `{"code":0,"message":"Transport unknown"}`
		unknown   = `{"code":1,"message":"Session ID unknown"}`
		method    = `{"code":2,"message":"Bad handshake method"}`
		bad       = `{"code":3,"message":"Bad request"}`
		protocol  = `{"code":5,"message":"Unsupported protocol version"}`
	)
	for _, c := range []struct{ name, method, query, body string }{
		{"no transport", "GET", "EIO=4", transport},
		{"bad transport", "GET", "EIO=4&transport=abc", transport},
		{"jsonp", "GET", polling + "&j=0", transport},
		{"jsonp in a session", "GET", polling + "&sid=" + sid + "&j=0", transport},
		{"unknown sid", "GET", polling + "&sid=nobody", unknown},
		{"unknown sid, post", "POST", polling + "&sid=nobody", unknown},
		{"post without sid", "POST", polling, method},
		{"put without sid", "PUT", polling, method},
		{"put in a session", "PUT", polling + "&sid=" + sid, bad},
		{"websocket without upgrade", "GET", "EIO=4&transport=websocket", bad},
		{"other transport than the session's", "GET", "EIO=4&transport=websocket&sid=" + sid, bad},
		{"EIO 3", "GET", "EIO=3&transport=polling", protocol},
		{"no EIO", "GET", "transport=polling", protocol},
	} {
		a := r.do(c.method, c.query, "")
		if a.status != 400 || a.body != c.body || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s %q, want 400 %s", c.name, a.status, a.body, a.header.Get("Content-Type"), c.body)
		}
	}
	for _, c := range []struct{ name, query, body string }{
		{"no transport", "EIO=4", "Transport unknown"},
		{"unknown sid", "EIO=4&transport=websocket&sid=nobody", "Session ID unknown"},
		{"polling", polling, "Bad request"},
		{"EIO 3", "EIO=3&transport=websocket", "Unsupported protocol version"},
		{"no EIO", "transport=websocket", "Unsupported protocol version"},
	} {
		if status, body := r.refusedDial(c.query, nil); status != 400 || body != c.body {
			t.Errorf("websocket, %s: %d %q, want 400 %q", c.name, status, body, c.body)
		}
	}
}

// refusedDial asks for a WebSocket that must not come.
func (r *rig) refusedDial(query string, header http.Header) (int, string) {
	r.t.Helper()
	c, res, err := r.dialer.Dial(r.wsURL(query), header)
	if err == nil {
		_ = c.Close()
		r.t.Errorf("dial %s succeeded", query)
		return 0, ""
	}
	if res == nil {
		r.t.Errorf("dial %s: %v", query, err)
		return 0, ""
	}
	body, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(body)
}

func TestAllow(t *testing.T) {
	t.Parallel()
	r := newRig(t, socketio.Options{Allow: func(r *http.Request) error {
		if r.Header.Get("X-Key") != "k" {
			return errors.New("secret detail")
		}
		return nil
	}}, nil)
	const want = `{"code":4,"message":"Forbidden"}`
	if a := r.do("GET", polling, ""); a.status != 403 || a.body != want {
		t.Errorf("polling: %d %s, want 403 %s", a.status, a.body, want)
	}
	if status, body := r.refusedDial("EIO=4&transport=websocket", nil); status != 403 || body != want {
		t.Errorf("websocket: %d %s, want 403 %s", status, body, want)
	}
	if a := r.do("GET", polling, "", "X-Key", "k"); a.status != 200 {
		t.Errorf("allowed: %d %s", a.status, a.body)
	}
}

func TestOrigin(t *testing.T) {
	t.Parallel()
	list := func(r *http.Request) (string, bool, bool) {
		switch origin := r.Header.Get("Origin"); origin {
		case "https://a.example":
			return origin, true, true
		case "":
			return "", false, true
		}
		return "", false, false
	}
	star := func(*http.Request) (string, bool, bool) { return "*", true, true }
	for _, c := range []struct {
		name   string
		origin func(*http.Request) (string, bool, bool)
		header string
		status int
		want   http.Header
	}{
		{"default", nil, "https://x.example", 200, http.Header{"Access-Control-Allow-Origin": {"*"}}},
		{"never credentials for everybody", star, "https://x.example", 200, http.Header{"Access-Control-Allow-Origin": {"*"}}},
		{"listed", list, "https://a.example", 200, http.Header{
			"Access-Control-Allow-Origin": {"https://a.example"}, "Access-Control-Allow-Credentials": {"true"}, "Vary": {"Origin"},
		}},
		{"none", list, "", 200, http.Header{"Vary": {"Origin"}}},
		{"foreign", list, "https://b.example", 403, http.Header{"Vary": {"Origin"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, socketio.Options{Origin: c.origin}, nil)
			a := r.do("GET", polling, "", "Origin", c.header)
			got := http.Header{}
			for _, k := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Vary"} {
				if v := a.header.Values(k); len(v) > 0 {
					got[k] = v
				}
			}
			if a.status != c.status {
				t.Errorf("status %d, want %d", a.status, c.status)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			header := http.Header{"Origin": {c.header}}
			if c.status == 200 {
				r.dial("EIO=4&transport=websocket", header)
				return
			}
			status, body := r.refusedDial("EIO=4&transport=websocket", header)
			if status != 403 || body != `{"code":4,"message":"Forbidden"}` {
				t.Errorf("websocket: %d %s", status, body)
			}
		})
	}
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	r := newRig(t, socketio.Options{}, nil)
	a := r.do("OPTIONS", polling, "", "Origin", "https://x.example", "Access-Control-Request-Headers", "x-one, x-two")
	if a.status != 204 || a.body != "" {
		t.Errorf("%d %q, want 204", a.status, a.body)
	}
	for k, want := range map[string]string{
		"Access-Control-Allow-Methods": "GET,POST", "Access-Control-Allow-Headers": "x-one, x-two",
		"Access-Control-Allow-Origin": "*",
	} {
		if got := a.header.Get(k); got != want {
			t.Errorf("%s = %q, want %q", k, got, want)
		}
	}
}

func TestMaxSessions(t *testing.T) {
	t.Parallel()
	r := newRig(t, socketio.Options{MaxSessions: 2}, nil)
	sid := r.open()
	r.open()
	if a := r.do("GET", polling, ""); a.status != 503 {
		t.Errorf("third session: %d, want 503", a.status)
	}
	if status, _ := r.refusedDial("EIO=4&transport=websocket", nil); status != 503 {
		t.Errorf("third session, websocket: %d, want 503", status)
	}
	r.post(sid, "1")
	r.open()
	if got := r.io.Stats().Sessions; got != 2 {
		t.Errorf("Stats().Sessions = %d, want 2", got)
	}
}

func TestHandshakeRequest(t *testing.T) {
	t.Parallel()
	type seen struct {
		path, key, auth, remote string
		age                     time.Duration
		alive                   bool
	}
	got := make(chan seen, 1)
	r := newRig(t, socketio.Options{}, func(io *socketio.Server) {
		io.Of("/").OnConnect(func(s *socketio.Socket) {
			h := s.Handshake()
			got <- seen{
				h.Request.URL.Path, h.Request.Header.Get("X-Api-Key"), string(h.Auth), h.Request.RemoteAddr,
				time.Since(h.Time), h.Request.Context().Err() == nil && s.Context().Err() == nil,
			}
		})
	})
	c := r.dial("EIO=4&transport=websocket", http.Header{"X-Api-Key": {"k"}})
	if err := c.WriteMessage(1, []byte(`40{"apiKey":"<x>"}`)); err != nil {
		t.Fatal(err)
	}
	s := <-got
	if s.path != "/socket.io/" || s.key != "k" || s.auth != `{"apiKey":"<x>"}` || !s.alive ||
		!strings.HasPrefix(s.remote, "127.0.0.1:") || s.age > time.Minute {
		t.Errorf("handshake %+v", s)
	}
}
