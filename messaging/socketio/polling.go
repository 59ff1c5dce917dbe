package socketio

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	pollWrite = 30 * time.Second // for a client to take the answer of its poll
	noStore   = "no-store"
)

// servePoll answers a GET with what is queued, and waits for it if need be.
func (e *session) servePoll(w http.ResponseWriter, r *http.Request) {
	wake := make(chan struct{}, 1)
	var patience <-chan time.Time
	e.mu.Lock()
	switch {
	case e.state.Load() == stateClosed:
		e.mu.Unlock()
		refuse(w, r, codeUnknownSID)
		return
	case e.conn != nil:
		e.mu.Unlock()
		refuse(w, r, codeBadRequest)
		return
	case e.poll != nil:
		e.mu.Unlock()
		e.close(ending{reason: reasonTransportError})
		refuse(w, r, codeBadRequest)
		return
	}
	e.poll = wake
	if e.probed {
		// The packet that completes the upgrade may be on its way, and have been sent before this poll.
		timer := time.NewTimer(overtake)
		defer timer.Stop()
		patience = timer.C
	}
	e.mu.Unlock()

	// The server's own limits are made for answers that come at once.
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{}) // not every writer has deadlines; then there is nothing to lift
	_ = rc.SetWriteDeadline(time.Time{})
	for {
		body, ok := e.collect(patience == nil)
		switch {
		case !ok:
			refuse(w, r, codeBadRequest)
			return
		case body != nil:
			writePoll(w, rc, body)
			return
		}
		select {
		case <-wake:
		case <-patience:
			patience = nil
		case <-r.Context().Done():
			e.mu.Lock()
			e.poll = nil
			e.mu.Unlock()
			e.close(ending{reason: reasonTransportError})
			return
		}
	}
}

// collect returns the body for the poll that waits, nil when there is nothing to say yet. It is not ok when
// the session has gone over to a WebSocket. With yield, the poll gives way to an upgrade.
func (e *session) collect(yield bool) (body []byte, ok bool) {
	e.mu.Lock()
	if e.conn != nil {
		e.poll = nil
		e.mu.Unlock()
		return nil, false
	}
	body, retire := e.nextBody(yield)
	if body != nil {
		e.poll = nil
	}
	e.roomy()
	e.mu.Unlock()
	if retire {
		e.retire()
	}
	return body, true
}

// nextBody needs e.mu.
func (e *session) nextBody(yield bool) (body []byte, retire bool) {
	switch {
	case !e.q.empty():
		return encodePayload(e.q.takeAll()), false
	case e.state.Load() == stateClosed:
		return []byte{e.farewell}, false
	case e.state.Load() == stateClosing:
		e.finish()
		return []byte{e.farewell}, true
	case e.probed && yield:
		return []byte{engineNoop}, false
	}
	return nil, false
}

// wakePoll lets the poll that waits look again. It needs e.mu.
func (e *session) wakePoll() {
	select {
	case e.poll <- struct{}{}:
	default: // none waits, or it is awake already
	}
}

func writePoll(w http.ResponseWriter, rc *http.ResponseController, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	h.Set("Cache-Control", noStore)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	// A client that does not take its answer must not keep this goroutine, nor may the limit outlive it.
	_ = rc.SetWriteDeadline(time.Now().Add(pollWrite))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // a client that is gone is noticed by its heartbeat
	_ = rc.Flush()
	_ = rc.SetWriteDeadline(time.Time{})
}

// servePost takes the packets of a POST.
func (e *session) servePost(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	switch {
	case e.state.Load() == stateClosed:
		e.mu.Unlock()
		refuse(w, r, codeUnknownSID)
		return
	case e.conn != nil:
		e.mu.Unlock()
		refuse(w, r, codeBadRequest)
		return
	case e.posting, strings.HasPrefix(r.Header.Get("Content-Type"), "application/octet-stream"):
		e.mu.Unlock()
		e.close(ending{reason: reasonTransportError})
		refuse(w, r, codeBadRequest)
		return
	}
	e.posting, e.upload = true, http.NewResponseController(w)
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		e.posting = false
		e.mu.Unlock()
	}()

	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, e.srv.opts.MaxPayload))
	e.mu.Lock()
	e.upload = nil
	e.mu.Unlock()
	if err != nil {
		e.close(ending{reason: reasonTransportError})
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		} else {
			refuse(w, r, codeBadRequest)
		}
		return
	}
	if end := e.receivePayload(body); end != nil {
		first := e.close(*end)
		switch {
		case end.farewell == 0:
			refuse(w, r, codeBadRequest)
			return
		case first:
			e.awaitOvertaken()
		default:
			e.expire() // the client does not want the rest
		}
	}
	h := w.Header()
	h.Set("Content-Type", "text/html")
	h.Set("Cache-Control", noStore)
	h.Set("Content-Length", "2")
	_, _ = io.WriteString(w, "ok") // nobody to tell
}

func (e *session) receivePayload(body []byte) *ending {
	for f, err := range frames(body) {
		if err != nil {
			return &ending{reason: reasonParseError}
		}
		if end := e.receive(f); end != nil {
			return end
		}
	}
	return nil
}

// awaitOvertaken holds the answer to a client that closed by POST until the poll it sent before has been
// answered: the two travel on different connections, and the POST may be the faster one.
func (e *session) awaitOvertaken() {
	e.mu.Lock()
	if e.state.Load() != stateClosing {
		e.mu.Unlock()
		return
	}
	collected := make(chan struct{})
	e.collected = collected
	e.mu.Unlock()
	<-collected // by the poll, or by the end of the wait
}
