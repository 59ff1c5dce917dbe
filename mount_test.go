package eliza_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/apitest"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/runtime/core"
)

// guest is a server that a host serves; it gets the host's address and the prefix.
func guest(t *testing.T, s *elizatest.Server, h http.Handler, prefix string) *elizatest.Server {
	t.Helper()
	web := httptest.NewServer(h)
	t.Cleanup(web.Close)
	return &elizatest.Server{Server: s.Server, Client: elizatest.Client{T: t, Base: web.URL + prefix, Header: s.Header}, Web: web}
}

func TestEverythingIsServedBelowAPrefix(t *testing.T) {
	t.Parallel()
	for name, mount := range map[string]func(s *elizatest.Server) http.Handler{
		"net/http": func(s *elizatest.Server) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/host/eliza/", http.StripPrefix("/host/eliza", s.Handler()))
			return mux
		},
		"a group of Echo": func(s *elizatest.Server) http.Handler {
			e := echo.New()
			s.Mount(e.Group("/host/eliza"))
			return e
		},
		"a group with the host's middleware": func(s *elizatest.Server) http.Handler {
			e := strict()
			s.Mount(e.Group("/host").Group("/eliza", func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c echo.Context) error {
					c.Response().Header().Set("X-Host", "was here")
					return next(c)
				}
			}))
			return e
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := elizatest.Start(t, eliza.WithPublicPath("/host/eliza"), eliza.WithPlugins(routed(), elizatest.Echo().Plugin()), eliza.WithAPIKey("k"))
			g := guest(t, s, apitest.Mounted(t, mount(s), "/host/eliza", ""), "/host/eliza")
			g.Get("/api/runtime/ping").WantError(401, core.CodeUnauthorized)
			g.Get("/healthz").Want(200)
			g.Get("/routed/closed").Want(404) // nobody has the plugin yet
			g.Header = http.Header{"X-Api-Key": {"k"}}
			agent, user, channel := g.Agent("Ada"), core.NewUUID(), core.NewUUID()

			g.Get("/api/runtime/ping").Want(200)
			g.Get("/api/runtime/ping/").Want(200)
			g.Get("/api/nope").WantError(404, core.CodeNotFound)
			g.Get("/api").WantError(404, core.CodeNotFound)
			g.Do("BREW", "/api/agents", nil).WantError(404, core.CodeNotFound)
			g.Do("PUT", "/api/agents", nil).WantError(404, core.CodeNotFound)
			g.Post("/api/messaging/submit", "{").WantError(400, core.CodeBadRequest)
			g.Post("/api/messaging/servers", `{"name":"`+strings.Repeat("x", 3<<20)+`"}`).WantError(413, core.CodePayloadTooLarge)
			g.Get("/api/agents/x").WantError(400, core.CodeInvalidID)
			g.Get("/api/panic?agentId="+string(agent)).WantError(500, core.CodeInternal)
			g.Do("OPTIONS", "/api/agents", nil).Want(204)
			g.Do("HEAD", "/api/agents", nil).Want(200)
			g.Get("/api/agents/" + string(agent) + "/plugins/routed/open").Want(200)
			for _, path := range []string{"/open", "/routed/open", "/closed", "/routed/closed?agentId=" + string(agent)} {
				g.Get(path).Want(200)
			}
			g.Post("/open", nil).Want(200)
			g.Get("/panic").WantError(500, core.CodeInternal)
			keyless := g.Client
			keyless.Header = nil
			keyless.Get("/open").Want(200)
			keyless.Get("/health").Want(200)
			keyless.Get("/closed").WantError(401, core.CodeUnauthorized)

			panels, _ := g.Get("/api/agents/" + string(agent) + "/panels").Want(200).Body["data"].([]any)
			if want := "/host/eliza/api/agents/" + string(agent) + "/plugins/routed/open?agentId=" + string(agent); len(panels) != 1 || panels[0].(map[string]any)["path"] != want {
				t.Errorf("panels = %v, want the path %s", panels, want)
			} else {
				elizatest.Client{T: t, Base: g.Web.URL}.Get(want).Want(200)
			}

			sock := elizatest.Dial(t, g.Base, map[string]any{"apiKey": "k"}, nil)
			sock.Emit("1", map[string]any{"channelId": channel})
			sock.Wait("channel_joined", nil)
			if a := g.Say(channel, user, agent, "hello", "http").Want(201); a.Body["agentResponse"] == nil {
				t.Errorf("no answer: %s", a.Raw)
			}
			if a := g.Say(channel, user, agent, "hello", "sse").Want(200); !strings.Contains(string(a.Raw), "event: done") {
				t.Errorf("stream: %s", a.Raw)
			}
			sock.WaitCount("messageComplete", 2)
		})
	}
}

// strict is a host whose Echo does everything in its own way.
func strict() *echo.Echo {
	e := echo.New()
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		code := 500
		if he, ok := errors.AsType[*echo.HTTPError](err); ok {
			code = he.Code
		}
		_ = c.String(code, fmt.Sprintf("the host says %d to %s", code, c.Path()))
	}
	e.Validator, e.Binder, e.JSONSerializer = refusing{}, refusing{}, refusing{}
	return e
}

// refusing refuses whatever it is asked.
type refusing struct{}

var errNotOurs = errors.New("nobody else may use this")

func (refusing) Validate(any) error                        { return errNotOurs }
func (refusing) Bind(any, echo.Context) error              { return errNotOurs }
func (refusing) Serialize(echo.Context, any, string) error { return errNotOurs }
func (refusing) Deserialize(echo.Context, any) error       { return errNotOurs }

func TestOneGroupAlone(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithMaxBody(1000), eliza.WithPlugins(routed()))
	e := strict()
	s.Groups().Agents.Routes(e.Group("/v1/agents", eliza.APIKey("other")))
	s.Groups().Messaging.Routes(e.Group("/v1/chat"))
	s.Groups().Runtime.Routes(e.Group("/v1/ops"))
	e.Any("/v1/live/*", echo.WrapHandler(s.Groups().Gateway))
	var h http.Handler = e
	for at, is := range map[string]string{"/v1/agents": "/api/agents", "/v1/chat": "/api/messaging", "/v1/ops": "/api/runtime"} {
		h = apitest.Mounted(t, h, at, is)
	}
	g := guest(t, s, h, "/v1")

	g.Get("/agents").WantError(401, core.CodeUnauthorized)
	g.Post("/agents", `{}`).WantError(401, core.CodeUnauthorized)
	g.Get("/chat/central-servers").Want(200)
	g.Get("/chat/channels/x/details").WantError(400, core.CodeInvalidID)
	g.Post("/chat/servers", `{"name":"`+strings.Repeat("x", 2000)+`"}`).WantError(413, core.CodePayloadTooLarge)
	g.Post("/chat/servers", `{"name":""}`).WantError(400, core.CodeBadRequest)
	g.Get("/ops/ping").Want(200)
	for _, path := range []string{"/chat", "/chat/nope", "/nope"} { // the host's to answer
		if a := g.Get(path).Want(404); !strings.HasPrefix(string(a.Raw), "the host says 404") {
			t.Errorf("%s: %s", path, a.Raw)
		}
	}
	g.Header = http.Header{"X-Api-Key": {"other"}}
	g.Get("/agents").Want(200)
	agent := g.Agent("Ada")
	g.Get("/agents/" + string(agent) + "/plugins/routed/open").Want(200)
	g.Get("/agents/"+string(agent)+"/plugins/routed/panic").WantError(500, core.CodeInternal)
	g.Patch("/agents/"+string(agent), map[string]any{"name": 1}).WantError(400, core.CodeBadRequest)

	poll := g.Get("/live/?EIO=4&transport=polling").Want(200)
	if !strings.HasPrefix(string(poll.Raw), `0{"sid"`) {
		t.Errorf("handshake: %s", poll.Raw)
	}
}

func TestTwoServersInOneProcess(t *testing.T) {
	t.Parallel()
	one := elizatest.Start(t, eliza.WithAPIKey("1"), eliza.WithPlugins(elizatest.Echo().Plugin()))
	two := elizatest.Start(t, eliza.WithAPIKey("2"), eliza.WithPlugins(elizatest.Echo().Plugin()))
	e := echo.New()
	one.Mount(e.Group("/one"))
	two.Mount(e.Group("/two"))
	both := apitest.Mounted(t, apitest.Mounted(t, e, "/one", ""), "/two", "")
	a, b := guest(t, one, both, "/one"), guest(t, two, both, "/two")
	a.Header, b.Header = http.Header{"X-Api-Key": {"1"}}, http.Header{"X-Api-Key": {"2"}}
	ada, bob := a.Agent("Ada"), b.Agent("Bob")
	channel, user := core.NewUUID(), core.NewUUID()
	sock := elizatest.Dial(t, b.Base, nil, b.Header)
	sock.Emit("1", map[string]any{"channelId": channel})
	sock.Wait("channel_joined", nil)

	a.Say(channel, user, ada, "to one", "http").Want(201)
	b.Say(channel, user, bob, "to two", "http").Want(201)
	for _, m := range append(a.Messages(channel), b.Messages(channel)...) {
		if m["content"] == "" {
			t.Errorf("stored: %v", m)
		}
	}
	if n, m := len(a.Messages(channel)), len(b.Messages(channel)); n != 2 || m != 2 {
		t.Errorf("%d and %d messages", n, m)
	}
	sock.Wait("messageComplete", nil)
	for _, m := range sock.Named("messageBroadcast") {
		if strings.Contains(m["text"].(string), "one") {
			t.Errorf("told the other's clients: %v", m)
		}
	}
	a.Get("/api/agents/"+string(bob)).WantError(404, core.CodeNotFound)
	if err := one.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	a.Get("/api/agents").WantError(503, core.CodeUnavailable)
	b.Get("/api/agents").Want(200)
}

func TestTheHostsRequestIDIsKept(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t)
	e := echo.New()
	s.Mount(e.Group("/ai", func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Response().Header().Set("X-Request-Id", "of-the-host")
			return next(c)
		}
	}))
	for _, path := range []string{"/ai/api/agents", "/ai/api/nope"} {
		if got := guest(t, s, e, "").Get(path).Header.Get("X-Request-Id"); got != "of-the-host" {
			t.Errorf("%s: request id %q", path, got)
		}
	}
}
