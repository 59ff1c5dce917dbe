package socketio

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

const (
	stateOpen    int32 = iota
	stateClosing       // polling: over, but the client has not collected all yet
	stateClosed
)

// upper is what a session carries. Its methods must not block, except message, which may for as long as
// the handlers cannot keep up.
type upper interface {
	// opened is called once, after the handshake was queued.
	opened()
	// message takes one message; a reason in return closes the session.
	message(data []byte, binary bool) (reason string)
	// ended is called once. With drain, what came before is still to be handled.
	ended(reason string, drain bool)
}

// session is one Engine.IO session: a client's connection, whatever transport carries it.
type session struct {
	srv   *Server
	sid   string
	upper upper

	refs    atomic.Int32 // the open session, its goroutines and requests; gone at 0
	state   atomic.Int32 // written with mu held
	seen    atomic.Bool  // a packet came since the last heartbeat
	stalled atomic.Bool  // reading waits for the handlers

	in sync.Mutex // one incoming packet at a time; held while it waits for its place in the order

	mu        sync.Mutex
	q         queue
	conn      *wsConn       // nil: polling
	probe     *wsConn       // the WebSocket that is about to take over
	upgrading bool          // there is one, or it is being opened
	probed    bool          // it has been answered: polls are let go
	writing   bool          // a writer runs
	poll      chan struct{} // wakes the GET that waits
	posting   bool          // a POST is being handled
	upload    deadliner     // its connection while its body is read
	farewell  byte          // the packet that ends the last poll
	collected chan struct{} // closed when a session that was closing is closed
	room      chan struct{} // closed when the queue is half empty again
	beat      timer
	pingAt    time.Time
	pinged    bool // and not answered yet
}

type deadliner interface{ SetReadDeadline(time.Time) error }

// spawn runs fn in a goroutine that belongs to the session. The caller must know that the session is held.
func (e *session) spawn(fn func()) {
	e.refs.Add(1)
	go func() {
		defer e.release()
		fn()
	}()
}

func (e *session) release() {
	if e.refs.Add(-1) == 0 {
		e.srv.ended()
	}
}

func (e *session) open() bool { return e.state.Load() == stateOpen }

// start queues the handshake and begins the session's clock.
func (e *session) start(upgrades []string) {
	o := &e.srv.opts
	hello, err := json.Marshal(struct {
		SID          string   `json:"sid"`
		Upgrades     []string `json:"upgrades"`
		PingInterval int64    `json:"pingInterval"`
		PingTimeout  int64    `json:"pingTimeout"`
		MaxPayload   int64    `json:"maxPayload"`
	}{e.sid, upgrades, o.PingInterval.Milliseconds(), o.PingTimeout.Milliseconds(), o.MaxPayload})
	if err != nil {
		panic(fmt.Sprintf("socketio: encode handshake: %v", err)) // strings and numbers only
	}
	e.mu.Lock()
	if !e.open() {
		e.mu.Unlock()
		return
	}
	e.enqueue(&packet{text: append([]byte{engineOpen}, hello...)}, false)
	e.pingAt = time.Now()
	e.srv.timers.set(&e.beat, e.pingAt.Add(o.PingInterval))
	e.mu.Unlock()
	e.upper.opened()
}

// send queues p for the client. It never blocks.
func (e *session) send(p *packet, volatile bool) error {
	e.mu.Lock()
	if !e.open() {
		e.mu.Unlock()
		return ErrClosed
	}
	o := &e.srv.opts
	if !e.q.fits(p, o) {
		if volatile {
			e.mu.Unlock()
			e.srv.dropped.Add(1)
			return nil
		}
		e.srv.dropped.Add(e.q.shed())
		if !e.q.fits(p, o) {
			e.mu.Unlock()
			e.overflow()
			return ErrSlow
		}
	}
	e.enqueue(p, volatile)
	e.mu.Unlock()
	return nil
}

// overflow closes a session whose client does not read.
func (e *session) overflow() {
	e.srv.slow.Add(1)
	e.srv.log.Warn("closing a client that reads too slowly", "sid", e.sid)
	e.close(ending{reason: reasonTransportError, code: websocket.CloseTryAgainLater, drop: true})
}

// enqueue needs e.mu.
func (e *session) enqueue(p *packet, volatile bool) {
	e.q.push(p, volatile)
	e.flush()
}

// flush sees to it that somebody sends what is queued. It needs e.mu.
func (e *session) flush() {
	switch {
	case e.conn == nil:
		e.wakePoll()
	case !e.writing:
		e.writing = true
		c := e.conn
		c.writers.Add(1)
		e.spawn(func() { e.write(c) })
	}
}

// roomy tells those who wait for room in the queue. It needs e.mu.
func (e *session) roomy() {
	if e.room != nil && (!e.open() || !e.q.halfFull(&e.srv.opts)) {
		close(e.room)
		e.room = nil
	}
}

// wait returns when at most half of the queue is in use.
func (e *session) wait(ctx context.Context) error {
	for {
		e.mu.Lock()
		if !e.open() {
			e.mu.Unlock()
			return ErrClosed
		}
		if !e.q.halfFull(&e.srv.opts) {
			e.mu.Unlock()
			return nil
		}
		if e.room == nil {
			e.room = make(chan struct{})
		}
		room := e.room
		e.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// receive takes one packet of the client; not nil means that the session has to be closed like that.
func (e *session) receive(f frame) *ending {
	e.seen.Store(true)
	switch f.kind {
	case engineMessage:
		e.in.Lock()
		defer e.in.Unlock()
		if !e.open() {
			return nil
		}
		if reason := e.upper.message(f.data, f.binary); reason != "" {
			return &ending{reason: reason}
		}
	case enginePong:
		e.pong()
	case engineClose:
		return &ending{reason: reasonTransportClose, drop: true, farewell: engineNoop, linger: overtake}
	case enginePing:
		return &ending{reason: reasonTransportError}
	}
	return nil
}
