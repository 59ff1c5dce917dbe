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

func TestUsersOfTheHostTalkToItsAgent(t *testing.T) {
	t.Parallel()
	base, stop := hosttest.Program(t, run, t.TempDir())
	defer stop()
	host, stranger := elizatest.Client{T: t, Base: base}, elizatest.Client{T: t, Base: base + "/ai"}

	if a := host.Get("/").Want(200); !strings.Contains(string(a.Raw), "The host's own page.") {
		t.Errorf("the host's page: %s", a.Raw)
	}
	for path, want := range map[string]int{"/nope": 404, "/me": 401, "/api/agents": 404} {
		if a := host.Get(path).Want(want); !strings.HasPrefix(string(a.Raw), "The host says: ") {
			t.Errorf("%s was not answered by the host's error handler: %s", path, a.Raw)
		}
	}
	for body, want := range map[string]int{`{"name":"ada"}`: 422, `{"name":"ada","password":"x"}`: 401, `{"name":"eve","password":""}`: 422, `{`: 400} {
		host.Post("/login", body).Want(want)
	}
	stranger.Get("/api/agents").WantError(401, core.CodeUnauthorized)
	stranger.Get("/api/runtime/health").WantError(401, core.CodeUnauthorized)
	elizatest.Dial(t, stranger.Base, nil, nil).WaitRefused()

	ada, id := login(host, "ada", "engine")
	_, bob := login(host, "bob", "builder")
	agents, _ := ada.Get("/api/agents").Want(200).Data()["agents"].([]any)
	if len(agents) != 1 {
		t.Fatalf("agents: %v", agents)
	}
	agent, _ := agents[0].(map[string]any)["id"].(string)
	channel := core.NewUUID()
	sock := elizatest.Dial(t, ada.Base, nil, ada.Header)
	sock.Emit("1", map[string]any{"channelId": channel})
	sock.Wait("channel_joined", nil)
	answer := ada.Say(channel, id, core.UUID(agent), "I had a strange dream.", "http").Want(201)
	if reply, _ := answer.Body["agentResponse"].(map[string]any); reply["text"] == nil || reply["text"] == "" {
		t.Errorf("no answer: %s", answer.Raw)
	}
	sock.Wait("messageComplete", nil)
	ada.Say(channel, bob, core.UUID(agent), "I am Bob.", "http").WantError(403, core.CodeForbidden)
	hosttest.WrongArguments(t, run)
}

// login returns a client of the agents' server who is logged in to the host, and the user's id.
func login(host elizatest.Client, name, password string) (elizatest.Client, core.UUID) {
	host.T.Helper()
	a := host.Post("/login", map[string]any{"name": name, "password": password}).Want(200)
	session, _, _ := strings.Cut(a.Header.Get("Set-Cookie"), ";")
	id, _ := a.Body["id"].(string)
	return elizatest.Client{T: host.T, Base: host.Base + "/ai", Header: http.Header{"Cookie": {session}}}, core.UUID(id)
}
