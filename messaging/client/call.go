package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// maxAnswer is the largest answer that is taken into memory.
const maxAnswer = 64 << 20

var errTooLarge = errors.New("client: the answer is too large")

// request is one call before it is made.
type request struct {
	method     string
	path       []string // unescaped, below the client's base
	query      url.Values
	header     http.Header
	body       any    // sent as JSON; nil = none
	stream     *form  // instead of body: cannot be sent twice
	accept     string // media type; JSON when empty
	repeatable bool   // to send it twice does no more than once, beyond what the method promises
	also       int    // a status that is no error here
}

// at makes the parts of a path.
func at(parts ...string) []string { return parts }

func (r *request) safe() bool {
	return r.stream == nil && (r.repeatable || r.method == http.MethodGet || r.method == http.MethodDelete || r.method == http.MethodPut)
}

// address is where a request goes. A part that is empty or means another place is refused: it is an id that was
// never set, as a rule.
func (c *Client) address(r *request) (string, error) {
	u := *c.base
	u.Path, u.RawPath = c.base.Path, c.base.EscapedPath()
	for _, p := range r.path {
		if p == "" || p == "." || p == ".." {
			return "", core.BadRequest("an id or a name of " + strings.Join(r.path, "/") + " is missing")
		}
		u.Path += "/" + p
		u.RawPath += "/" + url.PathEscape(p)
	}
	u.RawQuery = r.query.Encode()
	return u.String(), nil
}

func (c *Client) build(ctx context.Context, r *request, to string, body []byte) (*http.Request, error) {
	var from io.Reader
	kind := "application/json"
	switch {
	case r.stream != nil:
		from, kind = r.stream.body, r.stream.kind
	case body != nil:
		from = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, to, from)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	for k, v := range r.header {
		req.Header[k] = v
	}
	if from != nil && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", kind)
	}
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", cmp.Or(r.accept, "application/json"))
	}
	c.identify(req.Header)
	return req, nil
}

// identify puts key and entity into a request.
func (c *Client) identify(h http.Header) {
	if c.key != "" {
		h.Set("X-API-KEY", c.key)
	}
	if c.entity != "" {
		h.Set("X-Entity-Id", string(c.entity))
	}
}

// open makes a call and returns an answer that is no error; the caller closes its body. What may be repeated is,
// within ctx and the client's policy: after an answer that names a time to come back, and, when once and twice are
// the same, after a failure of the network.
func (c *Client) open(ctx context.Context, r *request) (*http.Response, error) {
	to, err := c.address(r)
	if err != nil {
		return nil, err
	}
	return c.openAt(ctx, r, to)
}

func (c *Client) openAt(ctx context.Context, r *request, to string) (*http.Response, error) {
	var body []byte
	if r.body != nil {
		var err error
		if body, err = core.EncodeJSON(r.body); err != nil {
			return nil, fmt.Errorf("client: encode request: %w", err)
		}
	}
	for n := 1; ; n++ {
		req, err := c.build(ctx, r, to, body)
		if err != nil {
			return nil, err
		}
		res, err := c.http.Do(req)
		if r.stream != nil {
			select {
			case <-r.stream.body.closed:
			case <-ctx.Done():
			}
		}
		if err == nil && (res.StatusCode < 300 || res.StatusCode == r.also) {
			return res, nil
		}
		after, again, err := c.failure(r, res, err)
		if !again || n >= c.retry.Attempts || ctx.Err() != nil {
			return nil, err
		}
		if sleep(ctx, max(after, c.retry.pause(n))) != nil {
			return nil, errors.Join(err, ctx.Err())
		}
		c.log.LogAttrs(ctx, slog.LevelDebug, "request is repeated", slog.String("method", r.method), slog.String("path", req.URL.Path), slog.Any("err", err))
	}
}

// failure tells whether a call that failed may be made again, and how long to wait at least.
func (c *Client) failure(r *request, res *http.Response, err error) (after time.Duration, again bool, _ error) {
	if err != nil {
		return 0, r.safe() && !errors.Is(err, errElsewhere), fmt.Errorf("client: %s /%s: %w", r.method, strings.Join(r.path, "/"), unwrapURL(err))
	}
	refused := errorOf(res)
	switch res.StatusCode {
	case http.StatusTooManyRequests: // it was not even begun
		again = r.stream == nil
	case http.StatusServiceUnavailable:
		again = r.safe()
	}
	after = refused.RetryAfter
	return after, again && after > 0 && after <= c.retry.Max, refused
}

// unwrapURL takes off what [http.Client] puts around an error: method and address, which are told already.
func unwrapURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// read takes a whole answer into memory.
func read(res *http.Response) ([]byte, error) {
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("client: read answer: %w", err)
	}
	if len(b) > maxAnswer {
		return nil, errTooLarge
	}
	return b, nil
}

// whole makes a call and decodes the answer.
func whole[T any](ctx context.Context, c *Client, r request) (*T, error) {
	v, _, err := decoded[T](ctx, c, &r)
	return v, err
}

func decoded[T any](ctx context.Context, c *Client, r *request) (*T, int, error) {
	res, err := c.open(ctx, r)
	if err != nil {
		return nil, 0, err
	}
	b, err := read(res)
	if err != nil {
		return nil, 0, err
	}
	var v T
	if err := core.DecodeJSON(b, &v); err != nil {
		return nil, 0, fmt.Errorf("client: %s %s: decode answer: %w", r.method, strings.Join(r.path, "/"), err)
	}
	return &v, res.StatusCode, nil
}

// envelope is a successful answer.
type envelope[T any] struct {
	Data T `json:"data"`
}

// data makes a call and decodes what is in the envelope of the answer.
func data[T any](ctx context.Context, c *Client, r request) (*T, error) {
	v, err := whole[envelope[T]](ctx, c, r)
	if err != nil {
		return nil, err
	}
	return &v.Data, nil
}

// none makes a call whose answer says no more than that it is done.
func (c *Client) none(ctx context.Context, r request) error {
	_, err := c.status(ctx, r)
	return err
}

func (c *Client) status(ctx context.Context, r request) (int, error) {
	res, err := c.open(ctx, &r)
	if err != nil {
		return 0, err
	}
	_, err = read(res)
	return res.StatusCode, err
}

// raw makes a call whose answer is taken as it is.
func (c *Client) raw(ctx context.Context, r request) (json.RawMessage, error) {
	res, err := c.open(ctx, &r)
	if err != nil {
		return nil, err
	}
	return read(res)
}

func get(path ...string) request    { return request{method: http.MethodGet, path: path} }
func remove(path ...string) request { return request{method: http.MethodDelete, path: path} }

func post(body any, path ...string) request {
	return request{method: http.MethodPost, path: path, body: body}
}

func patch(body any, path ...string) request {
	return request{method: http.MethodPatch, path: path, body: body}
}

// with adds parameters.
func (r request) with(q url.Values) request {
	r.query = q
	return r
}
