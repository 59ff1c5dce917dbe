package socketio

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// Errors of this package. Match them with [errors.Is].
var (
	ErrClosed   = errors.New("socketio: the socket is not connected")
	ErrSlow     = errors.New("socketio: the client reads too slowly and was closed")
	ErrReserved = errors.New("socketio: reserved event name")
	ErrNoAck    = errors.New("socketio: no acknowledgement is due")
	ErrBinary   = errors.New("socketio: more than 10 binary attachments")
)

// Options tunes a [Server]. The zero value is ready to use.
type Options struct {
	Logger         *slog.Logger  // slog.Default() when nil
	PingInterval   time.Duration // between two heartbeats; 25 s when zero
	PingTimeout    time.Duration // for the answer to a heartbeat; 20 s when zero
	UpgradeTimeout time.Duration // for the change from polling to WebSocket; 10 s when zero
	ConnectTimeout time.Duration // for entering the first namespace; 10 s when zero
	MaxPayload     int64         // bytes of a WebSocket message and of a POST body; 1,000,000 when zero
	QueuePackets   int           // packets waiting for a client at most; 256 when zero
	QueueBytes     int64         // bytes waiting for a client at most; 4 MiB when zero
	MaxSessions    int           // sessions at once, further ones get 503; no limit when zero

	// Origin decides about the origin of a request, one without Origin header included. Not ok is answered
	// with 403. allow is sent as Access-Control-Allow-Origin unless empty; credentials adds
	// Access-Control-Allow-Credentials, except to "*"; neither is where middleware in front has sent the first. When nil
	// every origin may connect, with "*".
	// Called for each request, by many goroutines at once.
	Origin func(r *http.Request) (allow string, credentials, ok bool)

	// Allow is asked before a session is opened, if not nil; an error refuses it with 403. The error is not
	// sent. Called by many goroutines at once.
	Allow func(r *http.Request) error
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	orDuration(&o.PingInterval, 25*time.Second)
	orDuration(&o.PingTimeout, 20*time.Second)
	orDuration(&o.UpgradeTimeout, 10*time.Second)
	orDuration(&o.ConnectTimeout, 10*time.Second)
	if o.MaxPayload <= 0 {
		o.MaxPayload = 1_000_000
	}
	if o.QueuePackets <= 0 {
		o.QueuePackets = 256
	}
	if o.QueueBytes <= 0 {
		o.QueueBytes = 4 << 20
	}
	if o.Origin == nil {
		o.Origin = func(*http.Request) (string, bool, bool) { return "*", false, true }
	}
	return o
}

func orDuration(d *time.Duration, standard time.Duration) {
	if *d <= 0 {
		*d = standard
	}
}

// Server is a Socket.IO server. Make one with [New]; all methods may be called by many goroutines at once.
type Server struct {
	opts     Options
	log      *slog.Logger
	timers   timers
	upgrader websocket.Upgrader
	newUpper func(*session, *http.Request) upper

	batches sync.Pool // *[]byte, for the writers
	targets sync.Pool // *[]*Socket, for broadcasts

	dropped, slow atomic.Int64

	mu         sync.RWMutex
	sessions   map[string]*session
	namespaces map[string]*Namespace
	live       int // sessions of which something still runs
	closed     bool
	idle       chan struct{} // closed when closed and live is 0
}

var _ http.Handler = (*Server)(nil)

// New returns a server with the namespace "/". It starts nothing until the first client comes.
func New(opts Options) *Server {
	s := &Server{
		opts:       opts.withDefaults(),
		sessions:   make(map[string]*session),
		namespaces: make(map[string]*Namespace),
		idle:       make(chan struct{}),
		upgrader: websocket.Upgrader{
			ReadBufferSize:  readBuffer,
			WriteBufferSize: writeBuffer,
			WriteBufferPool: new(sync.Pool),
			CheckOrigin:     func(*http.Request) bool { return true }, // Options.Origin was asked before
		},
	}
	s.log = s.opts.Logger.With("component", "socketio")
	s.newUpper = func(e *session, r *http.Request) upper { return newClient(s, e, r) }
	s.Of("/")
	return s
}

// Of returns the namespace of that name and makes it if need be; clients may connect to it from then on.
// The leading slash may be left out.
func (s *Server) Of(name string) *Namespace {
	if name == "" || name[0] != '/' {
		name = "/" + name
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.namespaces[name]
	if n == nil {
		n = newNamespace(s, name)
		s.namespaces[name] = n
	}
	return n
}

func (s *Server) namespace(name string) *Namespace {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.namespaces[name]
}

// Stats are counters of a [Server].
type Stats struct {
	Sessions        int   // open transport sessions
	DroppedVolatile int64 // volatile packets dropped because a queue was full, since the start
	ClosedSlow      int64 // sessions closed because their queue was full, since the start
}

// Stats returns the counters as they are now.
func (s *Server) Stats() Stats {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return Stats{Sessions: len(s.sessions), DroppedVolatile: s.dropped.Load(), ClosedSlow: s.slow.Load()}
}

// Shutdown closes all connections and waits until everything that runs for them has ended, handlers
// included. Sockets end with the reason "server shutting down". WebSockets are closed with code 1001 and
// waiting polls are answered, both without the packet that tells clients to stay away, so they reconnect by
// themselves; requests that come later get 503. When ctx ends first the connections are cut and
// its error is returned. Shutdown may be called more than once.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		if s.live == 0 {
			close(s.idle)
		}
	}
	sessions := make([]*session, 0, len(s.sessions))
	for _, e := range s.sessions {
		sessions = append(sessions, e)
	}
	s.mu.Unlock()
	for _, e := range sessions {
		e.close(ending{reason: reasonShutdown, code: websocket.CloseGoingAway, atOnce: true})
		e.expire()
	}
	select {
	case <-s.idle:
		s.timers.stopAll()
		return nil
	case <-ctx.Done():
		for _, e := range sessions {
			e.kill()
		}
		return context.Cause(ctx)
	}
}

// admit makes a session and counts it, unless the server is closed or full. The session is held for the
// caller, who must release it.
func (s *Server) admit(r *http.Request) *session {
	e := &session{srv: s, sid: newID()}
	e.refs.Store(2)
	e.beat.fn = e.heartbeat
	e.upper = s.newUpper(e, r)
	s.mu.Lock()
	if s.closed || s.opts.MaxSessions > 0 && len(s.sessions) >= s.opts.MaxSessions {
		s.mu.Unlock()
		return nil
	}
	s.sessions[e.sid] = e
	s.live++
	s.mu.Unlock()
	return e
}

// find returns the session and holds it for the caller, who must release it.
func (s *Server) find(sid string) *session {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := s.sessions[sid]
	if e != nil {
		e.refs.Add(1)
	}
	return e
}

func (s *Server) forget(e *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, e.sid)
}

func (s *Server) ended() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live--
	if s.closed && s.live == 0 {
		close(s.idle)
	}
}

func (s *Server) down() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.closed
}

// newID returns 20 characters of A-Za-z0-9_- that hold 120 random bits.
func newID() string {
	var b [15]byte
	rand.Read(b[:]) // never fails, see its documentation
	return base64.RawURLEncoding.EncodeToString(b[:])
}
