package openai

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// maxCause bounds what is kept of an endpoint's own words.
const maxCause = 500

// errGarbage is what an answer is that makes no sense.
var errGarbage = errors.New("openai: answer is not of the protocol")

// failure is a failed attempt and what can be done about it.
type failure struct {
	err       *core.Error
	again     bool          // the same request may succeed later
	after     time.Duration // not before, as the endpoint said
	status    int
	complaint complaint
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// asFailure finds the failure in err, or makes a final one.
func asFailure(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	return &failure{err: &core.Error{Code: core.CodeModel, Message: "The model provider failed", Err: err}}
}

// contextError says that the caller's context ended; it matches what ctx.Err returns.
func contextError(ctx context.Context) error { return fmt.Errorf("openai: %w", ctx.Err()) }

func (p *provider) modelError(text string, cause error) *core.Error {
	return &core.Error{Code: core.CodeModel, Message: text, Err: cause}
}

// unreachable says why no response came.
func (p *provider) unreachable(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errSilent) {
		return &failure{err: p.modelError("The model provider did not answer in time", errSilent)}
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // without the address, which may hold secrets
	}
	_, badCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	return &failure{err: p.modelError("The model provider cannot be reached", p.redact(err)), again: !badCertificate}
}

// broken says why an answer could not be read to its end.
func (p *provider) broken(ctx context.Context, a *answer, err error) error {
	f, refused := errors.AsType[*failure](err)
	_, syntax := errors.AsType[*json.SyntaxError](err)
	switch {
	case errors.Is(err, errBroken):
		return err
	case refused:
		if a.begun {
			f.again, f.status = false, 0
		}
		return f
	case errors.Is(context.Cause(ctx), errSilent):
		return &failure{err: p.modelError("The model provider stopped answering", errSilent)}
	case errors.Is(err, errGarbage), syntax:
		return &failure{err: p.modelError("The answer of the model provider is unreadable", p.redact(err))}
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return &failure{err: p.modelError("The answer of the model provider broke off", p.redact(err)), again: !a.begun}
}

// redact makes sure that a cause does not carry the key.
func (p *provider) redact(err error) error {
	if p.key == "" || !strings.Contains(err.Error(), p.key) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), p.key, "[key]"))
}

// refusal reads a response that is not a success.
func (p *provider) refusal(resp *http.Response, body io.Reader) error {
	raw, _ := io.ReadAll(io.LimitReader(body, maxErrorBody)) // whatever came is good enough
	f := p.complained(resp.StatusCode, parseComplaint(raw))
	f.after = retryAfter(resp.Header, time.Now())
	if f.again || f.status == http.StatusTooManyRequests {
		f.err.RetryAfter = f.after
	}
	return f
}

// complained turns an endpoint's words into a failure.
func (p *provider) complained(status int, c complaint) *failure {
	f := &failure{status: status, complaint: c}
	text := "The model provider refused the request"
	switch status {
	case 0:
		text = "The model provider reported an error"
	case http.StatusUnauthorized, http.StatusForbidden:
		text = "The model provider refused the key"
	case http.StatusPaymentRequired:
		text = "The quota at the model provider is used up"
	case http.StatusNotFound:
		text = "The model provider does not know the model or the address"
	case http.StatusTooManyRequests:
		text, f.again = "The model provider limits the rate of requests", true
		if c.Code == "insufficient_quota" {
			text, f.again = "The quota at the model provider is used up", false
		}
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		text, f.again = "The model provider is not available", true
	}
	said := c.Message
	if p.key != "" {
		said = strings.ReplaceAll(said, p.key, "[key]")
	}
	if len(said) > maxCause {
		said = strings.ToValidUTF8(said[:maxCause], "") + "…"
	}
	f.err = p.modelError(text, fmt.Errorf("openai: status %d: %s", status, said))
	return f
}

// refuses finds the parameter an endpoint does not want, among those body has.
func (f *failure) refuses(body request) string {
	if f.status != http.StatusBadRequest && f.status != http.StatusUnprocessableEntity {
		return ""
	}
	for _, name := range optional {
		if body.has(name) && (f.complaint.Param == name || mentions(f.complaint.text, name)) {
			return name
		}
	}
	// Some endpoints do not say what they dislike; this one is the newest in the protocol.
	if f.complaint.Code == "" && body.has("stream_options") {
		return "stream_options"
	}
	return ""
}

// forGood tells whether the parameter itself is refused, not only its value this time.
func (f *failure) forGood(name string) bool {
	if name == "stream_options" {
		return true
	}
	if name == voiceField { // another one may be fine
		return false
	}
	for _, sign := range [...]string{
		"unsupported", "not support", "unrecognized", "unknown", "unexpected", "not permitted", "not allowed", "forbidden", "fixed",
	} {
		if strings.Contains(f.complaint.text, sign) {
			return true
		}
	}
	return false
}

// complaint is what an endpoint says went wrong.
type complaint struct {
	Message, Type, Code, Param string
	text                       string // lower case, to look for names in
}

// parseComplaint understands the usual forms of error bodies; of any other it keeps the text.
func parseComplaint(raw []byte) complaint {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil && len(list) > 0 {
		raw = list[0]
	}
	var outer struct {
		Error   json.RawMessage `json:"error"`
		Message any             `json:"message"`
		Detail  json.RawMessage `json:"detail"`
	}
	var inner struct {
		Message, Type, Code, Param any
	}
	c := complaint{Message: strings.ToValidUTF8(string(raw), "")}
	if json.Unmarshal(raw, &outer) == nil {
		switch {
		case json.Unmarshal(outer.Error, &inner) == nil && word(inner.Message) != "":
			c = complaint{Message: word(inner.Message), Type: word(inner.Type), Code: word(inner.Code), Param: word(inner.Param)}
		case len(outer.Error) > 0 && json.Unmarshal(outer.Error, &c.Message) == nil:
		case word(outer.Message) != "":
			c.Message = word(outer.Message)
		case len(outer.Detail) > 0:
			c.Message = string(locations(outer.Detail))
		}
	}
	c.text = strings.ToLower(c.Message)
	return c
}

// locations leaves of a list of field errors only where they are and what is wrong: such lists may repeat the
// whole request.
func locations(detail json.RawMessage) json.RawMessage {
	var fields []struct {
		Loc []any  `json:"loc"`
		Msg string `json:"msg"`
	}
	if json.Unmarshal(detail, &fields) != nil {
		return detail
	}
	b, err := json.Marshal(fields)
	if err != nil {
		return detail
	}
	return b
}

// word is a text, or a number as text.
func word(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// failed turns an error object inside an answer that began as a success into a failure.
func (p *provider) failed(raw json.RawMessage) *failure {
	c := parseComplaint([]byte(`{"error":` + string(raw) + `}`))
	status, err := strconv.Atoi(c.Code)
	if err != nil || status < 400 || status > 599 {
		status = 0
	}
	switch c.Type + " " + c.Code {
	case "server_error ", "overloaded_error ", "server_error server_error", "api_error ":
		status = http.StatusServiceUnavailable
	case "rate_limit_error ", "requests rate_limit_exceeded", "tokens rate_limit_exceeded":
		status = http.StatusTooManyRequests
	}
	return p.complained(status, c)
}

// retryAfter reads how long an endpoint asks to wait.
func retryAfter(h http.Header, now time.Time) time.Duration {
	const most = 24 * time.Hour
	unit, v := time.Millisecond, h.Get("Retry-After-Ms")
	if v == "" {
		unit, v = time.Second, h.Get("Retry-After")
	}
	if n, err := strconv.ParseFloat(v, 64); err == nil {
		if !(n > 0) {
			return 0
		}
		return time.Duration(min(n*float64(unit), float64(most)))
	}
	if t, err := http.ParseTime(v); err == nil {
		return min(max(t.Sub(now), 0), most)
	}
	return 0
}
