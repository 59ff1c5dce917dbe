package openai

import (
	"context"
	"errors"
	"io"
	"time"
)

// errSilent is why a request was given up whose endpoint stopped sending.
var errSilent = errors.New("openai: nothing came within the time limit")

// watch gives a request up when the endpoint is silent for too long. Only the time spent waiting for the
// endpoint counts: a reader of the answer may take as long as it likes.
type watch struct {
	timer *time.Timer
	limit time.Duration // of the next wait
	idle  time.Duration
}

func newWatch(cancel context.CancelCauseFunc, opts *Options) *watch {
	w := &watch{limit: opts.FirstTimeout, idle: opts.IdleTimeout}
	w.timer = time.AfterFunc(time.Hour, func() { cancel(errSilent) })
	w.timer.Stop()
	return w
}

func (w *watch) start() { w.timer.Reset(w.limit) }
func (w *watch) stop()  { w.timer.Stop() }

// shorten lowers the limit of every further wait, for when nothing much is to be expected.
func (w *watch) shorten(d time.Duration) {
	w.idle = min(w.idle, d)
	w.limit = min(w.limit, d)
}

// watched is a body under a watch.
type watched struct {
	r     io.Reader
	watch *watch
}

func (r *watched) Read(b []byte) (int, error) {
	r.watch.start()
	n, err := r.r.Read(b)
	r.watch.stop()
	if n > 0 {
		r.watch.limit = r.watch.idle
	}
	return n, err
}
