package ratelimit

import (
	"cmp"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

const refusal = "Too many requests. Please try again later."

// Class is a kind of routes whose requests are counted together.
type Class struct {
	Name     string // sets its counts apart from those of other classes
	Requests int    // of one client in one window
	Window   time.Duration
	Details  string // of the refusal
	Plain    bool   // the refusal is a text instead of the error envelope
	Public   bool   // loopback and private addresses are not counted
}

// Options tunes a [Limiter]. The zero value is ready to use.
type Options struct {
	Logger  *slog.Logger       // slog.Default() when nil
	Proxies []netip.Prefix     // peers whose X-Forwarded-For is believed; none when empty
	Now     func() time.Time   // time.Now when nil
	Refused func(class string) // is told of each refusal; nil = nobody is
}

// Limiter makes middleware that limits requests by what a [Store] counts. While the store fails everybody
// is let through. Safe for concurrent use.
type Limiter struct {
	store  Store
	opts   Options
	logged atomic.Int64 // second in which a failure was logged last
}

// New returns a Limiter.
func New(store Store, opts Options) *Limiter {
	opts.Logger = cmp.Or(opts.Logger, slog.Default())
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Limiter{store: store, opts: opts}
}

// Middleware counts requests in a class and refuses those above its limit. Answers of several classes carry
// the headers of the innermost one. OPTIONS is not counted. A class without requests or without window is
// off: its middleware does nothing.
func (l *Limiter) Middleware(class Class) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		if class.Requests <= 0 || class.Window <= 0 {
			return next
		}
		limit := strconv.Itoa(class.Requests)
		policy := limit + ";w=" + strconv.Itoa(seconds(class.Window))
		return func(c echo.Context) error {
			req := c.Request()
			addr := Client(req, l.opts.Proxies)
			if req.Method == http.MethodOptions || class.Public && (addr.IsLoopback() || addr.IsPrivate()) {
				return next(c)
			}
			count, reset, err := l.store.Take(req.Context(), class.Name+"|"+bucket(addr), class.Requests, class.Window)
			if err != nil {
				l.failed(class, err)
				return next(c)
			}
			left := max(reset.Sub(l.opts.Now()), time.Second)
			h := c.Response().Header()
			h["Ratelimit-Policy"] = []string{policy}
			h["Ratelimit-Limit"] = []string{limit}
			h["Ratelimit-Remaining"] = []string{strconv.Itoa(max(0, class.Requests-count))}
			h["Ratelimit-Reset"] = []string{strconv.Itoa(seconds(left))}
			if count > class.Requests {
				return l.refuse(c, class, left)
			}
			return next(c)
		}
	}
}

func (l *Limiter) refuse(c echo.Context, class Class, left time.Duration) error {
	if l.opts.Refused != nil {
		l.opts.Refused(class.Name)
	}
	if class.Plain {
		c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(seconds(left)))
		return c.String(http.StatusTooManyRequests, refusal)
	}
	return httpapi.WriteError(c, l.opts.Logger, &core.Error{Code: core.CodeRateLimit, Message: refusal, Details: class.Details, RetryAfter: left})
}

// failed logs that the store did not count, once a second at most: it happens to every request then.
func (l *Limiter) failed(class Class, err error) {
	now := l.opts.Now().Unix()
	if last := l.logged.Load(); last == now || !l.logged.CompareAndSwap(last, now) {
		return
	}
	l.opts.Logger.Error("requests are not counted", "class", class.Name, "err", err)
}

// seconds is a time in whole seconds, rounded up.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
