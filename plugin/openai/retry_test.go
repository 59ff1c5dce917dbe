package openai_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eliza-go/eliza/plugin/openai"
	"github.com/eliza-go/eliza/runtime/core"
)

// trip is an endpoint in memory, for tests of time.
type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func respond(status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

// script answers with one step after the other and counts them.
func script(n *atomic.Int64, steps ...trip) openai.Options {
	return openai.Options{BaseURL: "http://model.test/v1", Client: &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) {
		i := int(n.Add(1)) - 1
		return steps[min(i, len(steps)-1)](r)
	})}}
}

func status(code int, header ...string) trip {
	return func(*http.Request) (*http.Response, error) {
		return respond(code, `{"error":{"message":"no"}}`, header...), nil
	}
}

func say(s string) trip {
	return func(*http.Request) (*http.Response, error) { return respond(200, s), nil }
}

func lost(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset") }

func TestRetry(t *testing.T) {
	t.Parallel()
	good := say(piece("ok") + finish + done)
	tests := map[string]struct {
		steps     []trip
		retries   int
		wantText  string
		wantErr   string
		wantCalls int64
		min, max  time.Duration
	}{
		"statuses":              {steps: []trip{status(500), status(502), status(503), status(504), good}, wantText: "ok", wantCalls: 5, max: 7500 * time.Millisecond},
		"lost connections":      {steps: []trip{lost, lost, good}, wantText: "ok", wantCalls: 3, max: 1500 * time.Millisecond},
		"cut before content":    {steps: []trip{say(": hi\n\n"), say(""), good}, wantText: "ok", wantCalls: 3, max: 1500 * time.Millisecond},
		"error before content":  {steps: []trip{say(`data: {"error":{"message":"busy","type":"server_error"}}` + "\n\n"), good}, wantText: "ok", wantCalls: 2, max: time.Second},
		"cut after content":     {steps: []trip{say(piece("a")), good}, wantText: "a", wantErr: "broke off", wantCalls: 1},
		"error after content":   {steps: []trip{say(piece("a") + `data: {"error":{"message":"busy","code":503}}` + "\n\n"), good}, wantText: "a", wantErr: "not available", wantCalls: 1},
		"too many":              {steps: []trip{status(500)}, wantErr: "not available", wantCalls: 5, max: 7500 * time.Millisecond},
		"fewer":                 {steps: []trip{status(500)}, retries: 1, wantErr: "not available", wantCalls: 2, max: 500 * time.Millisecond},
		"none":                  {steps: []trip{lost}, retries: -1, wantErr: "cannot be reached", wantCalls: 1},
		"key refused":           {steps: []trip{status(401)}, wantErr: "refused the key", wantCalls: 1},
		"unknown model":         {steps: []trip{status(404)}, wantErr: "does not know the model", wantCalls: 1},
		"redirect":              {steps: []trip{status(302)}, wantErr: "refused the request", wantCalls: 1},
		"retry after seconds":   {steps: []trip{status(429, "Retry-After", "7"), good}, wantText: "ok", wantCalls: 2, min: 7 * time.Second, max: 7 * time.Second},
		"retry after ms":        {steps: []trip{status(429, "Retry-After-Ms", "2500"), good}, wantText: "ok", wantCalls: 2, min: 2500 * time.Millisecond, max: 2500 * time.Millisecond},
		"retry after too long":  {steps: []trip{status(429, "Retry-After", "3600"), good}, wantErr: "limits the rate", wantCalls: 1},
		"retry after nonsense":  {steps: []trip{status(503, "Retry-After", "-1e999"), status(503, "Retry-After", "soon"), good}, wantText: "ok", wantCalls: 3, max: 1500 * time.Millisecond},
		"retry after in a date": {steps: []trip{status(503, "Retry-After", "Mon, 03 Jan 2000 00:00:00 GMT"), good}, wantErr: "not available", wantCalls: 1},
		"quota": {steps: []trip{func(*http.Request) (*http.Response, error) {
			return respond(429, `{"error":{"message":"pay","code":"insufficient_quota"}}`), nil
		}, good}, wantErr: "quota", wantCalls: 1},
		"bad certificate": {steps: []trip{func(*http.Request) (*http.Response, error) {
			return nil, &tls.CertificateVerificationError{Err: errors.New("expired")}
		}, good}, wantErr: "cannot be reached", wantCalls: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var calls atomic.Int64
				opts := script(&calls, tt.steps...)
				opts.MaxRetries = tt.retries
				start := time.Now()
				got := drain(t.Context(), models(t, opts, newAgent()).Text, hello)
				took := time.Since(start)
				if got.Text != tt.wantText || calls.Load() != tt.wantCalls || took < tt.min || took > tt.max {
					t.Errorf("answer = %q after %d calls in %v, want %q after %d in %v to %v", got.Text, calls.Load(), took, tt.wantText, tt.wantCalls, tt.min, tt.max)
				}
				if (got.Err != nil) != (tt.wantErr != "") || got.Err != nil && !strings.Contains(got.Err.Error(), tt.wantErr) {
					t.Errorf("error = %v, want one with %q", got.Err, tt.wantErr)
				}
			})
		})
	}
}

func TestRetryAfterIsPassedOn(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	got := drain(t.Context(), models(t, script(&calls, status(429, "Retry-After", "120")), newAgent()).Text, hello)
	if e, ok := errors.AsType[*core.Error](got.Err); !ok || e.RetryAfter != 2*time.Minute {
		t.Errorf("error = %#v, want one with a hint of two minutes", got.Err)
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	silent := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	t.Run("deadline before the pause is over", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var calls atomic.Int64
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			start := time.Now()
			got := drain(ctx, models(t, script(&calls, status(503, "Retry-After", "6")), newAgent()).Text, hello)
			if took := time.Since(start); took != 0 || calls.Load() != 1 {
				t.Errorf("%d calls in %v, want one and no pause", calls.Load(), took)
			}
			checkError(t, got.Err, &core.Error{Code: core.CodeModel})
		})
	})
	t.Run("cancelled in the pause", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var calls atomic.Int64
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			start := time.Now()
			got := drain(ctx, models(t, script(&calls, status(503, "Retry-After", "6")), newAgent()).Text, hello)
			if took := time.Since(start); took != time.Second || !errors.Is(got.Err, context.Canceled) {
				t.Errorf("error = %v after %v, want %v after 1s", got.Err, took, context.Canceled)
			}
		})
	})
	t.Run("no first byte", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var calls atomic.Int64
			opts := script(&calls, silent)
			opts.FirstTimeout = 90 * time.Second
			start := time.Now()
			got := drain(t.Context(), models(t, opts, newAgent()).Text, hello)
			if took := time.Since(start); took != 90*time.Second || calls.Load() != 1 || got.Err == nil || !strings.Contains(got.Err.Error(), "in time") {
				t.Errorf("error = %v after %d calls and %v", got.Err, calls.Load(), took)
			}
		})
	})
	t.Run("deadline while waiting", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var calls atomic.Int64
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			got := drain(ctx, models(t, script(&calls, silent), newAgent()).Text, hello)
			if !errors.Is(got.Err, context.DeadlineExceeded) {
				t.Errorf("error = %v, want %v", got.Err, context.DeadlineExceeded)
			}
		})
	})
}

// paced is a body whose parts come with pauses, and which stays open after them until ctx ends.
type paced struct {
	ctx   context.Context
	parts []string
	pause time.Duration
}

func (p *paced) Read(b []byte) (int, error) {
	pause := p.pause
	if len(p.parts) == 0 {
		pause = 24 * time.Hour
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.ctx.Done():
		return 0, context.Cause(p.ctx)
	}
	n := copy(b, p.parts[0])
	p.parts[0] = p.parts[0][n:]
	if p.parts[0] == "" {
		p.parts = p.parts[1:]
	}
	return n, nil
}

func (*paced) Close() error { return nil }

func TestSlowStream(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		parts []string
		pause time.Duration
		text  string
		err   string
		took  time.Duration
	}{
		"slow but alive":           {[]string{piece("a"), ": wait\n\n", piece("b"), finish + done}, 50 * time.Second, "ab", "", 200*time.Second + 50*time.Millisecond},
		"first byte may come late": {[]string{piece("a") + finish + done}, 200 * time.Second, "a", "", 200*time.Second + 50*time.Millisecond},
		"idle":                     {[]string{piece("a"), piece("b")}, 50 * time.Second, "ab", "stopped answering", 160 * time.Second},
		"complete but never ended": {[]string{piece("a"), finish}, time.Second, "a", "", 4*time.Second + 50*time.Millisecond},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var calls atomic.Int64
				opts := script(&calls, func(r *http.Request) (*http.Response, error) {
					resp := respond(200, "")
					resp.Body = &paced{r.Context(), tt.parts, tt.pause}
					return resp, nil
				})
				start := time.Now()
				got := drain(t.Context(), models(t, opts, newAgent()).Text, hello)
				if took := time.Since(start); got.Text != tt.text || took > tt.took || calls.Load() != 1 {
					t.Errorf("answer = %q in %v with %d calls, want %q in at most %v", got.Text, took, calls.Load(), tt.text, tt.took)
				}
				if (got.Err != nil) != (tt.err != "") || got.Err != nil && !strings.Contains(got.Err.Error(), tt.err) {
					t.Errorf("error = %v, want one with %q", got.Err, tt.err)
				}
			})
		})
	}
}

// TestSlowReader checks that time a reader takes is not held against the endpoint.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		opts := script(&calls, say(piece("a")+strings.Repeat(": pad\n", 10_000)+piece("b")+finish+done))
		var got string
		for d, err := range models(t, opts, newAgent()).Text.Generate(t.Context(), hello) {
			if err != nil {
				t.Fatal(err)
			}
			got += d.Text
			time.Sleep(time.Hour)
		}
		if got != "ab" {
			t.Errorf("answer = %q, want ab", got)
		}
	})
}

func TestConcurrency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		release := make(chan struct{})
		opts := script(&calls, func(r *http.Request) (*http.Response, error) {
			<-release
			return respond(200, piece("a")+done), nil
		})
		opts.MaxConcurrent = 2
		p := openai.Plugin(opts)
		results := make(chan result)
		for range 5 { // five agents, one endpoint
			m, err := p.Models(newAgent())
			if err != nil {
				t.Fatal(err)
			}
			go func() { results <- drain(t.Context(), m.Text, hello) }()
		}
		other, err := p.Models(newAgent("OPENAI_API_KEY", "sk-own"))
		if err != nil {
			t.Fatal(err)
		}
		go func() { results <- drain(t.Context(), other.Text, hello) }()
		synctest.Wait()
		if n := calls.Load(); n != 3 {
			t.Fatalf("%d requests under way, want 2 and the one with another key", n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		m, _ := p.Models(newAgent())
		cancel()
		if got := drain(ctx, m.Text, hello); !errors.Is(got.Err, context.Canceled) {
			t.Errorf("waiting with an ended context = %v", got.Err)
		}
		close(release)
		for range 6 {
			if got := <-results; got.Err != nil || got.Text != "a" {
				t.Errorf("answer = %q, %v", got.Text, got.Err)
			}
		}
	})
}
