package main

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/hosttest"
)

func TestAHostOnGinAnswersAsBefore(t *testing.T) {
	t.Parallel()
	gin.SetMode(gin.ReleaseMode)
	hosttest.Run(t, hosttest.Router{Prefix: "/ai", Host: host, Paths: []string{"/ais/info", "/Page", "/items//7"}})
}

// host is a host with gin's own binding, validation, errors and recovery.
func host(_ testing.TB, srv *eliza.Server) http.Handler {
	r := gin.New()
	r.HandleMethodNotAllowed = true
	r.Use(noted("outer"), gin.CustomRecoveryWithWriter(nil, recovered), failed, crossOrigin, limited, noted("inner"))
	r.NoRoute(func(c *gin.Context) { c.String(http.StatusNotFound, "the host has no such page") })
	for _, page := range hosttest.Pages() {
		if page.Method == "" {
			r.Any(page.Path, gin.WrapH(page))
		} else {
			r.Handle(page.Method, page.Path, gin.WrapH(page))
		}
	}
	for _, method := range hosttest.ItemMethods() {
		r.Handle(method, "/items/:id", func(c *gin.Context) { c.String(http.StatusOK, "%s %s", c.Request.Method, c.Param("id")) })
	}
	r.GET("/fail", func(c *gin.Context) { _ = c.Error(errTeapot) })
	r.POST("/bind", func(c *gin.Context) {
		var in struct {
			Name string `json:"name" binding:"required"`
		}
		if err := c.ShouldBindJSON(&in); err != nil {
			_ = c.Error(err).SetType(gin.ErrorTypeBind)
			return
		}
		c.JSON(http.StatusOK, in)
	})
	r.GET("/files/*path", gin.WrapH(http.StripPrefix("/files", http.FileServerFS(hosttest.Files()))))
	if srv != nil {
		r.Any("/ai/*path", gin.WrapH(http.StripPrefix("/ai", srv.Handler())))
	}
	return hosttest.Gzip(r)
}

var errTeapot = errors.New("the host failed")

// failed is the host's error handler.
func failed(c *gin.Context) {
	c.Next()
	err := c.Errors.Last()
	switch {
	case err == nil || c.Writer.Written():
	case errors.Is(err, errTeapot):
		c.String(http.StatusTeapot, err.Error())
	case strings.Contains(err.Error(), "required"):
		c.String(http.StatusUnprocessableEntity, err.Error())
	case err.IsType(gin.ErrorTypeBind):
		c.String(http.StatusBadRequest, "the host cannot read this")
	}
}

func recovered(c *gin.Context, v any) {
	if v == http.ErrAbortHandler {
		panic(v)
	}
	c.String(http.StatusInternalServerError, "the host caught %v", v)
	c.Abort()
}

func noted(name string) gin.HandlerFunc {
	return func(c *gin.Context) { c.Writer.Header().Add("X-Order", name) }
}

func limited(c *gin.Context) {
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, hosttest.MaxBody)
}

// crossOrigin is the middleware of net/http around what comes next in gin.
func crossOrigin(c *gin.Context) {
	passed := false
	hosttest.CORS(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed = true })).ServeHTTP(c.Writer, c.Request)
	if !passed {
		c.Abort()
		c.Writer.WriteHeaderNow()
	}
}
