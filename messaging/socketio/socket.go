package socketio

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// States of a socket.
const (
	socketConnecting int32 = iota
	socketConnected
	socketEnded
)

// Socket is a client's connection to one namespace. All methods may be called by many goroutines at once,
// and after the end of the socket, when they do nothing or return [ErrClosed].
type Socket struct {
	id        string
	ns        *Namespace
	client    *client
	handshake Handshake
	ctx       context.Context // is the socket's lifetime, not a call's
	cancel    context.CancelFunc
	state     atomic.Int32

	rooms map[string]struct{} // guarded by ns.mu; kept after the end
	gone  bool                // guarded by ns.mu: joins no more

	mu           sync.Mutex
	handlers     []handler
	unhandled    func(*Event)
	onDisconnect []func(string)
	data         any
	in           inbox
	acks         map[uint64]chan []json.RawMessage
	lastAck      uint64
	reason       string
}

type handler struct {
	event string
	fn    func(*Event)
}

func newSocket(c *client, n *Namespace, auth json.RawMessage) *Socket {
	s := &Socket{
		id: newID(), ns: n, client: c,
		handshake: Handshake{Request: c.request, Auth: auth, Time: time.Now()},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// ID returns the socket's random identifier, which the client knows too. It is not the transport's.
func (s *Socket) ID() string { return s.id }

// Namespace returns the namespace the socket is connected to.
func (s *Socket) Namespace() *Namespace { return s.ns }

// Handshake returns what the client presented.
func (s *Socket) Handshake() *Handshake { return &s.handshake }

// Context returns a context that ends with the socket, before the functions of [Socket.OnDisconnect] are
// called: at once when the server ended it; when the client left or was lost, after the events received
// before, for which they have 5 seconds.
func (s *Socket) Context() context.Context { return s.ctx }

// Connected says whether the client is connected now: from the answer to it until the end.
func (s *Socket) Connected() bool { return s.state.Load() == socketConnected }

// Data returns what was given to [Socket.SetData] last.
func (s *Socket) Data() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data
}

// SetData keeps a value of the user's with the socket.
func (s *Socket) SetData(v any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = v
}

// On sets the handler of an event, in place of an earlier one. Handlers set in [Namespace.Use] or
// [Namespace.OnConnect] see all events of the socket.
func (s *Socket) On(event string, fn func(*Event)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.handlers, func(h handler) bool { return h.event == event })
	if i >= 0 {
		s.handlers[i].fn = fn
		return
	}
	s.handlers = append(s.handlers, handler{event, fn})
}

// OnUnhandled sets the handler of the events that have none of their own. Without it they are ignored, and
// one that asks for an acknowledgement gets {"error":"unknown event","code":"BAD_REQUEST"}.
func (s *Socket) OnUnhandled(fn func(*Event)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unhandled = fn
}

// OnDisconnect adds a function that is called once, as the last of the socket's, with the reason in the words
// of the protocol, such as "transport close". The socket has left its rooms by then, but [Socket.Rooms]
// still tells them. It is not called for sockets that were refused, nor when it is added after the end.
func (s *Socket) OnDisconnect(fn func(reason string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onDisconnect = append(s.onDisconnect, fn)
}

// Emit sends an event. It encodes the arguments like [Encode], never blocks, and keeps the order of calls.
func (s *Socket) Emit(event string, args ...any) error { return s.emit(false, event, args) }

// EmitVolatile is Emit for an event that may be dropped when the client does not keep up.
func (s *Socket) EmitVolatile(event string, args ...any) error { return s.emit(true, event, args) }

func (s *Socket) emit(volatile bool, event string, args []any) error {
	m, err := Encode(event, args...)
	if err != nil {
		return err
	}
	return s.send(m.packet(s.ns.name), volatile)
}

// Send sends an encoded event, like Emit. An error is [ErrClosed] or [ErrSlow].
func (s *Socket) Send(m *Message) error { return s.send(m.packet(s.ns.name), false) }

// SendVolatile sends an encoded event, like EmitVolatile.
func (s *Socket) SendVolatile(m *Message) error { return s.send(m.packet(s.ns.name), true) }

func (s *Socket) send(p *packet, volatile bool) error {
	if !s.Connected() {
		return ErrClosed
	}
	return s.client.e.send(p, volatile)
}

// Wait returns when at most half of the client's queue is in use. Who has much to send to one socket calls
// it in between, so that the queue does not overflow. It returns [ErrClosed] when the connection ends, and the
// cause of ctx when that does.
func (s *Socket) Wait(ctx context.Context) error {
	if !s.Connected() {
		return ErrClosed
	}
	return s.client.e.wait(ctx)
}

// Disconnect ends the socket with the reason "server namespace disconnect". The client is told and does not
// reconnect by itself. With close, all sockets of the client end so, and the connection is closed after what
// was sent before has been delivered.
func (s *Socket) Disconnect(close bool) {
	if !close {
		s.leave()
		return
	}
	for _, t := range s.client.all() {
		t.leave()
	}
	s.client.e.close(ending{reason: reasonForcedByServer, linger: closeLinger})
}

// leave tells the client and ends the socket.
func (s *Socket) leave() {
	if p, err := controlPacket(packetDisconnect, s.ns.name, nil); err == nil { // no value, no error
		_ = s.send(p, false) // who is gone knows
	}
	s.end(reasonServerLeft, false)
}
