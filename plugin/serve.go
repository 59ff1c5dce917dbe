package plugin

import (
	"errors"
	"io/fs"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

// maxAsked is among how many running agents a route is looked for when a request names none.
const maxAsked = 1000

// serve finds the agent and the route a path is for and runs it. When served is false and there is no error,
// the request is not for a plugin and nothing was written.
func (h *Routes) serve(c echo.Context, path string, ask bool) (served bool, err error) {
	t, ok := h.table.target(path, escaped(c))
	if !ok {
		return false, nil
	}
	agent, m, err := h.choose(c, t, h.table.find(c.Request().Method, t))
	if err != nil || m == nil {
		return false, err
	}
	if ask && !m.route.open(c.Request().Method) {
		if err := h.authenticate(c); err != nil {
			return true, err
		}
	}
	if m.route.Method == MethodStatic {
		return true, serveFile(c, m)
	}
	rt, err := h.agents.Runtime(c.Request().Context(), agent)
	switch {
	case err == nil:
		return true, h.run(c, rt, m)
	case core.CodeOf(err) != core.CodeNotFound:
		return true, err
	case t.api:
		return true, errNoAgent
	}
	return false, nil // stopped a moment ago
}

func (h *Routes) authenticate(c echo.Context) error {
	if h.opts.Authenticate == nil {
		return nil
	}
	req := c.Request()
	id, err := h.opts.Authenticate(req)
	if err == nil {
		c.SetRequest(req.WithContext(core.WithIdentity(req.Context(), id)))
	}
	return err
}

var (
	errNoAgent      = &core.Error{Code: core.CodeAgentNotFound, Message: "Agent not found or not running"}
	errBadAgent     = &core.Error{Code: core.CodeInvalidAgentID, Message: "Invalid agent ID format"}
	errOtherAgentID = core.BadRequest("agentId differs from the agent in the path")
)

// choose finds who answers: the agent the request names or else the first running one with a fitting route.
// No match and no error: no plugin's request.
func (h *Routes) choose(c echo.Context, t target, found []match) (core.UUID, *match, error) {
	ctx := c.Request().Context()
	agent, err := named(c, t)
	if err != nil && t.api {
		return "", nil, err
	}
	if err != nil || len(found) == 0 && (agent == "" || !t.api) {
		return "", nil, nil
	}
	if agent != "" {
		plugins, err := h.pluginsOf(ctx, agent)
		switch {
		case err == nil:
			return agent, pick(found, plugins), nil
		case core.CodeOf(err) != core.CodeNotFound:
			return "", nil, err
		case t.api:
			return "", nil, errNoAgent
		}
		return "", nil, nil
	}
	active, err := h.agents.Active(ctx, maxAsked)
	if err != nil {
		return "", nil, err
	}
	for _, id := range active {
		plugins, err := h.pluginsOf(ctx, id)
		if err != nil && core.CodeOf(err) != core.CodeNotFound {
			return "", nil, err
		}
		if m := pick(found, plugins); err == nil && m != nil {
			return id, m, nil
		}
	}
	return "", nil, nil
}

// named is the agent a request names, "" when it names none.
func named(c echo.Context, t target) (core.UUID, error) {
	query := c.QueryParam("agentId")
	asked, err := core.ParseUUID(query)
	if query != "" && err != nil {
		return "", errBadAgent
	}
	if t.agent == "" {
		return asked, nil
	}
	agent, err := core.ParseUUID(t.agent)
	if err != nil {
		return "", httpapi.ErrNotFound
	}
	if asked != "" && asked != agent {
		return "", errOtherAgentID
	}
	return agent, nil
}

// run calls a route's handler with its parameters and the limit of its body.
func (h *Routes) run(c echo.Context, rt core.Runtime, m *match) error {
	setParams(c, m)
	limit := h.opts.MaxBody
	if m.route.Multipart {
		limit = h.opts.MaxUpload
	}
	if req := c.Request(); req.Body != nil && req.Body != http.NoBody {
		req.Body = http.MaxBytesReader(c.Response(), req.Body, limit)
	}
	err := core.Guard(func() error { return m.route.Handler(c, rt) })
	if p, ok := errors.AsType[*core.PanicError](err); ok && p.Value == http.ErrAbortHandler {
		panic(http.ErrAbortHandler) // it wants the connection closed
	}
	if _, ours := errors.AsType[*core.Error](err); !ours && errors.Is(err, fs.ErrNotExist) {
		return (&core.Error{Code: core.CodeNotFound, Message: "Not found"}).Wrap(err)
	}
	return err
}

// setParams puts the route's parameters before those of the host's own route.
func setParams(c echo.Context, m *match) {
	var names, values []string
	for _, part := range m.route.parts {
		if part[0] == ':' {
			names = append(names, strings.TrimPrefix(part, ":"))
		}
	}
	values = append(values, m.params...)
	if m.route.kind == below {
		names, values = append(names, "*"), append(values, m.rest)
	}
	hostNames, hostValues := c.ParamNames(), c.ParamValues()
	for i, name := range hostNames {
		if name != "*" && i < len(hostValues) {
			names, values = append(names, name), append(values, hostValues[i])
		}
	}
	c.SetParamNames(names...)
	c.SetParamValues(values...)
}
