package client

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// Client speaks to one server. Its fields are groups of calls; all are safe for concurrent use. It holds nothing
// that must be closed: the sockets of [Client.Dial] are.
type Client struct {
	Agents    *Agents
	Audio     *Audio
	Channels  *Channels
	Jobs      *Jobs
	Media     *Media
	Memory    *Memory
	Messaging *Messaging
	Plugins   *Plugins
	Runtime   *Runtime
	Servers   *Servers
	Sessions  *Sessions
	System    *System

	base   *url.URL // without a slash at its end
	http   *http.Client
	key    string
	entity core.UUID
	name   string
	log    *slog.Logger
	retry  Retry
}

// Retry says how often and after what pauses something is tried again. A field that is 0 has its default.
type Retry struct {
	Attempts int           // of one request, the first included: 4. 1 = none is repeated. Sockets reconnect without end
	Min      time.Duration // pause before the second attempt, doubled for each further one, less up to a half by chance: 250 ms
	Max      time.Duration // longest pause; a server that asks for a longer one is not waited for: 30 s
}

// Option is a setting of [New].
type Option func(*Client)

// WithAPIKey sets the server's key. It is sent to that server only.
func WithAPIKey(key string) Option { return func(c *Client) { c.key = key } }

// WithHTTPClient sets what requests are made with; [http.DefaultClient] otherwise. It should have no Timeout, which
// would cut streams: every call has a context. Its transport's proxy, dialer and TLS settings are not taken over
// for sockets, see [SocketOptions].
func WithHTTPClient(h *http.Client) Option { return func(c *Client) { c.http = h } }

// WithEntity sets who the caller is: the author of messages that name none and the entity of sockets. The name is
// shown beside messages; it may be empty.
func WithEntity(id core.UUID, name string) Option {
	return func(c *Client) { c.entity, c.name = id, name }
}

// WithLogger sets where repeated requests and lost connections are told of, at debug level; nowhere otherwise.
func WithLogger(log *slog.Logger) Option { return func(c *Client) { c.log = log } }

// WithRetry sets how requests are repeated and sockets reconnect.
func WithRetry(r Retry) Option { return func(c *Client) { c.retry = r } }

// New returns a client of the server at base, such as http://127.0.0.1:3000 or https://example.com/ai for one
// that is mounted below a path. It connects to nothing.
func New(base string, opts ...Option) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("client: base address: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, errors.New("client: base address must be http://host/path or https://host/path")
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	c := &Client{base: u, http: http.DefaultClient, log: slog.New(slog.DiscardHandler)}
	for _, o := range opts {
		o(c)
	}
	if c.http == nil || c.log == nil {
		return nil, errors.New("client: neither the HTTP client nor the logger may be nil")
	}
	if c.retry, err = c.retry.filled(); err != nil {
		return nil, err
	}
	c.http = ownHost(c.http, u)
	c.groups()
	return c, nil
}

func (c *Client) groups() {
	c.Agents, c.Audio, c.Channels, c.Jobs = &Agents{c}, &Audio{c}, &Channels{c}, &Jobs{c}
	c.Media, c.Memory, c.Messaging, c.Plugins = &Media{c}, &Memory{c}, &Messaging{c}, &Plugins{c}
	c.Runtime, c.Servers, c.Sessions, c.System = &Runtime{c}, &Servers{c}, &Sessions{c}, &System{c}
}

var errElsewhere = errors.New("redirected to another host")

// ownHost is a copy of h that follows redirections within the server's host only: the key goes nowhere else.
func ownHost(h *http.Client, base *url.URL) *http.Client {
	own, next := *h, h.CheckRedirect
	own.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		switch {
		case req.URL.Host != base.Host || req.URL.Scheme != base.Scheme && req.URL.Scheme != "https":
			return fmt.Errorf("%w, %s", errElsewhere, req.URL.Host)
		case next != nil:
			return next(req, via)
		case len(via) >= 10:
			return errors.New("client: too many redirections")
		}
		return nil
	}
	return &own
}
