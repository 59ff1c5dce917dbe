// Package apitest holds a server to its description while it is tested: every request that was answered with
// success, and every answer, is compared with api/openapi.yaml.
//
// Compared are: that the path and method are described, and the status of the answer; the type of its body;
// its documented headers; JSON bodies of answers against their schema, where a field the schema does not name is
// an error too; the data of each server-sent event; and of requests that succeeded the parameters, the JSON body,
// and the fields of forms. Not compared are: requests that were refused, sockets, bodies of more than 1 MiB, the
// content of files and audio, answers to HEAD (but for their status), and parameters marked x-lenient.
package apitest

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// maxKept is how much of a body is looked at.
const maxKept = 1 << 20

// Handler is h with every exchange compared with the description; what does not match is an error of the test,
// told once. Benchmarks and fuzz tests get h itself.
func Handler(t testing.TB, h http.Handler) http.Handler { return Mounted(t, h, "", "") }

// Mounted is [Handler] where the description's paths below is lie below at. Other paths are not looked at.
func Mounted(t testing.TB, h http.Handler, at, is string) http.Handler {
	switch t.(type) {
	case *testing.B, *testing.F: // a benchmark measures, and a fuzz target must not speak to its F
		return h
	}
	if _, err := Load(); err != nil {
		t.Fatalf("the description cannot be used: %v", err)
	}
	var told sync.Map // what was said about an operation, which is enough once
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, ours := strings.CutPrefix(r.URL.EscapedPath(), at)
		path = is + path
		if !ours || strings.HasPrefix(path, "/socket.io") || r.Method == http.MethodOptions {
			h.ServeHTTP(w, r)
			return
		}
		e := exchange{method: r.Method, path: path, request: r, answer: &recorder{ResponseWriter: w, status: http.StatusOK}}
		inner := r.WithContext(r.Context())
		if r.Body != nil && r.Body != http.NoBody {
			e.body = &reader{ReadCloser: r.Body, more: r.ContentLength > maxKept}
			inner.Body = e.body
		}
		h.ServeHTTP(e.answer, inner)
		for _, fault := range e.faults() {
			if _, again := told.LoadOrStore(fault, true); again {
				continue
			}
			t.Errorf("%s %s = %d is not as described: %s\nasked: %.300s\nanswer: %.600s", r.Method, r.URL.RequestURI(), e.answer.status, fault, e.sent(), e.answer.body.Bytes())
		}
	})
}

// exchange is a request and what was answered.
type exchange struct {
	method, path string
	request      *http.Request
	body         *reader // nil when there is none
	answer       *recorder
}

// sent is what the server has read of the request's body.
func (e *exchange) sent() []byte {
	if e.body == nil {
		return nil
	}
	return e.body.kept.Bytes()
}

// reader is a body that keeps what is read of it.
type reader struct {
	io.ReadCloser
	kept bytes.Buffer
	more bool // than is kept
}

// Read implements [io.Reader].
func (r *reader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if r.more = r.more || r.kept.Len()+n > maxKept; r.more {
		r.kept = bytes.Buffer{}
	} else {
		r.kept.Write(p[:n])
	}
	return n, err
}

// recorder is a writer that keeps what is written to it.
type recorder struct {
	http.ResponseWriter
	status int
	sent   http.Header // as they were when the answer began; nil before
	body   bytes.Buffer
	more   bool // than is kept: too much, or nothing to compare
	failed bool // the client was not there any more
}

// Unwrap is for [http.ResponseController].
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader implements [http.ResponseWriter].
func (r *recorder) WriteHeader(status int) {
	if r.sent == nil && status >= 200 {
		r.status, r.sent = status, r.Header().Clone()
		kind := r.sent.Get("Content-Type")
		r.more = !strings.Contains(kind, "json") && !strings.HasPrefix(kind, "text/")
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write implements [io.Writer].
func (r *recorder) Write(p []byte) (int, error) {
	if r.sent == nil {
		r.WriteHeader(http.StatusOK)
	}
	if r.more = r.more || r.body.Len()+len(p) > maxKept; r.more {
		r.body = bytes.Buffer{}
	} else {
		r.body.Write(p)
	}
	n, err := r.ResponseWriter.Write(p)
	r.failed = r.failed || err != nil
	return n, err
}
