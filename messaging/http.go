package messaging

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

// HandlerOptions tunes a [Handler]. The zero value is ready to use.
type HandlerOptions struct {
	Logger  *slog.Logger  // slog.Default() when nil
	MaxBody int64         // of a JSON body, 2 MiB when 0
	Wait    time.Duration // how long a request waits for an agent's answer; 5 minutes when 0
	// InputControl is that of [GatewayOptions], for streams of a channel's events.
	InputControl string

	// Dropped is called when a stream of events ends because its reader is too far behind; nil = nobody is told.
	Dropped func()

	Now func() time.Time // what sessions have left is told by, and when channels were made; time.Now when nil
}

// Handler serves the messaging routes over any [Service].
type Handler struct {
	svc  Service
	log  *slog.Logger
	opts HandlerOptions
	born time.Time
}

// NewHandler returns a Handler over svc.
func NewHandler(svc Service, opts HandlerOptions) *Handler {
	opts.Logger = cmp.Or(opts.Logger, slog.Default())
	opts.Wait = cmp.Or(opts.Wait, 5*time.Minute)
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Handler{svc: svc, log: opts.Logger.With("component", "messaging"), opts: opts, born: opts.Now()}
}

// now is the time by the clock of the options.
func (h *Handler) now() core.Millis { return core.MillisOf(h.opts.Now()) }

// Routes registers the routes on g, whose prefix the caller chooses (the contract's is /api/messaging). It
// brings validation and size limits, but no authentication. Three generations of names lead to the same
// handlers.
func (h *Handler) Routes(g *echo.Group) {
	r := httpapi.NewRouter(g, httpapi.Options{Logger: h.opts.Logger, MaxBody: h.opts.MaxBody})

	r.POST("/submit", h.submit)
	r.POST("/action", h.action)
	r.PATCH("/action/:id", h.patchAction)
	r.POST("/complete", h.complete)
	r.POST("/ingest-external", h.ingest)

	r.GET("/message-server/current", h.currentServer)
	r.GET("/central-servers", h.servers)
	r.POST("/central-servers", h.createServer)
	r.GET("/message-servers", h.servers)
	r.POST("/servers", h.createServer)
	r.POST("/message-servers", h.createServer)
	r.GET("/central-servers/:serverId/channels", h.serverChannels)
	for _, servers := range [...]string{"/servers", "/message-servers"} {
		r.DELETE(servers+"/:serverId", h.deleteServer)
		r.POST(servers+"/:serverId/sync-channels", h.syncChannels)
		r.GET(servers+"/:serverId/channels", h.serverChannels)
		r.GET(servers+"/:serverId/agents", h.serverAgents)
		r.POST(servers+"/:serverId/agents", h.addServerAgent)
		r.DELETE(servers+"/:serverId/agents/:agentId", h.removeServerAgent)
	}
	r.GET("/agents/:agentId/servers", h.agentServers)
	r.GET("/agents/:agentId/message-servers", h.agentServers)

	r.POST("/central-channels", h.createCentralChannel)
	r.POST("/channels", h.createChannel)
	r.GET("/dm-channel", h.dm)
	for _, channels := range [...]string{"/central-channels", "/channels"} {
		r.GET(channels+"/:channelId/details", h.channel)
		r.GET(channels+"/:channelId/participants", h.participants)
		r.PATCH(channels+"/:channelId", h.patchChannel)
		r.DELETE(channels+"/:channelId", h.deleteChannel)
		r.GET(channels+"/:channelId/agents", h.channelAgents)
		r.POST(channels+"/:channelId/agents", h.addAgent)
		r.DELETE(channels+"/:channelId/agents/:agentId", h.removeAgent)
		r.POST(channels+"/:channelId/generate-title", h.title)
		r.GET(channels+"/:channelId/events", h.events)
		r.GET(channels+"/:channelId/messages", h.messages)
		r.POST(channels+"/:channelId/messages", h.post)
		r.DELETE(channels+"/:channelId/messages", h.clear)
		r.DELETE(channels+"/:channelId/messages/:messageId", h.deleteMessage)
	}
	r.POST("/messages/search", h.search)
	r.GET("/messages/:messageId", h.message)
	r.PATCH("/messages/:messageId", h.patchMessage)

	r.POST("/sessions", h.inSession(h.createSession))
	r.GET("/sessions", h.inSession(h.sessions))
	r.GET("/sessions/health", h.inSession(h.sessionsHealth))
	r.GET("/sessions/:sessionId", h.inSession(h.getSession))
	r.POST("/sessions/:sessionId/messages", h.inSession(h.postSession))
	r.GET("/sessions/:sessionId/messages", h.inSession(h.sessionMessages))
	r.POST("/sessions/:sessionId/renew", h.inSession(h.renewSession))
	r.POST("/sessions/:sessionId/heartbeat", h.inSession(h.heartbeat))
	r.PATCH("/sessions/:sessionId/timeout", h.inSession(h.patchSession))
	r.DELETE("/sessions/:sessionId", h.inSession(h.deleteSession))

	r.POST("/jobs", h.createJob)
	r.GET("/jobs", h.jobs)
	r.GET("/jobs/health", h.jobsHealth)
	r.GET("/jobs/:jobId", h.job)
}

// serverRef is the id of a message server under any of its names.
type serverRef struct {
	Seed  httpapi.ID `json:"server_id"`
	Newer httpapi.ID `json:"message_server_id"`
	Camel httpapi.ID `json:"serverId"`
	Both  httpapi.ID `json:"messageServerId"`
}

func (s serverRef) id() core.UUID { return core.UUID(cmp.Or(s.Seed, s.Newer, s.Camel, s.Both)) }

// required is the id, which must be there.
func (s serverRef) required() (core.UUID, error) {
	id := s.id()
	if id == "" {
		return "", core.BadRequest("Missing required field: server_id")
	}
	return id, nil
}

// ids is a list of ids, none of which may be missing.
func ids(list []httpapi.ID) ([]core.UUID, error) {
	if list == nil {
		return nil, nil
	}
	out := make([]core.UUID, len(list))
	for i, id := range list {
		if id == "" {
			return nil, core.ErrInvalidUUID
		}
		out[i] = core.UUID(id)
	}
	return out, nil
}
