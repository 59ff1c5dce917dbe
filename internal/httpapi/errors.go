package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/runtime/core"
)

// statusOf is the one table from codes to statuses; what it does not name is a 500.
var statusOf = map[core.Code]int{
	core.CodeInvalidID: 400, core.CodeBadRequest: 400, core.CodeMissingParam: 400, core.CodeInvalidRequest: 400,
	core.CodeInvalidInput: 400, core.CodeValidation: 400, core.CodeCreate: 400, core.CodeInvalidContentType: 400,
	core.CodeInvalidAgentID: 400, core.CodeInvalidFileType: 400, core.CodeUnauthorized: 401, core.CodeForbidden: 403,
	core.CodeNotFound: 404, core.CodeAgentNotFound: 404, core.CodeChannelNotFound: 404, core.CodeConflict: 409,
	core.CodePayloadTooLarge: 413, core.CodeFileTooLarge: 413, core.CodeRateLimit: 429, core.CodeUnavailable: 503, core.CodeTimeout: 504,
	core.CodeStorageFull:     507,
	core.CodeSessionNotFound: 404, core.CodeSessionExpired: 410, core.CodeSessionRenewal: 400,
}

// statusClientGone is nginx's convention for a request whose client left; it is only ever logged.
const statusClientGone = 499

type errorBody struct {
	Success bool        `json:"success"`
	Error   errorDetail `json:"error"`
}

type errorDetail struct {
	Code      core.Code `json:"code"`
	Message   string    `json:"message"`
	Details   string    `json:"details,omitempty"`
	Timestamp core.ISO  `json:"timestamp,omitempty"`
}

const timedErrors = "eliza.timedErrors" // key in a request's context

// TimeErrors has the errors of a request say when they happened.
func TimeErrors(c echo.Context, now core.Clock) { c.Set(timedErrors, now) }

// ErrNotFound is the answer to a path nobody serves.
var ErrNotFound = &core.Error{Code: core.CodeNotFound, Message: "API endpoint not found"}

// Status is the HTTP status of an error.
func Status(err error) int {
	if s, ok := statusOf[core.CodeOf(asCore(err))]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// WriteError answers err with the error envelope, unless an answer has begun. An error without a code of
// ours is logged with its cause and answered with a fixed text and the request id.
func WriteError(c echo.Context, log *slog.Logger, err error) error {
	ctx := c.Request().Context()
	ended := errors.Is(err, context.Canceled) && ctx.Err() != nil
	if why, ok := errors.AsType[*core.Error](context.Cause(ctx)); ok && (ended || core.CodeOf(err) == core.CodeInternal) {
		err = why // it was the server that ended the request
	} else if _, left := errors.AsType[*leftError](err); left || ended {
		log.LogAttrs(ctx, slog.LevelDebug, "client left", slog.String("path", c.Path()), slog.Int("status", statusClientGone))
		return nil
	}
	e := asCore(err)
	status := Status(e)
	detail := errorDetail{Code: e.Code, Message: e.Message, Details: e.Details}
	if status >= 500 {
		attrs := []slog.Attr{slog.String("path", c.Path()), slog.Int("status", status), slog.String("request_id", RequestID(c)), slog.Any("err", err)}
		if p, ok := errors.AsType[*core.PanicError](err); ok {
			attrs = append(attrs, slog.String("stack", p.Stack))
		}
		log.LogAttrs(ctx, slog.LevelError, "request failed", attrs...)
	}
	if e.Code == core.CodeInternal {
		detail.Message, detail.Details = "Internal server error", RequestID(c)
	}
	if now, timed := c.Get(timedErrors).(core.Clock); timed {
		detail.Timestamp = core.ISO(now.Now())
	}
	if c.Response().Committed {
		return nil
	}
	if e.RetryAfter > 0 {
		c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int((e.RetryAfter+time.Second-1)/time.Second)))
	}
	return JSON(c, status, errorBody{Error: detail})
}

// asCore finds our error in the chain, or makes one of what Echo and net/http return.
func asCore(err error) *core.Error {
	if e, ok := errors.AsType[*core.Error](err); ok && e != nil && e.Code != "" {
		return e
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &core.Error{Code: core.CodePayloadTooLarge, Message: "Request body too large", Details: "limit is " + strconv.FormatInt(tooLarge.Limit, 10) + " bytes"}
	}
	if e, ok := errors.AsType[*echo.HTTPError](err); ok {
		switch e.Code {
		case http.StatusNotFound, http.StatusMethodNotAllowed:
			return ErrNotFound
		case http.StatusRequestEntityTooLarge:
			return &core.Error{Code: core.CodePayloadTooLarge, Message: "Request body too large"}
		case http.StatusUnauthorized:
			return &core.Error{Code: core.CodeUnauthorized, Message: "Unauthorized"}
		case http.StatusForbidden:
			return &core.Error{Code: core.CodeForbidden, Message: "Forbidden"}
		case http.StatusTooManyRequests:
			return &core.Error{Code: core.CodeRateLimit, Message: "Too many requests. Please try again later."}
		case http.StatusServiceUnavailable:
			return &core.Error{Code: core.CodeUnavailable, Message: "Service unavailable", Err: err}
		}
		if e.Code < 500 {
			return core.BadRequest("Bad request")
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &core.Error{Code: core.CodeTimeout, Message: "The request took too long", Err: err}
	}
	return &core.Error{Code: core.CodeInternal, Message: "Internal server error", Err: err}
}
