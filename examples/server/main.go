// Command server is eliza as a program of its own: no key, database server or configuration is needed. The
// environment, and a file .env in the working directory, set what should be different.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/joho/godotenv"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/plugin/openai"
	"github.com/eliza-go/eliza/plugin/speech"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	if err := godotenv.Load(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf(".env: %w", err)
	}
	log, level, err := logger(os.Stderr, os.Getenv)
	if err != nil {
		return err
	}
	models := openai.Plugin(openai.Options{})
	hearing := speech.Options{TranscribeCommand: os.Getenv("ELIZA_TRANSCRIBE_COMMAND"), Logger: log}
	if err := hearing.Validate(); err != nil {
		return fmt.Errorf("ELIZA_TRANSCRIBE_COMMAND: %w", err)
	}
	opts, err := eliza.FromEnvironment(os.Environ(), models)
	if err != nil {
		return err
	}
	opts = append(opts, eliza.WithLogger(log), eliza.WithLog(min(level, slog.LevelInfo), 0), eliza.WithPlugins(models, speech.Plugin(hearing), statusPlugin()), eliza.WrapAgents(newOverlay(os.Environ()).wrap))
	if addr := os.Getenv("ELIZA_METRICS_ADDR"); addr != "" {
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			return fmt.Errorf("ELIZA_METRICS_ADDR: %w", err)
		}
		counting, stop := serveMetrics(ln)
		defer stop()
		opts = append(opts, counting)
	}
	srv, err := eliza.NewServer(opts...)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", srv.Addr())
	if err != nil {
		return errors.Join(err, srv.Shutdown(ctx))
	}
	if err := srv.Start(context.WithoutCancel(ctx)); err != nil {
		return errors.Join(err, ln.Close(), srv.Shutdown(ctx))
	}
	loadCharacters(ctx, srv, log, os.Getenv)
	agent, err := firstAgent(ctx, srv)
	if err != nil {
		return errors.Join(err, ln.Close(), srv.Shutdown(ctx))
	}
	if agent != nil {
		fmt.Fprint(os.Stderr, greeting(ln.Addr(), agent, os.Getenv))
	}
	return srv.Serve(ctx, ln)
}
