package messaging

import (
	"context"
	"encoding/json"

	"github.com/eliza-go/eliza/runtime/core"
)

const unknownLevel = 70 // above every level: nothing passes

// logFilter is what a socket wants to see of the log. The zero value is everything.
type logFilter struct {
	agent string
	level int
	shown map[string]any // the filter as the client gave it
}

func (f logFilter) passes(e core.LogEntry) bool {
	return (f.agent == "" || f.agent == e.AgentName) && e.Level >= f.level
}

type subscribedView struct {
	Subscribed bool   `json:"subscribed"`
	Message    string `json:"message"`
}

type filteredView struct {
	Success bool           `json:"success"`
	Filters map[string]any `json:"filters,omitempty"`
	Error   string         `json:"error,omitempty"`
}

type logView struct {
	Type    string        `json:"type"`
	Payload core.LogEntry `json:"payload"`
}

func (g *Gateway) subscribeLogs(_ context.Context, m *member, _ json.RawMessage) (any, error) {
	if g.opts.Logs == nil {
		return nil, &core.Error{Code: core.CodeForbidden, Message: "Log streaming is off"}
	}
	m.setFilter(logFilter{shown: map[string]any{}})
	v := subscribedView{true, "Successfully subscribed to log stream"}
	g.emit(m.socket, "log_subscription_confirmed", v)
	if m.logs == nil {
		m.logs = g.opts.Logs.Subscribe(func(e core.LogEntry) {
			if m.getFilter().passes(e) {
				m.socket.EmitVolatile("log_stream", logView{"log_entry", e})
			}
		})
	}
	return v, nil
}

func (g *Gateway) unsubscribeLogs(_ context.Context, m *member, _ json.RawMessage) (any, error) {
	if m.logs != nil {
		m.logs()
		m.logs = nil
	}
	v := subscribedView{false, "Successfully unsubscribed from log stream"}
	g.emit(m.socket, "log_subscription_confirmed", v)
	return v, nil
}

func (g *Gateway) filterLogs(_ context.Context, m *member, payload json.RawMessage) (any, error) {
	v := filteredView{Error: "Not subscribed to log stream"}
	if m.logs != nil {
		var change struct {
			AgentName *string `json:"agentName"`
			Level     any     `json:"level"`
		}
		if err := decodePayload(payload, &change); err != nil {
			return nil, err
		}
		f := m.getFilter()
		shown := make(map[string]any, 2)
		for k, x := range f.shown {
			shown[k] = x
		}
		f.shown = shown
		if change.AgentName != nil {
			f.shown["agentName"] = *change.AgentName
			if f.agent = *change.AgentName; f.agent == "all" {
				f.agent = ""
			}
		}
		if change.Level != nil {
			f.shown["level"], f.level = change.Level, leastLevel(change.Level)
		}
		m.setFilter(f)
		v = filteredView{Success: true, Filters: f.shown}
	}
	g.emit(m.socket, "log_filters_updated", v)
	return v, nil
}

// leastLevel is the number of a level given by name or number.
func leastLevel(level any) int {
	switch l := level.(type) {
	case json.Number:
		if n, err := l.Int64(); err == nil {
			return int(n)
		}
	case string:
		if l == "all" || l == "" {
			return 0
		}
		if n, ok := core.LogLevel(l); ok {
			return n
		}
	}
	return unknownLevel
}

func (m *member) setFilter(f logFilter) {
	m.filters.Lock()
	defer m.filters.Unlock()
	m.filter = f
}

func (m *member) getFilter() logFilter {
	m.filters.Lock()
	defer m.filters.Unlock()
	return m.filter
}
