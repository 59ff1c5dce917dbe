package eliza

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/audio"
	"github.com/eliza-go/eliza/internal/tracing"
	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

// Defaults of options.
const (
	DefaultAddr     = "127.0.0.1:3000"
	DefaultData     = ".eliza"
	DefaultDatabase = DefaultData + "/.elizadb/eliza.db"
	DefaultMaxBody  = 2 << 20
)

// Option sets something about a [Server]. Options are applied in order; [NewServer] checks them together.
type Option func(*config)

type config struct {
	addr       string
	database   string
	store      storage.Store
	borrow     func(storage.Options) (storage.Store, error) // from the host's database
	log        *slog.Logger
	now        core.Clock
	tracers    trace.TracerProvider
	tracer     trace.Tracer     // of tracers
	observer   runtime.Observer // guarded
	logLevel   slog.Level
	logSize    int
	production bool
	version    string

	apiKey     string
	auth       func(*http.Request) (core.Identity, error)
	open       bool // nobody is asked for anything
	origins    []string
	apiOrigins []string
	maxBody    int64
	publicPath string

	general, file, upload Limit
	proxies               []netip.Prefix
	operator              func(*http.Request) bool
	stop                  func()
	envFile               string

	salt       string
	cipher     *agents.Cipher // of the salt
	plugins    []plugin.Plugin
	catalog    []plugin.Plugin
	settings   map[string]string
	factory    agents.Factory
	characters fs.FS
	uiFiles    fs.FS
	files      media.Dirs
	blobs      media.Blobs
	uiMode     UIMode

	turnTimeout  time.Duration
	agentToAgent int
	inputControl string
	sessions     messaging.SessionOptions
	eventRate    float64
	maxSockets   int
	privateFiles bool

	agents    piece[agents.Service]
	messaging piece[messaging.Service]
	memory    piece[memory.Service]
	media     piece[media.Service]
	audio     piece[audio.Service]
	bus       core.Bus
	hooks     []messaging.Hooks
}

// WithAddr sets where [Server.Run] listens; [DefaultAddr] otherwise.
func WithAddr(addr string) Option { return func(c *config) { c.addr = addr } }

// WithDatabase names the database, the path of an SQLite file; [DefaultDatabase] otherwise.
func WithDatabase(dsn string) Option { return func(c *config) { c.database = dsn } }

// WithStore uses a store of the host's, which the server does not close.
func WithStore(s storage.Store) Option { return func(c *config) { c.store = s } }

// WithLogger sets where the server logs to; [slog.Default] otherwise. The log that clients can read is
// kept beside it.
func WithLogger(log *slog.Logger) Option { return func(c *config) { c.log = log } }

// WithClock sets the clock of what is stored and answered, and of what expires: messages, sessions, jobs, memories, agents,
// logs; [time.Now] otherwise. Waiting, deadlines and rate limits go by the machine's own clock, and identifiers keep the
// time they were made in. It is called concurrently. A store of [WithStore] has a clock of its own.
func WithClock(now func() time.Time) Option { return func(c *config) { c.now = now } }

// WithLog sets the least level and the size, in entries, of the log that clients can read: info and 1000
// otherwise.
func WithLog(level slog.Level, size int) Option {
	return func(c *config) { c.logLevel, c.logSize = level, size }
}

// WithProduction makes the server strict: stricter headers for browsers, and no start without a secret
// salt of its own.
func WithProduction(on bool) Option { return func(c *config) { c.production = on } }

// WithVersion sets the application's version, which health answers tell; [Version] otherwise.
func WithVersion(version string) Option { return func(c *config) { c.version = version } }

// WithAPIKey guards everything, sockets included, with a key that clients send as X-API-KEY or as bearer
// token. Without a key, and without an authenticator, everybody is let in.
func WithAPIKey(key string) Option { return func(c *config) { c.apiKey = key } }

// WithAuthenticator replaces the check of the key. It is asked for every request, and for every socket with
// the handshake request, where the key of the client's auth payload is set as X-API-KEY. An identity with
// an entity id binds the caller to it. An error of code UNAUTHORIZED or FORBIDDEN refuses.
func WithAuthenticator(f func(*http.Request) (core.Identity, error)) Option {
	return func(c *config) { c.auth = f }
}

// WithCORSOrigins lists the origins whose pages may use the server, credentials included. Without it, or
// with "*", pages of every origin may, without credentials.
func WithCORSOrigins(origins ...string) Option { return func(c *config) { c.origins = origins } }

// WithAPICORSOrigins is [WithCORSOrigins] for /api alone.
func WithAPICORSOrigins(origins ...string) Option { return func(c *config) { c.apiOrigins = origins } }

// WithMaxBody limits the bodies of JSON requests, in bytes; [DefaultMaxBody] otherwise.
func WithMaxBody(bytes int64) Option { return func(c *config) { c.maxBody = bytes } }

// WithPublicPath is put in front of the paths in answers, for a server mounted below it.
func WithPublicPath(prefix string) Option { return func(c *config) { c.publicPath = prefix } }

// WithSecretSalt sets the salt of the key that encrypts agents' secrets at rest. Without it they are
// encrypted under a well-known one.
func WithSecretSalt(salt string) Option { return func(c *config) { c.salt = salt } }

// WithPlugins gives plugins to every agent. The built-in actions and providers and the offline model are
// always there, below them.
func WithPlugins(p ...plugin.Plugin) Option {
	return func(c *config) { c.plugins = append(c.plugins, p...) }
}

// WithPluginCatalog offers plugins to the agents whose character names them, with or without a prefix
// like "@scope/plugin-".
func WithPluginCatalog(p ...plugin.Plugin) Option {
	return func(c *config) { c.catalog = append(c.catalog, p...) }
}

// WithSettings are settings every agent has unless its character says otherwise.
func WithSettings(settings map[string]string) Option {
	return func(c *config) { c.settings = settings }
}

// WithRuntimeFactory replaces the brain of agents.
func WithRuntimeFactory(f agents.Factory) Option { return func(c *config) { c.factory = f } }

// WithCharacters is the folder that requests to create an agent may name files in; none otherwise.
func WithCharacters(files fs.FS) Option { return func(c *config) { c.characters = files } }

// WithFiles sets the folders of uploaded and generated files; below [DefaultData] otherwise.
func WithFiles(dirs media.Dirs) Option { return func(c *config) { c.files = dirs } }

// WithBlobs keeps files elsewhere than in folders.
func WithBlobs(b media.Blobs) Option { return func(c *config) { c.blobs = b } }

// WithUI serves a web client: its files, and its index.html for every path nobody else answers.
func WithUI(files fs.FS) Option { return func(c *config) { c.uiFiles = files } }

// WithUIMode says whether the web client is served; by default it is, but not in production. A server that
// runs by itself refuses with 403 what is neither API nor plugin when it is not.
func WithUIMode(mode UIMode) Option { return func(c *config) { c.uiMode = mode } }

// WithHooks has functions of the host's called when messages are accepted, answered and replied to. Those of several
// calls run one after the other.
func WithHooks(h messaging.Hooks) Option { return func(c *config) { c.hooks = append(c.hooks, h) } }

// WithTurnTimeout bounds one turn of an agent; 5 minutes otherwise.
func WithTurnTimeout(d time.Duration) Option { return func(c *config) { c.turnTimeout = d } }

// WithAgentToAgent lets agents answer each other, for at most so many agent messages in a row; they do not
// otherwise.
func WithAgentToAgent(messages int) Option { return func(c *config) { c.agentToAgent = messages } }

// WithInputControl says where clients' input is disabled while an agent answers: "dm" (the default), "all"
// or "off".
func WithInputControl(mode string) Option { return func(c *config) { c.inputControl = mode } }

// WithSessions sets how long sessions last.
func WithSessions(o messaging.SessionOptions) Option { return func(c *config) { c.sessions = o } }

// WithSocketRate limits the events a second of one socket, 30 otherwise; negative = no limit.
func WithSocketRate(events float64) Option { return func(c *config) { c.eventRate = events } }

// WithMaxSockets bounds the sockets open at once: further ones are refused with 503. No bound otherwise.
func WithMaxSockets(n int) Option { return func(c *config) { c.maxSockets = n } }

// WithPrivateFiles has uploaded and generated files ask the authenticator too. They do not otherwise: their names
// cannot be guessed, and pages cannot send a key for what they show.
func WithPrivateFiles() Option { return func(c *config) { c.privateFiles = true } }

// WithOperator says who may stop the server and use its env file, besides who holds the key and, on a server
// without one, requests made on its own machine. In production it alone opens the env file.
func WithOperator(allow func(*http.Request) bool) Option {
	return func(c *config) { c.operator = allow }
}

// WithStop sets what a request to stop the server does, once it is answered: f begins it and returns.
// Otherwise the server shuts down and [Server.Run] returns; the process is the host's to end.
func WithStop(f func()) Option { return func(c *config) { c.stop = f } }

// WithEnvFile names the file of environment variables that clients may read and write; none otherwise. The
// server itself does not use what is in it.
func WithEnvFile(path string) Option { return func(c *config) { c.envFile = path } }

// newConfig applies options and checks what they say, all of it.
func newConfig(opts []Option) (*config, error) {
	c := &config{
		addr: DefaultAddr, database: DefaultDatabase, log: slog.Default(), logLevel: slog.LevelInfo, version: Version,
		maxBody: DefaultMaxBody, inputControl: "dm",
		agents: piece[agents.Service]{name: "Agents"}, messaging: piece[messaging.Service]{name: "Messaging"}, memory: piece[memory.Service]{name: "Memory"},
		media: piece[media.Service]{name: "Media"}, audio: piece[audio.Service]{name: "Audio"},
		general: Limit{generalRequests, generalWindow}, file: Limit{fileRequests, fileWindow}, upload: Limit{uploadRequests, uploadWindow},
	}
	for _, opt := range opts {
		opt(c)
	}
	c.log = cmp.Or(c.log, slog.Default())
	c.tracer = tracing.Of(c.tracers, c.log)
	c.observer = guardedObserver(c.observer, c.log)
	if c.files == (media.Dirs{}) {
		c.files = media.DataDirs(DefaultData)
	}
	if c.open = c.auth == nil && c.apiKey == ""; c.auth == nil {
		c.auth = KeyAuthenticator(c.apiKey)
	}
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("eliza: "+format, args...)) }
	if c.store == nil && c.borrow == nil && c.database == "" {
		wrong("WithDatabase: empty")
	}
	if c.store != nil && c.borrow != nil {
		wrong("WithGorm: there is a store already, by WithStore")
	}
	if d := c.files; d.Agents == "" || d.Channels == "" || d.Generated == "" {
		wrong("WithFiles: all three folders must be named")
	}
	if c.maxBody < 1 {
		wrong("WithMaxBody: %d is not positive", c.maxBody)
	}
	if c.maxSockets < 0 {
		wrong("WithMaxSockets: %d is negative", c.maxSockets)
	}
	if c.agentToAgent < 0 {
		wrong("WithAgentToAgent: %d is negative", c.agentToAgent)
	}
	c.agents.check(wrong)
	c.messaging.check(wrong)
	c.memory.check(wrong)
	c.media.check(wrong)
	c.audio.check(wrong)
	c.replacements(wrong)
	var err error
	if c.cipher, err = agents.NewCipher(c.salt, c.production); err != nil {
		wrong("WithSecretSalt: %w", err)
	}
	if c.turnTimeout < 0 {
		wrong("WithTurnTimeout: %v is negative", c.turnTimeout)
	}
	if c.inputControl != "dm" && c.inputControl != "all" && c.inputControl != "off" {
		wrong("WithInputControl: %q is none of dm, all and off", c.inputControl)
	}
	for _, p := range c.proxies {
		if !p.IsValid() {
			wrong("WithTrustedProxies: an empty prefix")
		}
	}
	if p := c.publicPath; p != "" && (!strings.HasPrefix(p, "/") || strings.HasSuffix(p, "/")) {
		wrong("WithPublicPath: %q must begin with a slash and not end with one", p)
	}
	for name, list := range map[string][]string{"WithCORSOrigins": c.origins, "WithAPICORSOrigins": c.apiOrigins} {
		for _, o := range list {
			if o != "*" && !isOrigin(o) {
				wrong("%s: %q is no origin like https://example.com", name, o)
			}
		}
	}
	if c.apiOrigins == nil {
		c.apiOrigins = c.origins
	}
	return c, errors.Join(errs...)
}

// replacements reports options that say something about a service that is not there.
func (c *config) replacements(wrong func(format string, args ...any)) {
	for _, lost := range []struct {
		is        bool
		what, why string
	}{
		{c.agents.replaced && c.factory != nil, "WithRuntimeFactory", "WithAgents"},
		{c.media.replaced && c.blobs != nil, "WithBlobs", "WithMedia"},
		{c.messaging.replaced && len(c.hooks) > 0, "WithHooks", "WithMessaging"},
	} {
		if lost.is {
			wrong("%s: without effect, for %s replaces what would use it", lost.what, lost.why)
		}
	}
}

// isOrigin tells whether a text is what browsers send as Origin: no path, no pattern.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && u.Host != "" && s == u.Scheme+"://"+u.Host && !strings.Contains(s, "*")
}

func (c *config) environment() string {
	if c.production {
		return "production"
	}
	return "development"
}

// where names the database for people, without what an address may hold of secrets.
func (c *config) where() string {
	if c.store != nil || c.borrow != nil {
		return "the host's"
	}
	if u, err := url.Parse(c.database); err == nil && u.Host != "" {
		return u.Redacted()
	}
	return c.database
}

// uiOff tells whether no web client is served.
func (c *config) uiOff() bool { return c.uiMode == UIOff || c.uiMode == UIAuto && c.production }
