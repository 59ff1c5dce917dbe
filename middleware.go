package eliza

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"mime"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

var errUnauthorized = &core.Error{Code: core.CodeUnauthorized, Message: "Missing or invalid X-API-KEY header"}

// KeyAuthenticator admits requests that carry key, as X-API-KEY or as a bearer token. The comparison takes
// the same time whatever the presented value is. With an empty key it admits everybody.
func KeyAuthenticator(key string) func(*http.Request) (core.Identity, error) {
	want := sha256.Sum256([]byte(key))
	return func(r *http.Request) (core.Identity, error) {
		if key == "" {
			return core.Identity{}, nil
		}
		got := r.Header.Get("X-API-KEY")
		if got == "" {
			scheme, token, _ := strings.Cut(r.Header.Get(echo.HeaderAuthorization), " ")
			if strings.EqualFold(scheme, "Bearer") {
				got = token
			}
		}
		sum := sha256.Sum256([]byte(got))
		if subtle.ConstantTimeCompare(sum[:], want[:]) != 1 {
			return core.Identity{}, errUnauthorized
		}
		return core.Identity{}, nil
	}
}

// APIKey is [KeyAuthenticator] as middleware, to put in front of a route group that is mounted alone.
func APIKey(key string) echo.MiddlewareFunc {
	return authenticate(slog.Default(), KeyAuthenticator(key), func(echo.Context) bool { return false })
}

// authenticate refuses requests the authenticator does not admit and puts the identity it found into the
// request's context. Preflights and what is public need none.
func authenticate(log *slog.Logger, auth func(*http.Request) (core.Identity, error), public func(echo.Context) bool) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			req := c.Request()
			if req.Method == http.MethodOptions || public(c) {
				return next(c)
			}
			id, err := auth(req)
			if err != nil {
				return httpapi.WriteError(c, log, err)
			}
			c.SetRequest(req.WithContext(core.WithIdentity(req.Context(), id)))
			return next(c)
		}
	}
}

// requests gives each request an id and a line in the log, and turns what escapes the handlers into the
// error envelope.
func requests(log *slog.Logger) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		guarded := httpapi.Guard(log, httpapi.Paced(next))
		return func(c echo.Context) error {
			began := time.Now()
			id := c.Response().Header().Get(echo.HeaderXRequestID) // of the host's
			if id == "" {
				id = c.Request().Header.Get(echo.HeaderXRequestID)
			}
			if id == "" || len(id) > 128 || strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r > '~' }) {
				id = string(core.NewUUID())
			}
			c.Response().Header().Set(echo.HeaderXRequestID, id)
			err := guarded(c)
			if log.Enabled(c.Request().Context(), slog.LevelDebug) {
				log.LogAttrs(c.Request().Context(), slog.LevelDebug, "request",
					slog.String("method", c.Request().Method), slog.String("route", c.Path()), slog.Int("status", c.Response().Status),
					slog.Duration("took", time.Since(began)), slog.String("request_id", id))
			}
			return err
		}
	}
}

// cors answers preflights and sets the headers of cross-origin requests. With no origins, or "*", every
// origin may read, without credentials; a list is matched exactly and with credentials.
func cors(origins []string) echo.MiddlewareFunc {
	cfg := middleware.CORSConfig{
		AllowOrigins: origins, AllowCredentials: true, MaxAge: 86400,
		AllowMethods:  []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"},
		AllowHeaders:  []string{"Content-Type", "Authorization", "X-API-KEY", "X-Entity-Id"},
		ExposeHeaders: []string{"X-Total-Count", "X-Request-Id", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After"},
	}
	if anyOrigin(origins) {
		cfg.AllowOrigins, cfg.AllowCredentials = []string{"*"}, false
	} else { // a list is matched by Echo as patterns
		cfg.AllowOriginFunc = func(origin string) (bool, error) { return slices.ContainsFunc(origins, same(origin)), nil }
	}
	cfg.Skipper = func(c echo.Context) bool {
		return c.Request().Method != http.MethodOptions && c.Response().Header().Get(echo.HeaderAccessControlAllowOrigin) != ""
	}
	return middleware.CORSWithConfig(cfg)
}

func anyOrigin(origins []string) bool {
	return len(origins) == 0 || slices.Contains(origins, "*")
}

// same tells whether another origin is this one.
func same(origin string) func(string) bool {
	return func(other string) bool { return strings.EqualFold(origin, other) }
}

const (
	cspDevelopment = "default-src 'self';style-src 'self' 'unsafe-inline' https: http:;script-src 'self' 'unsafe-inline' 'unsafe-eval';" +
		"img-src 'self' data: blob: https: http:;font-src 'self' https: http: data:;connect-src 'self' ws: wss: https: http:;" +
		"media-src 'self' blob: data:;object-src 'none';frame-src 'self' data:;base-uri 'self';form-action 'self'"
	cspProduction = "default-src 'self';style-src 'self' 'unsafe-inline' https:;script-src 'self' 'unsafe-inline' 'unsafe-eval';" +
		"img-src 'self' data: blob: https: http:;font-src 'self' https: data:;connect-src 'self' ws: wss: https: http:;" +
		"media-src 'self' blob: data:;object-src 'none';frame-src 'self';base-uri 'self';form-action 'self';" +
		"frame-ancestors 'self';script-src-attr 'none';upgrade-insecure-requests"
)

// securityHeaders sets the headers that keep browsers from misusing answers.
func securityHeaders(production bool, referrer string) echo.MiddlewareFunc {
	csp := cspDevelopment
	if production {
		csp = cspProduction
	}
	fixed := http.Header{}
	for name, value := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "SAMEORIGIN", "Referrer-Policy": referrer,
		"Content-Security-Policy": csp, "Cross-Origin-Resource-Policy": "cross-origin", "Cross-Origin-Opener-Policy": "same-origin",
		"Origin-Agent-Cluster": "?1", "X-DNS-Prefetch-Control": "off", "X-Download-Options": "noopen",
		"X-Permitted-Cross-Domain-Policies": "none", "X-XSS-Protection": "0",
	} {
		fixed[textproto.CanonicalMIMEHeaderKey(name)] = []string{value}
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			h := c.Response().Header()
			for name, value := range fixed {
				h[name] = value
			}
			if production || c.IsTLS() {
				h.Set(echo.HeaderStrictTransportSecurity, "max-age=31536000; includeSubDomains")
			}
			return next(c)
		}
	}
}

// contentTypes refuses bodies of a type no route of the API reads.
func contentTypes(log *slog.Logger) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			req := c.Request()
			switch req.Method {
			case http.MethodPost, http.MethodPut, http.MethodPatch:
				if req.ContentLength != 0 && !readable(req.Header.Get(echo.HeaderContentType)) {
					return httpapi.WriteError(c, log, httpapi.ErrContentType)
				}
			}
			return next(c)
		}
	}
}

func readable(header string) bool {
	t, _, err := mime.ParseMediaType(header)
	if err != nil {
		return false
	}
	switch t {
	case echo.MIMEApplicationJSON, echo.MIMEMultipartForm, echo.MIMEApplicationForm:
		return true
	}
	return false
}
