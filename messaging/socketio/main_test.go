package socketio_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/eliza-go/eliza/messaging/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second // for what must happen

// rig is a server with a network before it.
type rig struct {
	t      *testing.T
	io     *socketio.Server
	url    string // http://…
	client *http.Client
	dialer *websocket.Dialer
	log    *logBuffer
}

// newRig serves on the loopback interface. setup, if not nil, adds to the server before it is used.
func newRig(t *testing.T, opts socketio.Options, setup func(*socketio.Server)) *rig {
	t.Helper()
	r := prepare(t, opts, setup)
	srv := httptest.NewServer(r.io)
	r.url = srv.URL + "/socket.io/"
	r.client = &http.Client{Transport: &http.Transport{}}
	r.dialer = &websocket.Dialer{}
	t.Cleanup(func() {
		r.shutdown()
		r.client.CloseIdleConnections()
		srv.Close()
	})
	return r
}

// newPipeRig serves on pipes in memory, for synctest bubbles.
func newPipeRig(t *testing.T, opts socketio.Options, setup func(*socketio.Server)) *rig {
	t.Helper()
	r := prepare(t, opts, setup)
	l := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
	srv := &http.Server{Handler: r.io}
	var served sync.WaitGroup
	served.Go(func() { _ = srv.Serve(l) })
	r.url = "http://pipe/socket.io/"
	r.client = &http.Client{Transport: &http.Transport{DialContext: l.dial}}
	r.dialer = &websocket.Dialer{NetDialContext: l.dial}
	t.Cleanup(func() {
		r.shutdown()
		r.client.CloseIdleConnections()
		_ = srv.Close()
		served.Wait()
		time.Sleep(time.Second) // fake: net/http waits half of one before it hangs up on an oversized request
	})
	return r
}

func prepare(t *testing.T, opts socketio.Options, setup func(*socketio.Server)) *rig {
	t.Helper()
	r := &rig{t: t, log: &logBuffer{}}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.NewTextHandler(r.log, nil))
	}
	r.io = socketio.New(opts)
	if setup != nil {
		setup(r.io)
	}
	return r
}

func (r *rig) shutdown() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.io.Shutdown(ctx); err != nil {
		r.t.Errorf("Shutdown() = %v, want nil", err)
	}
}

type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	mine, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return mine, nil
	case <-l.done:
	case <-ctx.Done():
	}
	return nil, net.ErrClosed
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// answer is what an HTTP request got.
type answer struct {
	status int
	header http.Header
	body   string
}

func (r *rig) do(method, query, body string, header ...string) answer {
	r.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, r.url+"?"+query, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := r.client.Do(req)
	if err != nil {
		r.t.Errorf("%s %s: %v", method, query, err)
		return answer{}
	}
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Errorf("%s %s: %v", method, query, err)
	}
	return answer{res.StatusCode, res.Header, string(got)}
}

const polling = "EIO=4&transport=polling"

func (r *rig) get(sid string) answer { r.t.Helper(); return r.do("GET", polling+"&sid="+sid, "") }
func (r *rig) post(sid, body string) answer {
	r.t.Helper()
	return r.do("POST", polling+"&sid="+sid, body)
}

var sidPattern = regexp.MustCompile(`"sid":"([A-Za-z0-9_-]{20})"`)

// open opens a polling session.
func (r *rig) open() (sid string) {
	r.t.Helper()
	a := r.do("GET", polling, "")
	m := sidPattern.FindStringSubmatch(a.body)
	if a.status != 200 || m == nil {
		r.t.Fatalf("handshake = %d %q", a.status, a.body)
	}
	return m[1]
}

// background runs a request and hands over its answer.
func (r *rig) background(fn func() answer) <-chan answer {
	c := make(chan answer, 1)
	go func() { c <- fn() }()
	return c
}

func (r *rig) wsURL(query string) string {
	return "ws" + strings.TrimPrefix(r.url, "http") + "?" + query
}

// dial opens a raw WebSocket.
func (r *rig) dial(query string, header http.Header) *websocket.Conn {
	r.t.Helper()
	c, res, err := r.dialer.Dial(r.wsURL(query), header)
	if err != nil {
		r.t.Fatalf("dial %s: %v", query, err)
	}
	_ = res.Body.Close()
	r.t.Cleanup(func() { _ = c.Close() })
	return c
}

// readText reads one frame, a binary one in its polling form.
func readText(c *websocket.Conn) (string, error) {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	kind, data, err := c.ReadMessage()
	if err != nil {
		return "", err
	}
	if kind == websocket.BinaryMessage {
		return "b" + base64.StdEncoding.EncodeToString(data), nil
	}
	return string(data), nil
}
