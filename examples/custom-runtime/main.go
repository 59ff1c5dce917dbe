// Command custom-runtime is a server whose agents have another brain: no language model, but a program that finds the
// numbers in a message and adds them up, and says so in two replies.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/runtime/core"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "custom-runtime:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("custom-runtime", flag.ContinueOnError)
	flags.SetOutput(out)
	addr := flags.String("addr", "127.0.0.1:3000", "where to listen; port 0 takes a free one")
	data := flags.String("data", ".eliza", "folder of the database and of files")
	if err := flags.Parse(args); err != nil {
		return err
	}
	srv, err := eliza.NewServer(
		eliza.WithDatabase(filepath.Join(*data, "eliza.db")), eliza.WithFiles(media.DataDirs(*data)),
		eliza.WithRuntimeFactory(newAdder),
	)
	if err != nil {
		return err
	}
	defer srv.Shutdown(context.Background())
	if err := srv.Start(context.WithoutCancel(ctx)); err != nil { // what is under way at the end is drained, not cut
		return err
	}
	ada, _, err := srv.Agents().Create(ctx, &eliza.Character{Name: "Ada", Bio: core.Bio{Lines: []string{"Adds up."}}})
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
	fmt.Fprintf(out, "http://%s/api/docs describes the server; its agent is %s, %s\n", ln.Addr(), ada.Character.Name, ada.Character.ID)
	return srv.Serve(ctx, ln)
}
