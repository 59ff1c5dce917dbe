package eliza_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestAStormOfContradictions(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin()))
	user, channel := core.NewUUID(), core.NewUUID()
	agent := core.StringToUUID("Ada")
	character := map[string]any{"characterJson": map[string]any{"name": "Ada", "bio": "x"}}
	s.Post("/api/agents", character).Want(201)
	sock := elizatest.Dial(t, s.Base, nil, nil)
	sock.Emit("1", map[string]any{"channelId": channel})
	a, c := "/api/agents/"+string(agent), "/api/messaging/channels/"+string(channel)
	requests := []func() elizatest.Answer{
		func() elizatest.Answer { return s.Post("/api/agents", character) },
		func() elizatest.Answer { return s.Post(a+"/start", nil) },
		func() elizatest.Answer { return s.Post(a+"/start", nil) },
		func() elizatest.Answer { return s.Post(a+"/stop", nil) },
		func() elizatest.Answer { return s.Delete(a) },
		func() elizatest.Answer { return s.Patch(a, map[string]any{"system": string(core.NewUUID())}) },
		func() elizatest.Answer { return s.Patch(a, map[string]any{"plugins": []core.UUID{core.NewUUID()}}) },
		func() elizatest.Answer { return s.Say(channel, user, agent, "hello", "websocket") },
		func() elizatest.Answer { return s.Say(channel, user, agent, "hello", "websocket") },
		func() elizatest.Answer { return s.Say(channel, user, agent, "hello", "http") },
		func() elizatest.Answer { return s.Say(channel, user, agent, "hello", "sse") },
		func() elizatest.Answer { return s.Delete(c) },
		func() elizatest.Answer { return s.Delete(c + "/messages") },
		func() elizatest.Answer { return s.Post(c+"/agents", map[string]any{"agentId": agent}) },
		func() elizatest.Answer { return s.Delete(c + "/agents/" + string(agent)) },
		func() elizatest.Answer { return s.Patch(c, map[string]any{"name": "n"}) },
		func() elizatest.Answer { return s.Get(c + "/messages") },
		func() elizatest.Answer { return s.Get(a + "/memories") },
	}
	end := time.Now().Add(3 * time.Second)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			for time.Now().Before(end) && !t.Failed() {
				i := rand.IntN(len(requests))
				if got := requests[i](); got.Status >= 500 {
					t.Errorf("request %d: %d %s", i, got.Status, got.Raw)
				}
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	s.Post("/api/agents", character)
	s.Post(a+"/start", nil).Want(200)
	if got := s.Say(core.NewUUID(), user, agent, "still there?", "http").Want(201); got.Body["agentResponse"] == nil {
		t.Errorf("no answer in a new channel: %s", got.Raw)
	}
	s.Delete(c)
	if got := s.Say(channel, user, agent, "and here?", "http").Want(201); got.Body["agentResponse"] == nil {
		t.Errorf("no answer in the old channel: %s", got.Raw)
	}
}

func TestAnIDIsGivenOnce(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t)
	post := func(channel, author core.UUID, id any) elizatest.Answer {
		return s.Post("/api/messaging/submit", map[string]any{
			"channel_id": channel, "author_id": author, "server_id": core.DefaultServerID, "content": "x", "messageId": id,
		})
	}
	id, channel, author := core.NewUUID(), core.NewUUID(), core.NewUUID()
	first := post(channel, author, id).Want(201).Data()["id"]
	if again := post(channel, author, id).Want(200).Data()["id"]; again != first || first != string(id) {
		t.Errorf("ids %v and %v, want %v", first, again, id)
	}
	post(core.NewUUID(), author, id).WantError(409, core.CodeConflict)
	post(channel, core.NewUUID(), id).WantError(409, core.CodeConflict)
	var wg sync.WaitGroup
	raced := core.NewUUID()
	answers := make([]elizatest.Answer, 20)
	for i := range answers {
		wg.Go(func() { answers[i] = post(channel, author, raced) })
	}
	wg.Wait()
	created := 0
	for _, a := range answers {
		if a.Status == 201 {
			created++
		} else {
			a.Want(200)
		}
	}
	if n := len(s.Messages(channel)); created != 1 || n != 2 {
		t.Errorf("%d created, %d stored", created, n)
	}
}
