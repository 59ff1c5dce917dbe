package eliza

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// UIMode says whether a server that runs by itself serves a web client.
type UIMode int

// Modes of a web client.
const (
	UIAuto UIMode = iota // on, but not in production
	UIOn
	UIOff
)

// hashed names hold a digest of their content, as bundlers write them: they never change.
var hashed = regexp.MustCompile(`[-.][0-9A-Za-z_-]{8,}\.(js|mjs|css|woff2?|png|jpe?g|svg|webp|wasm)$`)

// ui serves the files of a web client, and its page for every path that is no file.
type ui struct {
	files fs.FS // nil: there are none
	off   bool
	alone bool     // no host owns what is not ours
	tags  sync.Map // name and time of a file → its ETag
}

// page answers with a file or the client's page.
func (u *ui) page(c echo.Context) error {
	if served, err := u.file(c); served || err != nil {
		return err
	}
	return u.fallback(c)
}

// file answers a request for a file of the client; it tells whether there is one.
func (u *ui) file(c echo.Context) (served bool, err error) {
	name := strings.TrimPrefix(path.Clean("/"+c.Param("*")), "/")
	if u.off || u.files == nil || !isRead(c.Request().Method) || name == "" || !fs.ValidPath(name) {
		return false, nil
	}
	cache := "public, max-age=0"
	if hashed.MatchString(name) {
		cache = "public, max-age=31536000, immutable"
	}
	return u.serve(c, name, cache)
}

func isRead(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// fallback answers what is neither a file nor anybody's route: the client finds out by itself what its page
// is to show.
func (u *ui) fallback(c echo.Context) error {
	p := c.Request().URL.Path
	switch {
	case u.off && u.alone:
		return c.String(http.StatusForbidden, "Forbidden")
	case u.off:
		return c.String(http.StatusNotFound, "Not found")
	case strings.HasSuffix(p, ".js") || strings.HasSuffix(p, ".mjs"):
		text := "// JavaScript module not found: " + html.EscapeString(strings.NewReplacer("\n", "", "\r", "", "\u2028", "", "\u2029", "").Replace(p))
		return c.Blob(http.StatusNotFound, "application/javascript", []byte(text))
	case !isRead(c.Request().Method):
		return c.String(http.StatusNotFound, "Not found")
	}
	served, err := u.serve(c, "index.html", "no-cache")
	if err != nil || served {
		return err
	}
	return c.String(http.StatusNotFound, "Client application not found")
}

func (u *ui) serve(c echo.Context, name, cache string) (bool, error) {
	if u.files == nil {
		return false, nil
	}
	f, err := u.files.Open(name)
	if err != nil {
		return false, nil
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || st.IsDir() {
		return false, err
	}
	content, seeks := f.(io.ReadSeeker)
	if !seeks {
		return false, fmt.Errorf("eliza: WithUI: %s cannot be read from the middle", name)
	}
	tag, err := u.tag(name, st, content)
	if err != nil {
		return false, err
	}
	h := c.Response().Header()
	h.Set("ETag", tag)
	h.Set(echo.HeaderCacheControl, cache)
	http.ServeContent(c.Response(), c.Request(), name, st.ModTime(), content)
	return true, nil
}

type fileVersion struct {
	name string
	size int64
	time time.Time
}

// tag is the ETag of a file: a digest of its content, for embedded files have no time.
func (u *ui) tag(name string, st fs.FileInfo, content io.ReadSeeker) (string, error) {
	version := fileVersion{name, st.Size(), st.ModTime()}
	if tag, ok := u.tags.Load(version); ok {
		return tag.(string), nil
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, content); err != nil {
		return "", err
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	tag := `"` + hex.EncodeToString(sum.Sum(nil)[:12]) + `"`
	u.tags.Store(version, tag)
	return tag, nil
}
