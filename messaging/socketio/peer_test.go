package socketio_test

import (
	"encoding/base64"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/eliza-go/eliza/messaging/socketio"
)

// peer is a client that speaks packets in their polling form, whatever carries them.
type peer struct {
	t    *testing.T
	r    *rig
	sid  string
	ws   *websocket.Conn // nil when polling
	in   chan string     // closed with the session
	code int             // of the WebSocket's closure; set before in is closed
	wg   sync.WaitGroup
	stop sync.Once
}

const separator = "\x1e"

// transports runs a test over WebSocket and over polling.
func transports(t *testing.T, fn func(t *testing.T, connect func(*rig) *peer)) {
	t.Run("websocket", func(t *testing.T) { t.Parallel(); fn(t, func(r *rig) *peer { return r.websocket(t) }) })
	t.Run("polling", func(t *testing.T) { t.Parallel(); fn(t, func(r *rig) *peer { return r.polling(t) }) })
}

func (r *rig) websocket(t *testing.T) *peer {
	t.Helper()
	p := &peer{t: t, r: r, ws: r.dial("EIO=4&transport=websocket", nil), in: make(chan string, 4096)}
	hello, err := readText(p.ws)
	if err != nil {
		t.Fatalf("handshake: %v", err)
	}
	p.sid = sidPattern.FindStringSubmatch(hello)[1]
	p.wg.Go(func() { p.read(p.ws) })
	t.Cleanup(p.close)
	return p
}

func (p *peer) read(c *websocket.Conn) {
	defer close(p.in)
	for {
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		kind, data, err := c.ReadMessage()
		if err != nil {
			p.code = closeCode(err)
			_ = c.Close()
			return
		}
		text := string(data)
		if kind == websocket.BinaryMessage {
			text = "b" + base64.StdEncoding.EncodeToString(data)
		}
		p.in <- text
	}
}

func closeCode(err error) int {
	if closed, ok := errors.AsType[*websocket.CloseError](err); ok {
		return closed.Code
	}
	return -1
}

func (r *rig) polling(t *testing.T) *peer {
	t.Helper()
	p := &peer{t: t, r: r, sid: r.open(), in: make(chan string, 4096)}
	p.wg.Go(p.poll)
	t.Cleanup(p.close)
	return p
}

func (p *peer) poll() {
	defer close(p.in)
	for {
		a := p.r.get(p.sid)
		if a.status != 200 {
			return
		}
		for packet := range strings.SplitSeq(a.body, separator) {
			switch packet {
			case "1":
				return
			case "6":
			default:
				p.in <- packet
			}
		}
	}
}

// close leaves without ceremony over WebSocket and with the close packet over polling.
func (p *peer) close() {
	p.stop.Do(func() {
		if p.ws != nil {
			_ = p.ws.Close()
		} else {
			p.r.post(p.sid, "1")
		}
		p.wg.Wait()
	})
}

// send sends packets, over polling in one request.
func (p *peer) send(packets ...string) {
	p.t.Helper()
	if p.ws == nil {
		p.r.post(p.sid, strings.Join(packets, separator))
		return
	}
	for _, packet := range packets {
		kind, data := websocket.TextMessage, []byte(packet)
		if strings.HasPrefix(packet, "b") {
			kind = websocket.BinaryMessage
			data, _ = base64.StdEncoding.DecodeString(packet[1:])
		}
		if err := p.ws.WriteMessage(kind, data); err != nil {
			return // closed by the server: the test sees it when it reads
		}
	}
}

// next returns the next packet, ok unless the session is closed.
func (p *peer) next() (packet string, ok bool) {
	p.t.Helper()
	select {
	case packet, ok = <-p.in:
		return packet, ok
	case <-time.After(patience):
		p.t.Fatal("no packet came")
		return "", false
	}
}

func (p *peer) expect(want ...string) {
	p.t.Helper()
	for _, w := range want {
		got, ok := p.next()
		if got = sidPattern.ReplaceAllString(got, `"sid":"*"`); !ok || got != w {
			p.t.Fatalf("got packet %q (open: %v), want %q", got, ok, w)
		}
	}
}

// expectClosed reads until the session is closed and takes nothing before.
func (p *peer) expectClosed() {
	p.t.Helper()
	if got, ok := p.next(); ok {
		p.t.Fatalf("got packet %q, want the session closed", got)
	}
}

// connect enters the main namespace and returns the socket's ID.
func (p *peer) connect() (id string) {
	p.t.Helper()
	p.send("40")
	got, _ := p.next()
	m := sidPattern.FindStringSubmatch(got)
	if m == nil || !strings.HasPrefix(got, `40{"sid":`) {
		p.t.Fatalf("CONNECT answered with %q", got)
	}
	return m[1]
}

// script plays lines: "> packet" sends, several packets joined by ␞ at once; "< packet" expects one; "x" expects
// the session to be closed.
func (p *peer) script(lines string) {
	p.t.Helper()
	for line := range strings.Lines(lines) {
		switch line = strings.TrimSpace(line); {
		case line == "":
		case line == "x":
			p.expectClosed()
		case strings.HasPrefix(line, "< "):
			p.expect(line[2:])
		case strings.HasPrefix(line, "> "):
			p.send(strings.Split(line[2:], "␞")...)
		default:
			p.t.Fatalf("bad line %q", line)
		}
	}
}

// record collects what sockets say of their end.
type record struct{ reasons chan string }

func newRecord() *record { return &record{make(chan string, 1024)} }

func (r *record) watch(s *socketio.Socket) {
	s.OnDisconnect(func(reason string) { r.reasons <- reason })
}

func (r *record) want(t *testing.T, reason string) {
	t.Helper()
	select {
	case got := <-r.reasons:
		if got != reason {
			t.Errorf("disconnect reason = %q, want %q", got, reason)
		}
	case <-time.After(patience):
		t.Errorf("no disconnect, want %q", reason)
	}
}

// echo answers "mark" with an acknowledgement, "echo" with its arguments and "fail" with a panic.
func echo(s *socketio.Socket) {
	s.On("mark", func(e *socketio.Event) { _ = e.Ack() })
	s.On("1", func(e *socketio.Event) { _ = e.Ack("one") })
	s.On("fail", func(*socketio.Event) { panic("on purpose") })
	s.On("exit", func(*socketio.Event) { runtime.Goexit() })
	s.On("echo", func(e *socketio.Event) {
		args, err := e.Values()
		if err != nil {
			panic(err)
		}
		if e.HasAck() {
			_ = e.Ack(args...)
			return
		}
		_ = s.Emit("echo", args...)
	})
}
