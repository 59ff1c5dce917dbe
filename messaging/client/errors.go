package client

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

// maxError is how much of a refusal is looked at.
const maxError = 64 << 10

// codes are those of answers that do not name one, such as a proxy's.
var codes = map[int]core.Code{
	http.StatusUnauthorized: core.CodeUnauthorized, http.StatusForbidden: core.CodeForbidden, http.StatusNotFound: core.CodeNotFound,
	http.StatusConflict: core.CodeConflict, http.StatusRequestEntityTooLarge: core.CodePayloadTooLarge, http.StatusTooManyRequests: core.CodeRateLimit,
	http.StatusBadGateway: core.CodeUnavailable, http.StatusServiceUnavailable: core.CodeUnavailable, http.StatusGatewayTimeout: core.CodeTimeout,
}

// errorOf is a refusal as an error. It closes the answer.
func errorOf(res *http.Response) *core.Error {
	defer res.Body.Close()
	b, _ := io.ReadAll(io.LimitReader(res.Body, maxError))
	e := decodeError(b)
	if e == nil {
		e = &core.Error{Code: codes[res.StatusCode], Message: http.StatusText(res.StatusCode), Details: excerpt(b)}
	}
	switch {
	case e.Code != "":
	case res.StatusCode < 500:
		e.Code = core.CodeBadRequest
	default:
		e.Code = core.CodeInternal
	}
	e.RetryAfter = retryAfter(res.Header)
	return e
}

// decodeError reads the envelope of errors, nil when it is none.
func decodeError(b []byte) *core.Error {
	var v struct {
		Error struct {
			Code    core.Code `json:"code"`
			Message string    `json:"message"`
			Details string    `json:"details"`
		} `json:"error"`
	}
	if json.Unmarshal(b, &v) != nil || v.Error.Code == "" {
		return nil
	}
	return &core.Error{Code: v.Error.Code, Message: v.Error.Message, Details: v.Error.Details}
}

func excerpt(b []byte) string {
	return strings.ToValidUTF8(strings.TrimSpace(string(b[:min(len(b), 300)])), "")
}
