package eliza_test

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/audio"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/internal/pieces"
	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

// hostStore opens a store of the host's.
func hostStore(t *testing.T) *storage.DB {
	t.Helper()
	db, err := storage.Open(t.Context(), filepath.Join(t.TempDir(), "host.db"), storage.Options{Logger: elizatest.Quiet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// said has an agent answer and returns what it said.
func said(t *testing.T, s *elizatest.Server, agent core.UUID) string {
	t.Helper()
	a, err := s.Ask(t.Context(), agent, core.NewUUID(), "hello")
	if err != nil {
		t.Fatalf("Ask: %v", err)
	}
	return a.Text()
}

func TestAHostsAgents(t *testing.T) {
	t.Parallel()
	db, roster := hostStore(t), pieces.NewRoster()
	fleet := func() *agents.Manager {
		m, err := agents.New(roster, pieces.NewBrain, nil, agents.Options{Logger: elizatest.Quiet()})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	early := &agents.Agent{Character: &core.Character{ID: core.StringToUUID("early"), Name: "Early"}, Active: true, Version: 1}
	if err := roster.Insert(t.Context(), early); err != nil {
		t.Fatal(err)
	}
	s := elizatest.Start(t, eliza.WithStore(db), eliza.WithAgents(fleet()))
	if got := said(t, s, early.Character.ID); got != "I heard: hello" {
		t.Errorf("an agent the service had before: %q", got)
	}
	agent := s.Agent("Ada")
	if got := said(t, s, agent); got != "I heard: hello" {
		t.Errorf("an agent made here: %q", got)
	}
	at := "/api/agents/" + string(agent)
	s.Patch(at, map[string]any{"name": "Ada II"}).Want(200)
	if row, err := db.Agents().Agent(t.Context(), agent); err != nil || !row.Active || row.Character.Name != "Ada II" {
		t.Errorf("the row of a changed agent: %+v, %v", row, err)
	}
	s.Post(at+"/stop", nil).Want(200)
	channel := core.NewUUID()
	if a := s.Say(channel, core.NewUUID(), agent, "anybody?", "http").Want(201); a.Body["agentResponse"] != nil {
		t.Errorf("a stopped agent answered: %s", a.Raw)
	}
	s.Post(at+"/start", nil).Want(200)
	said(t, s, agent)
	s.Delete(at).Want(204)
	s.Delete(at).WantError(404, core.CodeNotFound)
	if err := s.Agents().Delete(t.Context(), agent); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("an agent that is deleted twice: %v", err)
	}
	if _, err := db.Agents().Agent(t.Context(), agent); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("the row of a deleted agent: %v", err)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}

	// While nobody served, the host changed its mind.
	early.Active, early.Version = false, 1
	if _, err := roster.Update(t.Context(), early); err != nil {
		t.Fatal(err)
	}
	again := elizatest.Start(t, eliza.WithStore(db), eliza.WithAgents(fleet()))
	if _, err := again.Ask(t.Context(), early.Character.ID, core.NewUUID(), "hello"); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("an agent the host has stopped: %v", err)
	}
	if row, err := db.Agents().Agent(t.Context(), early.Character.ID); err != nil || row.Active {
		t.Errorf("the row of an agent the host has stopped: %+v, %v", row, err)
	}
}

func TestAHostsMessaging(t *testing.T) {
	t.Parallel()
	db := hostStore(t)
	board := &pieces.Switchboard{Manager: messaging.New(db.Messaging(), messaging.Options{Logger: elizatest.Quiet()})}
	s := elizatest.Start(t, eliza.WithStore(db), eliza.WithMessaging(board), eliza.WithPlugins(elizatest.Echo().Plugin()))
	agent := s.Agent("Ada")
	if got := said(t, s, agent); got != "You said: hello" {
		t.Errorf("Ask: %q", got)
	}
	s.Say(core.NewUUID(), core.NewUUID(), agent, "hello", "http").Want(201)
	rt, err := s.Agents().Runtime(t.Context(), agent)
	if err != nil {
		t.Fatal(err)
	}
	channel, err := s.Messaging().DM(t.Context(), core.DefaultServerID, core.NewUUID(), agent)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rt.Say(t.Context(), channel.ID, core.Content{Text: "by the way"}); err != nil {
		t.Fatal(err)
	}
	if n := board.Accepted.Load(); n != 3 {
		t.Errorf("%d messages went through the host's service, want 3", n)
	}
}

// TestAHostRunsItsMessagingItself: the server does not see that this service could be run by it.
func TestAHostRunsItsMessagingItself(t *testing.T) {
	t.Parallel()
	db := hostStore(t)
	board := messaging.New(db.Messaging(), messaging.Options{Logger: elizatest.Quiet()})
	type opaque struct{ messaging.Service }
	s := elizatest.Start(t, eliza.WithStore(db), eliza.WithMessaging(opaque{board}), eliza.WithPlugins(elizatest.Echo().Plugin()))
	if err := board.Start(context.Background(), s.Agents()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = board.Shutdown(context.Background()) })
	agent := s.Agent("Ada")
	said(t, s, agent)
	s.Post("/api/agents/"+string(agent)+"/stop", nil).Want(200)
	s.Delete("/api/agents/" + string(agent)).Want(204)
}

func TestAHostsMemory(t *testing.T) {
	t.Parallel()
	mind := &pieces.Mind{Manager: memory.New(hostStore(t).Memory(), memory.Options{Logger: elizatest.Quiet()})}
	s := elizatest.Start(t, eliza.WithMemory(mind), eliza.WithPlugins(elizatest.Echo().Plugin()))
	agent := s.Agent("Ada")
	said(t, s, agent)
	if n := mind.Recorded.Load(); n < 2 {
		t.Errorf("%d memories went through the host's service, want 2", n)
	}
	if list, _ := s.Get("/api/agents/" + string(agent) + "/memories").Want(200).Data()["memories"].([]any); len(list) < 2 {
		t.Errorf("memories: %v", list)
	}
	s.Delete("/api/agents/" + string(agent)).Want(204)
}

func TestAHostsFiles(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]func(*pieces.Blobs) eliza.Option{
		"WithBlobs": func(b *pieces.Blobs) eliza.Option { return eliza.WithBlobs(b) },
		"WithMedia": func(b *pieces.Blobs) eliza.Option { return eliza.WithMedia(media.New(b, media.Options{})) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			blobs := pieces.NewBlobs()
			s := elizatest.Start(t, option(blobs))
			agent := s.Agent("Ada")
			kind, form := upload(t)
			c := s.Client
			c.Header = http.Header{"Content-Type": {kind}}
			url, _ := c.Do(http.MethodPost, "/api/media/agents/"+string(agent)+"/upload-media", form).Want(200).Data()["url"].(string)
			s.Get(url).Want(200)
			if blobs.Len() != 1 {
				t.Errorf("%d files at the host's, want 1", blobs.Len())
			}
			s.Delete("/api/agents/" + string(agent)).Want(204)
			if blobs.Len() != 0 {
				t.Errorf("%d files of a deleted agent", blobs.Len())
			}
		})
	}
}

func TestAHostsVoice(t *testing.T) {
	t.Parallel()
	voice := &pieces.Voice{}
	s := elizatest.Start(t, eliza.WithAudio(voice))
	voice.Agents = s.Agents()
	agent := s.Agent("Ada")
	a := s.Post("/api/audio/"+string(agent)+"/speech/generate", map[string]any{"text": "hello"}).Want(200)
	if got := a.Header.Get("Content-Type"); got != "audio/wav" {
		t.Errorf("speech of type %q", got)
	}
	if _, err := voice.Speak(t.Context(), core.NewUUID(), audio.Speech{Text: "x"}); err == nil {
		t.Error("an agent that does not exist spoke")
	}
}

func TestAHostsBusAndStore(t *testing.T) {
	t.Parallel()
	notes, store := &pieces.Bus{}, &pieces.Store{Store: hostStore(t)}
	s := elizatest.Start(t, eliza.WithStore(store), eliza.WithBus(notes), eliza.WithRuntimeFactory(pieces.NewBrain))
	agent := s.Agent("Ada")
	if got := said(t, s, agent); got != "I heard: hello" {
		t.Errorf("another brain said %q", got)
	}
	if store.Written.Load() != 1 || notes.Notes.Load() == 0 {
		t.Errorf("%d agents written, %d notes sent through the host's", store.Written.Load(), notes.Notes.Load())
	}
}

func TestOptionsThatExcludeEachOther(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]eliza.Option{
		"WithRuntimeFactory": {eliza.WithRuntimeFactory(pieces.NewBrain), eliza.WithAgents(&agents.Manager{})},
		"WithBlobs":          {eliza.WithBlobs(pieces.NewBlobs()), eliza.WithMedia(media.New(pieces.NewBlobs(), media.Options{}))},
		"WithHooks":          {eliza.WithHooks(messaging.Hooks{}), eliza.WithMessaging(&messaging.Manager{})},
		"WithAgents":         {eliza.WithAgents(nil)},
		"WithMessaging":      {eliza.WithMessaging(nil)},
		"WithMemory":         {eliza.WithMemory(nil)},
		"WithMedia":          {eliza.WithMedia(nil)},
		"WithAudio":          {eliza.WithAudio(nil)},
	} {
		_, err := eliza.NewServer(append(opts, eliza.WithDatabase(filepath.Join(t.TempDir(), "eliza.db")), eliza.WithLogger(elizatest.Quiet()))...)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %v", name, err)
		}
	}
}
