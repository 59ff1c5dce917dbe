package httpapi

import (
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/runtime/core"
)

// DefaultMaxBody is the limit of a JSON body when none is configured.
const DefaultMaxBody = 2 << 20

// Options tunes a [Router]. The zero value is ready to use.
type Options struct {
	Logger  *slog.Logger // slog.Default() when nil
	MaxBody int64        // bytes of a JSON body; DefaultMaxBody when 0

	// Middleware of each route, for a group that is to have none: that would take its not found.
	Middleware []echo.MiddlewareFunc
}

// Router registers routes on a group in the manner of the contract: an optional trailing slash, HEAD
// wherever there is GET, errors and panics turned into the error envelope, bodies limited.
type Router struct {
	group   *echo.Group
	log     *slog.Logger
	maxBody int64
	first   []echo.MiddlewareFunc
}

// NewRouter returns a Router that registers on g.
func NewRouter(g *echo.Group, opts Options) *Router {
	r := &Router{group: g, log: opts.Logger, maxBody: opts.MaxBody, first: opts.Middleware}
	if r.log == nil {
		r.log = slog.Default()
	}
	if r.maxBody == 0 {
		r.maxBody = DefaultMaxBody
	}
	return r
}

// GET registers h for GET and HEAD.
func (r *Router) GET(path string, h echo.HandlerFunc) {
	r.add(http.MethodGet, path, h)
	r.add(http.MethodHead, path, h)
}

// POST registers h for POST.
func (r *Router) POST(path string, h echo.HandlerFunc) { r.add(http.MethodPost, path, h) }

// PUT registers h for PUT.
func (r *Router) PUT(path string, h echo.HandlerFunc) { r.add(http.MethodPut, path, h) }

// PATCH registers h for PATCH.
func (r *Router) PATCH(path string, h echo.HandlerFunc) { r.add(http.MethodPatch, path, h) }

// DELETE registers h for DELETE.
func (r *Router) DELETE(path string, h echo.HandlerFunc) { r.add(http.MethodDelete, path, h) }

func (r *Router) add(method, path string, h echo.HandlerFunc) {
	wrapped := r.wrap(h)
	r.group.Add(method, path, wrapped, r.first...)
	r.group.Add(method, path+"/", wrapped, r.first...)
}

func (r *Router) wrap(h echo.HandlerFunc) echo.HandlerFunc {
	return Guard(r.log, Paced(func(c echo.Context) error {
		if req := c.Request(); req.Body != nil && req.Body != http.NoBody {
			req.Body = limited(c, r.maxBody)
		}
		return h(c)
	}))
}

// Guard runs h and answers its error, or its panic, with the error envelope. One that calls runtime.Goexit ends
// the request's goroutine, and its connection with it, but is answered too.
func Guard(log *slog.Logger, h echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		returned := false
		defer func() {
			v := recover()
			if returned && v == nil {
				return
			}
			if v == http.ErrAbortHandler {
				panic(v)
			}
			log.Error("panic in a request handler", "path", c.Path(), "request_id", RequestID(c), "panic", v, "stack", string(debug.Stack()))
			if v == nil {
				c.Response().Header().Set(echo.HeaderConnection, "close")
			}
			err = WriteError(c, log, &core.Error{Code: core.CodeInternal})
			if v == nil { // nobody does it after us
				_ = http.NewResponseController(c.Response()).Flush()
			}
		}()
		err = h(c)
		returned = true
		if err != nil {
			return WriteError(c, log, err)
		}
		return nil
	}
}

// RequestID is the id given to the request, "" when there is none.
func RequestID(c echo.Context) string { return c.Response().Header().Get(echo.HeaderXRequestID) }
