package memory_test

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/runtime/core"
)

const (
	runA = "00000000-0000-4000-8000-00000000000a"
	runB = "00000000-0000-4000-8000-00000000000b"
	runC = "00000000-0000-4000-8000-00000000000c"
)

// logged is a server with the logs of three runs: one that ended well, one that failed, one that goes on.
func logged(t *testing.T) *server {
	s := start(t, memory.Options{})
	must[core.Room](t)(s.svc.For(ada).Connect(t.Context(), s.turn(hall, user)))
	room := core.ForAgent(ada, string(hall))
	entry := func(at int, kind string, room core.UUID, body map[string]any) core.Log {
		return core.Log{ID: core.UUID(fmt.Sprintf("00000000-0000-4000-8000-0000000001%02d", at)), CreatedAt: core.ISO(1000 + at), Type: kind, RoomID: room, EntityID: user, Body: body}
	}
	check(t, s.svc.For(ada).Record(t.Context(), nil, []core.Log{
		entry(1, "run_event", room, map[string]any{"runId": runA, "status": "started", "startTime": 1001, "messageId": nobody, "source": "messageHandler"}),
		entry(2, "useModel:TEXT_LARGE", room, map[string]any{"runId": runA, "modelType": "TEXT_LARGE", "prompt": "p", "provider": "doctor"}),
		entry(3, "useModel:TEXT_EMBEDDING", room, map[string]any{"runId": runA, "modelType": "TEXT_EMBEDDING"}),
		entry(4, "action_event", room, map[string]any{"runId": runA, "actionName": "REPLY", "actionId": "x", "status": "started"}),
		entry(5, "action_event", room, map[string]any{"runId": runA, "actionName": "REPLY", "actionId": "x", "status": "completed"}),
		entry(6, "action", room, map[string]any{"runId": runA, "action": "REPLY", "actionId": "x", "result": map[string]any{"success": true}}),
		entry(7, "action", room, map[string]any{"runId": runA, "action": "MUTE", "result": map[string]any{"success": false}}),
		entry(8, "evaluator", room, map[string]any{"runId": runA, "evaluator": "REFLECTION"}),
		entry(9, "useModel:TEXT_SMALL", room, map[string]any{"runId": runC, "parentRunId": runA}),
		entry(10, "run_event", room, map[string]any{"runId": runA, "status": "completed", "endTime": 1010}),
		entry(20, "run_event", user, map[string]any{"runId": runB, "status": "started", "startTime": 1020}),
		entry(21, "run_event", user, map[string]any{"runId": runB, "status": "timeout", "endTime": 1031, "duration": 11, "error": "too slow"}),
		entry(30, "run_event", user, map[string]any{"runId": runC, "status": "started"}),
		entry(40, "embedding_event", "", nil),
	}))
	check(t, s.svc.For(eve).Record(t.Context(), nil, []core.Log{{Type: "run_event", RoomID: room, Body: map[string]any{"runId": runA, "status": "started"}}}))
	return s
}

func TestLogs(t *testing.T) {
	t.Parallel()
	s := logged(t)
	path := "/api/agents/" + string(ada) + "/logs"
	list := func(query string) (at []int) {
		t.Helper()
		for _, l := range s.data("GET", path+"?"+query, nil, 200).([]any) {
			l := l.(map[string]any)
			when := must[time.Time](t)(time.Parse(time.RFC3339, l["createdAt"].(string)))
			at = append(at, int(when.UnixMilli()-1000))
			if l["agentId"] != string(ada) {
				t.Errorf("log of another agent: %v", l)
			}
			if _, ok := l["body"].(map[string]any); !ok {
				t.Errorf("body = %v", l["body"])
			}
		}
		return at
	}
	all := []int{40, 30, 21, 20, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}
	for query, want := range map[string][]int{
		"":                                      all,
		"count=3":                               all[:3],
		"limit=3":                               all[:3],
		"limit=2&offset=3":                      all[3:5],
		"limit=-1":                              all,
		"limit=x&offset=y":                      all,
		"offset=100":                            nil,
		"type=action":                           {7, 6},
		"type=useModel%3ATEXT_LARGE":            {2},
		"type=none":                             nil,
		"roomId=" + string(user):                {30, 21, 20},
		"roomId=" + string(hall) + "&count=1":   {10},
		"roomId=" + nobody:                      nil,
		"from=1021":                             {40, 30, 21},
		"to=1002":                               {2, 1},
		"from=1970-01-01T00:00:01.009Z&to=1010": {10, 9},
		"excludeTypes=run_event,action,action_event,evaluator":                                              {40, 9, 3, 2},
		"excludeTypes=run_event&excludeTypes=action&excludeTypes=%20embedding%20&excludeTypes=action_event": {40, 9, 8, 2},
		"excludeTypes=text_&type=useModel%3ATEXT_LARGE":                                                     nil,
		"excludeTypes=TEXT%25&limit=1":                                                                      {40},
		"excludeTypes=,":                                                                                    all,
	} {
		if got := list(query); !slices.Equal(got, want) {
			t.Errorf("?%s = %v, want %v", query, got, want)
		}
	}
	s.fails("GET", path+"?roomId=nope", nil, 400, "INVALID_ID")
	s.fails("GET", "/api/agents/"+nobody+"/logs?roomId=nope", nil, 400, "INVALID_ID")
	s.fails("GET", path+"?from=soon", nil, 400, "BAD_REQUEST")
	s.fails("GET", path+"?to=later", nil, 400, "BAD_REQUEST")
	many := url.Values{}
	for i := range 51 {
		many.Add("excludeTypes", fmt.Sprint(i))
	}
	s.fails("GET", path+"?"+many.Encode(), nil, 400, "BAD_REQUEST")

	t.Run("delete", func(t *testing.T) {
		const id = "00000000-0000-4000-8000-000000000140"
		s.data("DELETE", "/api/agents/"+string(eve)+"/logs/"+id, nil, 204)
		if got := list("count=1"); !slices.Equal(got, []int{40}) {
			t.Errorf("another agent deleted it: %v", got)
		}
		s.data("DELETE", path+"/"+id, nil, 204)
		s.data("DELETE", path+"/"+id, nil, 204)
		if got := list("count=1"); !slices.Equal(got, []int{30}) {
			t.Errorf("after the deletion: %v", got)
		}
	})
}

func TestRuns(t *testing.T) {
	t.Parallel()
	s := logged(t)
	path := "/api/agents/" + string(ada) + "/runs"
	list := func(query string) (ids []string, total float64, more bool) {
		t.Helper()
		d := s.data("GET", path+"?"+query, nil, 200).(map[string]any)
		for _, r := range d["runs"].([]any) {
			ids = append(ids, r.(map[string]any)["runId"].(string))
		}
		return ids, d["total"].(float64), d["hasMore"].(bool)
	}
	for query, want := range map[string][]string{
		"":                       {runC, runB, runA},
		"status=all":             {runC, runB, runA},
		"status=odd":             {runC, runB, runA},
		"status=completed":       {runA},
		"status=timeout":         {runB},
		"status=started":         {runC},
		"status=error":           nil,
		"roomId=" + string(hall): {runA},
		"from=1001&to=1020":      {runB, runA},
		"from=1002":              {runC, runB},
	} {
		got, total, more := list(query)
		if !slices.Equal(got, want) || int(total) != len(want) || more {
			t.Errorf("?%s = %v of %v, more %v; want %v", query, got, total, more, want)
		}
	}
	if got, total, more := list("limit=1"); len(got) != 1 || total != 3 || !more {
		t.Errorf("limit=1: %v of %v, more %v", got, total, more)
	}

	d := s.data("GET", path+"/"+runA, nil, 200).(map[string]any)
	want := map[string]any{
		"runId": runA, "status": "completed", "startedAt": 1001.0, "endedAt": 1010.0, "durationMs": 9.0, "messageId": nobody,
		"roomId": string(core.ForAgent(ada, string(hall))), "entityId": string(user), "metadata": map[string]any{"source": "messageHandler"},
		"counts": map[string]any{"actions": 2.0, "modelCalls": 2.0, "errors": 1.0, "evaluators": 1.0},
	}
	if diff := cmp.Diff(want, d["summary"]); diff != "" {
		t.Error(diff)
	}
	var kinds []string
	for _, e := range d["events"].([]any) {
		kinds = append(kinds, e.(map[string]any)["type"].(string))
	}
	if diff := cmp.Diff([]string{
		"RUN_STARTED", "MODEL_USED", "MODEL_USED", "ACTION_STARTED", "ACTION_COMPLETED", "ACTION_COMPLETED", "EVALUATOR_COMPLETED", "MODEL_USED", "RUN_ENDED",
	}, kinds); diff != "" {
		t.Error(diff)
	}
	failed := s.data("GET", path+"/"+runB+"?roomId="+string(user), nil, 200).(map[string]any)["summary"].(map[string]any)
	if failed["durationMs"] != 11.0 || failed["counts"].(map[string]any)["errors"] != 1.0 || failed["metadata"].(map[string]any)["error"] != "too slow" {
		t.Errorf("failed run = %v", failed)
	}
	goes := s.data("GET", path+"/"+runC, nil, 200).(map[string]any)["summary"].(map[string]any)
	if goes["startedAt"] != 1030.0 || goes["endedAt"] != nil || goes["durationMs"] != nil {
		t.Errorf("run that goes on = %v", goes)
	}
	s.fails("GET", path+"/"+nobody, nil, 404, "NOT_FOUND")
	s.fails("GET", path+"/"+runA+"?roomId="+string(user), nil, 404, "NOT_FOUND")
	s.fails("GET", path+"?roomId=nope", nil, 400, "INVALID_ID")
}

func TestSweep(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T, opts memory.Options) *server {
		s := start(t, opts)
		now := time.Now()
		for _, agent := range []core.UUID{ada, eve} {
			logs := make([]core.Log, 1500)
			for i := range logs {
				logs[i] = core.Log{Type: "x", CreatedAt: core.ISO(now.Add(-time.Duration(i) * time.Hour).UnixMilli())}
			}
			check(t, s.svc.For(agent).Record(t.Context(), nil, logs))
		}
		return s
	}
	for name, c := range map[string]struct {
		opts memory.Options
		left int
	}{
		"default":     {memory.Options{}, 720},
		"age":         {memory.Options{LogAge: 100*time.Hour + time.Minute, LogsPerAgent: -1}, 101},
		"number":      {memory.Options{LogAge: -1, LogsPerAgent: 70}, 70},
		"whichever":   {memory.Options{LogAge: 24*time.Hour + time.Minute, LogsPerAgent: 70}, 25},
		"without end": {memory.Options{LogAge: -1, LogsPerAgent: -1}, 1500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t, c.opts)
			check(t, s.svc.Sweep(t.Context()))
			for _, agent := range []core.UUID{ada, eve} {
				if n := s.rows("agent_logs", "agent_id = ?", agent); n != c.left {
					t.Errorf("%d left, want %d", n, c.left)
				}
			}
		})
	}
}
