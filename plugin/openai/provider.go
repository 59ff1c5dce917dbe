package openai

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	firstPause = 500 * time.Millisecond // the longest before the first repetition; it doubles each time
	longPause  = 8 * time.Second
	// longestWait bounds what an endpoint may ask for by Retry-After: with more, the error is returned at once.
	longestWait = 30 * time.Second

	maxAnswer    = 32 << 20 // bytes of any answer
	maxErrorBody = 64 << 10
	maxLearned   = 1000 // models remembered
)

// errBroken tells that the reader of an answer wants no more.
var errBroken = errors.New("openai: reader left")

// provider is one address under one key. Safe for concurrent use.
type provider struct {
	endpoint
	opts *Options
	sem  *semaphore.Weighted

	mu      sync.Mutex
	learned map[string][]string // by model: parameters it refuses
}

func newProvider(ep endpoint, opts *Options) *provider {
	return &provider{endpoint: ep, opts: opts, sem: semaphore.NewWeighted(int64(opts.MaxConcurrent)), learned: map[string][]string{}}
}

// answer is the body of a response. Reading it is bounded in size and idle time.
type answer struct {
	io.Reader
	watch *watch
	begun bool // a part of it was handed on: no repetition any more
}

// exchange posts body until take has read an answer, repeating what may be repeated.
func (p *provider) exchange(ctx context.Context, path string, body request, take func(*answer) error) error {
	return p.post(ctx, path, body, nil, take)
}

// post is exchange for a body that may have a file: then it is sent as a form.
func (p *provider) post(ctx context.Context, path string, body request, file *attachment, take func(*answer) error) error {
	model, _ := body["model"].(string)
	var refused []string
	for _, name := range p.known(model) {
		body.refuse(name)
	}
	for try := 0; ; {
		err := p.attempt(ctx, path, body, file, take)
		if err == nil {
			p.learn(model, refused)
			return nil
		}
		if errors.Is(err, errBroken) {
			return err
		}
		if ctx.Err() != nil {
			return contextError(ctx)
		}
		f := asFailure(err)
		if name := f.refuses(body); name != "" && body.refuse(name) {
			if f.forGood(name) {
				refused = append(refused, name)
			}
			continue // each parameter goes only once, so this ends
		}
		if !f.again || try >= p.opts.MaxRetries {
			return f.err
		}
		wait := max(f.after, pause(try))
		if deadline, ok := ctx.Deadline(); f.after > longestWait || ok && time.Until(deadline) <= wait {
			return f.err
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		try++
	}
}

// attempt makes one request under the limit of concurrency.
func (p *provider) attempt(ctx context.Context, path string, body request, file *attachment, take func(*answer) error) error {
	content, err := body.encode(file)
	if err != nil {
		return &failure{err: p.modelError("The request to the model cannot be written", err)}
	}
	if err := p.sem.Acquire(ctx, 1); err != nil {
		return contextError(ctx)
	}
	defer p.sem.Release(1)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := newWatch(cancel, p.opts)
	defer w.stop()

	req, err := p.request(ctx, path, content)
	if err != nil {
		return &failure{err: p.modelError("The address of the model provider is wrong", err)}
	}
	w.start()
	resp, err := p.opts.Client.Do(req)
	w.stop()
	if err != nil {
		return p.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return p.refusal(resp, &watched{r: resp.Body, watch: w})
	}
	a := &answer{Reader: io.LimitReader(&watched{r: resp.Body, watch: w}, maxAnswer), watch: w}
	if err := take(a); err != nil {
		return p.broken(ctx, a, err)
	}
	return nil
}

func (p *provider) request(ctx context.Context, path string, content payload) (*http.Request, error) {
	u, err := url.Parse(p.baseURL)
	if err != nil {
		return nil, err
	}
	u.Path = strings.TrimRight(u.Path, "/") + path
	if u.RawPath != "" {
		u.RawPath = strings.TrimRight(u.RawPath, "/") + path
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	req.ContentLength = content.size
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(content.open()), nil }
	req.Body = io.NopCloser(content.open())
	req.Header.Set("Content-Type", content.mime)
	req.Header.Set("Accept", "text/event-stream, application/json, audio/*")
	if p.key != "" {
		req.Header.Set("Authorization", "Bearer "+p.key)
	}
	return req, nil
}

// known lists the parameters a model was seen to refuse.
func (p *provider) known(model string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.learned[model]
}

func (p *provider) learn(model string, refused []string) {
	if len(refused) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.learned) >= maxLearned {
		clear(p.learned)
	}
	all := slices.Clone(p.learned[model]) // a copy: others may be reading the old one
	for _, name := range refused {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	p.learned[model] = all
}

// pause is a random time up to a bound that doubles with each try.
func pause(try int) time.Duration {
	bound := longPause
	if try < 4 {
		bound = firstPause << try
	}
	return rand.N(bound)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return contextError(ctx)
	}
}
