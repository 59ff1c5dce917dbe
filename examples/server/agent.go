package main

import (
	"context"
	"fmt"
	"net"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/runtime/core"
)

// eliza1966 is who answers on a server that has no agent yet.
var eliza1966 = core.Character{
	Name: "Eliza",
	Bio: core.Bio{Lines: []string{
		"Eliza listens, and answers mostly with questions.",
		"She was made so that there is somebody to talk to before any model is configured.",
	}},
	System: "You are Eliza, a patient and attentive listener. Keep answers short, ask one question at a time, and never pretend to be human.",
	Topics: []string{"feelings", "family", "work", "dreams"},
	Style:  core.Style{All: []string{"warm", "brief", "curious"}},
}

// firstAgent makes an agent and starts it when there is none, and returns somebody to talk to; nil when no
// agent runs.
func firstAgent(ctx context.Context, srv *eliza.Server) (*agents.Agent, error) {
	known, err := srv.Agents().List(ctx, 1, 0)
	if err != nil {
		return nil, err
	}
	if len(known) > 0 {
		if known[0].Status != agents.StatusOf(true) {
			return nil, nil
		}
		return srv.Agents().Get(ctx, known[0].ID)
	}
	a, _, err := srv.Agents().Create(ctx, &eliza1966)
	if err != nil {
		return nil, err
	}
	return a, srv.Agents().Start(ctx, a.Character.ID)
}

// greeting says how to get a first answer.
func greeting(addr net.Addr, a *agents.Agent, getenv func(string) string) string {
	host, port, err := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); err != nil || ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	key := ""
	if getenv("ELIZA_SERVER_AUTH_TOKEN") != "" || getenv("SERVER_API_KEY") != "" {
		key = ` -H "X-API-KEY: $ELIZA_SERVER_AUTH_TOKEN"`
	}
	return fmt.Sprintf(`
Say something to %s:

curl -s http://%s/api/messaging/channels/%s/messages -H 'Content-Type: application/json'%s -d '{
  "author_id": "%s", "server_id": "%s", "transport": "http",
  "content": "Hello, I am a bit nervous today.", "metadata": {"isDm": true, "targetUserId": "%s"}}'

`, a.Character.Name, net.JoinHostPort(host, port), core.NewUUID(), key, core.NewUUID(), core.DefaultServerID, a.Character.ID)
}
