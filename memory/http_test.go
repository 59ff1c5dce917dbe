package memory_test

import (
	"strings"
	"testing"

	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/runtime/core"
)

const nobody = "99999999-9999-4999-8999-999999999999"

func TestEveryRouteChecksItsIDs(t *testing.T) {
	t.Parallel()
	s := start(t, memory.Options{})
	routes := []struct{ method, path string }{
		{"POST", "/api/agents/AGENT/worlds"},
		{"PATCH", "/api/agents/AGENT/worlds/ID"},
		{"GET", "/api/agents/AGENT/logs"},
		{"DELETE", "/api/agents/AGENT/logs/ID"},
		{"GET", "/api/agents/AGENT/runs"},
		{"GET", "/api/agents/AGENT/runs/ID"},
	}
	for _, prefix := range []string{"/api/agents", "/api/memory"} {
		routes = append(routes, []struct{ method, path string }{
			{"GET", prefix + "/AGENT/memories"},
			{"PATCH", prefix + "/AGENT/memories/ID"},
			{"DELETE", prefix + "/AGENT/memories/all/ID"},
			{"DELETE", prefix + "/AGENT/memories"},
			{"DELETE", prefix + "/AGENT/memories/ID"},
			{"GET", prefix + "/AGENT/rooms/ID/memories"},
			{"POST", prefix + "/AGENT/rooms"},
			{"GET", prefix + "/AGENT/rooms"},
			{"GET", prefix + "/AGENT/rooms/ID"},
		}...)
	}
	for _, r := range routes {
		fill := func(agent, id string) string {
			return strings.NewReplacer("AGENT", agent, "ID", id).Replace(r.path)
		}
		s.fails(r.method, fill("nope", nobody), `{"name":"x"}`, 400, "INVALID_ID")
		s.fails(r.method, fill(nobody, nobody), `{"name":"x"}`, 404, "NOT_FOUND")
		s.fails(r.method, fill(nobody, nobody)+"/", `{"name":"x"}`, 404, "NOT_FOUND")
		if strings.Contains(r.path, "ID") {
			s.fails(r.method, fill(string(ada), "nope"), `{}`, 400, "INVALID_ID")
			s.fails(r.method, fill(nobody, "nope"), `{}`, 400, "INVALID_ID")
		}
	}
	s.fails("DELETE", "/api/memory/groups/nope", nil, 400, "INVALID_ID")
	s.fails("DELETE", "/api/memory/groups/nope/memories", nil, 400, "INVALID_ID")
	s.fails("GET", "/api/agents/worlds?agentId=nope", nil, 400, "INVALID_ID")
}

func TestWorlds(t *testing.T) {
	t.Parallel()
	s := start(t, memory.Options{})
	path := "/api/agents/" + string(ada) + "/worlds"
	made := func(body string) map[string]any {
		return s.data("POST", path, body, 201).(map[string]any)["world"].(map[string]any)
	}

	w := made(`{"name":"first","serverId":"any text","metadata":{"a":1,"deep":{"x":1}}}`)
	if w["agentId"] != string(ada) || w["name"] != "first" || w["serverId"] != "any text" || w["messageServerId"] != "any text" {
		t.Errorf("created world = %v", w)
	}
	if created, _ := w["createdAt"].(string); len(created) != len("2006-01-02T15:04:05.000Z") {
		t.Errorf("createdAt = %v, want an ISO text", w["createdAt"])
	}
	if second := made(`{"name":"second","message_server_id":"s2"}`); second["serverId"] != "s2" {
		t.Errorf("snake server id: %v", second)
	}
	if third := made(`{"name":"third"}`); third["serverId"] != nil {
		t.Errorf("a server id was made up: %v", third)
	}

	t.Run("patch merges", func(t *testing.T) {
		d := s.data("PATCH", path+"/"+w["id"].(string), `{"name":"new","metadata":{"b":2,"deep":{"y":2}},"settings":{"k":"v"}}`, 200)
		got := d.(map[string]any)["world"].(map[string]any)
		meta := got["metadata"].(map[string]any)
		deep := meta["deep"].(map[string]any)
		if got["name"] != "new" || meta["a"] != 1.0 || meta["b"] != 2.0 || deep["x"] != nil || deep["y"] != 2.0 || meta["settings"].(map[string]any)["k"] != "v" {
			t.Errorf("patched world = %v", got)
		}
		s.data("PATCH", path+"/"+w["id"].(string), `{}`, 200)
	})
	t.Run("list", func(t *testing.T) {
		check(t, s.svc.Ensure(t.Context(), eve, "Eve"))
		list := func(query string) int {
			return len(s.data("GET", "/api/agents/worlds"+query, nil, 200).(map[string]any)["worlds"].([]any))
		}
		if all, hers, two := list(""), list("?agentId="+string(ada)), list("?limit=2"); all != 4 || hers != 3 || two != 2 {
			t.Errorf("worlds = %d of all, %d of the agent, %d with limit 2; want 4, 3, 2", all, hers, two)
		}
	})
	t.Run("ask for one by id", func(t *testing.T) {
		d := s.data("POST", path, `{"worldId":"`+w["id"].(string)+`"}`, 200).(map[string]any)
		if d["world"].(map[string]any)["id"] != w["id"] {
			t.Errorf("world = %v", d)
		}
		s.fails("POST", path, `{"worldId":"`+nobody+`"}`, 404, "NOT_FOUND")
	})
	t.Run("refused", func(t *testing.T) {
		for _, body := range []string{
			`{}`, `{"name":""}`, `{"name":7}`, `{"name":"x","metadata":[]}`, `{"name":"x","serverId":9}`, `[]`, `{"name":`,
			`{"name":"` + strings.Repeat("x", 256) + `"}`, `{"name":"x","metadata":{"k":"` + strings.Repeat("x", 70_000) + `"}}`,
		} {
			s.fails("POST", path, body, 400, "BAD_REQUEST")
		}
		s.fails("POST", path, `{"name":"x","worldId":"nope"}`, 400, "INVALID_ID")
		s.fails("PATCH", path+"/"+w["id"].(string), `{"name":""}`, 400, "BAD_REQUEST")
		s.fails("PATCH", path+"/"+nobody, `{"name":"x"}`, 404, "NOT_FOUND")
		s.fails("PATCH", "/api/agents/"+string(eve)+"/worlds/"+w["id"].(string), `{"name":"x"}`, 404, "NOT_FOUND")
	})
}

func TestRooms(t *testing.T) {
	t.Parallel()
	s := start(t, memory.Options{})
	path := "/api/memory/" + string(ada) + "/rooms"

	r := s.data("POST", path, `{"name":"a room"}`, 201).(map[string]any)
	if r["type"] != "DM" || r["source"] != "client" || r["channelId"] != r["id"] || r["worldId"] == nil || r["agentId"] != string(ada) {
		t.Errorf("created room = %v", r)
	}
	if _, ok := r["createdAt"].(float64); !ok {
		t.Errorf("createdAt = %v, want milliseconds", r["createdAt"])
	}
	detail := s.data("GET", path+"/"+r["id"].(string), nil, 200).(map[string]any)
	if detail["worldName"] != "World for a room" || detail["name"] != "a room" {
		t.Errorf("room = %v", detail)
	}
	given := s.data("POST", path, `{"name":"b","type":"GROUP","source":"s","worldId":"`+nobody+`","serverId":"x","metadata":{"k":1}}`, 201).(map[string]any)
	if given["worldId"] != nobody || given["serverId"] != "x" || given["messageServerId"] != "x" || given["metadata"].(map[string]any)["k"] != 1.0 {
		t.Errorf("room with world = %v", given)
	}
	// A world that is there keeps its name.
	s.data("POST", path, `{"name":"c","worldId":"`+nobody+`"}`, 201)
	if w := must[*core.World](t)(s.svc.World(t.Context(), ada, nobody)); w.Name != "World for b" {
		t.Errorf("world name = %q", w.Name)
	}
	for _, p := range []string{path, "/api/agents/" + string(ada) + "/rooms"} {
		if list := s.data("GET", p, nil, 200).(map[string]any)["rooms"].([]any); len(list) != 3 {
			t.Errorf("%s lists %d rooms, want 3", p, len(list))
		}
	}
	if list := s.data("GET", path+"?limit=1&offset=1", nil, 200).(map[string]any)["rooms"].([]any); len(list) != 1 {
		t.Errorf("limit=1 lists %d rooms", len(list))
	}

	s.fails("POST", path, `{}`, 400, "MISSING_PARAM")
	s.fails("POST", path, `{"name":""}`, 400, "MISSING_PARAM")
	s.fails("POST", path, `{"name":1}`, 400, "BAD_REQUEST")
	s.fails("POST", path, `{"name":"x","type":"PARTY"}`, 400, "BAD_REQUEST")
	s.fails("POST", path, `{"name":"x","worldId":"nope"}`, 400, "INVALID_ID")
	s.fails("GET", path+"/"+nobody, nil, 404, "NOT_FOUND")
	s.fails("GET", "/api/memory/"+string(eve)+"/rooms/"+r["id"].(string), nil, 404, "NOT_FOUND")
}

func TestGroups(t *testing.T) {
	t.Parallel()
	s := start(t, memory.Options{})
	const id = "77777777-7777-4777-8777-777777777777"
	path := "/api/memory/groups/" + id
	both := `"agentIds":["` + string(ada) + `","` + string(eve) + `"]`

	first := s.data("POST", path, `{"name":"ours",`+both+`}`, 201).([]any)
	again := s.data("POST", path, `{`+both+`}`, 201).([]any)
	for i := range first {
		a, b := first[i].(map[string]any), again[i].(map[string]any)
		if a["id"] != b["id"] || b["name"] != "ours" || a["worldId"] != id || a["type"] != "API" || a["source"] != "client" {
			t.Errorf("room %d: %v, then %v", i, a, b)
		}
	}
	if n := s.rows("rooms", "1 = 1"); len(first) != 2 || n != 2 {
		t.Errorf("%d rooms answered, %d stored, want 2", len(first), n)
	}

	t.Run("errors", func(t *testing.T) {
		for _, body := range []string{`{}`, `{"agentIds":[]}`, `{"agentIds":"x"}`, `{"agentIds":[1]}`, `{"agentIds":null}`} {
			s.fails("POST", path, body, 400, "BAD_REQUEST")
		}
		s.fails("POST", "/api/memory/groups/nope", `{`+both+`}`, 400, "INVALID_ID")
		s.fails("POST", path, `{"agentIds":["`+nobody+`"]}`, 404, "AGENT_NOT_FOUND")
		s.fails("POST", path, `{"agentIds":["nope","`+nobody+`"]}`, 400, "INVALID_ID")
		status, answer := s.do("POST", path, `{"agentIds":["nope","`+nobody+`","`+string(ada)+`"]}`)
		if status != 207 || answer["success"] != false || len(answer["data"].([]any)) != 1 || len(answer["errors"].([]any)) != 2 ||
			answer["error"].(map[string]any)["code"] != "PARTIAL_FAILURE" {
			t.Errorf("partly failed = %d %v", status, answer)
		}
	})
	t.Run("clear, then delete", func(t *testing.T) {
		for _, agent := range []core.UUID{ada, eve} {
			room := core.ForAgent(agent, id)
			check(t, s.svc.For(agent).Record(t.Context(), []core.Memory{
				{RoomID: room, Content: core.Content{Text: "message"}}, {RoomID: room, Table: "facts", Content: core.Content{Text: "fact"}},
			}, []core.Log{{RoomID: room, Type: "run_event"}}))
		}
		s.data("DELETE", path+"/memories", nil, 204)
		if m, f := s.rows("memories", "type = 'messages'"), s.rows("memories", "type = 'facts'"); m != 0 || f != 2 {
			t.Errorf("after the clear: %d messages, %d facts; want 0, 2", m, f)
		}
		s.data("DELETE", path, nil, 204)
		s.data("DELETE", path, nil, 204)
		for _, table := range []string{"memories", "agent_logs", "rooms", "room_participants", "worlds"} {
			if n := s.rows(table, "1 = 1"); n != 0 {
				t.Errorf("%d rows left in %s", n, table)
			}
		}
	})
}
