package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"go.uber.org/goleak"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ada   core.UUID = "aaaaaaaa-0000-0000-0000-000000000000"
	bob   core.UUID = "bbbbbbbb-0000-0000-0000-000000000000"
	carol core.UUID = "cccccccc-0000-0000-0000-000000000000"
)

// brain is a runtime that does nothing.
type brain struct{ core.BareRuntime }

func (brain) Turn(context.Context, *core.Turn, core.Out) (core.Outcome, error) {
	return core.Outcome{}, core.ErrUnsupported
}

// fleet is a set of agents and what each has.
type fleet struct {
	order   []core.UUID // the running ones
	plugins map[core.UUID][]plugin.Plugin
	built   []core.UUID
	err     error
}

var errAgent = &core.Error{Code: core.CodeNotFound, Message: "Agent not found"}

func (f *fleet) Runtime(_ context.Context, id core.UUID) (core.Runtime, error) {
	if !slices.Contains(f.order, id) {
		return nil, errAgent
	}
	f.built = append(f.built, id)
	return brain{core.BareRuntime{ID: id}}, f.err
}

func (f *fleet) Active(context.Context, int) ([]core.UUID, error) { return f.order, nil }

func (f *fleet) pluginsOf(_ context.Context, id core.UUID) ([]plugin.Plugin, error) {
	if !slices.Contains(f.order, id) {
		return nil, errAgent
	}
	return f.plugins[id], nil
}

// tell answers with a name, the agent and the route's parameters.
func tell(name string) func(echo.Context, core.Runtime) error {
	return func(c echo.Context, rt core.Runtime) error {
		out := name + " " + string(rt.AgentID())[:1]
		for i, p := range c.ParamNames() {
			if p != "agentId" {
				out += " " + p + "=" + c.ParamValues()[i]
			}
		}
		return c.String(http.StatusOK, out)
	}
}

func get(path, name string) plugin.Route {
	return plugin.Route{Method: "GET", Path: path, Handler: tell(name)}
}

var quiet = slog.New(slog.DiscardHandler)

// newServer mounts the routes the way a server does, below prefix.
func newServer(t *testing.T, f *fleet, prefix string, opts plugin.RoutesOptions) *echo.Echo {
	t.Helper()
	var all []plugin.Plugin
	for _, id := range []core.UUID{ada, bob, carol} {
		all = append(all, f.plugins[id]...)
	}
	if opts.Logger == nil {
		opts.Logger = quiet
	}
	r, err := plugin.NewRoutes(all, f, f.pluginsOf, opts)
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	key := func(next echo.HandlerFunc) echo.HandlerFunc {
		next = httpapi.Guard(quiet, next) // the group's own answer to unknown paths
		return func(c echo.Context) error {
			if opts.Authenticate != nil && !r.Public(c) {
				if _, err := opts.Authenticate(c.Request()); err != nil {
					return c.NoContent(http.StatusUnauthorized)
				}
			}
			return next(c)
		}
	}
	api := e.Group(prefix+"/api", key)
	r.AgentRoutes(api.Group("/agents"))
	api.GET("/agents/:agentId", func(c echo.Context) error { return c.String(http.StatusOK, "core") })
	api.Any("/*", r.API)
	e.Any(prefix+"/*", func(c echo.Context) error {
		return r.Root(c, func(c echo.Context) error { return c.String(http.StatusNotFound, "page") })
	})
	return e
}

// request sends a request and returns status and body.
func request(h http.Handler, method, target string, body io.Reader, header ...string) (int, string) {
	req := httptest.NewRequest(method, target, body)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec.Code, rec.Body.String()
}

// answer is status and body, of an error the code only.
func answer(status int, body string) string {
	var e struct {
		Error struct {
			Code core.Code `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal([]byte(body), &e) == nil && e.Error.Code != "" {
		body = string(e.Error.Code)
	}
	return strings.TrimSpace(http.StatusText(status) + ": " + body)
}

func authenticate(r *http.Request) (core.Identity, error) {
	if r.Header.Get("X-API-KEY") != "k" {
		return core.Identity{}, &core.Error{Code: core.CodeUnauthorized, Message: "no"}
	}
	return core.Identity{Name: "host"}, nil
}

var errPlain = errors.New("secret cause")
