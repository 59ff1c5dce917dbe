// Command replace-service is a server with two pieces of the host's: every message leaves a line in an audit log, whichever
// way it came in, and uploaded files are encrypted on disk.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "replace-service:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("replace-service", flag.ContinueOnError)
	flags.SetOutput(out)
	addr := flags.String("addr", "127.0.0.1:3000", "where to listen; port 0 takes a free one")
	data := flags.String("data", ".eliza", "folder of the database and of files")
	if err := flags.Parse(args); err != nil {
		return err
	}
	files, err := newSealed(media.NewFolder(media.DataDirs(*data)), filepath.Join(*data, "files.key"))
	if err != nil {
		return err
	}
	audit := log.New(out, "audit: ", log.LUTC|log.LstdFlags)
	srv, err := eliza.NewServer(
		eliza.WithDatabase(filepath.Join(*data, "eliza.db")),
		eliza.WithBlobs(files), // replaces where files are kept
		eliza.WrapMessaging(func(s messaging.Service) messaging.Service { return audited{s, audit} }), // decorates a service
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
	fmt.Fprintf(out, "http://%s/api/docs describes the server; its agent is %s, %s\n", ln.Addr(), ada.Character.Name, ada.Character.ID)
	return srv.Serve(ctx, ln)
}

// audited is a messaging service that notes who wrote where. By embedding the interface it passes on every other method,
// also those a later version adds. HTTP, sockets, sessions and the host's own calls all use it.
type audited struct {
	messaging.Service
	log *log.Logger // one line at a time, whoever writes
}

// Accept implements [messaging.Service].
func (a audited) Accept(ctx context.Context, m messaging.NewMessage) (*messaging.Accepted, error) {
	accepted, err := a.Service.Accept(ctx, m)
	a.log.Printf("%s wrote %d bytes to channel %s by %q: %v", m.AuthorID, len(m.Content), m.ChannelID, m.SourceType, err)
	return accepted, err
}
