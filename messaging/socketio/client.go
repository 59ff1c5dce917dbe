package socketio

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"
)

// unfinishedSockets is how many sockets of one client may have work left. Who goes in and out of a
// namespace faster than that leaves handlers behind without end.
const unfinishedSockets = 32

// Handshake is what a client presented when it connected. It must not be changed.
type Handshake struct {
	// Request is the request that opened the session, without its body. Its context carries the values of
	// the original one but never ends. All sockets of a session share it.
	Request *http.Request
	Auth    json.RawMessage // the client's auth object, {} when it sent none
	Time    time.Time       // when the client asked to connect to the namespace
}

// client is the Socket.IO side of a session: its sockets, one in each namespace it is in.
type client struct {
	srv     *Server
	e       *session
	request *http.Request
	partial *message // waits for attachments; guarded by session.in

	mu      sync.Mutex
	sockets []*Socket // in the order they connected
	left    []string  // namespaces the server refused or ended: what the client sent before it knew is ignored
	limit   *timer    // for the first of them; nil afterwards
	over    bool
	working int // sockets that have not finished
}

func newClient(s *Server, e *session, r *http.Request) *client {
	kept := r.WithContext(context.WithoutCancel(r.Context()))
	kept.Body, kept.GetBody = http.NoBody, nil
	return &client{srv: s, e: e, request: kept}
}

func (c *client) opened() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.limit = c.srv.timers.after(c.srv.opts.ConnectTimeout, c.late)
	}
}

// late closes a session that has not got into any namespace.
func (c *client) late() {
	c.mu.Lock()
	waiting := c.limit != nil
	c.mu.Unlock()
	if waiting {
		c.e.close(ending{reason: reasonForcedByServer})
	}
}

// connected stops the clock: the client is in a namespace.
func (c *client) connected() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.srv.timers.stop(c.limit)
	c.limit = nil
}

func (c *client) message(data []byte, binary bool) (reason string) {
	m := c.partial
	if binary != (m != nil) {
		return reasonForcedClose // an attachment nobody waits for, or text in place of one
	}
	if binary {
		complete, err := m.attach(data)
		if err != nil {
			return reasonForcedClose
		}
		if !complete {
			return ""
		}
		c.partial = nil
		return c.dispatch(m, len(data))
	}
	m, err := decodePacket(data)
	if err != nil {
		return reasonForcedClose
	}
	if m == nil {
		return ""
	}
	if m.missing > 0 {
		c.partial = m
		return ""
	}
	return c.dispatch(m, len(data))
}

func (c *client) dispatch(m *message, size int) (reason string) {
	s := c.socket(m.namespace)
	if m.kind == packetConnect {
		if s != nil {
			return reasonForcedByServer
		}
		return c.connect(m)
	}
	switch {
	case s == nil && c.hasLeft(m.namespace):
	case s == nil:
		return reasonForcedByServer
	case m.kind == packetDisconnect:
		s.end(reasonClientLeft, true)
	case m.kind == packetAck:
		if m.hasID {
			s.acknowledge(m.id, m.args)
		}
	default:
		name, err := m.event()
		if err != nil {
			return reasonForcedClose
		}
		for _, b := range m.bin {
			size += len(b)
		}
		s.receive(&Event{
			Name: name, Args: m.args, socket: s, id: m.id, wanted: m.hasID, bin: m.bin, values: m.values, size: size,
		})
	}
	return ""
}

// connect begins a connection to a namespace; the socket's own order takes it on from here.
func (c *client) connect(m *message) (reason string) {
	n := c.srv.namespace(m.namespace)
	if n == nil {
		c.refuse(m.namespace, &ConnectError{Message: "Invalid namespace"})
		return ""
	}
	s := newSocket(c, n, m.auth)
	c.mu.Lock()
	switch {
	case c.over:
		c.mu.Unlock()
		return ""
	case c.working >= unfinishedSockets:
		c.mu.Unlock()
		return reasonForcedByServer
	}
	c.working++
	c.sockets = append(c.sockets, s)
	c.left = slices.DeleteFunc(c.left, func(name string) bool { return name == n.name })
	c.mu.Unlock()
	s.begin()
	return ""
}

func (c *client) finished() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.working--
}

func (c *client) refuse(namespace string, refusal *ConnectError) {
	p, err := controlPacket(packetConnectError, namespace, refusal)
	if err != nil {
		c.srv.log.Error("cannot encode the data of a connect error", "namespace", namespace, "err", err)
		p, _ = controlPacket(packetConnectError, namespace, &ConnectError{Message: refusal.Message})
	}
	_ = c.e.send(p, false) // a client that is gone needs no answer
}

func (c *client) socket(namespace string) *Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sockets {
		if s.ns.name == namespace {
			return s
		}
	}
	return nil
}

// remove forgets a socket: the client may connect to its namespace again.
func (c *client) remove(s *Socket, byServer bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.sockets, s); i >= 0 {
		c.sockets = slices.Delete(c.sockets, i, i+1)
		if byServer {
			c.left = append(c.left, s.ns.name)
		}
	}
}

func (c *client) hasLeft(namespace string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.left, namespace)
}

func (c *client) all() []*Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.sockets)
}

func (c *client) ended(reason string, drain bool) {
	c.mu.Lock()
	c.over = true
	c.srv.timers.stop(c.limit)
	c.limit = nil
	c.mu.Unlock()
	for _, s := range c.all() {
		s.end(reason, drain)
	}
}
