package socketio

import (
	"errors"
	"slices"
	"sync"
)

// ConnectError is how a middleware refuses a client: it is sent as the answer to it.
type ConnectError struct {
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"` // anything [encoding/json] can encode; left out when nil
}

// Error returns the message.
func (e *ConnectError) Error() string { return e.Message }

// errInternal is the answer when a middleware breaks.
var errInternal = &ConnectError{Message: "Internal server error"}

// Namespace is a part of a [Server] that clients connect to by name. All methods may be called by many
// goroutines at once; those that set functions are meant for the time before the first client.
type Namespace struct {
	srv  *Server
	name string

	mu         sync.RWMutex
	middleware []func(*Socket) error
	onConnect  []func(*Socket)
	onRoom     []func(string, bool)
	sockets    map[string]*Socket
	rooms      map[string]*room
}

func newNamespace(s *Server, name string) *Namespace {
	return &Namespace{srv: s, name: name, sockets: make(map[string]*Socket), rooms: make(map[string]*room)}
}

// Name returns the name, with its leading slash.
func (n *Namespace) Name() string { return n.name }

// Use adds a middleware, called in the order of addition before a client is let in; it may set handlers on
// the socket but not send to it. A [*ConnectError] refuses the client with that answer. Any other error,
// which may tell too much, and a panic are logged and answered with "Internal server error". A middleware
// that takes longer than [Options].ConnectTimeout finds the client disconnected.
func (n *Namespace) Use(fn func(s *Socket) error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.middleware = append(slices.Clip(n.middleware), fn)
}

// OnConnect adds a function that is called for each socket when it is connected: after the answer to the
// client was queued, so what it emits follows that, and before any event of the socket is handled.
func (n *Namespace) OnConnect(fn func(s *Socket)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.onConnect = append(slices.Clip(n.onConnect), fn)
}

// admit asks the middleware; nil lets the socket in.
func (n *Namespace) admit(s *Socket) *ConnectError {
	n.mu.RLock()
	chain := n.middleware
	n.mu.RUnlock()
	for _, fn := range chain {
		var err error
		if !s.guard("middleware", func() { err = fn(s) }) {
			return errInternal
		}
		if err == nil {
			continue
		}
		if refusal, ok := errors.AsType[*ConnectError](err); ok {
			return refusal
		}
		n.srv.log.Error("middleware refuses a client", "namespace", n.name, "socket_id", s.id, "err", err)
		return errInternal
	}
	return nil
}

// enter makes the socket one of the namespace's and returns what is to be called.
func (n *Namespace) enter(s *Socket) []func(*Socket) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sockets[s.id] = s
	return n.onConnect
}

// exit takes the socket out of the namespace and its rooms and says whether it was in.
func (n *Namespace) exit(s *Socket) (entered bool) {
	n.mu.Lock()
	_, entered = n.sockets[s.id]
	delete(n.sockets, s.id)
	s.gone = true
	for name := range s.rooms {
		n.rooms[name].remove(s)
	}
	n.mu.Unlock()
	for name := range s.rooms { // nobody changes it any more
		n.settle(name, false)
	}
	return entered
}

// Count returns the number of connected sockets.
func (n *Namespace) Count() int {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return len(n.sockets)
}

// Socket returns the connected socket with that ID, nil when there is none.
func (n *Namespace) Socket(id string) *Socket {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.sockets[id]
}

// Sockets returns the sockets in a room, in no order; without a room, all of the namespace.
func (n *Namespace) Sockets(rooms ...string) []*Socket {
	return n.collect(nil, rooms)
}

// Has says whether a room has anybody in it.
func (n *Namespace) Has(name string) bool {
	n.mu.RLock()
	defer n.mu.RUnlock()
	r := n.rooms[name]
	return r != nil && len(r.members) > 0
}
