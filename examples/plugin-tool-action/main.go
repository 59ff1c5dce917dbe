// Command plugin-tool-action is a server whose agent can do something: it books tables. The action, a provider and an
// evaluator are a plugin; the model that chooses the action is a few lines, so that all of it runs without a key.
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
		fmt.Fprintln(os.Stderr, "plugin-tool-action:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("plugin-tool-action", flag.ContinueOnError)
	flags.SetOutput(out)
	addr := flags.String("addr", "127.0.0.1:3000", "where to listen; port 0 takes a free one")
	data := flags.String("data", ".eliza", "folder of the database and of files")
	if err := flags.Parse(args); err != nil {
		return err
	}
	tables := newTables("friday", "saturday")
	srv, err := eliza.NewServer(
		eliza.WithDatabase(filepath.Join(*data, "eliza.db")), eliza.WithFiles(media.DataDirs(*data)),
		eliza.WithPlugins(tables.plugin(), waiterPlugin()), // with openai.Plugin in the place of the second a real model chooses
	)
	if err != nil {
		return err
	}
	defer srv.Shutdown(context.Background())
	if err := srv.Start(context.WithoutCancel(ctx)); err != nil { // what is under way at the end is drained, not cut
		return err
	}
	ada, _, err := srv.Agents().Create(ctx, &eliza.Character{Name: "Ada", Bio: core.Bio{Lines: []string{"Takes bookings for a small restaurant."}}})
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
	fmt.Fprintf(out, `http://%s is the server. Ask its agent for a table:

curl -s http://%[1]s/api/messaging/channels/%s/messages -H 'Content-Type: application/json' -d '{
  "author_id": "%s", "server_id": "%s", "transport": "http",
  "content": "A table for 4 on friday, please.", "metadata": {"isDm": true, "targetUserId": "%s"}}'
`, ln.Addr(), core.NewUUID(), core.NewUUID(), core.DefaultServerID, ada.Character.ID)
	return srv.Serve(ctx, ln)
}
