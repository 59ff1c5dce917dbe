package socketio

import "time"

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

// ending says how a session is closed.
type ending struct {
	reason   string
	code     int           // of the WebSocket's closure; none when 0
	drop     bool          // forget what is queued
	atOnce   bool          // do not handle what came in before
	farewell byte          // for the poll; engineClose when 0
	linger   time.Duration // how long a polling client may take to collect the rest
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
	if e.upload != nil {
		_ = e.upload.SetReadDeadline(time.Unix(1, 0)) // let go a client that sends a byte now and then
	}
	e.flush() // the writer closes the connection once all is written
	e.roomy()
	e.mu.Unlock()

	if probe != nil {
		probe.interrupt()
	}
	e.upper.ended(x.reason, !x.atOnce)
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
