package httpapi

import (
	"net/http"
	"strconv"

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
	_, err = c.Response().Write(b)
	return err
}

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
