package eliza

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/ratelimit"
)

// Limit is how many requests one client may make in a window of time, which begins with the first of them.
// A limit without requests or without window is none.
type Limit struct {
	Requests int
	Window   time.Duration
}

// Limits of a server that sets no others.
const (
	generalRequests, generalWindow = 1000, 15 * time.Minute
	fileRequests, fileWindow       = 100, 5 * time.Minute
	uploadRequests, uploadWindow   = 50, 15 * time.Minute
)

// WithRateLimits sets how often one address (in IPv6, one /64) may use the API at all, its file operations
// and its uploads; an upload counts as all three. Otherwise it is 1000 in 15 minutes, 100 in 5 and 50 in 15.
// The zero Limit switches a limit off.
func WithRateLimits(general, file, upload Limit) Option {
	return func(c *config) { c.general, c.file, c.upload = general, file, upload }
}

// WithTrustedProxies names the proxies whose X-Forwarded-For tells a client's address; nobody's does
// otherwise.
func WithTrustedProxies(prefixes ...netip.Prefix) Option {
	return func(c *config) { c.proxies = prefixes }
}

// limits are the classes of rate limits as middleware. All routes of a class share its counts, however often
// and wherever they are mounted.
type limits struct {
	general echo.MiddlewareFunc // all of /api, in front of the authenticator
	health  echo.MiddlewareFunc // what asks for health at the root
	// file and upload are for single routes, and go around their handlers: first file, and inside of it, for
	// what uploads, upload. Clients see the headers of the innermost.
	file   echo.MiddlewareFunc
	upload echo.MiddlewareFunc
}

func newLimits(c *config, log *slog.Logger) limits {
	l := ratelimit.New(ratelimit.NewMemory(0, nil), ratelimit.Options{Logger: log, Proxies: c.proxies, Refused: c.observer.Limited})
	class := func(name, details string, of Limit) echo.MiddlewareFunc {
		return l.Middleware(ratelimit.Class{Name: name, Requests: of.Requests, Window: of.Window, Details: details})
	}
	return limits{
		general: class("general", "", c.general),
		file:    class("file", "file operations", c.file),
		upload:  class("upload", "uploads", c.upload),
		health:  l.Middleware(ratelimit.Class{Name: "health", Requests: 100, Window: time.Minute, Plain: true, Public: true}),
	}
}

// parseLimit reads the value of a variable: nothing for the default, "off", or requests and window.
func parseLimit(name, s string, otherwise Limit) (Limit, error) {
	switch s = strings.TrimSpace(s); s {
	case "":
		return otherwise, nil
	case "off":
		return Limit{}, nil
	}
	number, window, _ := strings.Cut(s, "/")
	n, err := strconv.Atoi(strings.TrimSpace(number))
	d, werr := time.ParseDuration(strings.TrimSpace(window))
	if err != nil || werr != nil || n < 1 || d < time.Second {
		return Limit{}, fmt.Errorf("eliza: %s: %q is no limit like 1000/15m, nor off", name, s)
	}
	return Limit{n, d}, nil
}

// parsePrefixes reads addresses and prefixes like 10.0.0.0/8, separated by commas.
func parsePrefixes(name, s string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, one := range list(s) {
		prefix, err := netip.ParsePrefix(one)
		if err != nil {
			addr, aerr := netip.ParseAddr(one)
			if aerr != nil {
				return nil, fmt.Errorf("eliza: %s: %q is no address or prefix like 10.0.0.0/8", name, one)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		all = append(all, prefix)
	}
	return all, nil
}
