package elizatest

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/eliza-go/eliza/internal/apitest"
)

// Socket is a Socket.IO client over one websocket: enough for tests of what a server sends. The protocol
// itself is tested where it is implemented.
type Socket struct {
	t    testing.TB
	conn *websocket.Conn

	mu     sync.Mutex
	write  sync.Mutex
	events []Event
	grown  chan struct{} // closed and replaced with each event
	closed bool
	err    string // of CONNECT_ERROR
}

// Event is a received event with its first argument.
type Event struct {
	Name string
	Data map[string]any
}

// Dial connects with an auth payload, nil for none, and waits for nothing.
func Dial(t testing.TB, base string, auth any, header http.Header) *Socket {
	t.Helper()
	url := "ws" + strings.TrimPrefix(base, "http") + "/socket.io/?EIO=4&transport=websocket"
	conn, res, err := websocket.DefaultDialer.DialContext(t.Context(), url, header)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	_ = res.Body.Close()
	s := &Socket{t: t, conn: conn, grown: make(chan struct{})}
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	go func() {
		defer close(done)
		s.read()
	}()
	connect := "40"
	if auth != nil {
		b, err := json.Marshal(auth)
		if err != nil {
			t.Fatal(err)
		}
		connect += string(b)
	}
	s.frame(connect)
	return s
}

func (s *Socket) frame(text string) {
	s.write.Lock()
	defer s.write.Unlock()
	_ = s.conn.WriteMessage(websocket.TextMessage, []byte(text))
}

func (s *Socket) read() {
	for {
		_, b, err := s.conn.ReadMessage()
		if err != nil {
			s.grow(func() { s.closed = true })
			return
		}
		switch frame := string(b); {
		case frame == "2":
			s.frame("3")
		case strings.HasPrefix(frame, "44"):
			s.grow(func() { s.err = frame[2:] })
		case strings.HasPrefix(frame, "42"):
			var args []json.RawMessage
			var e Event
			if json.Unmarshal(b[2:], &args) == nil && len(args) > 0 && json.Unmarshal(args[0], &e.Name) == nil {
				if len(args) > 1 {
					_ = json.Unmarshal(args[1], &e.Data)
					s.compare(e.Name, args[1])
				}
				s.grow(func() { s.events = append(s.events, e) })
			}
		}
	}
}

// compare holds an event to its description, unless nothing is measured but time.
func (s *Socket) compare(name string, data []byte) {
	switch s.t.(type) {
	case *testing.B, *testing.F:
	default:
		apitest.Event(s.t, name, data)
	}
}

func (s *Socket) grow(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	close(s.grown)
	s.grown = make(chan struct{})
}

// Emit sends an event with one argument.
func (s *Socket) Emit(name string, data any) {
	s.t.Helper()
	b, err := json.Marshal([]any{name, data})
	if err != nil {
		s.t.Fatal(err)
	}
	s.frame("42" + string(b))
}

// Close ends the connection; what came before is still there.
func (s *Socket) Close() { _ = s.conn.Close() }

// Frame sends a raw frame.
func (s *Socket) Frame(text string) { s.frame(text) }

// Wait returns the first event with a name for which ok, unless nil, holds.
func (s *Socket) Wait(name string, ok func(map[string]any) bool) map[string]any {
	s.t.Helper()
	var found map[string]any
	s.until("event "+name, func() bool {
		for _, e := range s.events {
			if e.Name == name && (ok == nil || ok(e.Data)) {
				found = e.Data
				return true
			}
		}
		return false
	})
	return found
}

// WaitCount waits for at least n events with a name and returns all there are.
func (s *Socket) WaitCount(name string, n int) []map[string]any {
	s.t.Helper()
	s.until("enough events "+name, func() bool { return len(s.named(name)) >= n })
	return s.Named(name)
}

// WaitRefused waits for CONNECT_ERROR and returns its payload.
func (s *Socket) WaitRefused() string {
	s.t.Helper()
	s.until("a refusal", func() bool { return s.err != "" })
	return s.err
}

// WaitClosed waits for the end of the connection.
func (s *Socket) WaitClosed() {
	s.t.Helper()
	s.until("the end of the connection", func() bool { return s.closed })
}

func (s *Socket) until(what string, ok func() bool) {
	s.t.Helper()
	limit := time.NewTimer(15 * time.Second)
	defer limit.Stop()
	for {
		s.mu.Lock()
		done, grown, closed := ok(), s.grown, s.closed
		s.mu.Unlock()
		if done {
			return
		}
		if closed {
			s.t.Fatalf("waiting for %s: the connection ended; the last events were %v", what, s.last(20))
		}
		select {
		case <-grown:
		case <-limit.C:
			s.t.Fatalf("no %s within 15 s; the last events were %v", what, s.last(20))
		}
	}
}

// last are the names of the latest events.
func (s *Socket) last(n int) []string {
	var names []string
	all := s.Events()
	for _, e := range all[max(0, len(all)-n):] {
		names = append(names, e.Name)
	}
	return names
}

// Named returns what has come under a name so far.
func (s *Socket) Named(name string) []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.named(name)
}

func (s *Socket) named(name string) []map[string]any {
	var out []map[string]any
	for _, e := range s.events {
		if e.Name == name {
			out = append(out, e.Data)
		}
	}
	return out
}

// Events returns everything that has come so far.
func (s *Socket) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Event(nil), s.events...)
}
