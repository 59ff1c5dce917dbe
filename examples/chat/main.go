// Command chat is a conversation in the terminal: the server is inside the program and listens nowhere. What was said is
// kept, so the next start goes on with it.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
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
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "chat:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("chat", flag.ContinueOnError)
	flags.SetOutput(out)
	data := flags.String("data", ".eliza", "folder of the database")
	if err := flags.Parse(args); err != nil {
		return err
	}
	srv, err := eliza.NewServer(
		eliza.WithDatabase(filepath.Join(*data, "eliza.db")), eliza.WithFiles(media.DataDirs(*data)),
		eliza.WithLogger(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))),
	)
	if err != nil {
		return err
	}
	err = open(ctx, srv, in, out)
	return errors.Join(err, srv.Shutdown(context.WithoutCancel(ctx))) // lets an answer under way end
}

func open(ctx context.Context, srv *eliza.Server, in io.Reader, out io.Writer) error {
	if err := srv.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	ada, _, err := srv.Agents().Create(ctx, &eliza.Character{Name: "Ada", Bio: core.Bio{Lines: []string{"Listens, and asks back."}}})
	if err != nil {
		return err
	}
	if err := srv.Agents().Start(ctx, ada.Character.ID); err != nil {
		return err
	}
	return (&chat{srv, ada.Character, core.StringToUUID("who sits here"), out}).talk(ctx, lines(ctx, in))
}

// lines gives what is typed until it ends or ctx does: a terminal cannot be asked to stop waiting for a line.
func lines(ctx context.Context, in io.Reader) <-chan string {
	typed := make(chan string)
	go func() {
		defer close(typed)
		for s := bufio.NewScanner(in); s.Scan(); {
			select {
			case typed <- s.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return typed
}
