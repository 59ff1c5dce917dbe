package socketio

import "time"

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

// overdue closes a session whose time for the answer to a ping is over, should the timer be late to see it.
func (e *session) overdue() bool {
	e.mu.Lock()
	late := e.open() && e.pinged && !e.seen.Load() && !e.stalled.Load() &&
		time.Since(e.pingAt) >= e.srv.opts.PingTimeout
	e.mu.Unlock()
	if late {
		e.close(ending{reason: reasonPingTimeout, drop: true})
	}
	return late
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
