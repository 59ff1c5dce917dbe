package memory

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

// States of a run.
const (
	RunStarted   = "started"
	RunCompleted = "completed"
	RunTimeout   = "timeout"
	RunError     = "error"
)

// maxRunLogs bounds how many entries of a page of runs are read.
const maxRunLogs = 10_000

// RunQuery selects runs of one agent. The zero value of a field does not filter.
type RunQuery struct {
	Agent    core.UUID
	Rooms    []core.UUID
	Status   string
	From, To core.Millis // of the start, inclusive
	Limit    int
}

// RunSummary is one turn of an agent as its log tells it.
type RunSummary struct {
	RunID      string         `json:"runId"`
	Status     string         `json:"status"`
	StartedAt  *core.Millis   `json:"startedAt"`
	EndedAt    *core.Millis   `json:"endedAt"`
	DurationMs *int64         `json:"durationMs"`
	MessageID  string         `json:"messageId,omitempty"`
	RoomID     core.UUID      `json:"roomId,omitempty"`
	EntityID   core.UUID      `json:"entityId,omitempty"`
	Metadata   map[string]any `json:"metadata"`
	Counts     RunCounts      `json:"counts"`
}

// RunCounts is how much is logged under a run.
type RunCounts struct {
	Actions    int `json:"actions"`
	ModelCalls int `json:"modelCalls"`
	Errors     int `json:"errors"`
	Evaluators int `json:"evaluators"`
}

// Run is a turn with what happened in it, oldest first.
type Run struct {
	Summary RunSummary `json:"summary"`
	Events  []RunEvent `json:"events"`
}

// RunEvent is one thing that happened in a run.
type RunEvent struct {
	Type      string         `json:"type"`
	Timestamp core.Millis    `json:"timestamp"`
	Data      map[string]any `json:"data"`
}

// LogRun is the type of the log entries that tell of the beginning and end of a run.
const LogRun = "run_event"

// RunStatus is the state a run is in after such an entry.
func RunStatus(body map[string]any) string {
	switch status := text(body, "status"); status {
	case RunTimeout, RunError:
		return status
	case RunCompleted:
		if text(body, "error") != "" {
			return RunError
		}
		return RunCompleted
	}
	return RunStarted
}

// Runs implements [Service].
func (m *Manager) Runs(ctx context.Context, q RunQuery) ([]RunSummary, int, error) {
	q.Limit = limitOf(q.Limit)
	ids, total, err := m.store.Runs(ctx, q)
	if err != nil || len(ids) == 0 {
		return []RunSummary{}, total, err
	}
	logs, err := m.store.Logs(ctx, LogQuery{Agent: q.Agent, Type: LogRun, Runs: ids, Limit: maxRunLogs})
	if err != nil {
		return nil, 0, err
	}
	found := summaries(logs)
	page := make([]RunSummary, 0, len(ids))
	for _, id := range ids {
		if i := slices.IndexFunc(found, func(r RunSummary) bool { return r.RunID == id }); i >= 0 {
			page = append(page, found[i])
		}
	}
	return page, total, m.count(ctx, q.Agent, page)
}

func (m *Manager) count(ctx context.Context, agent core.UUID, runs []RunSummary) error {
	if len(runs) == 0 {
		return nil
	}
	ids := make([]string, len(runs))
	for i, r := range runs {
		ids[i] = r.RunID
	}
	counts, err := m.store.RunCounts(ctx, agent, ids)
	if err != nil {
		return err
	}
	for i := range runs {
		c := counts[runs[i].RunID]
		if s := runs[i].Status; s == RunError || s == RunTimeout {
			c.Errors++
		}
		runs[i].Counts = c
	}
	return nil
}

// Run implements [Service].
func (m *Manager) Run(ctx context.Context, agent, room core.UUID, run string) (*Run, error) {
	q := LogQuery{Agent: agent, Runs: []string{run}, Limit: MaxLimit}
	if room != "" {
		q.Rooms = roomIDs(agent, room)
	}
	logs, err := m.store.Logs(ctx, q)
	if err != nil {
		return nil, err
	}
	own := slices.DeleteFunc(slices.Clone(logs), func(l core.Log) bool { return l.Type != LogRun || text(l.Body, "runId") != run })
	runs := summaries(own)
	if len(runs) == 0 {
		return nil, ErrRunNotFound
	}
	if err := m.count(ctx, agent, runs); err != nil {
		return nil, err
	}
	out := &Run{Summary: runs[0], Events: make([]RunEvent, 0, len(logs))}
	for _, l := range slices.Backward(logs) {
		if e, ok := runEvent(l); ok {
			out.Events = append(out.Events, e)
		}
	}
	slices.SortStableFunc(out.Events, func(a, b RunEvent) int { return cmp.Compare(a.Timestamp, b.Timestamp) })
	return out, nil
}

// summaries groups run events, newest first, into runs.
func summaries(logs []core.Log) []RunSummary {
	byID := map[string]*RunSummary{}
	order := []*RunSummary{}
	for _, l := range slices.Backward(logs) {
		id := text(l.Body, "runId")
		r := byID[id]
		if r == nil {
			r = &RunSummary{RunID: id, Status: RunStarted, RoomID: l.RoomID, EntityID: l.EntityID, Metadata: map[string]any{}}
			byID[id] = r
			order = append(order, r)
		}
		r.add(l)
	}
	out := make([]RunSummary, len(order))
	for i, r := range order {
		if r.StartedAt != nil && r.EndedAt != nil && r.DurationMs == nil {
			d := int64(*r.EndedAt - *r.StartedAt)
			r.DurationMs = &d
		}
		out[i] = *r
	}
	return out
}

// add takes over what one entry says about its run.
func (r *RunSummary) add(l core.Log) {
	if id := text(l.Body, "messageId"); id != "" {
		r.MessageID = id
	}
	if source := text(l.Body, "source"); source != "" {
		r.Metadata["source"] = source
	}
	if start, ok := number(l.Body, "startTime"); ok {
		r.StartedAt = millis(start)
	} else if r.StartedAt == nil && text(l.Body, "status") == RunStarted {
		r.StartedAt = millis(int64(l.CreatedAt))
	}
	status := RunStatus(l.Body)
	if status == RunStarted {
		return
	}
	r.Status = status
	if reason := text(l.Body, "error"); reason != "" {
		r.Metadata["error"] = reason
	}
	end, ok := number(l.Body, "endTime")
	if !ok {
		end = int64(l.CreatedAt)
	}
	r.EndedAt = millis(end)
	if d, ok := number(l.Body, "duration"); ok {
		r.DurationMs = &d
	}
}

// runEvent is a log entry as an event of its run.
func runEvent(l core.Log) (RunEvent, bool) {
	b := l.Body
	e := RunEvent{Timestamp: core.Millis(l.CreatedAt)}
	switch {
	case l.Type == LogRun && text(b, "status") == RunStarted:
		e.Type, e.Data = "RUN_STARTED", pick(b, "source", "messageId")
		if start, ok := number(b, "startTime"); ok {
			e.Timestamp = core.Millis(start)
		}
	case l.Type == LogRun:
		e.Type, e.Data = "RUN_ENDED", pick(b, "status", "error")
		if d, ok := number(b, "duration"); ok {
			e.Data["durationMs"] = d
		}
	case l.Type == "action_event" && text(b, "status") != "" && text(b, "status") != RunStarted:
		return e, false // its end is told by an entry of type action
	case l.Type == "action_event":
		e.Type, e.Data = "ACTION_STARTED", pick(b, "actionId", "messageId", "planStep")
		e.Data["actionName"] = first(b, "actionName", "action")
	case l.Type == "action":
		e.Type, e.Data = "ACTION_COMPLETED", pick(b, "actionId", "result", "promptCount", "prompts", "params", "response")
		e.Data["actionName"] = first(b, "actionName", "action")
		result, _ := b["result"].(map[string]any)
		e.Data["success"] = result["success"] != false
	case strings.HasPrefix(l.Type, "useModel:"):
		e.Type, e.Data = "MODEL_USED", pick(withParams(b), "modelType", "provider", "executionTime", "actionContext", "params", "response", "usage",
			"prompts", "prompt", "inputTokens", "outputTokens", "cost")
		if _, ok := e.Data["modelType"]; !ok {
			e.Data["modelType"] = strings.TrimPrefix(l.Type, "useModel:")
		}
	case l.Type == "evaluator":
		e.Type = "EVALUATOR_COMPLETED"
		e.Data = map[string]any{"evaluatorName": first(b, "evaluatorName", "evaluator", "name"), "success": b["success"] != false}
	case l.Type == "embedding_event":
		e.Type, e.Data = "EMBEDDING_EVENT", pick(b, "status", "memoryId", "durationMs")
	default:
		return e, false
	}
	return e, true
}

func pick(b map[string]any, keys ...string) map[string]any {
	out := map[string]any{}
	for _, k := range keys {
		if v, ok := b[k]; ok {
			out[k] = v
		}
	}
	return out
}

func first(b map[string]any, keys ...string) string {
	for _, k := range keys {
		if s := text(b, k); s != "" {
			return s
		}
	}
	return ""
}

func text(b map[string]any, key string) string {
	s, _ := b[key].(string)
	return s
}

func number(b map[string]any, key string) (int64, bool) {
	n, ok := b[key].(json.Number)
	if !ok {
		return 0, false
	}
	if i, err := n.Int64(); err == nil {
		return i, true
	}
	f, err := n.Float64()
	return int64(f), err == nil
}

func millis(n int64) *core.Millis {
	m := core.Millis(n)
	return &m
}
