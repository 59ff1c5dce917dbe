// Command conformhost is a program that has eliza as its guest, for the black-box cases to be run against: below /ai on
// net/http, or on an Echo router whose error handler, validator, binder, serializer and authentication are the host's
// own. With -replace one of the server's pieces is the host's, too.
//
// The environment sets the server, as it does for the program of its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/plugin/speech"
	"github.com/eliza-go/eliza/runtime/core"
)

const prefix = "/ai"

func main() {
	router := flag.String("router", "nethttp", "nethttp or echo: what the host serves with")
	piece := flag.String("replace", "", "a piece that is the host's own: "+names())
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, stop, *router, *piece); err != nil {
		fmt.Fprintln(os.Stderr, "conformhost:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, stop func(), router, piece string) (err error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	opts, err := eliza.FromEnvironment(os.Environ())
	if err != nil {
		return err
	}
	hearing := speech.Options{TranscribeCommand: os.Getenv("ELIZA_TRANSCRIBE_COMMAND"), Logger: log}
	opts = append(opts, eliza.WithLogger(log), eliza.WithPublicPath(prefix), eliza.WithStop(stop), eliza.WithPlugins(speech.Plugin(hearing), panel()))
	if key := os.Getenv("ELIZA_SERVER_AUTH_TOKEN"); router == "echo" && key != "" {
		opts = append(opts, eliza.WithAuthenticator(members(key)))
	}
	host, err := replaced(ctx, piece, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, host.close()) }()
	srv, err := eliza.NewServer(append(opts, host.opts...)...)
	if err != nil {
		return err
	}
	host.made(srv)
	ln, err := net.Listen("tcp", srv.Addr())
	if err != nil {
		return errors.Join(err, srv.Shutdown(ctx))
	}
	if err := srv.Start(context.WithoutCancel(ctx)); err != nil {
		return errors.Join(err, ln.Close(), srv.Shutdown(ctx))
	}
	log.Info("listening", "address", ln.Addr().String())
	return serve(ctx, ln, srv, handler(router, srv))
}

// serve is a host's own end: the server first, so that turns are drained, then the listener.
func serve(ctx context.Context, ln net.Listener, srv *eliza.Server, h http.Handler) error {
	web := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(ln) }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(err, srv.Shutdown(bounded), web.Shutdown(bounded), web.Close())
}

func handler(router string, srv *eliza.Server) http.Handler {
	if router != "echo" {
		mux := http.NewServeMux()
		mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "the host's page") })
		mux.Handle(prefix+"/", http.StripPrefix(prefix, srv.Handler()))
		return mux
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = func(err error, c echo.Context) { _ = c.String(http.StatusTeapot, "the host's error: "+err.Error()) }
	e.Validator, e.Binder, e.JSONSerializer = own{}, own{}, own{}
	e.GET("/", func(c echo.Context) error { return c.String(http.StatusOK, "the host's page") })
	g := e.Group(prefix)
	srv.Mount(g)
	return e
}

// own refuses whatever it is asked: nobody but the host may use its validator, binder and serializer.
type own struct{}

var errOwn = errors.New("this is the host's")

func (own) Validate(any) error                        { return errOwn }
func (own) Bind(any, echo.Context) error              { return errOwn }
func (own) Serialize(echo.Context, any, string) error { return errOwn }
func (own) Deserialize(echo.Context, any) error       { return errOwn }

// members is the host's own authentication: it has its own way to say who is in.
func members(key string) func(*http.Request) (core.Identity, error) {
	return func(r *http.Request) (core.Identity, error) {
		given := r.Header.Get("X-API-KEY")
		if given == "" {
			given, _ = bearer(r)
		}
		if given == key {
			return core.Identity{}, nil
		}
		return core.Identity{}, &core.Error{Code: core.CodeUnauthorized, Message: "Members only"}
	}
}

func bearer(r *http.Request) (string, bool) {
	const scheme = "Bearer "
	h := r.Header.Get("Authorization")
	if len(h) < len(scheme) || h[:len(scheme)] != scheme {
		return "", false
	}
	return h[len(scheme):], true
}

// panel is a page every agent has.
func panel() plugin.Plugin {
	return plugin.Plugin{Name: "page", Routes: []plugin.Route{{
		Method: http.MethodGet, Path: "/page", Name: "Page", Public: true,
		Handler: func(c echo.Context, rt core.Runtime) error {
			return c.HTML(http.StatusOK, "<!doctype html><title>page</title><p>An agent's page.")
		},
	}}}
}
