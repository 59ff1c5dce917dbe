// Command mount-chi is a program with pages of its own on chi, and everything of eliza below /ai. It needs no key:
// without another model the built-in one answers.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/runtime/core"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "mount-chi:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mount-chi", flag.ContinueOnError)
	flags.SetOutput(out)
	addr := flags.String("addr", "127.0.0.1:8080", "where to listen; port 0 takes a free one")
	data := flags.String("data", ".eliza", "folder of the database and of files")
	if err := flags.Parse(args); err != nil {
		return err
	}
	srv, err := eliza.NewServer(
		eliza.WithDatabase(filepath.Join(*data, "eliza.db")), eliza.WithFiles(media.DataDirs(*data)),
		eliza.WithPublicPath("/ai"), // what answers name, like the address of an upload, begins with it
	)
	if err != nil {
		return err
	}
	defer srv.Shutdown(context.Background())
	if err := srv.Start(context.WithoutCancel(ctx)); err != nil { // what is under way at the end is drained, not cut
		return err
	}
	ada, _, err := srv.Agents().Create(ctx, &eliza.Character{Name: "Ada", Bio: core.Bio{Lines: []string{"Listens, and asks back."}}})
	if err != nil {
		return err
	}
	if err := srv.Agents().Start(ctx, ada.Character.ID); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "http://%s is the host; below /ai is %s, %s\n", ln.Addr(), ada.Character.Name, ada.Character.ID)
	return serve(ctx, ln, router(srv), srv)
}

// router is the host's: its own pages and middleware, and everything of the server below /ai.
func router(srv *eliza.Server) http.Handler {
	r := chi.NewRouter()
	r.Use(middleware.Recoverer)
	r.Get("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "The host's own page. What lies below /ai is described at /ai/api/docs.")
	})
	// Not Mount, which would take the path /ai itself too.
	r.Handle("/ai/*", http.StripPrefix("/ai", srv.Handler()))
	return r
}

// serve serves until ctx ends. The agents' server goes first: it ends the streams and sockets the other waits for.
func serve(ctx context.Context, ln net.Listener, h http.Handler, srv *eliza.Server) error {
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
	return errors.Join(err, srv.Shutdown(bounded), web.Shutdown(bounded))
}
