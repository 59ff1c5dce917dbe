package memory

import (
	"context"
	"maps"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	defaultNearest = 10
	candidates     = 100 // memories that are ranked at least
	maxMembers     = 1000
	// sameSimilarity is from where on a new memory says nothing new.
	sameSimilarity = 0.95
)

// view is one agent's records.
type view struct {
	m     *Manager
	agent core.UUID
}

var _ core.Memories = view{}

// Add implements [core.Memories].
func (v view) Add(ctx context.Context, mem core.Memory) (core.UUID, error) {
	memories, err := v.prepare(ctx, []core.Memory{mem})
	if err != nil {
		return "", err
	}
	return memories[0].ID, v.insert(ctx, memories, nil)
}

func (v view) insert(ctx context.Context, memories []core.Memory, logs []core.Log) error {
	err := v.m.store.Insert(ctx, memories, logs)
	if err == nil && len(memories) > 0 {
		v.m.added(ctx, v.agent)
	}
	return err
}

// Record implements [core.Memories].
func (v view) Record(ctx context.Context, memories []core.Memory, logs []core.Log) error {
	if len(memories)+len(logs) == 0 {
		return nil
	}
	memories, err := v.prepare(ctx, memories)
	if err != nil {
		return err
	}
	now := core.ISO(v.m.opts.Now.Now())
	entries := make([]core.Log, len(logs))
	for i, l := range logs {
		if l.ID == "" {
			l.ID = core.NewUUID()
		}
		if l.CreatedAt == 0 {
			l.CreatedAt = now
		}
		l.AgentID = v.agent
		entries[i] = l
	}
	return v.insert(ctx, memories, entries)
}

// prepare fills in what a caller may leave out. A memory is unique unless one like it is stored.
func (v view) prepare(ctx context.Context, memories []core.Memory) ([]core.Memory, error) {
	now := v.m.opts.Now.Now()
	out := make([]core.Memory, len(memories))
	for i, mem := range memories {
		if mem.ID == "" {
			mem.ID = core.NewUUID()
		}
		if mem.Table == "" {
			mem.Table = core.TableMessages
		}
		if mem.CreatedAt == 0 {
			mem.CreatedAt = now
		}
		mem.AgentID = v.agent
		if err := checkVector(mem.Embedding); err != nil {
			return nil, err
		}
		if !mem.Unique {
			known, err := v.known(ctx, mem)
			if err != nil {
				return nil, err
			}
			mem.Unique = !known
		}
		out[i] = mem
	}
	return out, nil
}

// known tells whether a memory that says the same is stored.
func (v view) known(ctx context.Context, mem core.Memory) (bool, error) {
	if len(mem.Embedding) == 0 {
		return false, nil
	}
	near, err := v.m.store.Nearest(ctx, v.agent, core.MemoryQuery{
		Table: mem.Table, RoomID: mem.RoomID, WorldID: mem.WorldID, EntityID: mem.EntityID,
		Vector: mem.Embedding, Model: mem.Model, Threshold: sameSimilarity, Limit: 1,
	})
	return len(near) > 0, err
}

// List implements [core.Memories].
func (v view) List(ctx context.Context, q core.MemoryQuery) ([]core.Memory, error) {
	page, _, err := v.m.Memories(ctx, v.agent, q)
	return page, err
}

// Search implements [core.Memories]. With a text it looks further than asked for, at memories without a
// comparable vector too, and ranks what it finds by words and vectors together.
func (v view) Search(ctx context.Context, q core.MemoryQuery) ([]core.Memory, error) {
	if len(q.Vector) == 0 {
		return nil, core.BadRequest("A search needs a vector")
	}
	if q.Limit <= 0 {
		q.Limit = defaultNearest
	}
	q.Limit = limitOf(q.Limit)
	if q.Text == "" {
		return v.m.store.Nearest(ctx, v.agent, q)
	}
	wide := q
	wide.Limit = limitOf(max(candidates, 4*q.Limit))
	near, err := v.m.store.Nearest(ctx, v.agent, wide)
	if err != nil {
		return nil, err
	}
	strangers, err := v.m.store.Strangers(ctx, v.agent, wide, searchWords(q.Text))
	if err != nil {
		return nil, err
	}
	found := fuse(near, strangers, q.Text)
	return found[:min(len(found), q.Limit)], nil
}

// Update implements [core.Memories].
func (v view) Update(ctx context.Context, mem core.Memory) error {
	if mem.Metadata == nil {
		mem.Metadata = map[string]any{}
	}
	_, err := v.m.PatchMemory(ctx, v.agent, mem.ID, MemoryPatch{
		Content: &mem.Content, Metadata: mem.Metadata, Embedding: mem.Embedding, Model: mem.Model,
	})
	return err
}

// Delete implements [core.Memories].
func (v view) Delete(ctx context.Context, ids ...core.UUID) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := v.m.store.DeleteMemories(ctx, v.agent, ids)
	return err
}

// Connect implements [core.Memories].
func (v view) Connect(ctx context.Context, t *core.Turn) (core.Room, error) {
	if t.ChannelID == "" {
		return core.Room{}, core.BadRequest("A turn needs a channel")
	}
	serverName, _ := t.Metadata["serverName"].(string)
	key := cacheKey{v.agent, t.ChannelID, t.AuthorID}
	made := connecting{t.ServerID, t.ChannelType, t.ChannelName, t.AuthorName, serverName, t.Source}
	have, ok, age := v.m.cache.get(key)
	if ok && have.made == made {
		have.room.Metadata = maps.Clone(have.room.Metadata) // the caller's own
		return have.room, nil
	}
	room, err := v.m.store.Connect(ctx, v.connection(t, serverName))
	if err != nil {
		return core.Room{}, err
	}
	kept := *room
	kept.Metadata = maps.Clone(room.Metadata)
	core.AfterCommit(ctx, func() { v.m.cache.put(key, cached{made, kept}, age) })
	return *room, nil
}

// connection is what a turn tells of the place and the people.
func (v view) connection(t *core.Turn, serverName string) Connection {
	source := t.Source
	if source == "" {
		source = "central-bus"
	}
	world := core.World{AgentID: v.agent, Name: serverName, ServerID: string(t.ServerID)}
	if t.ServerID != "" {
		world.ID = core.ForAgent(v.agent, string(t.ServerID))
	}
	c := Connection{
		World: world,
		Room: core.Room{
			ID: core.ForAgent(v.agent, string(t.ChannelID)), AgentID: v.agent, Name: t.ChannelName, Source: source,
			Type: t.ChannelType, ChannelID: t.ChannelID, WorldID: world.ID, ServerID: string(t.ServerID),
		},
		Agent: core.Entity{ID: v.agent, AgentID: v.agent},
	}
	if t.AuthorID != "" && t.AuthorID != v.agent {
		c.Members = []Member{{ID: t.AuthorID, Name: t.AuthorName, Source: source}}
	}
	return c
}

// SetRoomState implements [core.Memories].
func (v view) SetRoomState(ctx context.Context, room core.UUID, state string) error {
	if state != "" && state != StateFollowed && state != StateMuted {
		return core.BadRequest("Invalid room state")
	}
	if err := v.m.store.SetRoomState(ctx, v.agent, room, state); err != nil {
		return err
	}
	v.m.changed(ctx, scope{Agent: v.agent, Room: room})
	return nil
}

// Entities implements [core.Memories].
func (v view) Entities(ctx context.Context, room core.UUID) ([]core.Entity, error) {
	return v.m.store.Entities(ctx, v.agent, room, maxMembers)
}

// Relationships implements [core.Memories].
func (v view) Relationships(ctx context.Context, entity core.UUID, limit int) ([]core.Relationship, error) {
	return v.m.store.Relationships(ctx, v.agent, entity, limitOf(limit))
}

// Relate implements [core.Memories].
func (v view) Relate(ctx context.Context, r core.Relationship) error {
	r.AgentID = v.agent
	return v.m.Relate(ctx, r)
}

// World implements [core.Memories].
func (v view) World(ctx context.Context, id core.UUID) (core.World, error) {
	w, err := v.m.store.World(ctx, v.agent, id)
	if err != nil {
		return core.World{}, err
	}
	return *w, nil
}

// Rooms implements [core.Memories].
func (v view) Rooms(ctx context.Context, limit int) ([]core.Room, error) {
	return v.m.store.Rooms(ctx, v.agent, limitOf(limit), 0)
}
