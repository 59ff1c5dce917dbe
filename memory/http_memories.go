package memory

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

const maxTableName = 64

// memoryQuery reads what both lists of memories have in common.
func memoryQuery(c echo.Context, limit int) (core.MemoryQuery, error) {
	q := core.MemoryQuery{
		Table: c.QueryParam("tableName"), Text: c.QueryParam("search"), Limit: httpapi.Limit(c, limit, MaxLimit, "count"),
		Offset: httpapi.Offset(c), IncludeEmbedding: c.QueryParam("includeEmbedding") == "true",
	}
	if q.Table == "" {
		q.Table = core.TableMessages
	}
	if len(q.Table) > maxTableName || strings.Trim(q.Table, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
		return q, core.BadRequest("Invalid tableName")
	}
	var err error
	if q.Before, err = httpapi.TimeQuery(c, "before"); err != nil {
		return q, err
	}
	q.After, err = httpapi.TimeQuery(c, "after")
	return q, err
}

// inRoom narrows a query to a room named by roomId or, which wins, channelId.
func inRoom(c echo.Context, agent core.UUID, q *core.MemoryQuery) error {
	room, err := httpapi.UUIDQuery(c, "roomId")
	if err != nil {
		return err
	}
	channel, err := httpapi.UUIDQuery(c, "channelId")
	if err != nil {
		return err
	}
	q.RoomID = room
	if channel != "" {
		q.RoomID = core.ForAgent(agent, string(channel))
	}
	return nil
}

func (h *Handler) memories(c echo.Context) error {
	agent, err := h.agent(c, "roomId", "channelId")
	if err != nil {
		return err
	}
	q, err := memoryQuery(c, MaxLimit)
	if err != nil {
		return err
	}
	if err := inRoom(c, agent, &q); err != nil {
		return err
	}
	return h.page(c, agent, q)
}

func (h *Handler) roomMemories(c echo.Context) error {
	agent, id, err := h.target(c, "roomId")
	if err != nil {
		return err
	}
	q, err := memoryQuery(c, 20)
	if err != nil {
		return err
	}
	if q.RoomID, err = h.svc.ResolveRoom(c.Request().Context(), agent, id); err != nil {
		return err
	}
	return h.page(c, agent, q)
}

func (h *Handler) page(c echo.Context, agent core.UUID, q core.MemoryQuery) error {
	page, more, err := h.svc.Memories(c.Request().Context(), agent, q)
	if err != nil {
		return err
	}
	page = slices.Clone(page)
	for i := range page {
		page[i].Content = h.published(page[i].Content)
	}
	return httpapi.OK(c, map[string]any{"memories": page, "hasMore": more})
}

// published is content as clients get it: an agent's own records name its files by their places.
func (h *Handler) published(c core.Content) core.Content {
	if h.opts.PublicURL == nil || len(c.Attachments) == 0 {
		return c
	}
	c.Attachments = slices.Clone(c.Attachments)
	for i := range c.Attachments {
		c.Attachments[i].URL = h.opts.PublicURL(c.Attachments[i].URL)
	}
	return c
}

type patchMemoryRequest struct {
	Content   *core.Content  `json:"content"`
	Metadata  map[string]any `json:"metadata"`
	Embedding []float32      `json:"embedding"`
}

// patchedView is a memory with what the client shows.
type patchedView struct {
	core.Memory
	Message string `json:"message"`
}

func (h *Handler) patchMemory(c echo.Context) error {
	agent, id, err := h.target(c, "memoryId")
	if err != nil {
		return err
	}
	var req patchMemoryRequest
	if err := httpapi.Decode(c, &req); err != nil {
		return err
	}
	if err := req.check(); err != nil {
		return err
	}
	m, err := h.svc.PatchMemory(c.Request().Context(), agent, id, MemoryPatch{
		Content: req.Content, Metadata: req.Metadata, Embedding: req.Embedding, SameSize: true,
	})
	if err != nil {
		return err
	}
	m.Embedding, m.Content = nil, h.published(m.Content)
	return httpapi.OK(c, patchedView{*m, "Memory updated successfully"})
}

func (r *patchMemoryRequest) check() error {
	if r.Content != nil {
		if utf8.RuneCountInString(r.Content.Text) > maxText {
			return core.BadRequest("Invalid field: content.text may have 100000 characters")
		}
		if err := httpapi.Sized("content", r.Content, httpapi.DefaultMaxBody); err != nil {
			return err
		}
	}
	return httpapi.Sized("metadata", r.Metadata, maxMetadata)
}

func (h *Handler) deleteMemory(c echo.Context) error {
	agent, id, err := h.target(c, "memoryId")
	if err != nil {
		return err
	}
	if err := h.svc.DeleteMemory(c.Request().Context(), agent, id); err != nil {
		return err
	}
	return httpapi.OK(c, map[string]any{"message": "Memory deleted"})
}

func (h *Handler) deleteMemories(c echo.Context) error {
	agent, err := h.agent(c)
	if err != nil {
		return err
	}
	n, err := h.svc.DeleteMemories(c.Request().Context(), agent)
	if err != nil {
		return err
	}
	return httpapi.OK(c, map[string]any{"deleted": n, "message": "Memories deleted"})
}

func (h *Handler) deleteRoomMemories(c echo.Context) error {
	agent, id, err := h.target(c, "roomId")
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	room, err := h.svc.ResolveRoom(ctx, agent, id)
	if err != nil {
		return err
	}
	if err := h.svc.DeleteRoomMemories(ctx, agent, room); err != nil {
		return err
	}
	return httpapi.NoContent(c)
}
