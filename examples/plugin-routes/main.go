// Command plugin-routes is a server whose agents have pages: a plugin brings a panel everybody may see, a folder of files, and
// routes that need the key, one of which asks the agent.
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
		fmt.Fprintln(os.Stderr, "plugin-routes:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("plugin-routes", flag.ContinueOnError)
	flags.SetOutput(out)
	addr := flags.String("addr", "127.0.0.1:3000", "where to listen; port 0 takes a free one")
	data := flags.String("data", ".eliza", "folder of the database and of files")
	key := flags.String("key", "open-sesame", "what clients send as X-API-KEY")
	if err := flags.Parse(args); err != nil {
		return err
	}
	site := &site{dir: filepath.Join(*data, "site")}
	if err := site.unpack(); err != nil {
		return err
	}
	srv, err := eliza.NewServer(
		eliza.WithDatabase(filepath.Join(*data, "eliza.db")), eliza.WithFiles(media.DataDirs(*data)),
		eliza.WithAPIKey(*key), eliza.WithPlugins(site.plugin()),
	)
	if err != nil {
		return err
	}
	defer srv.Shutdown(context.Background())
	site.ask = srv.Ask                                            // before the first request
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
	fmt.Fprintf(out, `http://%[1]s is the server. Try

  curl http://%[1]s/api/agents/%[2]s/plugins/site/about
  curl http://%[1]s/api/agents/%[2]s/plugins/site/files/
  curl http://%[1]s/api/agents/%[2]s/plugins/site/questions/me -H "X-API-KEY: %[3]s" -d 'question=Who are you?'
`, ln.Addr(), ada.Character.ID, *key)
	return srv.Serve(ctx, ln)
}
