package plugin

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/runtime/core"
)

var errNoFile = &core.Error{Code: core.CodeNotFound, Message: "File not found"}

// serveFile answers with a file of a static route: the one Dir names or, for one that ends in /*, one in the
// folder Dir names. Nothing outside of it can be reached, by links neither. A folder is answered by its
// index.html.
func serveFile(c echo.Context, m *match) (err error) {
	dir, name := filepath.Dir(m.route.Dir), filepath.Base(m.route.Dir)
	if m.route.kind == below {
		dir, name = m.route.Dir, m.rest
	}
	if name == "" {
		name = "."
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return errNoFile.Wrap(err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	info, err := root.Stat(name)
	if err == nil && info.IsDir() && m.route.kind == below {
		name = path.Join(name, "index.html")
		info, err = root.Stat(name)
	}
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return errNoFile.Wrap(err)
	}
	f, err := root.Open(name)
	if err != nil {
		return errNoFile.Wrap(err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	http.ServeContent(c.Response(), c.Request(), name, info.ModTime(), f)
	return nil
}
