package hosttest

import (
	"compress/gzip"
	"net/http"
)

// Ordered notes in X-Order that it was passed, for routers whose middleware has net/http's form.
func Ordered(name string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("X-Order", name)
			next.ServeHTTP(w, r)
		})
	}
}

// CORS lets pages of https://app.example read the answers, and answers preflights.
func CORS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		if r.Header.Get("Origin") == "https://app.example" {
			w.Header().Set("Access-Control-Allow-Origin", "https://app.example")
			w.Header().Set("Access-Control-Allow-Credentials", "true")
		}
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Limited bounds bodies to [MaxBody].
func Limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
		next.ServeHTTP(w, r)
	})
}

// Recovered answers panics with the host's words.
func Recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch v := recover(); v {
			case nil:
			case http.ErrAbortHandler:
				panic(v)
			default:
				http.Error(w, "the host caught it", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// Wrapped gives what lies behind a writer that can be unwrapped and nothing more, like that of many a logger.
func Wrapped(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(wrapped{w}, r) })
}

type wrapped struct{ http.ResponseWriter }

// Unwrap is for [http.ResponseController].
func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Gzip compresses for clients that ask for it.
func Gzip(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			next.ServeHTTP(w, r)
			return
		}
		z := &zipped{wrapped: wrapped{w}, zip: gzip.NewWriter(w)}
		defer z.zip.Close()
		next.ServeHTTP(z, r)
	})
}

type zipped struct {
	wrapped
	zip    *gzip.Writer
	headed bool
}

// WriteHeader implements [http.ResponseWriter].
func (z *zipped) WriteHeader(status int) {
	if !z.headed {
		z.headed = true
		z.Header().Del("Content-Length")
		z.Header().Set("Content-Encoding", "gzip")
	}
	z.wrapped.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (z *zipped) Write(b []byte) (int, error) {
	if !z.headed {
		z.WriteHeader(http.StatusOK)
	}
	return z.zip.Write(b)
}

// Flush implements [http.Flusher].
func (z *zipped) Flush() {
	_ = z.zip.Flush()
	_ = http.NewResponseController(z.ResponseWriter).Flush()
}
