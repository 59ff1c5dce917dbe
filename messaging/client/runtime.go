package client

import (
	"context"
	"net/http"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// Runtime are the calls on the running server: its health and its log.
type Runtime struct{ c *Client }

// Health says how a server is.
type Health struct {
	Status       string            `json:"status"` // OK or DEGRADED
	Version      string            `json:"version"`
	Timestamp    core.ISO          `json:"timestamp"`
	Dependencies map[string]string `json:"dependencies"` // agents: healthy or no_agents
	AgentCount   int               `json:"agentCount"`   // only of [Runtime.Ready]
}

// Status counts running agents.
type Status struct {
	Status     string   `json:"status"`
	AgentCount int      `json:"agentCount"`
	Timestamp  core.ISO `json:"timestamp"`
}

// Ping asks whether the server is there, with the key, and returns its time.
func (r *Runtime) Ping(ctx context.Context) (core.Millis, error) {
	v, err := whole[struct {
		Timestamp core.Millis `json:"timestamp"`
	}](ctx, r.c, get("api", "runtime", "ping"))
	if err != nil {
		return 0, err
	}
	return v.Timestamp, nil
}

// Hello is greeted.
func (r *Runtime) Hello(ctx context.Context) (string, error) {
	v, err := whole[struct {
		Message string `json:"message"`
	}](ctx, r.c, get("api", "runtime", "hello"))
	if err != nil {
		return "", err
	}
	return v.Message, nil
}

// Status counts running agents.
func (r *Runtime) Status(ctx context.Context) (*Status, error) {
	return whole[Status](ctx, r.c, get("api", "runtime", "status"))
}

// Health returns the health, also while no agent is running.
func (r *Runtime) Health(ctx context.Context) (*Health, error) {
	return r.health(ctx, "api", "runtime", "health")
}

// Ready is Health without a key. Its status is DEGRADED while no agent is running.
func (r *Runtime) Ready(ctx context.Context) (*Health, error) { return r.health(ctx, "health") }

// health reads an answer that is good with status 503 too, unless it is an error.
func (r *Runtime) health(ctx context.Context, path ...string) (*Health, error) {
	res, err := r.c.open(ctx, &request{method: http.MethodGet, path: path, also: http.StatusServiceUnavailable})
	if err != nil {
		return nil, err
	}
	b, err := read(res)
	if err != nil {
		return nil, err
	}
	var h Health
	if core.DecodeJSON(b, &h) == nil && h.Status != "" {
		return &h, nil
	}
	if e := decodeError(b); e != nil {
		e.RetryAfter = retryAfter(res.Header)
		return nil, e
	}
	return nil, &core.Error{Code: core.CodeUnavailable, Message: "The health cannot be read", Details: excerpt(b)}
}

// Live asks whether the process lives, without a key.
func (r *Runtime) Live(ctx context.Context) error { return r.c.none(ctx, get("healthz")) }

// Stop shuts the server down. Only with its key, from its own machine, or for whom its host lets.
func (r *Runtime) Stop(ctx context.Context) error {
	return r.c.none(ctx, post(nil, "api", "runtime", "stop"))
}

// DebugServers lists message servers for debugging, a thousand at most.
func (r *Runtime) DebugServers(ctx context.Context) ([]MessageServer, error) {
	v, err := data[struct {
		Servers []MessageServer `json:"servers"`
	}](ctx, r.c, get("api", "runtime", "debug", "servers"))
	if err != nil {
		return nil, err
	}
	return v.Servers, nil
}

// ServerLogQuery selects entries of the server's log. The zero value is everything of the last hour.
type ServerLogQuery struct {
	Since     time.Time
	Level     string // exactly this one, or all; all when empty
	AgentName string
	AgentID   core.UUID
	Limit     int // 100 when 0
}

func (q ServerLogQuery) params() params {
	if q.Level == "" {
		q.Level = "all"
	}
	return params{}.moment("since", q.Since).text("level", q.Level).text("agentName", q.AgentName).id("agentId", q.AgentID).count("limit", q.Limit)
}

// ServerLogs are the newest entries that match, oldest first.
type ServerLogs struct {
	Logs  []core.LogEntry `json:"logs"`
	Total int             `json:"total"` // that are kept
}

// ClientLog is an entry of a client's for the server's log, 4 KiB at most.
type ClientLog struct {
	Level    string         `json:"level"`
	Message  string         `json:"message"`
	Source   string         `json:"source,omitempty"`
	Metadata map[string]any `json:"metadata,omitempty"`
}

// Logs reads the server's log. [Socket.SubscribeLogs] follows it.
func (r *Runtime) Logs(ctx context.Context, q ServerLogQuery) (*ServerLogs, error) {
	return whole[ServerLogs](ctx, r.c, get("api", "runtime", "logs").with(q.params().values()))
}

// AddLogs adds entries, a hundred at most, marked as a client's, and then reads the log.
func (r *Runtime) AddLogs(ctx context.Context, entries []ClientLog, q ServerLogQuery) (*ServerLogs, error) {
	body := struct {
		Logs []ClientLog `json:"logs"`
	}{entries}
	return whole[ServerLogs](ctx, r.c, post(body, "api", "runtime", "logs").with(q.params().values()))
}

// ClearLogs empties the server's log.
func (r *Runtime) ClearLogs(ctx context.Context) error {
	return r.c.none(ctx, remove("api", "runtime", "logs"))
}
