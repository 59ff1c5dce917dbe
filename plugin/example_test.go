package plugin_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// desk has one agent, which is always there.
type desk struct{ core.BareRuntime }

func (d desk) Runtime(context.Context, core.UUID) (core.Runtime, error) { return d, nil }
func (d desk) Active(context.Context, int) ([]core.UUID, error)         { return []core.UUID{d.ID}, nil }

func (desk) Turn(context.Context, *core.Turn, core.Out) (core.Outcome, error) {
	return core.Outcome{}, core.ErrUnsupported
}

// A plugin's actions and routes, without the rest of a server: an action is a function, and the routes of plugins are
// served on a router of your own.
func Example() {
	forecast := plugin.Tool("FORECAST", "Tells tomorrow's weather in a city", func(_ context.Context, _ *plugin.Call, in struct {
		City string `json:"city" validate:"required"`
	},
	) (plugin.Result, error) {
		return plugin.Result{Text: "Sunny in " + in.City}, nil
	})
	weather := plugin.Plugin{
		Name: "weather", Actions: []plugin.Action{forecast},
		Routes: []plugin.Route{{Method: "GET", Path: "/weather/:city", Public: true, Handler: func(c echo.Context, rt core.Runtime) error {
			return c.String(http.StatusOK, rt.Character().Name+" says: sunny in "+c.Param("city"))
		}}},
	}

	result, err := forecast.Run(context.Background(), &plugin.Call{Params: []byte(`{"city":"Berlin"}`)})
	fmt.Println(result.Text, err)

	agent := desk{core.BareRuntime{ID: core.NewUUID(), Char: &core.Character{Name: "Ada"}}}
	routes, err := plugin.NewRoutes([]plugin.Plugin{weather}, agent, func(context.Context, core.UUID) ([]plugin.Plugin, error) {
		return []plugin.Plugin{weather}, nil // what the agent has
	}, plugin.RoutesOptions{})
	if err != nil {
		panic(err)
	}
	e := echo.New()
	e.Any("/*", func(c echo.Context) error { return routes.Root(c, echo.NotFoundHandler) })
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/weather/Paris", nil))
	fmt.Println(rec.Code, rec.Body)
	// Output:
	// Sunny in Berlin <nil>
	// 200 Ada says: sunny in Paris
}
