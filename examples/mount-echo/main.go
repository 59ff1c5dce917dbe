// Command mount-echo is a program on Echo with pages, users, errors and validation of its own, and everything of eliza
// below /ai for who is logged in. It needs no key: without another model the built-in one answers.
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

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/runtime/core"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "mount-echo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mount-echo", flag.ContinueOnError)
	flags.SetOutput(out)
	addr := flags.String("addr", "127.0.0.1:8080", "where to listen; port 0 takes a free one")
	data := flags.String("data", ".eliza", "folder of the database and of files")
	if err := flags.Parse(args); err != nil {
		return err
	}
	people := newUsers()
	srv, err := eliza.NewServer(
		eliza.WithDatabase(filepath.Join(*data, "eliza.db")), eliza.WithFiles(media.DataDirs(*data)),
		eliza.WithPublicPath("/ai"), // what answers name, like the address of an upload, begins with it
		eliza.WithAuthenticator(people.identify),
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
	return serve(ctx, ln, router(srv, people), srv)
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
