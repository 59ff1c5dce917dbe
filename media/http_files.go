package media

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
)

// sandboxed keeps a browser from running anything in a file it shows.
const sandboxed = "sandbox; default-src 'none'"

func (h *Handler) serve(c echo.Context, kind Kind, param string) error {
	header := c.Response().Header()
	header.Set(echo.HeaderContentSecurityPolicy, sandboxed)
	header.Set(echo.HeaderXContentTypeOptions, "nosniff")
	owner, err := httpapi.UUIDParam(c, param)
	if err != nil {
		return err
	}
	name, err := filename(c)
	if err != nil {
		return err
	}
	blob, err := h.svc.Open(c.Request().Context(), kind, owner, name)
	if err != nil {
		return err
	}
	defer func() { _ = blob.Close() }()
	t, inline := servedType(name)
	header.Set(echo.HeaderContentType, t)
	header.Set(echo.HeaderContentDisposition, disposition(name, inline))
	header.Set(echo.HeaderCacheControl, h.caching())
	header.Set("ETag", `"`+strconv.FormatInt(blob.Size, 36)+"-"+strconv.FormatInt(blob.Modified.UnixNano(), 36)+`"`)
	if t == "application/pdf" {
		header.Del(echo.HeaderContentSecurityPolicy) // browsers refuse to show a sandboxed one
	}
	defer paced(c, blob.Size)()
	http.ServeContent(c.Response(), c.Request(), "", blob.Modified, blob)
	return nil
}

const (
	readGrace = 30 * time.Second // how long a client may take for any file
	readRate  = 16 << 10         // bytes a second it must take besides
)

// paced gives the client the time a file of that size may take, until the returned function is called.
func paced(c echo.Context, size int64) (done func()) {
	// A writer without deadlines is not that of a network server: there is nothing to guard.
	conn := http.NewResponseController(c.Response().Writer) // Echo panics where it cannot flush
	_ = conn.SetWriteDeadline(time.Now().Add(readGrace + time.Duration(size/readRate)*time.Second))
	return func() {
		_ = conn.Flush()
		_ = conn.SetWriteDeadline(time.Time{})
	}
}

func (h *Handler) caching() string {
	if h.opts.Private {
		return "private, max-age=31536000, immutable"
	}
	return "public, max-age=31536000, immutable"
}

// filename is the name in the path, decoded where the router left it as it came.
func filename(c echo.Context) (string, error) {
	name := c.Param("filename")
	if c.Request().URL.RawPath != "" {
		var err error
		if name, err = url.PathUnescape(name); err != nil {
			return "", errName
		}
	}
	if !ValidName(name) {
		return "", errName
	}
	return name, nil
}
