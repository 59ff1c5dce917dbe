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

// Why a socket ended, in the words of the protocol's first server.
const (
	reasonTransportClose = "transport close"
	reasonTransportError = "transport error"
	reasonPingTimeout    = "ping timeout"
	reasonParseError     = "parse error" // a malformed Engine.IO packet
	reasonClientLeft     = "client namespace disconnect"
	reasonServerLeft     = "server namespace disconnect"
	reasonShutdown       = "server shutting down"
	reasonForcedClose    = "forced close"        // a malformed Socket.IO packet
	reasonForcedByServer = "forced server close" // a packet out of place, or none in time
)

const (
	closeGrace  = 2 * time.Second        // for a closed WebSocket to take the rest and hang up
	closeLinger = 30 * time.Second       // for a polling client to collect the rest
	overtake    = 100 * time.Millisecond // what a POST may be ahead of a poll that was sent before
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
	farewell  byte          // the packet that ends the last poll
	collected chan struct{} // closed when a session that was closing is closed
	room      chan struct{} // closed when the queue is half empty again
	beat      timer
	pingAt    time.Time
	pinged    bool // and not answered yet
}

// ending says how a session is closed.
type ending struct {
	reason   string
	code     int           // of the WebSocket's closure; none when 0
	drop     bool          // forget what is queued
	drain    bool          // handle what came in before
	farewell byte          // for the poll; engineClose when 0
	linger   time.Duration // how long a polling client may take to collect the rest
}

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
		return &ending{reason: reasonTransportClose, drop: true, drain: true, farewell: engineNoop, linger: overtake}
	case enginePing:
		return &ending{reason: reasonTransportError}
	}
	return nil
}

// close ends the session. Only the first call counts, and returns true.
func (e *session) close(x ending) bool {
	e.mu.Lock()
	if !e.open() {
		e.mu.Unlock()
		return false
	}
	e.refs.Add(1) // until this is done
	defer e.release()
	e.srv.timers.stop(&e.beat)
	probe := e.probe
	e.probe, e.upgrading, e.probed = nil, false, false
	if x.drop || e.conn == nil && x.linger == 0 {
		e.q.clear()
	}
	e.farewell = x.farewell
	if e.farewell == 0 {
		e.farewell = engineClose
	}
	closed := e.conn != nil || x.linger == 0 || e.poll != nil && e.q.empty()
	if closed {
		e.state.Store(stateClosed)
	} else {
		e.state.Store(stateClosing)
	}
	if e.conn != nil {
		e.conn.code = x.code
		e.conn.expire(time.Now().Add(closeGrace))
	}
	e.flush() // the writer closes the connection once all is written
	e.roomy()
	e.mu.Unlock()

	if probe != nil {
		probe.interrupt()
	}
	e.upper.ended(x.reason, x.drain)
	if closed {
		e.retire()
	} else {
		e.srv.timers.after(x.linger, e.expire)
	}
	return true
}

// expire ends the wait of a session that is closing.
func (e *session) expire() {
	e.mu.Lock()
	if e.state.Load() != stateClosing {
		e.mu.Unlock()
		return
	}
	e.finish()
	e.wakePoll()
	e.mu.Unlock()
	e.retire()
}

// finish turns a closing session into a closed one. It needs e.mu; the caller retires the session.
func (e *session) finish() {
	e.state.Store(stateClosed)
	e.q.clear()
	if e.collected != nil {
		close(e.collected)
		e.collected = nil
	}
}

// retire is called by the one who closed the session.
func (e *session) retire() {
	e.srv.forget(e)
	e.release()
}

// kill cuts the connection.
func (e *session) kill() {
	e.mu.Lock()
	c := e.conn
	e.mu.Unlock()
	if c != nil {
		c.cut()
	}
}

// heartbeat is called when a ping or the end of the wait for its answer is due.
func (e *session) heartbeat() {
	o := &e.srv.opts
	e.mu.Lock()
	if !e.open() {
		e.mu.Unlock()
		return
	}
	if e.pinged {
		if !e.seen.Load() && !e.stalled.Load() {
			e.mu.Unlock()
			e.close(ending{reason: reasonPingTimeout, drop: true})
			return
		}
		e.pinged = false
	}
	now := time.Now()
	due := e.pingAt.Add(o.PingInterval)
	if due.After(now) {
		e.srv.timers.set(&e.beat, due)
		e.mu.Unlock()
		return
	}
	if now.Sub(due) > o.PingInterval { // the machine slept: go on from here
		due = now
	}
	e.pingAt, e.pinged = due, true
	e.seen.Store(false)
	e.q.jump(&packet{text: []byte{enginePing}})
	e.flush()
	e.srv.timers.set(&e.beat, due.Add(o.PingTimeout))
	e.mu.Unlock()
}

// pong notes the answer to a ping; the next one is due an interval after it was, not after the answer.
func (e *session) pong() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.open() && e.pinged {
		e.pinged = false
		e.srv.timers.set(&e.beat, e.pingAt.Add(e.srv.opts.PingInterval))
	}
}
