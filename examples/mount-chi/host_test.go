package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/hosttest"
)

func TestAHostOnChiAnswersAsBefore(t *testing.T) {
	t.Parallel()
	hosttest.Run(t, hosttest.Router{
		Prefix: "/ai", Host: host,
		Paths: []string{"/ai/own", "/ais/info", "/x/info", "/x/info/", "/ai%2Fapi", "/sub", "/sub/", "/sub/page", "/sub/nope"},
	})
}

// host is a host with all that chi offers for it.
func host(_ testing.TB, srv *eliza.Server) http.Handler {
	r := chi.NewRouter()
	r.Use(
		hosttest.Ordered("outer"), hosttest.Recovered, hosttest.CORS, middleware.RequestSize(hosttest.MaxBody), hosttest.Ordered("inner"),
		middleware.Compress(5), hosttest.Wrapped,
	)
	r.NotFound(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "the host has no such page", http.StatusNotFound)
	})
	r.MethodNotAllowed(notAllowed(r))
	for _, page := range hosttest.Pages() {
		if page.Method == "" {
			r.Handle(page.Path, page)
		} else {
			r.Method(page.Method, page.Path, page)
		}
	}
	for _, method := range hosttest.ItemMethods() {
		r.MethodFunc(method, "/items/{id}", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s %s", r.Method, chi.URLParam(r, "id"))
		})
	}
	r.Get("/fail", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "the host failed", http.StatusTeapot) })
	r.Post("/bind", bind)
	r.HandleFunc("/ai/own", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the host's own") })
	r.Get("/{section}/info", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, chi.URLParam(r, "section")) })
	r.Route("/sub", func(sub chi.Router) {
		sub.Use(hosttest.Ordered("sub"))
		sub.Get("/page", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "a page of a router below") })
	})
	r.Handle("/files/*", http.StripPrefix("/files", http.FileServerFS(hosttest.Files())))
	if srv != nil {
		r.Handle("/ai/*", http.StripPrefix("/ai", srv.Handler()))
	}
	return r
}

func bind(w http.ResponseWriter, r *http.Request) {
	var in struct{ Name string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, "the host cannot read this", http.StatusBadRequest)
	} else if in.Name == "" {
		http.Error(w, "the host wants a name", http.StatusUnprocessableEntity)
	} else {
		fmt.Fprint(w, in.Name)
	}
}

// notAllowed names the methods a path has, which chi itself does in another order each time.
func notAllowed(router chi.Routes) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE"} {
			if router.Match(chi.NewRouteContext(), method, r.URL.EscapedPath()) {
				w.Header().Add("Allow", method)
			}
		}
		http.Error(w, "the host knows other methods", http.StatusMethodNotAllowed)
	}
}
