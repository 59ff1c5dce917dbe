// Command tenants is a host with customers of its own: each has a server with its own database, files and keys, all in
// one process, and only its own people get in.
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
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "tenants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("tenants", flag.ContinueOnError)
	flags.SetOutput(out)
	addr := flags.String("addr", "127.0.0.1:8080", "where to listen; port 0 takes a free one")
	data := flags.String("data", ".eliza", "folder of the databases and of files, one for each tenant")
	if err := flags.Parse(args); err != nil {
		return err
	}
	people := newPeople()
	all, mux := tenants{}, http.NewServeMux()
	defer all.shutdown(context.Background())
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "The host's own page.") })
	for _, name := range []string{"acme", "globex"} {
		srv, err := open(ctx, name, *data, people)
		if err != nil {
			return err
		}
		all[name] = srv
		mux.Handle("/t/"+name+"/", http.StripPrefix("/t/"+name, srv.Handler()))
	}
	ln, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "http://%[1]s is the host. Try\n\n  curl http://%[1]s/t/acme/api/agents -H 'Authorization: Bearer ada-at-acme'\n", ln.Addr())
	return serve(ctx, ln, mux, all)
}

// serve serves until ctx ends. The tenants' servers go first: they end the streams and sockets the other waits for.
func serve(ctx context.Context, ln net.Listener, h http.Handler, all tenants) error {
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
	return errors.Join(err, all.shutdown(bounded), web.Shutdown(bounded))
}
