package memory

import (
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

// Bounds of filters.
const (
	maxExcluded = 50
	maxFilter   = 255 // bytes of a word
)

// period reads the rooms and times logs and runs are filtered by.
func period(c echo.Context, agent core.UUID) (rooms []core.UUID, from, to core.Millis, err error) {
	room, err := httpapi.UUIDQuery(c, "roomId")
	if err != nil {
		return nil, 0, 0, err
	}
	if room != "" {
		rooms = roomIDs(agent, room)
	}
	if from, err = httpapi.TimeQuery(c, "from"); err != nil {
		return nil, 0, 0, err
	}
	to, err = httpapi.TimeQuery(c, "to")
	return rooms, from, to, err
}

func (h *Handler) logs(c echo.Context) error {
	agent, err := h.agent(c, "roomId")
	if err != nil {
		return err
	}
	q := LogQuery{
		Agent: agent, Type: c.QueryParam("type"), Limit: httpapi.Limit(c, DefaultLimit, MaxLimit, "count"), Offset: httpapi.Offset(c),
	}
	if q.Rooms, q.From, q.To, err = period(c, agent); err != nil {
		return err
	}
	if q.ExcludeTypes, err = excluded(c); err != nil {
		return err
	}
	list, err := h.svc.Logs(c.Request().Context(), q)
	if err != nil {
		return err
	}
	for i := range list {
		list[i].Body = withParams(list[i].Body)
	}
	return httpapi.OK(c, list)
}

// withParams shows a model call's prompt also among its parameters, where clients look for it; it is stored
// once, for it is the largest part of a log.
func withParams(body map[string]any) map[string]any {
	if body["prompt"] != nil && body["params"] == nil {
		body["params"] = map[string]any{"prompt": body["prompt"]}
	}
	return body
}

// excluded reads excludeTypes: repeated, or a comma list.
func excluded(c echo.Context) ([]string, error) {
	types := strings.Split(strings.Join(c.QueryParams()["excludeTypes"], ","), ",")
	for i, t := range types {
		types[i] = strings.TrimSpace(t)
	}
	types = slices.DeleteFunc(types, func(t string) bool { return t == "" })
	slices.Sort(types)
	types = slices.Compact(types)
	if len(types) > maxExcluded || slices.ContainsFunc(types, func(t string) bool { return len(t) > maxFilter }) {
		return nil, core.BadRequest("Invalid excludeTypes")
	}
	return types, nil
}

func (h *Handler) deleteLog(c echo.Context) error {
	agent, id, err := h.target(c, "logId")
	if err != nil {
		return err
	}
	if err := h.svc.DeleteLog(c.Request().Context(), agent, id); err != nil {
		return err
	}
	return httpapi.NoContent(c)
}

func (h *Handler) runs(c echo.Context) error {
	agent, err := h.agent(c, "roomId")
	if err != nil {
		return err
	}
	q := RunQuery{Agent: agent, Limit: httpapi.Limit(c, 20, 100)}
	if q.Rooms, q.From, q.To, err = period(c, agent); err != nil {
		return err
	}
	switch s := c.QueryParam("status"); s {
	case RunStarted, RunCompleted, RunTimeout, RunError:
		q.Status = s
	}
	page, total, err := h.svc.Runs(c.Request().Context(), q)
	if err != nil {
		return err
	}
	return httpapi.OK(c, map[string]any{"runs": page, "total": total, "hasMore": total > len(page)})
}

func (h *Handler) run(c echo.Context) error {
	agent, id, err := h.target(c, "runId")
	if err != nil {
		return err
	}
	room, err := httpapi.UUIDQuery(c, "roomId")
	if err != nil {
		return err
	}
	run, err := h.svc.Run(c.Request().Context(), agent, room, string(id))
	if err != nil {
		return err
	}
	return httpapi.OK(c, run)
}
