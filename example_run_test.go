package eliza_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/eliza-go/eliza"
)

// A program that is nothing but the server: it listens until its context ends, on a signal for example, lets turns
// under way end, and returns.
func ExampleServer_Run() {
	dir, err := os.MkdirTemp("", "eliza")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	srv, err := eliza.NewServer(
		eliza.WithAddr("127.0.0.1:0"), eliza.WithDatabase(filepath.Join(dir, "agents.db")), eliza.WithAPIKey("secret"),
		eliza.WithLogger(slog.New(slog.DiscardHandler)),
	)
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background()) // signal.NotifyContext, in a program
	stop()
	fmt.Println(srv.Run(ctx))
	// Output: <nil>
}

// The same on a listener of your own: a socket of systemd, a port that is free, TLS.
func ExampleServer_Serve() {
	dir, err := os.MkdirTemp("", "eliza")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	srv, err := eliza.NewServer(eliza.WithDatabase(filepath.Join(dir, "agents.db")), eliza.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		panic(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- srv.Serve(ctx, ln) }()

	res, err := http.Get("http://" + ln.Addr().String() + "/healthz")
	if err != nil {
		panic(err)
	}
	_ = res.Body.Close()
	fmt.Println(res.StatusCode)
	stop()
	fmt.Println(<-ended)
	// Output:
	// 200
	// <nil>
}

// The environment as options, for programs; options that come later win.
func ExampleFromEnvironment() {
	opts, err := eliza.FromEnvironment([]string{"PORT=8080", "ELIZA_SERVER_AUTH_TOKEN=secret", "SERVER_HOST=127.0.0.1"}) // os.Environ()
	if err != nil {
		panic(err)
	}
	srv, done := newServer(opts...)
	defer done()
	fmt.Println(srv.Addr())
	// Output: 127.0.0.1:8080
}
