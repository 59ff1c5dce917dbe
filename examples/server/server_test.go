package main

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/runtime/core"
)

func env(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

func TestAnEmptyServerGetsSomebodyToTalkTo(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithPlugins(statusPlugin()))
	a, err := firstAgent(t.Context(), s.Server)
	if err != nil || a == nil || a.Character.Name != "Eliza" {
		t.Fatalf("firstAgent = %+v, %v", a, err)
	}
	again, err := firstAgent(t.Context(), s.Server)
	if err != nil || again.Character.ID != a.Character.ID {
		t.Errorf("the second time: %+v, %v", again, err)
	}
	answer := s.Say(core.NewUUID(), core.NewUUID(), a.Character.ID, "Hello, I am a bit nervous today.", "http").Want(201)
	if reply, _ := answer.Body["agentResponse"].(map[string]any); reply["text"] == "" || reply["text"] == nil {
		t.Errorf("answer: %s", answer.Raw)
	}
	page := s.Get("/status?agentId=" + string(a.Character.ID)).Want(200)
	for _, want := range []string{"<h1>Eliza</h1>", "text, embeddings", "<dd>1 dm</dd>", "<dd>2 messages, 0 facts, 0 documents</dd>", "UTC</time>, dm, REPLY</dd>"} {
		if !strings.Contains(string(page.Raw), want) {
			t.Errorf("the status page has no %s: %s", want, page.Raw)
		}
	}
	if strings.Contains(string(page.Raw), "nervous") {
		t.Errorf("the status page, which needs no key, tells what was said: %s", page.Raw)
	}
	if err := s.Agents().Stop(t.Context(), a.Character.ID); err != nil {
		t.Fatal(err)
	}
	if a, err := firstAgent(t.Context(), s.Server); a != nil || err != nil {
		t.Errorf("with a stopped agent: %+v, %v", a, err)
	}
}

func TestGreeting(t *testing.T) {
	t.Parallel()
	a := &agents.Agent{Character: &core.Character{ID: core.DefaultServerID, Name: "Ada"}}
	open := greeting(&net.TCPAddr{IP: net.IPv4zero, Port: 3000}, a, env(nil))
	if !strings.Contains(open, "curl -s http://127.0.0.1:3000/api/messaging/channels/") || strings.Contains(open, "X-API-KEY") {
		t.Error(open)
	}
	keyed := greeting(&net.TCPAddr{IP: net.IPv6loopback, Port: 1}, a, env(map[string]string{"ELIZA_SERVER_AUTH_TOKEN": "k-123"}))
	if !strings.Contains(keyed, "http://[::1]:1/") || !strings.Contains(keyed, "X-API-KEY: $ELIZA_SERVER_AUTH_TOKEN") || strings.Contains(keyed, "k-123") {
		t.Error(keyed)
	}
}

func TestCharactersOfTheOperator(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, doc := range map[string]string{"ada.json": `{"name":"Ada","bio":"x"}`, "broken.json": `{"name":7}`, "notes.txt": "no character"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(doc), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	remote := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/list" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(`[{"name":"Bob","bio":"x"},{"name":"Eve","bio":"x"}]`))
	}))
	defer remote.Close()
	var log bytes.Buffer
	s := elizatest.Start(t, eliza.WrapAgents(newOverlay([]string{"CHARACTER.ADA.API_KEY=hunter2", "CHARACTER.=x", "CHARACTER.NOBODY.K=v", "OTHER=1"}).wrap))
	loadCharacters(t.Context(), s.Server, slog.New(slog.NewTextHandler(&log, nil)), env(map[string]string{
		"USE_CHARACTER_STORAGE": "true", "ELIZA_DATA_DIR_CHARACTERS": dir, "REMOTE_CHARACTER_URLS": remote.URL + "/list, " + remote.URL + "/gone",
	}))
	list, err := s.Agents().List(t.Context(), 10, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range list {
		names = append(names, a.Name+" "+a.Status)
	}
	if got := strings.Join(names, ", "); got != "Ada active, Bob active, Eve active" {
		t.Errorf("agents = %s", got)
	}
	if strings.Count(log.String(), "characters not loaded") != 2 {
		t.Errorf("log:\n%s", log.String())
	}
	a, err := s.Agents().Get(context.Background(), core.StringToUUID("Ada"))
	if err != nil {
		t.Fatal(err)
	}
	if sealed, _ := a.Character.Secrets["API_KEY"].(string); sealed == "" || strings.Contains(sealed, "hunter2") {
		t.Errorf("secret = %q, want it encrypted", sealed)
	}
}

func TestLogger(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log, _, err := logger(&out, env(map[string]string{"LOG_LEVEL": "warn", "LOG_JSON_FORMAT": "true", "LOG_TIMESTAMPS": "false"}))
	if err != nil {
		t.Fatal(err)
	}
	log.Info("quiet")
	log.Warn("loud")
	if got := out.String(); got != "{\"level\":\"WARN\",\"msg\":\"loud\"}\n" {
		t.Errorf("log = %q", got)
	}
	if _, _, err := logger(&out, env(map[string]string{"LOG_LEVEL": "shouting"})); err == nil {
		t.Error("an unknown level is accepted")
	}
}
