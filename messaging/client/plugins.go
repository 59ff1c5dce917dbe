package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

// Plugins are the calls on routes that plugins bring.
type Plugins struct{ c *Client }

// PluginRequest asks a route of a plugin of an agent's.
type PluginRequest struct {
	Method string // GET when empty
	Agent  core.UUID
	Plugin string
	Route  string // such as page or a/b
	Query  url.Values
	Body   any // sent as JSON; nil = none
}

// PluginAnswer is what a plugin answered.
type PluginAnswer struct {
	Status int
	Header http.Header
	Body   io.ReadCloser // the caller closes it
}

// Do asks a plugin. An answer of status 300 or more is an error.
func (p *Plugins) Do(ctx context.Context, q PluginRequest) (*PluginAnswer, error) {
	r := request{method: q.Method, query: q.Query, body: q.Body, accept: "*/*"}
	if r.method == "" {
		r.method = http.MethodGet
	}
	r.path = append(at("api", "agents", string(q.Agent), "plugins", q.Plugin), strings.Split(strings.Trim(q.Route, "/"), "/")...)
	res, err := p.c.open(ctx, &r)
	if err != nil {
		return nil, err
	}
	return &PluginAnswer{res.StatusCode, res.Header, res.Body}, nil
}
