package eliza

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/plugin"
)

// environment is what the bundled program reads; the contract names the variables.
type environment struct {
	Port         string `env:"PORT"`
	ServerPort   string `env:"SERVER_PORT"`
	Host         string `env:"SERVER_HOST"`
	NodeEnv      string `env:"NODE_ENV"`
	AuthToken    string `env:"ELIZA_SERVER_AUTH_TOKEN"`
	APIKey       string `env:"SERVER_API_KEY"`
	PostgresURL  string `env:"POSTGRES_URL"`
	DatabaseURL  string `env:"DATABASE_URL"`
	PGLiteDir    string `env:"PGLITE_DATA_DIR"`
	DatabaseDir  string `env:"ELIZA_DATABASE_DIR"`
	DataDir      string `env:"ELIZA_DATA_DIR" envDefault:".eliza"`
	Characters   string `env:"ELIZA_DATA_DIR_CHARACTERS"`
	Generated    string `env:"ELIZA_DATA_DIR_GENERATED"`
	AgentFiles   string `env:"ELIZA_DATA_DIR_UPLOADS_AGENTS"`
	ChannelFiles string `env:"ELIZA_DATA_DIR_UPLOADS_CHANNELS"`
	CORSOrigin   string `env:"CORS_ORIGIN"`
	APICORS      string `env:"API_CORS_ORIGIN"`
	MaxPayload   string `env:"EXPRESS_MAX_PAYLOAD"`
	SecretSalt   string `env:"SECRET_SALT"`
	AppVersion   string `env:"APP_VERSION"`
	GeneralLimit string `env:"ELIZA_RATE_LIMIT_GENERAL"`
	FileLimit    string `env:"ELIZA_RATE_LIMIT_FILE"`
	UploadLimit  string `env:"ELIZA_RATE_LIMIT_UPLOAD"`
	Proxies      string `env:"ELIZA_TRUSTED_PROXIES"`
	UIEnable     string `env:"ELIZA_UI_ENABLE"`

	SessionTimeout    int `env:"SESSION_DEFAULT_TIMEOUT_MINUTES"`
	SessionMinTimeout int `env:"SESSION_MIN_TIMEOUT_MINUTES"`
	SessionMaxTimeout int `env:"SESSION_MAX_TIMEOUT_MINUTES"`
	SessionDuration   int `env:"SESSION_MAX_DURATION_MINUTES"`
	SessionWarning    int `env:"SESSION_WARNING_THRESHOLD_MINUTES"`
	SessionCleanup    int `env:"SESSION_CLEANUP_INTERVAL_MINUTES"`

	ClearSessions bool `env:"CLEAR_SESSIONS_ON_SHUTDOWN"`

	UIDir string `env:"ELIZA_UI_DIR"`
}

// FromEnvironment turns environment variables, as [os.Environ] gives them, into options. Only programs call
// it: the library reads no environment by itself. Of the plugins it takes the names of the settings to pass
// on to agents; nothing else of the environment reaches them.
func FromEnvironment(environ []string, plugins ...plugin.Plugin) ([]Option, error) {
	vars := env.ToMap(environ)
	e, err := env.ParseAsWithOptions[environment](env.Options{Environment: vars})
	if err != nil {
		return nil, fmt.Errorf("eliza: environment: %w", err)
	}
	var errs []error
	addr, err := e.addr()
	errs = append(errs, err)
	maxBody, err := parseSize(cmp.Or(e.MaxPayload, "2mb"))
	if err != nil {
		errs = append(errs, fmt.Errorf("eliza: EXPRESS_MAX_PAYLOAD: %w", err))
	}
	general, err := parseLimit("ELIZA_RATE_LIMIT_GENERAL", e.GeneralLimit, Limit{generalRequests, generalWindow})
	errs = append(errs, err)
	file, err := parseLimit("ELIZA_RATE_LIMIT_FILE", e.FileLimit, Limit{fileRequests, fileWindow})
	errs = append(errs, err)
	upload, err := parseLimit("ELIZA_RATE_LIMIT_UPLOAD", e.UploadLimit, Limit{uploadRequests, uploadWindow})
	errs = append(errs, err)
	proxies, err := parsePrefixes("ELIZA_TRUSTED_PROXIES", e.Proxies)
	errs = append(errs, err)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	opts := []Option{
		WithTrustedProxies(proxies...), WithRateLimits(general, file, upload), WithEnvFile(".env"), WithFiles(e.files()), WithSessions(e.sessions()),
		WithAddr(addr), WithDatabase(e.database()), WithAPIKey(e.key()), WithProduction(e.NodeEnv == "production"),
		WithCORSOrigins(list(e.CORSOrigin)...), WithMaxBody(maxBody), WithSecretSalt(e.SecretSalt), WithSettings(declared(vars, plugins)),
	}
	if e.APICORS != "" {
		opts = append(opts, WithAPICORSOrigins(list(e.APICORS)...))
	}
	if e.AppVersion != "" {
		opts = append(opts, WithVersion(e.AppVersion))
	}
	if general == (Limit{}) { // who lifts this one means sockets too
		opts = append(opts, WithSocketRate(-1))
	}
	if e.UIEnable != "" {
		opts = append(opts, WithUIMode(uiMode(e.UIEnable)))
	}
	if e.UIDir != "" {
		root, err := os.OpenRoot(home(e.UIDir))
		if err != nil {
			return nil, fmt.Errorf("eliza: ELIZA_UI_DIR: %w", err)
		}
		opts = append(opts, WithUI(root.FS()))
	}
	dir := cmp.Or(e.Characters, filepath.Join(e.DataDir, "data", "characters"))
	if root, err := os.OpenRoot(home(dir)); err == nil {
		opts = append(opts, WithCharacters(root.FS()))
	}
	return opts, nil
}

// sessions are the times of sessions; what is out of range is brought into it.
func (e *environment) sessions() messaging.SessionOptions {
	minutes := func(n int) time.Duration { return time.Duration(n) * time.Minute }
	return messaging.SessionOptions{
		Timeout: minutes(e.SessionTimeout), MinTimeout: minutes(e.SessionMinTimeout), MaxTimeout: minutes(e.SessionMaxTimeout),
		MaxDuration: minutes(e.SessionDuration), Warning: minutes(e.SessionWarning), Cleanup: minutes(e.SessionCleanup), ClearOnShutdown: e.ClearSessions,
	}
}

// files are the folders of files: below the data folder, unless one is named by itself.
func (e *environment) files() media.Dirs {
	dirs := media.DataDirs(e.DataDir)
	dirs.Agents, dirs.Channels, dirs.Generated = cmp.Or(e.AgentFiles, dirs.Agents), cmp.Or(e.ChannelFiles, dirs.Channels), cmp.Or(e.Generated, dirs.Generated)
	return media.Dirs{Agents: home(dirs.Agents), Channels: home(dirs.Channels), Generated: home(dirs.Generated)}
}

// uiMode reads ELIZA_UI_ENABLE; what is no yes is a no.
func uiMode(s string) UIMode {
	switch strings.ToUpper(s) {
	case "YES", "Y", "TRUE", "T", "1", "ON", "ENABLE":
		return UIOn
	}
	return UIOff
}

func (e *environment) key() string { return cmp.Or(e.AuthToken, e.APIKey) }

// addr is where to listen: on all addresses when a key guards the server, else on this machine only.
func (e *environment) addr() (string, error) {
	port := cmp.Or(e.Port, e.ServerPort, "3000")
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return "", fmt.Errorf("eliza: PORT: %q is no port, expected 1 to 65535", port)
	}
	host := e.Host
	if host == "" {
		if host = "127.0.0.1"; e.key() != "" {
			host = "0.0.0.0"
		}
	}
	return net.JoinHostPort(host, port), nil
}

func (e *environment) database() string {
	if dsn := cmp.Or(e.PostgresURL, e.DatabaseURL); dsn != "" {
		return dsn
	}
	dir := cmp.Or(e.PGLiteDir, e.DatabaseDir, filepath.Join(e.DataDir, ".elizadb"))
	return filepath.Join(home(dir), "eliza.db")
}

// home replaces a leading ~ by the home folder.
func home(path string) string {
	if path != "~" && !strings.HasPrefix(path, "~/") {
		return path
	}
	dir, err := os.UserHomeDir()
	if err != nil {
		return path
	}
	return filepath.Join(dir, strings.TrimPrefix(path, "~"))
}

func list(s string) []string {
	var out []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// parseSize reads a number of bytes with an optional unit b, kb, mb or gb, powers of 1024.
func parseSize(s string) (int64, error) {
	number, factor := strings.ToLower(strings.TrimSpace(s)), int64(1)
	for _, unit := range [...]struct {
		suffix string
		factor int64
	}{{"kb", 1 << 10}, {"mb", 1 << 20}, {"gb", 1 << 30}, {"b", 1}} {
		if rest, ok := strings.CutSuffix(number, unit.suffix); ok {
			number, factor = strings.TrimSpace(rest), unit.factor
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 || n > 1<<40/factor {
		return 0, fmt.Errorf("%q is no size like 2mb", s)
	}
	return n * factor, nil
}

// declared are the variables that plugins declare as their settings.
func declared(vars map[string]string, plugins []plugin.Plugin) map[string]string {
	out := map[string]string{}
	for _, p := range plugins {
		for _, name := range p.Settings {
			if v, ok := vars[name]; ok && v != "" {
				out[name] = v
			}
		}
	}
	return out
}
