package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/messaging/client"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "127.0.0.1:3000", "ftp://a", "http://", "http://a?b=c", "http://u:p@a", "http://a#b", "http://a b"} {
		if _, err := client.New(bad); err == nil {
			t.Errorf("New(%q) takes it", bad)
		}
	}
	if _, err := client.New("http://a", client.WithRetry(client.Retry{Min: time.Minute, Max: time.Second})); err == nil {
		t.Error("a policy that cannot be is taken")
	}
	if _, err := client.New("http://a", client.WithHTTPClient(nil)); err == nil {
		t.Error("no HTTP client is taken")
	}
}

func TestErrorsAreThoseOfTheContract(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithAPIKey("k"))
	c := elizatest.API(t, s.Base, client.WithAPIKey("k"))
	for name, call := range map[string]struct {
		want core.Code
		err  error
	}{
		"unknown":     {core.CodeNotFound, second(c.Agents.Get(t.Context(), core.NewUUID()))},
		"no id":       {core.CodeInvalidID, second(c.Agents.Get(t.Context(), "x"))},
		"unset id":    {core.CodeBadRequest, second(c.Agents.Get(t.Context(), ""))},
		"climbing":    {core.CodeBadRequest, second(c.Agents.Get(t.Context(), ".."))},
		"slash":       {core.CodeInvalidID, second(c.Agents.Get(t.Context(), "a/b"))},
		"no key":      {core.CodeUnauthorized, second(elizatest.API(t, s.Base).Agents.List(t.Context(), client.Page{}))},
		"no text":     {core.CodeBadRequest, second(c.Messaging.Send(t.Context(), client.NewMessage{Channel: core.NewUUID(), Author: core.NewUUID()}))},
		"no file":     {core.CodeBadRequest, second(c.Media.Upload(t.Context(), core.NewUUID(), client.Upload{}))},
		"other host":  {core.CodeBadRequest, second(c.Media.Open(t.Context(), "http://example.com/a.png"))},
		"bad content": {core.CodeInvalidFileType, second(c.Media.Upload(t.Context(), core.NewUUID(), client.Upload{Name: "a.exe", Content: strings.NewReader("MZ")}))},
	} {
		e, ok := errors.AsType[*core.Error](call.err)
		if !ok || e.Code != call.want || e.Message == "" || !errors.Is(call.err, &core.Error{Code: call.want}) {
			t.Errorf("%s: %v, want %s", name, call.err, call.want)
		}
	}
	if h, err := c.Runtime.Health(t.Context()); err != nil || h.Dependencies["agents"] != "no_agents" {
		t.Errorf("health without agents: %+v, %v", h, err)
	}
}

func second[V any](_ V, err error) error { return err }

func TestAServerBelowAPath(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithPublicPath("/host/äb"), eliza.WithPlugins(elizatest.Echo().Plugin()))
	mux := http.NewServeMux()
	mux.Handle("/host/äb/", http.StripPrefix("/host/äb", s.Handler()))
	web := httptest.NewServer(mux)
	defer web.Close()
	c := elizatest.API(t, web.URL+"/host/%C3%A4b/", client.WithEntity(core.NewUUID(), "Bob"))
	agent, channel := s.Agent("Ada"), core.NewUUID()
	sock := elizatest.Connected(t, c, client.SocketOptions{})
	elizatest.Joined(t, sock, channel, client.Position{})
	a, err := c.Messaging.Ask(t.Context(), client.NewMessage{Channel: channel, Agent: agent, Text: "hi"})
	if err != nil || a.Text() != "You said: hi" {
		t.Errorf("answer %+v, %v", a, err)
	}
	elizatest.Until[*client.MessageComplete](t, sock, nil)
	f, err := c.Media.Upload(t.Context(), channel, recording())
	if err != nil {
		t.Fatal(err)
	}
	d, err := c.Media.Open(t.Context(), f.URL)
	if err != nil {
		t.Fatalf("%s: %v", f.URL, err)
	}
	_ = d.Body.Close()
}

// scripted answers the n-th request, counted from 1, by a function.
func scripted(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request), opts ...client.Option) (*client.Client, *atomic.Int32) {
	t.Helper()
	n := &atomic.Int32{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		answer(int(n.Add(1)), w, r)
	}))
	t.Cleanup(web.Close)
	return elizatest.API(t, web.URL, append(opts, client.WithEntity(core.NewUUID(), ""))...), n
}

// refuse answers with an error envelope.
func refuse(w http.ResponseWriter, status int, code core.Code, after string) {
	if after != "" {
		w.Header().Set("Retry-After", after)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"success":false,"error":{"code":%q,"message":"not now","details":"d"}}`, code)
}

func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}
}

func TestWhatIsRepeated(t *testing.T) {
	t.Parallel()
	message := func(c *client.Client) error {
		return second(c.Messaging.Send(t.Context(), client.NewMessage{Channel: core.NewUUID(), Text: "x"}))
	}
	list := func(c *client.Client) error { return second(c.Agents.List(t.Context(), client.Page{})) }
	job := func(c *client.Client) error { return second(c.Jobs.Create(t.Context(), client.NewJob{Content: "x"})) }
	upload := func(c *client.Client) error {
		return second(c.Media.Upload(t.Context(), core.NewUUID(), recording()))
	}
	limited := func(after string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { refuse(w, 429, core.CodeRateLimit, after) }
	}
	closing := func(after string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { refuse(w, 503, core.CodeUnavailable, after) }
	}
	for name, c := range map[string]struct {
		call  func(*client.Client) error
		fail  func(http.ResponseWriter)
		tries int32
	}{
		"a list when limited":                   {list, limited("1"), 2},
		"a message when limited":                {message, limited("1"), 2},
		"a job when limited: it was not taken":  {job, limited("1"), 2},
		"an upload when limited":                {upload, limited("1"), 1},
		"not when it takes too long":            {list, limited("900"), 1},
		"not when nobody says when":             {list, closing(""), 1},
		"a list when the server shuts down":     {list, closing("1"), 2},
		"a job when the server shuts down":      {job, closing("1"), 1},
		"a list when the connection breaks":     {list, cut, 2},
		"a message when the connection breaks":  {message, cut, 2},
		"a job when the connection breaks":      {job, cut, 1},
		"not when the server failed on its own": {list, func(w http.ResponseWriter) { refuse(w, 500, core.CodeInternal, "") }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, n := scripted(t, func(n int, w http.ResponseWriter, _ *http.Request) {
				if n == 1 {
					c.fail(w)
					return
				}
				_, _ = io.WriteString(w, `{"success":true,"data":{}}`)
			})
			if err := c.call(api); (err == nil) != (c.tries == 2) || n.Load() != c.tries {
				t.Errorf("%d requests, %v; want %d", n.Load(), err, c.tries)
			}
		})
	}
}

func TestRepeatingEnds(t *testing.T) {
	t.Parallel()
	c, n := scripted(t, func(_ int, w http.ResponseWriter, _ *http.Request) { cut(w) })
	if _, err := c.Runtime.Ping(t.Context()); err == nil || n.Load() != 4 {
		t.Errorf("%d requests, %v", n.Load(), err)
	}
	c, n = scripted(t, func(_ int, w http.ResponseWriter, _ *http.Request) { refuse(w, 429, core.CodeRateLimit, "2") })
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := c.Runtime.Ping(ctx)
	if e, ok := errors.AsType[*core.Error](err); !ok || e.RetryAfter != 2*time.Second || e.Details != "d" || n.Load() != 1 || ctx.Err() != nil {
		t.Errorf("%d requests, %v, want the refusal at once: there is no time to come back", n.Load(), err)
	}
}

func TestAnswersThatAreNotOurs(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]core.Code{
		401: core.CodeUnauthorized, 404: core.CodeNotFound, 418: core.CodeBadRequest, 429: core.CodeRateLimit, 500: core.CodeInternal, 502: core.CodeUnavailable, 504: core.CodeTimeout,
	} {
		c, _ := scripted(t, func(_ int, w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>sorry\xff</html>", status) })
		_, err := c.Runtime.Ping(t.Context())
		if e, ok := errors.AsType[*core.Error](err); !ok || e.Code != want || e.Details != "<html>sorry</html>" {
			t.Errorf("%d: %+v, want %s", status, err, want)
		}
	}
	for _, body := range []string{"", "null", "[]", `{"data":[]}`, `{"data":"x"}`, "<html>"} {
		c, _ := scripted(t, func(_ int, w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		if _, err := c.Agents.Get(t.Context(), core.NewUUID()); err == nil && body != "null" {
			t.Errorf("%q is taken", body)
		}
		for _, err := range c.Messaging.Stream(t.Context(), client.NewMessage{Channel: core.NewUUID(), Text: "x"}) {
			if err == nil {
				t.Errorf("%q is taken for a stream", body)
			}
		}
	}
}

func TestTheKeyStaysWithTheServer(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another host got %v", r.Header)
	}))
	defer other.Close()
	c, n := scripted(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	}, client.WithAPIKey("k"))
	if _, err := c.Runtime.Ping(t.Context()); err == nil || n.Load() != 1 {
		t.Errorf("a redirection to another host: %v after %d requests", err, n.Load())
	}
}
