package messaging

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"github.com/eliza-go/eliza/internal/tracing"
	"github.com/eliza-go/eliza/messaging/socketio"
	"github.com/eliza-go/eliza/runtime/core"
)

// GatewayOptions tunes a [Gateway]. The zero value is ready to use.
type GatewayOptions struct {
	Logger *slog.Logger // slog.Default() when nil
	Now    core.Clock   // of the times in events, and when channels were made; time.Now when nil

	// Authenticate decides about a socket. It gets the handshake request, with the key the client put into
	// its auth payload as X-API-KEY. nil lets everybody in.
	Authenticate func(*http.Request) (core.Identity, error)
	// Logs is what clients may follow; nil = log streaming is off.
	Logs Logs

	Tracer trace.Tracer // of socket events; nil = they are not traced
	// Observe is called at the end of each socket event with its name, "other" for one that is not known; nil = nobody
	// looks. It is called concurrently and must not block.
	Observe func(event string, took time.Duration, err error)

	InputControl string  // as in Options: "dm" (default), "all" or "off"
	EventRate    float64 // events a second a socket may send; 30 when 0, no limit when negative
	EventBurst   int     // of them at once; 60 when 0

	Socket socketio.Options // of the sockets themselves
}

// Logs is where the server's log can be followed.
type Logs interface {
	// Subscribe calls fn for each new entry until cancel. fn must neither block nor log.
	Subscribe(fn func(core.LogEntry)) (cancel func())
}

// Gateway maps the socket events of the contract to a [Service], and what happens in channels to the
// sockets in their rooms. It is an [http.Handler] for the socket path. Safe for concurrent use.
type Gateway struct {
	svc  Service
	io   *socketio.Server
	opts GatewayOptions
	log  *slog.Logger

	tracer *tracing.Tracer

	mu    sync.Mutex
	rooms map[core.UUID]*room
	sends map[core.UUID]*send // messages being accepted, by id
}

// NewGateway returns a Gateway over any Service. It starts nothing.
func NewGateway(svc Service, opts GatewayOptions) *Gateway {
	opts.Logger = cmp.Or(opts.Logger, slog.Default())
	opts.InputControl = cmp.Or(opts.InputControl, "dm")
	opts.EventRate, opts.EventBurst = cmp.Or(opts.EventRate, 30), cmp.Or(opts.EventBurst, 60)
	opts.Socket.Logger = cmp.Or(opts.Socket.Logger, opts.Logger)
	g := &Gateway{
		svc: svc, io: socketio.New(opts.Socket), opts: opts, log: opts.Logger.With("component", "gateway"),
		rooms: map[core.UUID]*room{}, sends: map[core.UUID]*send{},
	}
	g.tracer = tracing.New(opts.Tracer, g.log)
	if opts.Observe == nil {
		g.opts.Observe = func(string, time.Duration, error) {}
	}
	main := g.io.Of("/")
	main.Use(g.admit)
	main.OnConnect(g.connect)
	return g
}

// ServeHTTP serves Engine.IO requests, whatever path they come on.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.io.ServeHTTP(w, r) }

// Server is the socket server, for a host's own events and namespaces.
func (g *Gateway) Server() *socketio.Server { return g.io }

// Shutdown closes all sockets so that clients reconnect by themselves. Safe twice.
func (g *Gateway) Shutdown(ctx context.Context) error { return g.io.Shutdown(ctx) }

// member is a socket and who is behind it. Its handlers run one at a time; only leaving is concurrent
// with nothing.
type member struct {
	socket   *socketio.Socket
	identity core.Identity
	entity   core.UUID // the claim of the client, bound when there is an identity
	limiter  *rate.Limiter
	channels map[core.UUID]struct{}

	logs    func() // ends the log subscription; nil when there is none
	filter  logFilter
	filters sync.Mutex // guards filter
}

// connectAuth is the payload of CONNECT.
type connectAuth struct {
	APIKey   string `json:"apiKey"`
	Token    string `json:"token"`
	EntityID string `json:"entityId"`
}

var (
	errTooFast      = &core.Error{Code: core.CodeRateLimit, Message: "Too many events, slow down"}
	errUnknownEvent = core.BadRequest("unknown event")

	errEntity = &socketio.ConnectError{Message: "Valid entityId required"}
	errKey    = &socketio.ConnectError{Message: "Invalid or missing API Key"}
	errAuth   = &socketio.ConnectError{Message: "Authentication failed"}
)

// admit is the middleware: it finds out who a socket is, or refuses it.
func (g *Gateway) admit(s *socketio.Socket) error {
	hs := s.Handshake()
	var auth connectAuth
	if len(hs.Auth) > 0 {
		var loose map[string]any // a field of another type counts as absent
		if json.Unmarshal(hs.Auth, &loose) == nil {
			auth.APIKey, _ = loose["apiKey"].(string)
			auth.Token, _ = loose["token"].(string)
			if v, ok := loose["entityId"]; ok && v != nil {
				if auth.EntityID, ok = v.(string); !ok {
					return errEntity
				}
			}
		}
	}
	m := &member{socket: s, channels: map[core.UUID]struct{}{}}
	if g.opts.EventRate > 0 {
		m.limiter = rate.NewLimiter(rate.Limit(g.opts.EventRate), g.opts.EventBurst)
	}
	if g.opts.Authenticate != nil {
		req := hs.Request.Clone(s.Context())
		if key := cmp.Or(auth.APIKey, auth.Token); key != "" {
			req.Header.Set("X-API-KEY", key)
		}
		id, err := g.opts.Authenticate(req)
		switch code := core.CodeOf(err); {
		case err == nil:
		case code == core.CodeUnauthorized || code == core.CodeForbidden:
			return errKey
		default:
			g.log.Error("authentication of a socket failed", "err", err)
			return errAuth
		}
		m.identity, m.entity = id, id.EntityID
	}
	if auth.EntityID != "" {
		entity, err := core.ParseUUID(auth.EntityID)
		if err != nil || m.entity != "" && m.entity != entity {
			return errEntity
		}
		m.entity = entity
	}
	s.SetData(m)
	return nil
}

type authenticatedView struct {
	EntityID  core.UUID   `json:"entityId"`
	Timestamp core.Millis `json:"timestamp"`
}

type establishedView struct {
	Message  string `json:"message"`
	SocketID string `json:"socketId"`
}

func (g *Gateway) connect(s *socketio.Socket) {
	m, ok := s.Data().(*member)
	if !ok {
		return
	}
	if m.entity != "" {
		g.emit(s, "authenticated", authenticatedView{m.entity, g.opts.Now.Now()})
	}
	g.emit(s, "connection_established", establishedView{"Connected to Eliza Socket.IO server", s.ID()})
	s.On("1", m.limited(g, "join", g.join))
	s.On("2", m.limited(g, "send", g.send))
	s.On("message", m.limited(g, "message", g.generic))
	s.On("leave_channel", m.limited(g, "leave_channel", g.leaving))
	s.On("subscribe_logs", m.limited(g, "subscribe_logs", g.subscribeLogs))
	s.On("unsubscribe_logs", m.limited(g, "unsubscribe_logs", g.unsubscribeLogs))
	s.On("update_log_filters", m.limited(g, "update_log_filters", g.filterLogs))
	s.OnUnhandled(func(e *socketio.Event) {
		g.opts.Observe("other", 0, errUnknownEvent)
		if e.HasAck() {
			g.acknowledge(e, errorView{Error: errUnknownEvent.Message, Code: errUnknownEvent.Code})
		}
	})
	s.OnDisconnect(func(string) { g.left(m) })
}

// handler answers one event; what it returns is the payload of the acknowledgement.
type handler func(ctx context.Context, m *member, payload json.RawMessage) (ack any, err error)

// limited runs h within the rate of events a socket may send, and answers its error.
func (m *member) limited(g *Gateway, name string, h handler) func(*socketio.Event) {
	return func(e *socketio.Event) {
		// Who asks faster than it reads the answers waits here, instead of being taken for too slow. What a
		// client sent before it left counts all the same.
		_ = m.socket.Wait(m.socket.Context())
		ctx, end := g.traceEvent(core.WithIdentity(m.socket.Context(), m.identity), m, name)
		var err error
		defer func() { end(err) }()
		if m.limiter != nil && !m.limiter.Allow() {
			err = errTooFast
			g.refuse(m, e, nil, err)
			return
		}
		var payload json.RawMessage
		if len(e.Args) > 0 {
			payload = e.Args[0]
		}
		var ack any
		err = guarded(g.log, e.Name, func() (err error) {
			ack, err = h(ctx, m, payload)
			return err
		})
		switch {
		case err != nil:
			g.refuse(m, e, payload, err)
		case ack != nil && e.HasAck():
			g.acknowledge(e, ack)
		}
	}
}

func (g *Gateway) acknowledge(e *socketio.Event, v any) {
	if err := e.Ack(v); err != nil {
		g.log.Debug("acknowledgement not sent", "event", e.Name, "err", err)
	}
}

type errorView struct {
	Error           string    `json:"error"`
	Code            core.Code `json:"code"`
	ChannelID       core.UUID `json:"channelId,omitempty"`
	ClientMessageID string    `json:"clientMessageId,omitempty"`
}

// refuse tells a sender that its event was not done, and why.
func (g *Gateway) refuse(m *member, e *socketio.Event, payload json.RawMessage, err error) {
	code := core.CodeOf(err)
	v := errorView{Error: clientText(err), Code: code}
	if code == core.CodeInternal || code == "" {
		v.Code = core.CodeInternal
		g.log.Error("socket event failed", "event", e.Name, "err", err)
		v.Error = "Internal server error"
	}
	var about struct {
		ChannelID string `json:"channelId"`
		MessageID string `json:"messageId"`
	}
	if json.Unmarshal(payload, &about) == nil {
		v.ClientMessageID = about.MessageID
		if id, err := core.ParseUUID(about.ChannelID); err == nil {
			v.ChannelID = id
		}
	}
	g.emit(m.socket, "messageError", v)
	if e.HasAck() {
		g.acknowledge(e, v)
	}
}

// emit sends one event to one socket. A socket that is gone, or too slow and so closed, is no error here.
func (g *Gateway) emit(s *socketio.Socket, event string, v any) {
	if err := s.Emit(event, v); err != nil {
		g.log.Debug("event not sent", "event", event, "socket_id", s.ID(), "err", err)
	}
}
