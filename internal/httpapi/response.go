package httpapi

import (
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/runtime/core"
)

type okBody struct {
	Success bool `json:"success"`
	Data    any  `json:"data"`
}

// JSON writes v as it is: for the answers the contract wants without envelope.
func JSON(c echo.Context, status int, v any) error {
	b, err := core.EncodeJSON(v)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "application/json; charset=utf-8")
	h.Set(echo.HeaderContentLength, strconv.Itoa(len(b)))
	c.Response().WriteHeader(status)
	return write(c.Response(), b)
}

const (
	atOnce = 256 << 10        // bytes of an answer that a client may take as slowly as it likes
	pace   = 30 * time.Second // how long it may take for each so many of a larger one
)

// write writes an answer, and gives up on a client that does not take a large one.
func write(w http.ResponseWriter, b []byte) error {
	conn := http.NewResponseController(w)
	for paced := len(b) > atOnce; len(b) > 0; {
		if paced {
			// A writer without deadlines is not that of a network server: there is nothing to guard. net/http lifts
			// the last one.
			_ = conn.SetWriteDeadline(time.Now().Add(pace))
		}
		part := b[:min(len(b), atOnce)]
		if _, err := w.Write(part); err != nil {
			return &leftError{err}
		}
		b = b[len(part):]
	}
	return nil
}

// leftError tells that the client did not take the answer.
type leftError struct{ err error }

// Error implements [error].
func (e *leftError) Error() string { return e.err.Error() }

// Unwrap returns what went wrong.
func (e *leftError) Unwrap() error { return e.err }

// OK answers 200 with the success envelope.
func OK(c echo.Context, data any) error { return Data(c, http.StatusOK, data) }

// Created answers 201 with the success envelope.
func Created(c echo.Context, data any) error { return Data(c, http.StatusCreated, data) }

// Data answers with the success envelope.
func Data(c echo.Context, status int, data any) error {
	return JSON(c, status, okBody{Success: true, Data: data})
}

// Superset answers with data's fields both under "data" and beside it, for clients of both generations.
// data must encode to a JSON object; its keys "success" and "data" appear only inside.
func Superset(c echo.Context, status int, data any) error {
	b, err := core.EncodeJSON(data)
	if err != nil {
		return err
	}
	var flat map[string]any
	if err := core.DecodeJSON(b, &flat); err != nil {
		return err
	}
	body := make(map[string]any, len(flat)+2)
	for k, v := range flat {
		body[k] = v
	}
	body["success"], body["data"] = true, flat
	return JSON(c, status, body)
}

// NoContent answers 204.
func NoContent(c echo.Context) error {
	c.Response().WriteHeader(http.StatusNoContent)
	return nil
}
