package client

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

func (r Retry) filled() (Retry, error) {
	r.Attempts, r.Min, r.Max = cmp.Or(r.Attempts, 4), cmp.Or(r.Min, 250*time.Millisecond), cmp.Or(r.Max, 30*time.Second)
	if r.Attempts < 1 || r.Min < 0 || r.Max < r.Min {
		return r, errors.New("client: retry: there is at least one attempt, and pauses are 0 or more, Min before Max")
	}
	return r, nil
}

// pause is how long to wait after n failures, the first being 1.
func (r Retry) pause(n int) time.Duration {
	d := r.Max
	if shift := n - 1; shift < 30 && r.Min<<shift < r.Max {
		d = r.Min << shift
	}
	return d/2 + rand.N(d/2+1)
}

// sleep waits, unless ctx ends first or is bound to.
func sleep(ctx context.Context, d time.Duration) error {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < d {
		return context.DeadlineExceeded
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retryAfter reads the header of that name: seconds or a moment. 0 = there is none.
func retryAfter(h http.Header) time.Duration {
	s := h.Get("Retry-After")
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}
