package client

import (
	"context"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// Run is one turn of an agent as its log tells it.
type Run struct {
	ID         string         `json:"runId"`
	Status     string         `json:"status"`    // started, completed, timeout or error
	StartedAt  core.Millis    `json:"startedAt"` // 0 = not known
	EndedAt    core.Millis    `json:"endedAt"`   // 0 = not yet
	DurationMs int64          `json:"durationMs"`
	MessageID  string         `json:"messageId"`
	RoomID     core.UUID      `json:"roomId"`
	EntityID   core.UUID      `json:"entityId"`
	Metadata   map[string]any `json:"metadata"`
	Counts     struct {
		Actions    int `json:"actions"`
		ModelCalls int `json:"modelCalls"`
		Errors     int `json:"errors"`
		Evaluators int `json:"evaluators"`
	} `json:"counts"`
}

// RunEvent is something that happened in a run.
type RunEvent struct {
	Type      string         `json:"type"`
	Timestamp core.Millis    `json:"timestamp"`
	Data      map[string]any `json:"data"`
}

// RunDetail is a run with what happened in it, oldest first.
type RunDetail struct {
	Summary Run        `json:"summary"`
	Events  []RunEvent `json:"events"`
}

// RunQuery selects runs. The zero value is the newest ones.
type RunQuery struct {
	RoomID   core.UUID // or the id of its channel
	Status   string
	From, To time.Time
	Limit    int
}

// RunPage is a part of the runs that match.
type RunPage struct {
	Runs    []Run `json:"runs"`
	Total   int   `json:"total"` // that match
	HasMore bool  `json:"hasMore"`
}

// Runs lists an agent's turns, newest first.
func (a *Agents) Runs(ctx context.Context, id core.UUID, q RunQuery) (*RunPage, error) {
	p := params{}.id("roomId", q.RoomID).text("status", q.Status).moment("from", q.From).moment("to", q.To).count("limit", q.Limit)
	return data[RunPage](ctx, a.c, get("api", "agents", string(id), "runs").with(p.values()))
}

// Run returns one turn.
func (a *Agents) Run(ctx context.Context, id core.UUID, run string) (*RunDetail, error) {
	return data[RunDetail](ctx, a.c, get("api", "agents", string(id), "runs", run))
}
