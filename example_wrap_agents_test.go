package eliza_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/runtime/core"
)

// audited is the agents service with one method changed; the others, also those to come, are passed on.
type audited struct{ agents.Service }

func (a audited) Delete(ctx context.Context, id core.UUID) error {
	fmt.Println("somebody deletes an agent")
	return a.Service.Delete(ctx, id)
}

// A service decorated: handlers, sockets and the other services use what is returned.
func ExampleWrapAgents() {
	srv, done := newServer(eliza.WrapAgents(func(s agents.Service) agents.Service { return audited{s} }))
	defer done()
	rec := httptest.NewRecorder()
	srv.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodDelete, "/api/agents/"+string(running(srv, "Ada")), nil))
	fmt.Println(rec.Code)
	// Output:
	// somebody deletes an agent
	// 204
}
