package runtime

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

const (
	maxSubmitted = 100     // entries of one submission
	maxEntry     = 4 << 10 // bytes of one submitted entry
)

// logsRequest is a query for the log, in the query string or in a body.
type logsRequest struct {
	Since     json.RawMessage `json:"since"`
	Level     string          `json:"level"`
	AgentName string          `json:"agentName"`
	AgentID   string          `json:"agentId"`
	Limit     json.Number     `json:"limit"`
	Logs      []submittedLog  `json:"logs"`
}

type submittedLog struct {
	Level    string         `json:"level"`
	Message  string         `json:"message"`
	Source   string         `json:"source"`
	Metadata map[string]any `json:"metadata"`
}

type logsView struct {
	Logs      []core.LogEntry `json:"logs"`
	Count     int             `json:"count"`
	Total     int             `json:"total"`
	Level     string          `json:"requestedLevel"`
	AgentName string          `json:"agentName"`
	AgentID   string          `json:"agentId"`
	Levels    []string        `json:"levels"`
}

func (h *Handler) list(c echo.Context) error {
	return h.answer(c, logsRequest{})
}

// submitLogs takes entries of a client, marked as such, and answers like list.
func (h *Handler) submitLogs(c echo.Context) error {
	var req logsRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	if len(req.Logs) > maxSubmitted {
		return core.BadRequest("at most 100 log entries in one request")
	}
	for _, l := range req.Logs {
		if b, err := core.EncodeJSON(l); err != nil || len(b) > maxEntry {
			return core.BadRequest("a log entry may have 4096 bytes")
		}
	}
	for _, l := range req.Logs {
		level, ok := core.LogLevel(l.Level)
		if !ok {
			level = 30
		}
		h.logs.Add(core.LogEntry{Time: h.opts.Now.Now(), Level: level, Message: l.Message, Fields: map[string]any{
			"source": "client", "clientSource": l.Source, "metadata": redactMap(l.Metadata),
		}})
	}
	return h.answer(c, req)
}

// answer writes the entries a request selects; a parameter in the query string wins over the body.
func (h *Handler) answer(c echo.Context, req logsRequest) error {
	level := cmp.Or(c.QueryParam("level"), req.Level, "all")
	name := cmp.Or(c.QueryParam("agentName"), req.AgentName, "all")
	id := cmp.Or(c.QueryParam("agentId"), req.AgentID, "all")
	since, err := h.sinceOf(c.QueryParam("since"), req.Since)
	if err != nil {
		return err
	}
	q := Query{Since: since, Limit: 100}
	if n, err := strconv.Atoi(cmp.Or(c.QueryParam("limit"), req.Limit.String())); err == nil && n > 0 {
		q.Limit = min(n, 1000)
	}
	if level != "all" {
		n, known := core.LogLevel(level)
		if !known {
			n = 30
		}
		q.Level = n
	}
	if name != "all" {
		q.AgentName = name
	}
	if id != "all" {
		u, err := core.ParseUUID(id)
		if err != nil {
			return err
		}
		q.AgentID = u
	}
	found, total := h.logs.Entries(q)
	return httpapi.JSON(c, http.StatusOK, logsView{
		Logs: found, Count: len(found), Total: total, Level: level, AgentName: name, AgentID: id,
		Levels: []string{"fatal", "error", "warn", "info", "log", "progress", "success", "debug", "trace"},
	})
}

func (h *Handler) sinceOf(query string, body json.RawMessage) (core.Millis, error) {
	if query == "" && len(body) > 0 && string(body) != "null" {
		query = string(body)
		var s string
		if json.Unmarshal(body, &s) == nil {
			query = s
		}
	}
	if query == "" {
		return h.opts.Now.Now() - core.Millis(time.Hour.Milliseconds()), nil
	}
	return core.ParseTime(query)
}

func (h *Handler) clear(c echo.Context) error {
	h.logs.Clear()
	return httpapi.JSON(c, http.StatusOK, map[string]any{"status": "success", "message": "Logs cleared successfully"})
}
