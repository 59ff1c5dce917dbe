package httpapi

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	bodyGrace = 15 * time.Second // how long a body may take to come at all
	bodyRate  = 16 << 10         // bytes a second it must come at after that
	drained   = 256 << 10        // bytes of a refused body that are read so that the answer arrives
	maxDepth  = 200              // of nested objects and arrays in a body
)

// Paced gives the body of a request a pace to keep, so that nobody holds a request open by sending slowly,
// and sees to it that an answer given before the body was read arrives. Used twice it works once.
func Paced(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		req := c.Request()
		if req.Body == nil || req.Body == http.NoBody {
			return next(c)
		}
		if _, already := req.Body.(*pacedBody); already {
			return next(c)
		}
		b := &pacedBody{ReadCloser: req.Body, conn: http.NewResponseController(c.Response()), began: time.Now()}
		b.extend()
		r := *req
		r.Body = b
		c.SetRequest(&r)
		err := next(c)
		if req.Close && !b.ended {
			// net/http closes such a connection at once, and what was not read would take the answer with it.
			_, _ = io.Copy(io.Discard, http.MaxBytesReader(innermost(c.Response()), b, drained))
		}
		return err
	}
}

// pacedBody moves the deadline of the connection as the body comes, and lifts it at the end: reading goes on
// behind the handler's back to see whether the client leaves.
type pacedBody struct {
	io.ReadCloser
	conn  *http.ResponseController
	began time.Time
	read  int64
	ended bool
}

// Read implements [io.Reader].
func (b *pacedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if err != nil {
		if b.ended = true; err == io.EOF {
			_ = b.conn.SetReadDeadline(time.Time{})
		}
		return n, err
	}
	b.extend()
	return n, nil
}

func (b *pacedBody) extend() {
	// A writer without deadlines is not that of a network server: there is nothing to guard.
	_ = b.conn.SetReadDeadline(b.began.Add(bodyGrace + time.Duration(b.read)*time.Second/bodyRate))
}

// limited is a body of at most limit bytes. The limit is told to the server's own writer, below those that
// middleware put around it: it makes the answer arrive when the rest of the body is not read.
func limited(c echo.Context, limit int64) io.ReadCloser {
	return http.MaxBytesReader(innermost(c.Response()), c.Request().Body, limit)
}

func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = u.Unwrap()
	}
}

// TooDeep tells whether a JSON document nests deeper than any of ours: every layer that wraps it again would
// have to reckon with its depth.
func TooDeep(raw []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// WithoutNUL removes NUL characters from the texts of a valid JSON document: not every database can keep
// them.
func WithoutNUL(raw []byte) []byte {
	nul := []byte(`\u0000`)
	if !bytes.Contains(raw, nul) {
		return raw
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		switch {
		case raw[i] != '\\' || i+1 == len(raw):
			out = append(out, raw[i])
			i++
		case bytes.HasPrefix(raw[i:], nul):
			i += len(nul)
		default:
			out = append(out, raw[i], raw[i+1])
			i += 2
		}
	}
	return out
}

// Sized refuses a value whose JSON is larger than limit bytes or holds NUL characters.
func Sized(name string, v any, limit int) error {
	b, err := core.EncodeJSON(v)
	switch {
	case err != nil:
		return core.BadRequest(name + " is not JSON")
	case len(b) > limit:
		return core.BadRequest(name + " is larger than " + strconv.Itoa(limit>>10) + " KiB")
	case len(WithoutNUL(b)) != len(b):
		return core.BadRequest(name + " must not contain NUL characters")
	}
	return nil
}
