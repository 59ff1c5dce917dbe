package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/internal/hosttest"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

func TestRoutesOfThePlugin(t *testing.T) {
	t.Parallel()
	data, agent := t.TempDir(), string(core.StringToUUID("Ada"))
	for range 2 { // the second start finds the files of the first
		base, stop := hosttest.Program(t, run, data)
		everybody := elizatest.Client{T: t, Base: base}
		known := elizatest.Client{T: t, Base: base, Header: http.Header{"X-Api-Key": {"open-sesame"}}}
		own := "/api/agents/" + agent + "/plugins/site"

		if a := everybody.Get(own + "/about").Want(200); !strings.Contains(string(a.Raw), "<h1>Ada</h1>") {
			t.Errorf("about: %s", a.Raw)
		}
		if a := everybody.Get(own + "/files/style.css").Want(200); !strings.HasPrefix(a.Header.Get("Content-Type"), "text/css") {
			t.Errorf("a file: %v", a.Header)
		}
		if a := everybody.Get(own + "/files/").Want(200); !strings.Contains(string(a.Raw), "come with the program") {
			t.Errorf("the folder: %s", a.Raw)
		}
		everybody.Get(own+"/files/..%2f..%2feliza.db").WantError(404, core.CodeNotFound)
		everybody.Get(own+"/models").WantError(401, core.CodeUnauthorized)
		everybody.Post(own+"/questions/me", "{}").WantError(401, core.CodeUnauthorized)
		everybody.Get("/api/agents/"+agent+"/panels").WantError(401, core.CodeUnauthorized)

		if a := known.Get("/api/agents/" + agent + "/panels").Want(200); !strings.Contains(string(a.Raw), own+"/about?agentId=") {
			t.Errorf("panels: %s", a.Raw)
		}
		if a := known.Get(own + "/models").Want(200); a.Body["text"] != true {
			t.Errorf("models: %s", a.Raw)
		}
		known.Post(own+"/questions/me", "{}").WantError(400, core.CodeBadRequest)
		form := elizatest.Client{T: t, Base: base, Header: http.Header{"X-Api-Key": {"open-sesame"}, "Content-Type": {"application/x-www-form-urlencoded"}}}
		if a := form.Post(own+"/questions/me", "question=I+had+a+strange+dream.").Want(200); len(a.Raw) < 2 {
			t.Errorf("the agent says %q", a.Raw)
		}
		stop()
	}
	hosttest.WrongArguments(t, run)
}
