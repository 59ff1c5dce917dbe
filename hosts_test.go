package eliza_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/hosttest"
)

func TestAHostOnNetHTTPAnswersAsBefore(t *testing.T) {
	t.Parallel()
	hosttest.Run(t, hosttest.Router{Prefix: "/ai", Paths: []string{"/ai/own"}, Host: netHTTPHost})
}

// netHTTPHost is a host on the standard library's mux.
func netHTTPHost(_ testing.TB, srv *eliza.Server) http.Handler {
	mux := http.NewServeMux()
	for _, page := range hosttest.Pages() {
		if page.Path == "/" {
			page.Path = "/{$}" // a bare slash is all paths, and no pattern for all methods may lie below it
		}
		mux.Handle(strings.TrimSpace(page.Method+" "+page.Path), page)
	}
	for _, method := range hosttest.ItemMethods() {
		mux.HandleFunc(method+" /items/{id}", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s %s", r.Method, r.PathValue("id"))
		})
	}
	mux.HandleFunc("GET /fail", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "the host failed", http.StatusTeapot) })
	mux.HandleFunc("POST /bind", func(w http.ResponseWriter, r *http.Request) {
		var in bound
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, "the host cannot read this", http.StatusBadRequest)
		} else if in.Name == "" {
			http.Error(w, "the host wants a name", http.StatusUnprocessableEntity)
		} else {
			_, _ = io.WriteString(w, in.Name)
		}
	})
	mux.HandleFunc("/ai/own", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the host's own") })
	mux.Handle("/files/", http.StripPrefix("/files", http.FileServerFS(hosttest.Files())))
	if srv != nil {
		mux.Handle("/ai/", http.StripPrefix("/ai", srv.Handler()))
	}
	var h http.Handler = mux
	for _, around := range []func(http.Handler) http.Handler{
		hosttest.Gzip, hosttest.Wrapped, hosttest.Ordered("inner"), hosttest.Limited, hosttest.CORS, hosttest.Recovered, hosttest.Ordered("outer"),
	} {
		h = around(h)
	}
	return h
}

type bound struct {
	Name string `json:"name"`
}

func TestAHostOnEchoAnswersAsBefore(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"/ai", "", "/host/eliza"} {
		t.Run("mounted at "+prefix+"/", func(t *testing.T) {
			t.Parallel()
			hosttest.Run(t, hosttest.Router{Prefix: prefix, Host: echoHost(prefix), Paths: []string{
				"/ai/", "/ai/own", "/ai/nope", "/ai/info", "/ais/info", "/x/info", "/x/info/", "/ai/apis", "/gone/1", "/gone", "/host", "/host/", "/host/eliza", "/host/eliza/", "/host/eliza/nope",
				"/host/eliza/apis", "/host/info", "/host/eliza/info",
			}})
		})
	}
}

// echoHost is a host whose Echo does everything in its own way.
func echoHost(prefix string) func(testing.TB, *eliza.Server) http.Handler {
	return func(_ testing.TB, srv *eliza.Server) http.Handler {
		e := echo.New()
		e.HTTPErrorHandler, e.Validator, e.Binder, e.JSONSerializer = hostsError, hostsValidator{}, hostsBinder{}, refusing{}
		e.Pre(noted("outer"), middleware.RewriteWithConfig(middleware.RewriteConfig{Rules: map[string]string{"/renamed": "/page"}}))
		e.Use(
			noted("inner"), middleware.RecoverWithConfig(middleware.RecoverConfig{LogErrorFunc: func(_ echo.Context, err error, _ []byte) error { return err }}),
			middleware.CORSWithConfig(middleware.CORSConfig{AllowOrigins: []string{"https://app.example"}, AllowCredentials: true}),
			middleware.BodyLimit(fmt.Sprintf("%dB", hosttest.MaxBody)), middleware.GzipWithConfig(middleware.GzipConfig{MinLength: 100}),
		)
		for _, page := range hosttest.Pages() {
			if page.Method == "" {
				e.Any(page.Path, echo.WrapHandler(page))
			} else {
				e.Add(page.Method, page.Path, echo.WrapHandler(page))
			}
		}
		e.Match(hosttest.ItemMethods(), "/items/:id", func(c echo.Context) error {
			return c.String(200, c.Request().Method+" "+c.Param("id"))
		})
		e.GET("/fail", func(echo.Context) error { return echo.ErrTeapot })
		e.POST("/bind", func(c echo.Context) error {
			var in bound
			if err := c.Bind(&in); err != nil {
				return err
			}
			if err := c.Validate(in); err != nil {
				return err
			}
			return c.String(200, in.Name)
		})
		e.GET("/ai/own", func(c echo.Context) error { return c.String(200, "the host's own") })
		e.GET("/:section/info", func(c echo.Context) error { return c.String(200, c.Path()+" "+c.Param("section")) })
		e.RouteNotFound("/gone/*", func(c echo.Context) error { return c.String(410, "gone: "+c.Param("*")) })
		e.StaticFS("/files", hosttest.Files())
		if srv != nil {
			srv.Mount(e.Group(prefix))
		}
		return e
	}
}

// noted is middleware that tells it was passed.
func noted(name string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Response().Header().Add("X-Order", name)
			return next(c)
		}
	}
}

// hostsError is the host's error handler.
func hostsError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	code := 500
	if he, ok := errors.AsType[*echo.HTTPError](err); ok {
		code = he.Code
	}
	_ = c.String(code, fmt.Sprintf("the host says %d to %s", code, c.Path()))
}

type (
	hostsValidator struct{}
	hostsBinder    struct{}
)

func (hostsValidator) Validate(v any) error {
	if in, ok := v.(bound); !ok || in.Name == "" {
		return echo.NewHTTPError(http.StatusUnprocessableEntity)
	}
	return nil
}

func (hostsBinder) Bind(v any, c echo.Context) error {
	in, ok := v.(*bound)
	if !ok || json.NewDecoder(c.Request().Body).Decode(in) != nil {
		return echo.NewHTTPError(http.StatusBadRequest)
	}
	return nil
}
