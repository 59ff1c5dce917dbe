package client

import (
	"context"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// Memory are the calls on what agents remember: memories, rooms, worlds and groups.
type Memory struct{ c *Client }

// MemoryQuery selects memories. The zero value is the newest messages.
type MemoryQuery struct {
	Table            string    // core.TableMessages when empty
	RoomID           core.UUID // not for [Memory.ListRoom]
	ChannelID        core.UUID // wins over RoomID
	Search           string    // part of the text
	Before, After    time.Time
	IncludeEmbedding bool
	Page
}

func (q MemoryQuery) params() params {
	return params(q.query()).text("tableName", q.Table).id("roomId", q.RoomID).id("channelId", q.ChannelID).
		text("search", q.Search).moment("before", q.Before).moment("after", q.After).flag("includeEmbedding", q.IncludeEmbedding)
}

// MemoryPage is a part of the memories that match.
type MemoryPage struct {
	Memories []core.Memory `json:"memories"`
	HasMore  bool          `json:"hasMore"`
}

// MemoryPatch replaces what is not nil.
type MemoryPatch struct {
	Content   *core.Content  `json:"content,omitempty"`
	Metadata  map[string]any `json:"metadata,omitempty"`
	Embedding []float32      `json:"embedding,omitempty"` // of the size of the one there is
}

// List returns memories of an agent, newest first.
func (m *Memory) List(ctx context.Context, agent core.UUID, q MemoryQuery) (*MemoryPage, error) {
	return data[MemoryPage](ctx, m.c, get("api", "agents", string(agent), "memories").with(q.params().values()))
}

// ListRoom is List for one room, which may also be named by its channel.
func (m *Memory) ListRoom(ctx context.Context, agent, room core.UUID, q MemoryQuery) (*MemoryPage, error) {
	q.RoomID, q.ChannelID = "", ""
	return data[MemoryPage](ctx, m.c, get("api", "memory", string(agent), "rooms", string(room), "memories").with(q.params().values()))
}

// Update changes a memory and returns it as it is then.
func (m *Memory) Update(ctx context.Context, agent, memory core.UUID, p MemoryPatch) (*core.Memory, error) {
	return data[core.Memory](ctx, m.c, patch(p, "api", "agents", string(agent), "memories", string(memory)))
}

// Delete deletes a memory. A document takes its fragments with it.
func (m *Memory) Delete(ctx context.Context, agent, memory core.UUID) error {
	return m.c.none(ctx, remove("api", "agents", string(agent), "memories", string(memory)))
}

// DeleteAll deletes everything an agent remembers and says how much it was.
func (m *Memory) DeleteAll(ctx context.Context, agent core.UUID) (deleted int, err error) {
	v, err := data[struct {
		Deleted int `json:"deleted"`
	}](ctx, m.c, remove("api", "agents", string(agent), "memories"))
	if err != nil {
		return 0, err
	}
	return v.Deleted, nil
}

// DeleteRoom deletes an agent's messages and documents of a room, which may also be named by its channel.
func (m *Memory) DeleteRoom(ctx context.Context, agent, room core.UUID) error {
	return m.c.none(ctx, remove("api", "agents", string(agent), "memories", "all", string(room)))
}
