package memory_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/runtime/core"
)

func texts(memories []core.Memory) []string {
	out := make([]string, len(memories))
	for i, m := range memories {
		out[i] = m.Content.Text
	}
	return out
}

func TestAddAndRecord(t *testing.T) {
	t.Parallel()
	s := start(t, memory.Options{})
	mine := s.svc.For(ada)

	t.Run("defaults", func(t *testing.T) {
		id := must[core.UUID](t)(mine.Add(t.Context(), core.Memory{AgentID: eve, Content: core.Content{Text: "hello"}}))
		got := must[[]core.Memory](t)(mine.List(t.Context(), core.MemoryQuery{}))
		if len(got) != 1 || got[0].ID != id || got[0].AgentID != ada || got[0].Table != "messages" || got[0].CreatedAt == 0 || !got[0].Unique || got[0].Metadata == nil {
			t.Errorf("stored memory = %+v", got)
		}
	})
	t.Run("a taken id changes nothing", func(t *testing.T) {
		const id core.UUID = "22222222-2222-4222-8222-222222222222"
		for _, text := range []string{"first", "second"} {
			if got := must[core.UUID](t)(mine.Add(t.Context(), core.Memory{ID: id, Table: "facts", Content: core.Content{Text: text}})); got != id {
				t.Errorf("Add = %s, want %s", got, id)
			}
			check(t, mine.Record(t.Context(), []core.Memory{{ID: id, Table: "facts", Content: core.Content{Text: text}}},
				[]core.Log{{ID: id, Type: "action", Body: map[string]any{"action": text}}}))
		}
		got := must[[]core.Memory](t)(mine.List(t.Context(), core.MemoryQuery{Table: "facts"}))
		logs := must[[]core.Log](t)(s.svc.Logs(t.Context(), memory.LogQuery{Agent: ada}))
		if diff := cmp.Diff([]string{"first"}, texts(got)); diff != "" || len(logs) != 1 || logs[0].Body["action"] != "first" {
			t.Errorf("memories %s, logs %v", diff, logs)
		}
		// The same id of another agent is another memory.
		must[core.UUID](t)(s.svc.For(eve).Add(t.Context(), core.Memory{ID: id, Content: core.Content{Text: "hers"}}))
		if n := s.rows("memories", "id = ?", id); n != 2 {
			t.Errorf("%d memories with the id, want one per agent", n)
		}
	})
	t.Run("what is written comes back", func(t *testing.T) {
		simple := true
		want := core.Memory{
			ID: core.NewUUID(), Table: "custom", CreatedAt: 1795464863161, EntityID: user, AgentID: ada, RoomID: hall, WorldID: eve, Unique: true,
			Content: core.Content{
				Text: "a <b> \x01 ☃", Actions: []string{"REPLY"}, Simple: &simple, Attachments: []core.Media{{ID: "1", URL: "/media/x"}},
				Extra: map[string]any{"more": "here"},
			},
			Metadata: map[string]any{"type": "message", "sourceId": string(user)},
		}
		check(t, mine.Record(t.Context(), []core.Memory{want}, nil))
		got := must[[]core.Memory](t)(mine.List(t.Context(), core.MemoryQuery{Table: "custom"}))
		if diff := cmp.Diff([]core.Memory{want}, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("nothing is no error", func(t *testing.T) {
		check(t, mine.Record(t.Context(), nil, nil))
		check(t, mine.Delete(t.Context()))
	})
	t.Run("joins the transaction of its context", func(t *testing.T) {
		stop := errors.New("stop")
		err := s.db.WithTx(t.Context(), func(ctx context.Context, _ *gorm.DB) error {
			if err := mine.Record(ctx, []core.Memory{{Table: "lost"}}, []core.Log{{Type: "lost"}}); err != nil {
				return err
			}
			if got, err := mine.List(ctx, core.MemoryQuery{Table: "lost"}); err != nil || len(got) != 1 {
				t.Errorf("inside the transaction: %v, %v", got, err)
			}
			return stop
		})
		if n := s.rows("memories", "type = 'lost'") + s.rows("agent_logs", "type = 'lost'"); !errors.Is(err, stop) || n != 0 {
			t.Errorf("err = %v, %d rows left", err, n)
		}
	})
	t.Run("many at once", func(t *testing.T) {
		many := make([]core.Memory, 1203)
		for i := range many {
			many[i] = core.Memory{Table: "many"}
		}
		check(t, mine.Record(t.Context(), many, nil))
		if n := s.rows("memories", "type = 'many'"); n != len(many) {
			t.Errorf("%d stored, want %d", n, len(many))
		}
	})
}

func TestListOverHTTP(t *testing.T) {
	t.Parallel()
	s := start(t, memory.Options{})
	room := core.ForAgent(ada, string(hall))
	var batch []core.Memory
	for i := range 30 {
		batch = append(batch, core.Memory{
			ID: core.UUID(fmt.Sprintf("00000000-0000-4000-8000-0000000000%02d", i)), RoomID: room,
			CreatedAt: core.Millis(1000 + i/2*10), Content: core.Content{Text: fmt.Sprintf("m%02d 100%%", i)}, // two of a time
		})
	}
	batch[3].Embedding = []float32{1, 0.5}
	batch = append(batch, core.Memory{Table: "facts", RoomID: room, Content: core.Content{Text: "a fact"}}, core.Memory{RoomID: user, CreatedAt: 1, Content: core.Content{Text: "elsewhere"}})
	check(t, s.svc.For(ada).Record(t.Context(), batch, nil))
	must[core.Room](t)(s.svc.For(ada).Connect(t.Context(), s.turn(hall, user)))
	path := "/api/agents/" + string(ada) + "/memories"

	if got, more := s.memories(path); len(got) != 31 || got[0] != "m29 100%" || got[30] != "elsewhere" || more {
		t.Errorf("all = %v, more %v", got, more)
	}
	t.Run("filters", func(t *testing.T) {
		for query, want := range map[string][]string{
			"tableName=facts":                           {"a fact"},
			"tableName=none":                            nil,
			"roomId=" + string(user):                    {"elsewhere"},
			"roomId=" + string(user) + "&count=1":       {"elsewhere"},
			"limit=2":                                   {"m29 100%", "m28 100%"},
			"limit=2&offset=2":                          {"m27 100%", "m26 100%"},
			"before=1000&limit=2":                       {"m01 100%", "m00 100%"},
			"before=1970-01-01T00:00:01.000Z&limit=1":   {"m01 100%"},
			"after=1130":                                {"m29 100%", "m28 100%"},
			"search=M07":                                {"m07 100%"},
			"search=m0%25":                              nil,
			"search=elsewhere&roomId=" + string(room):   nil,
			"search=0%25&offset=29":                     {"m00 100%"},
			"channelId=" + string(hall) + "&limit=1":    {"m29 100%"},
			"channelId=" + nobody:                       nil,
			"limit=-1&offset=30":                        {"elsewhere"},
			"limit=abc&offset=30":                       {"elsewhere"},
			"limit=99999999999999999999999&offset=30":   {"elsewhere"},
			"offset=9223372036854775807":                nil,
			"offset=abc&limit=1":                        {"m29 100%"},
			"roomId=" + nobody + "&channelId=" + nobody: nil,
		} {
			if got, _ := s.memories(path + "?" + query); !slices.Equal(got, want) {
				t.Errorf("?%s = %v, want %v", query, got, want)
			}
		}
		for _, query := range []string{"tableName=a%20b", "tableName=" + strings.Repeat("x", 65), "before=soon", "after=2026-13-01"} {
			s.fails("GET", path+"?"+query, nil, 400, "BAD_REQUEST")
		}
		s.fails("GET", path+"?channelId=nope", nil, 400, "INVALID_ID")
		s.fails("GET", "/api/agents/"+nobody+"/memories?roomId=nope", nil, 400, "INVALID_ID")
	})
	t.Run("room list takes the room or its channel", func(t *testing.T) {
		for _, id := range []core.UUID{room, hall} {
			got, more := s.memories("/api/memory/" + string(ada) + "/rooms/" + string(id) + "/memories")
			if len(got) != 20 || got[0] != "m29 100%" || !more {
				t.Errorf("%s: %d memories, more %v", id, len(got), more)
			}
		}
		if got, _ := s.memories("/api/agents/" + string(ada) + "/rooms/" + nobody + "/memories"); len(got) != 0 {
			t.Errorf("unknown room: %v", got)
		}
	})
	t.Run("embeddings only when asked", func(t *testing.T) {
		for query, want := range map[string]bool{"": false, "&includeEmbedding=1": false, "&includeEmbedding=true": true} {
			d := s.data("GET", path+"?search=m03"+query, nil, 200).(map[string]any)["memories"].([]any)
			if _, ok := d[0].(map[string]any)["embedding"]; ok != want {
				t.Errorf("%q: embedding shown = %v", query, ok)
			}
		}
	})
}

func TestPatchMemory(t *testing.T) {
	t.Parallel()
	s := start(t, memory.Options{})
	id := must[core.UUID](t)(s.svc.For(ada).Add(t.Context(), core.Memory{
		RoomID: hall, Content: core.Content{Text: "old", Source: "x"}, Metadata: map[string]any{"a": "b"}, Embedding: []float32{1, 2},
	}))
	path := "/api/agents/" + string(ada) + "/memories/" + string(id)

	got := s.data("PATCH", path, `{"content":{"text":"new","odd":1},"roomId":"`+nobody+`"}`, 200).(map[string]any)
	content := got["content"].(map[string]any)
	if got["id"] != string(id) || got["message"] != "Memory updated successfully" || got["roomId"] != string(hall) ||
		content["text"] != "new" || content["odd"] != 1.0 || content["source"] != nil || got["metadata"].(map[string]any)["a"] != "b" {
		t.Errorf("patched = %v", got)
	}
	got = s.data("PATCH", "/api/memory/"+string(ada)+"/memories/"+string(id), `{"metadata":{"c":1},"embedding":[3,4]}`, 200).(map[string]any)
	if _, there := got["metadata"].(map[string]any)["a"]; there || got["content"].(map[string]any)["text"] != "new" {
		t.Errorf("patched metadata = %v", got)
	}
	list := must[[]core.Memory](t)(s.svc.For(ada).List(t.Context(), core.MemoryQuery{IncludeEmbedding: true}))
	if diff := cmp.Diff([]float32{3, 4}, list[0].Embedding); diff != "" {
		t.Error(diff)
	}
	s.data("PATCH", path, `{}`, 200)
	s.data("PATCH", path, nil, 200)

	for _, body := range []string{
		`{"content":"x"}`, `{"content":[]}`, `{"metadata":7}`, `{"embedding":["x"]}`, `{"embedding":[1,2,3]}`, `{"embedding":[1e300,1]}`,
		`{"content":{"text":"` + strings.Repeat("x", 100_001) + `"}}`, `{"metadata":{"k":"` + strings.Repeat("x", 70_000) + `"}}`,
		`{"embedding":[` + strings.Repeat("1,", 4096) + `1]}`, `{`, `null`,
	} {
		s.fails("PATCH", path, body, 400, "BAD_REQUEST")
	}
	s.fails("PATCH", "/api/agents/"+string(ada)+"/memories/"+nobody, `{"content":{"text":"x"}}`, 404, "NOT_FOUND")
	s.fails("PATCH", "/api/agents/"+string(eve)+"/memories/"+string(id), `{"content":{"text":"x"}}`, 404, "NOT_FOUND")
	if err := s.svc.For(eve).Update(t.Context(), core.Memory{ID: id}); !errors.Is(err, memory.ErrNotFound) {
		t.Errorf("Update of another agent's memory: %v", err)
	}
	check(t, s.svc.For(ada).Update(t.Context(), core.Memory{ID: id, Content: core.Content{Text: "newest"}}))
	if got, _ := s.memories("/api/agents/" + string(ada) + "/memories"); !slices.Equal(got, []string{"newest"}) {
		t.Errorf("after Update: %v", got)
	}
}

func TestDeleteMemories(t *testing.T) {
	t.Parallel()
	const document core.UUID = "dddddddd-dddd-4ddd-8ddd-dddddddddddd"
	room := core.ForAgent(ada, string(hall))
	setup := func(t *testing.T) (*server, string) {
		s := start(t, memory.Options{})
		must[core.Room](t)(s.svc.For(ada).Connect(t.Context(), s.turn(hall, user)))
		check(t, s.svc.For(ada).Record(t.Context(), []core.Memory{
			{ID: document, Table: "documents", RoomID: room},
			{Table: "fragments", RoomID: user, Metadata: map[string]any{"documentId": string(document), "position": 0}},
			{Table: "messages", RoomID: room},
			{Table: "facts", RoomID: room},
			{Table: "messages", RoomID: user},
		}, nil))
		must[core.UUID](t)(s.svc.For(eve).Add(t.Context(), core.Memory{ID: document, RoomID: room}))
		return s, "/api/agents/" + string(ada) + "/memories"
	}
	left := func(s *server) int { return s.rows("memories", "agent_id = ?", ada) }

	t.Run("a document takes its fragments", func(t *testing.T) {
		t.Parallel()
		s, path := setup(t)
		s.fails("DELETE", path+"/"+nobody, nil, 404, "NOT_FOUND")
		s.data("DELETE", path+"/"+string(document), nil, 200)
		s.fails("DELETE", path+"/"+string(document), nil, 404, "NOT_FOUND")
		if n := left(s); n != 3 {
			t.Errorf("%d left, want 3", n)
		}
	})
	t.Run("all of a room, named by its channel or itself", func(t *testing.T) {
		t.Parallel()
		for _, id := range []core.UUID{hall, room} {
			s, path := setup(t)
			s.data("DELETE", path+"/all/"+string(id), nil, 204)
			if n := left(s); n != 2 {
				t.Errorf("%s: %d left, want the fact and the other room's message", id, n)
			}
			s.data("DELETE", path+"/all/"+nobody, nil, 204)
		}
	})
	t.Run("all of the agent", func(t *testing.T) {
		t.Parallel()
		s, path := setup(t)
		if d := s.data("DELETE", path, nil, 200).(map[string]any); d["deleted"] != 5.0 {
			t.Errorf("answer = %v", d)
		}
		if mine, hers := left(s), s.rows("memories", "agent_id = ?", eve); mine != 0 || hers != 1 {
			t.Errorf("%d left of the agent, %d of the other", mine, hers)
		}
	})
}

func TestSearch(t *testing.T) {
	t.Parallel()
	s := start(t, memory.Options{})
	mine := s.svc.For(ada)
	fact := func(text, model string, v ...float32) core.Memory {
		return core.Memory{Table: "facts", RoomID: hall, Content: core.Content{Text: text}, Embedding: v, Model: model}
	}
	check(t, mine.Record(t.Context(), []core.Memory{
		fact("same", "m", 2, 0), fact("near", "m", 3, 4), fact("across", "m", 0, 1), fact("other model", "n", 1, 0),
		fact("other size", "m", 1, 0, 0), fact("none", ""), fact("zero", "m", 0, 0),
		{Table: "messages", Embedding: []float32{1, 0}, Model: "m"},
	}, nil))
	search := func(q core.MemoryQuery) []string {
		t.Helper()
		q.Table = "facts"
		return texts(must[[]core.Memory](t)(mine.Search(t.Context(), q)))
	}
	x := []float32{1, 0}
	for name, c := range map[string]struct {
		q    core.MemoryQuery
		want []string
	}{
		"best first":          {core.MemoryQuery{Vector: x, Model: "m"}, []string{"same", "near", "across"}},
		"threshold inclusive": {core.MemoryQuery{Vector: []float32{0, 1}, Model: "m", Threshold: 1}, []string{"across"}},
		"limit":               {core.MemoryQuery{Vector: x, Model: "m", Limit: 1}, []string{"same"}},
		"room":                {core.MemoryQuery{Vector: x, RoomID: user}, []string{}},
		"another size":        {core.MemoryQuery{Vector: []float32{1, 0, 0}}, []string{"other size"}},
		"vector of zeros":     {core.MemoryQuery{Vector: []float32{0, 0}}, []string{}},
		"ranked by words":     {core.MemoryQuery{Vector: x, Model: "m", Text: "who is across, near?"}, []string{"near", "across", "same"}},
	} {
		if got := search(c.q); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	if got := search(core.MemoryQuery{Vector: x}); len(got) != 4 {
		t.Errorf("any model: %v", got)
	}
	got := must[[]core.Memory](t)(mine.Search(t.Context(), core.MemoryQuery{Table: "facts", Vector: x, Model: "m", IncludeEmbedding: true}))
	if got[0].Similarity != 1 || got[1].Similarity < 0.599 || got[1].Similarity > 0.601 || len(got[0].Embedding) != 2 {
		t.Errorf("similarities: %+v", got)
	}
	if found := must[[]core.Memory](t)(s.svc.For(eve).Search(t.Context(), core.MemoryQuery{Vector: x})); len(found) != 0 {
		t.Errorf("another agent found %v", found)
	}
	if _, err := mine.Search(t.Context(), core.MemoryQuery{}); core.CodeOf(err) != core.CodeBadRequest {
		t.Errorf("search without a vector: %v", err)
	}
	if _, err := mine.Add(t.Context(), core.Memory{Embedding: make([]float32, 4097)}); core.CodeOf(err) != core.CodeBadRequest {
		t.Errorf("too large a vector: %v", err)
	}

	t.Run("embedding set later", func(t *testing.T) {
		id := must[core.UUID](t)(mine.Add(t.Context(), core.Memory{Table: "later", Content: core.Content{Text: "later"}}))
		check(t, s.svc.SetEmbedding(t.Context(), ada, id, "m", []float32{1, 1}))
		check(t, s.svc.SetEmbedding(t.Context(), ada, id, "m", []float32{1, 1, 1}))
		found := must[[]core.Memory](t)(mine.Search(t.Context(), core.MemoryQuery{Table: "later", Vector: []float32{1, 1, 1}, Model: "m"}))
		if diff := cmp.Diff([]string{"later"}, texts(found)); diff != "" {
			t.Error(diff)
		}
		if err := s.svc.SetEmbedding(t.Context(), eve, id, "m", x); !errors.Is(err, memory.ErrNotFound) {
			t.Errorf("another agent's memory: %v", err)
		}
	})
	t.Run("a memory like another is not unique", func(t *testing.T) {
		for _, want := range []bool{true, false} {
			id := must[core.UUID](t)(mine.Add(t.Context(), core.Memory{Table: "unique", Embedding: []float32{1, 1}}))
			for _, m := range must[[]core.Memory](t)(mine.List(t.Context(), core.MemoryQuery{Table: "unique"})) {
				if m.ID == id && m.Unique != want {
					t.Errorf("unique = %v, want %v", m.Unique, want)
				}
			}
		}
	})
}
