package speech

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	lastBreath = 2 * time.Second // for what a program that was ended still holds open
	maxStderr  = 1 << 10         // bytes kept of what a program complains about
)

// errTooMuch tells that a program wrote more than it may.
var errTooMuch = errors.New("speech: too much output")

// runner runs programs, a few at one time.
type runner struct {
	timeout time.Duration
	dir     string
	sem     *semaphore.Weighted
}

// session runs fn when its turn has come, within the time limit, with a folder of its own. The folder is fn's
// to remove when it returns no error.
func (r *runner) session(ctx context.Context, fn func(ctx context.Context, dir string) error) error {
	if err := r.sem.Acquire(ctx, 1); err != nil {
		return err
	}
	defer r.sem.Release(1)
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	dir, err := os.MkdirTemp(r.dir, "eliza-speech-*")
	if err != nil {
		return fmt.Errorf("speech: make a temporary folder: %w", err)
	}
	if err := fn(ctx, dir); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	return nil
}

// program is a program to be run.
type program struct {
	path   string
	args   []string
	env    []string // nil = all of ours
	stdin  io.Reader
	stdout io.Writer // an error it returns ends the program
}

// run runs a program to its end. When ctx ends first, its error is what run returns.
func (p program) run(ctx context.Context) error {
	parent := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cmd := exec.CommandContext(ctx, p.path, p.args...)
	cmd.Env, cmd.Stdin, cmd.WaitDelay = p.env, p.stdin, lastBreath
	stderr := &head{left: maxStderr}
	cmd.Stderr = stderr
	if p.stdout != nil {
		cmd.Stdout = &ending{p.stdout, cancel}
	}
	grouped(cmd)
	err := cmd.Run()
	ungroup(cmd)
	switch {
	case parent.Err() != nil:
		return fmt.Errorf("speech: run %s: %w", filepath.Base(p.path), parent.Err())
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return fmt.Errorf("speech: run %s: %w: %s", filepath.Base(p.path), err, bytes.ToValidUTF8(bytes.TrimSpace(stderr.b), nil))
	}
	return nil
}

// ending is an output whose errors end the program.
type ending struct {
	w      io.Writer
	cancel context.CancelCauseFunc
}

// Write implements [io.Writer].
func (e *ending) Write(b []byte) (int, error) {
	n, err := e.w.Write(b)
	if err != nil {
		e.cancel(err)
	}
	return n, err
}

// head keeps the beginning of what is written to it.
type head struct {
	b    []byte
	left int
}

// Write implements [io.Writer].
func (h *head) Write(b []byte) (int, error) {
	n := min(len(b), h.left)
	h.b, h.left = append(h.b, b[:n]...), h.left-n
	return len(b), nil
}

// bounded is an output of at most left bytes.
type bounded struct {
	w    io.Writer
	left int64
}

// Write implements [io.Writer].
func (l *bounded) Write(b []byte) (int, error) {
	if l.left -= int64(len(b)); l.left < 0 {
		return 0, errTooMuch
	}
	return l.w.Write(b)
}

// plainEnv is what espeak-ng and sox need to know of our environment: the rest, with its secrets, is not
// theirs.
func plainEnv() []string {
	names := []string{"PATH", "HOME", "LANG", "LANGUAGE", "TMPDIR", "TMP", "TEMP", "SYSTEMROOT", "LD_LIBRARY_PATH", "ESPEAK_DATA_PATH"}
	env := []string{} // not nil, which would mean all
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if name = strings.ToUpper(name); slices.Contains(names, name) || strings.HasPrefix(name, "LC_") {
			env = append(env, v)
		}
	}
	return env
}
