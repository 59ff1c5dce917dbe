package socketio

import (
	"io"
	"net/http"
	"strconv"

	"github.com/gorilla/websocket"
)

// refusal is an answer to a request that no session takes.
type refusal struct {
	code    int
	message string
}

var (
	codeTransport   = refusal{0, "Transport unknown"}
	codeUnknownSID  = refusal{1, "Session ID unknown"}
	codeBadMethod   = refusal{2, "Bad handshake method"}
	codeBadRequest  = refusal{3, "Bad request"}
	codeForbidden   = refusal{4, "Forbidden"}
	codeBadProtocol = refusal{5, "Unsupported protocol version"}
)

// refuse answers with the error: JSON, or to who wanted a WebSocket the bare message.
func refuse(w http.ResponseWriter, r *http.Request, f refusal) {
	body, kind := `{"code":`+strconv.Itoa(f.code)+`,"message":"`+f.message+`"}`, "application/json"
	status := http.StatusBadRequest
	switch {
	case f == codeForbidden:
		status = http.StatusForbidden
	case websocket.IsWebSocketUpgrade(r):
		body, kind = f.message, "text/plain; charset=UTF-8"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // nobody to tell
}

// ServeHTTP serves the protocol, whatever the path of the request. It returns at once for WebSockets; a
// poll is held until there is something to answer, also beyond the time limits of the [http.Server].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.cors(w, r) {
		refuse(w, r, codeForbidden)
		return
	}
	if r.Method == http.MethodOptions {
		s.preflight(w, r)
		return
	}
	if s.down() {
		http.Error(w, "the server is shutting down", http.StatusServiceUnavailable)
		return
	}
	q := r.URL.Query()
	transport, upgrade := q.Get("transport"), websocket.IsWebSocketUpgrade(r)
	switch {
	case transport != "polling" && transport != "websocket", transport == "polling" && q.Has("j"):
		refuse(w, r, codeTransport)
	case q.Get("sid") != "":
		s.serveSession(w, r, q.Get("sid"), transport)
	case r.Method != http.MethodGet:
		refuse(w, r, codeBadMethod)
	case upgrade != (transport == "websocket"):
		refuse(w, r, codeBadRequest)
	case q.Get("EIO") != "4":
		refuse(w, r, codeBadProtocol)
	case s.opts.Allow != nil && s.opts.Allow(r) != nil:
		refuse(w, r, codeForbidden)
	case upgrade:
		s.openWebSocket(w, r)
	default:
		s.openPolling(w, r)
	}
}

// cors sets the headers that let browsers of other origins in, unless middleware in front has set them, and says
// whether the request may go on.
func (s *Server) cors(w http.ResponseWriter, r *http.Request) bool {
	allow, credentials, ok := s.opts.Origin(r)
	h := w.Header()
	if allow != "*" {
		h.Add("Vary", "Origin")
	}
	if !ok {
		return false
	}
	if allow != "" && h.Get("Access-Control-Allow-Origin") == "" {
		h.Set("Access-Control-Allow-Origin", allow)
		if credentials && allow != "*" {
			h.Set("Access-Control-Allow-Credentials", "true")
		}
	}
	return true
}

func (s *Server) preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET,POST")
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Set("Access-Control-Allow-Headers", asked)
		h.Add("Vary", "Access-Control-Request-Headers")
	}
	w.WriteHeader(http.StatusNoContent)
}

// serveSession serves a request that names its session.
func (s *Server) serveSession(w http.ResponseWriter, r *http.Request, sid, transport string) {
	e := s.find(sid)
	if e == nil {
		refuse(w, r, codeUnknownSID)
		return
	}
	defer e.release()
	if e.overdue() {
		refuse(w, r, codeUnknownSID)
		return
	}
	upgrade := websocket.IsWebSocketUpgrade(r)
	switch {
	case upgrade && transport == "websocket":
		e.serveUpgrade(w, r)
	case upgrade || transport == "websocket":
		refuse(w, r, codeBadRequest)
	case r.Method == http.MethodGet:
		e.servePoll(w, r)
	case r.Method == http.MethodPost:
		e.servePost(w, r)
	default:
		refuse(w, r, codeBadRequest)
	}
}

func (s *Server) openPolling(w http.ResponseWriter, r *http.Request) {
	e := s.admit(r)
	if e == nil {
		unavailable(w)
		return
	}
	defer e.release()
	e.start([]string{"websocket"})
	e.servePoll(w, r)
}

func (s *Server) openWebSocket(w http.ResponseWriter, r *http.Request) {
	e := s.admit(r)
	if e == nil {
		unavailable(w)
		return
	}
	defer e.release()
	c, err := s.accept(w, r)
	if err != nil {
		e.close(ending{reason: reasonTransportError})
		return
	}
	e.mu.Lock()
	e.conn = c
	open := e.open()
	e.mu.Unlock()
	if !open { // a shutdown came in between
		c.farewell(websocket.CloseGoingAway)
	}
	e.start([]string{})
	e.spawn(func() { e.read(c) })
}

func unavailable(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	http.Error(w, "no further connection now", http.StatusServiceUnavailable)
}
