package socketio

import (
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

// serveUpgrade opens the WebSocket that is to take over from polling.
func (e *session) serveUpgrade(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	free := e.open() && e.conn == nil && !e.upgrading
	if free {
		e.upgrading = true
	}
	e.mu.Unlock()
	c, err := e.srv.accept(w, r)
	if !free {
		// Clients of the protocol expect to be let in and closed here, not an HTTP error.
		if err == nil {
			c.hangUp()
		}
		return
	}
	e.mu.Lock()
	if err != nil {
		e.upgrading = false
		e.mu.Unlock()
		return
	}
	if e.open() {
		e.probe = c
	} else {
		c.interrupt()
	}
	e.mu.Unlock()
	e.spawn(func() {
		limit := e.srv.timers.after(e.srv.opts.UpgradeTimeout, func() { e.giveUp(c) })
		upgraded := e.takeOver(c)
		e.srv.timers.stop(limit)
		if upgraded {
			e.read(c)
			return
		}
		e.abandon(c)
	})
}

// takeOver goes through the steps of the upgrade and says whether c carries the session now.
func (e *session) takeOver(c *wsConn) bool {
	if kind, data, err := c.ws.ReadMessage(); err != nil || kind != websocket.TextMessage || string(data) != "2probe" {
		return false
	}
	c.expire(time.Now().Add(closeGrace))
	if c.ws.WriteMessage(websocket.TextMessage, []byte("3probe")) != nil {
		return false
	}
	c.expire(time.Time{})
	e.mu.Lock()
	if e.probe == c {
		e.probed = true
		e.wakePoll()
	}
	e.mu.Unlock()
	if kind, data, err := c.ws.ReadMessage(); err != nil || kind != websocket.TextMessage || string(data) != "5" {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.probe != c {
		return false
	}
	e.probe, e.upgrading, e.probed = nil, false, false
	e.wakePoll()
	e.conn = c
	if !e.q.empty() {
		e.flush()
	}
	return true
}

// giveUp is called when the upgrade has taken too long.
func (e *session) giveUp(c *wsConn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.probe == c {
		c.interrupt()
	}
}

// abandon closes a WebSocket that did not take over; the session stays on polling.
func (e *session) abandon(c *wsConn) {
	e.mu.Lock()
	if e.probe == c {
		e.probe, e.upgrading, e.probed = nil, false, false
	}
	e.mu.Unlock()
	c.hangUp()
}

// hangUp closes a WebSocket that carries no session.
func (c *wsConn) hangUp() {
	c.expire(time.Now().Add(closeGrace))
	_ = c.ws.WriteControl(websocket.CloseMessage, nil, time.Now().Add(closeGrace)) // out of courtesy
	_ = c.ws.Close()
}
