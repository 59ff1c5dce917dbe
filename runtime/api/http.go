package api

import (
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
)

// HandlerOptions tunes a [Handler]. The zero value is ready to use.
type HandlerOptions struct {
	Logger      *slog.Logger // slog.Default() when nil
	Description Description
}

// Handler serves the descriptions. Each is made when it is asked for first, and kept.
type Handler struct {
	log                  *slog.Logger
	http, sockets, pages made
}

// NewHandler returns a Handler.
func NewHandler(opts HandlerOptions) *Handler {
	d := opts.Description
	return &Handler{log: opts.Logger, http: once(d.OpenAPI), sockets: once(d.AsyncAPI), pages: once(d.page)}
}

// Routes registers the routes on g, whose prefix the caller chooses (the contract's is /api). It brings no
// authentication.
func (h *Handler) Routes(g *echo.Group) {
	r := httpapi.NewRouter(g, httpapi.Options{Logger: h.log})
	r.GET("/openapi.json", serve(h.http, "application/json; charset=utf-8"))
	r.GET("/asyncapi.json", serve(h.sockets, "application/json; charset=utf-8"))
	r.GET("/docs", func(c echo.Context) error {
		if strings.HasSuffix(c.Request().URL.Path, "/") { // the links of the page are relative
			return c.Redirect(http.StatusMovedPermanently, "../docs")
		}
		return serve(h.pages, "text/html; charset=utf-8")(c)
	})
}

func serve(m made, contentType string) echo.HandlerFunc {
	return func(c echo.Context) error {
		b, err := m.get()
		if err != nil {
			return err
		}
		h := c.Response().Header()
		h.Set(echo.HeaderContentType, contentType)
		h.Set(echo.HeaderContentLength, strconv.Itoa(len(b)))
		c.Response().WriteHeader(http.StatusOK)
		_, err = c.Response().Write(b)
		return err
	}
}
