package main

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/eliza-go/eliza"
)

// router is the host's: its own pages, errors and validation, and everything of the server below /ai.
func router(srv *eliza.Server, u *users) http.Handler {
	e := echo.New()
	e.Validator, e.HTTPErrorHandler = checker{}, fail
	e.Use(middleware.Recover(), middleware.BodyLimit("20M"))
	e.GET("/", func(c echo.Context) error {
		return c.String(http.StatusOK, "The host's own page. Log in at /login; what lies below /ai is described at /ai/api/docs.\n")
	})
	e.POST("/login", u.login)
	e.GET("/me", u.me)
	srv.Mount(e.Group("/ai"))
	return e
}

// fail is the host's error handler, in front of its own pages alone.
func fail(err error, c echo.Context) {
	status, text := http.StatusInternalServerError, "something went wrong"
	if he, ok := errors.AsType[*echo.HTTPError](err); ok {
		status, text = he.Code, fmt.Sprint(he.Message)
	}
	if !c.Response().Committed {
		_ = c.String(status, "The host says: "+text+"\n")
	}
}

// checker is the host's validator.
type checker struct{}

// Validate implements [echo.Validator].
func (checker) Validate(v any) error {
	if in, ok := v.(*credentials); ok && (in.Name == "" || in.Password == "") {
		return echo.NewHTTPError(http.StatusUnprocessableEntity, "a name and a password are needed")
	}
	return nil
}
