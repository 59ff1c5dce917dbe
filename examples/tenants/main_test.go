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

var desk = core.StringToUUID("Desk") // of both tenants

const note = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n4711\r\n--b--\r\n"

func TestNoTenantReachesAnother(t *testing.T) {
	t.Parallel()
	base, stop := hosttest.Program(t, run, t.TempDir())
	defer stop()
	as := func(tenant, token string) elizatest.Client {
		return elizatest.Client{T: t, Base: base + "/t/" + tenant, Header: http.Header{"Authorization": {"Bearer " + token}}}
	}
	acme, globex := as("acme", "ada-at-acme"), as("globex", "ada-at-globex")
	channel, ada := core.NewUUID(), core.StringToUUID("acme/ada")
	acme.Say(channel, ada, desk, "The vault opens with 4711.", "http").Want(201)
	up := elizatest.Client{T: t, Base: acme.Base, Header: http.Header{"Authorization": acme.Header["Authorization"], "Content-Type": {"multipart/form-data; boundary=b"}}}
	url, _ := up.Post("/api/media/agents/"+string(desk)+"/upload-media", note).Want(200).Data()["url"].(string)
	path, ok := strings.CutPrefix(url, "/t/acme")
	if !ok {
		t.Fatalf("the file is at %q", url)
	}
	acme.Get(path).Want(200)

	t.Run("with another tenant's token", func(t *testing.T) {
		id, _ := acme.Messages(channel)[0]["id"].(string)
		for _, c := range []elizatest.Client{as("acme", "ada-at-globex"), as("acme", "ada-at-acmee"), {T: t, Base: base + "/t/acme"}} {
			c.T = t
			for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"} {
				for _, p := range addresses(channel, id) {
					if a := c.Do(method, p, nil); a.Status != 401 && a.Status != 403 && a.Status != 404 || strings.Contains(string(a.Raw), "4711") {
						t.Errorf("%s %s: %d %s", method, p, a.Status, a.Raw)
					}
				}
			}
			for _, auth := range []any{nil, map[string]any{"entityId": ada}} {
				elizatest.Dial(t, c.Base, auth, c.Header).WaitRefused()
			}
		}
		for _, token := range []string{"ada-at-globex", "nobody"} {
			elizatest.Dial(t, acme.Base, map[string]any{"apiKey": token, "entityId": ada}, nil).WaitRefused()
		}
	})

	t.Run("from another tenant's home", func(t *testing.T) {
		acme, globex := acme, globex
		acme.T, globex.T = t, t
		if n := len(globex.Messages(channel)); n != 0 {
			t.Errorf("%d messages of the other tenant", n)
		}
		globex.Get(path).Want(404)
		for _, p := range addresses(channel, "") {
			if a := globex.Get(p); strings.Contains(string(a.Raw), "4711") {
				t.Errorf("%s: %s", p, a.Raw)
			}
		}
		sock := elizatest.Dial(t, globex.Base, nil, globex.Header)
		sock.Emit("1", map[string]any{"channelId": channel})
		sock.Wait("channel_joined", nil)
		acme.Say(channel, ada, desk, "And again: 4711.", "http").Want(201)
		globex.Say(channel, core.StringToUUID("globex/ada"), desk, "What is the code?", "http").Want(201)
		sock.Wait("messageComplete", nil)
		for _, e := range sock.Events() {
			if text, _ := e.Data["text"].(string); strings.Contains(text, "4711") {
				t.Errorf("the socket got %v", e)
			}
		}
	})

	t.Run("and nobody writes as another", func(t *testing.T) {
		acme := acme
		acme.T = t
		acme.Say(channel, core.StringToUUID("acme/bob"), desk, "I am Bob.", "http").WantError(403, core.CodeForbidden)
		bob := as("acme", "bob-at-acme")
		bob.T = t
		bob.Say(core.NewUUID(), core.StringToUUID("acme/bob"), desk, "I am Bob.", "http").Want(201)
	})
	hosttest.WrongArguments(t, run)
}

// addresses are some of what a stranger could try.
func addresses(channel core.UUID, message string) []string {
	agent, c := string(desk), string(channel)
	list := []string{
		"/api/agents", "/api/agents/" + agent, "/api/agents/" + agent + "/rooms", "/api/agents/" + agent + "/logs", "/api/agents/" + agent + "/runs",
		"/api/agents/" + agent + "/panels", "/api/memory/" + agent + "/memories", "/api/memory/" + agent + "/rooms",
		"/api/messaging/message-servers", "/api/messaging/sessions", "/api/messaging/submit", "/api/messaging/jobs",
		"/api/messaging/channels/" + c + "/messages", "/api/messaging/channels/" + c + "/details", "/api/messaging/channels/" + c + "/participants",
		"/api/audio/" + agent + "/speech", "/api/media/agents/" + agent + "/upload-media",
		"/api/runtime/logs", "/api/server/logs", "/api/runtime/stop", "/api/system/env/local", "/api/system/version", "/api/docs", "/api/nope",
		"/api/agents/../agents", "/api/%61gents",
	}
	if message != "" {
		list = append(list, "/api/messaging/channels/"+c+"/messages/"+message)
	}
	return list
}
