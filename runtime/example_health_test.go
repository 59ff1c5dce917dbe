package runtime_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/runtime"
)

// With agents, health is theirs: 503 while none is active.
func ExampleNewHandler() {
	e := echo.New()
	runtime.NewHandler(count(0), nil, runtime.HandlerOptions{}).RootRoutes(e.Group(""))
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/health", nil))
	fmt.Println(rec.Code)
	// Output: 503
}

type count int

func (n count) CountActive(context.Context) (int, error) { return int(n), nil }
