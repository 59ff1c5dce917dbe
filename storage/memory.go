package storage

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/runtime/core"
)

// memoryStore keeps what agents know.
type memoryStore struct{ db *DB }

var _ memory.Store = memoryStore{}

// Memory returns the store of package memory.
func (db *DB) Memory() memory.Store { return memoryStore{db} }

// insertRows is how many rows one INSERT has at most, within what databases allow of variables.
const insertRows = 500

// memoryRow is a row of memories.
type memoryRow struct {
	ID             core.UUID `gorm:"primaryKey"`
	AgentID        core.UUID `gorm:"primaryKey"`
	Type           string
	RoomID         core.UUID
	WorldID        core.UUID
	EntityID       core.UUID
	SourceID       *string
	DocumentID     *string
	IsUnique       bool
	CreatedAt      core.Millis `gorm:"autoCreateTime:false"`
	EmbeddingModel string
	EmbeddingDim   int
	Content        jsonColumn[core.Content]
	Metadata       jsonMap
	Embedding      vectorColumn
}

// memoryColumns is memoryRow without the embedding and what is taken from the metadata.
const memoryColumns = `id, agent_id, type, room_id, world_id, entity_id, is_unique, created_at, embedding_model, embedding_dim, content, metadata`

// TableName names the table for GORM.
func (memoryRow) TableName() string { return "memories" }

func toMemoryRow(m core.Memory) memoryRow {
	r := memoryRow{
		ID: m.ID, AgentID: m.AgentID, Type: m.Table, RoomID: m.RoomID, WorldID: m.WorldID, EntityID: m.EntityID,
		IsUnique: m.Unique, CreatedAt: m.CreatedAt, Content: jsonColumn[core.Content]{m.Content},
	}
	r.setMetadata(m.Metadata)
	r.setEmbedding(m.Embedding, m.Model)
	return r
}

// values are those of all columns, memoryColumns first.
func (r memoryRow) values() []any {
	return []any{
		r.ID, r.AgentID, r.Type, r.RoomID, r.WorldID, r.EntityID, r.IsUnique, r.CreatedAt,
		r.EmbeddingModel, r.EmbeddingDim, r.Content, r.Metadata, r.Embedding, r.SourceID, r.DocumentID,
	}
}

func (r *memoryRow) setMetadata(m map[string]any) {
	r.Metadata, r.SourceID, r.DocumentID = m, textKey(m, "sourceId"), textKey(m, "documentId")
}

// setEmbedding takes a vector, of unknown make when no model is named; without one the memory waits for it.
func (r *memoryRow) setEmbedding(v []float32, model string) {
	r.Embedding, r.EmbeddingDim, r.EmbeddingModel = v, len(v), ""
	if len(v) > 0 {
		r.EmbeddingModel = cmp.Or(model, memory.GivenModel)
	}
}

func (r *memoryRow) memory() core.Memory {
	m := core.Memory{
		ID: r.ID, Table: r.Type, CreatedAt: r.CreatedAt, Content: r.Content.V, EntityID: r.EntityID, AgentID: r.AgentID,
		RoomID: r.RoomID, WorldID: r.WorldID, Unique: r.IsUnique, Metadata: r.Metadata, Embedding: r.Embedding, Model: r.EmbeddingModel,
	}
	if m.Metadata == nil {
		m.Metadata = map[string]any{}
	}
	if r.Embedding == nil {
		m.Model = ""
	}
	return m
}

// textKey is a text of a JSON object; nil, for NULL, when there is none.
func textKey(m map[string]any, key string) *string {
	switch s := m[key].(type) {
	case string:
		if s != "" {
			return &s
		}
	case core.UUID:
		if text := string(s); text != "" {
			return &text
		}
	}
	return nil
}

// conditions collects what a WHERE demands.
type conditions struct {
	sql  string
	args []any
}

func where(cond string, args ...any) *conditions { return &conditions{` WHERE ` + cond, args} }

func (c *conditions) and(cond string, args ...any) {
	c.sql += ` AND ` + cond
	c.args = append(c.args, args...)
}

func (c *conditions) andID(column string, id core.UUID) {
	if id != "" {
		c.and(column+` = ?`, id)
	}
}

func memoriesWhere(agent core.UUID, q core.MemoryQuery) *conditions {
	w := where(`agent_id = ?`, agent)
	if q.Table != "" {
		w.and(`type = ?`, q.Table)
	}
	w.andID(`room_id`, q.RoomID)
	w.andID(`world_id`, q.WorldID)
	w.andID(`entity_id`, q.EntityID)
	if q.Before > 0 {
		w.and(`created_at <= ?`, q.Before)
	}
	if q.After > 0 {
		w.and(`created_at > ?`, q.After)
	}
	return w
}

func (s memoryStore) Insert(ctx context.Context, memories []core.Memory, logs []core.Log) error {
	rows, entries := make([][]any, len(memories)), make([][]any, len(logs))
	for i, m := range memories {
		rows[i] = toMemoryRow(m).values()
	}
	for i, l := range logs {
		entries[i] = toLogRow(l).values()
	}
	var inserted int64
	err := s.db.write(ctx, func(tx *gorm.DB) error {
		var err error
		if inserted, err = insertAll(tx, `memories (`+memoryColumns+`, embedding, source_id, document_id)`, rows); err != nil {
			return wrap("store memories", err)
		}
		_, err = insertAll(tx, `agent_logs (`+logColumns+`)`, entries)
		return wrap("store agent logs", err)
	})
	if err == nil && len(memories) > 0 {
		core.AfterCommit(ctx, func() { s.keepInserted(memories, inserted == int64(len(memories))) })
	}
	return err
}

// insertAll inserts rows, leaves those alone that are there already, and counts the others.
func insertAll(tx *gorm.DB, into string, rows [][]any) (inserted int64, err error) {
	for portion := range slices.Chunk(rows, insertRows) {
		res := tx.Exec(insertion(into, portion), slices.Concat(portion...)...)
		if res.Error != nil {
			return 0, res.Error
		}
		inserted += res.RowsAffected
	}
	return inserted, nil
}

// insertion inserts rows of one size, with one statement, and leaves those alone that are there already.
func insertion(into string, rows [][]any) string {
	one := "(?" + strings.Repeat(",?", len(rows[0])-1) + ")"
	return `INSERT INTO ` + into + ` VALUES ` + one + strings.Repeat(","+one, len(rows)-1) + ` ON CONFLICT DO NOTHING`
}

// keepInserted adds messages to what is kept of their rooms, as they would be read. When some were there
// already their rooms are read again.
func (s memoryStore) keepInserted(memories []core.Memory, all bool) {
	var kept []core.Memory
	for _, m := range memories {
		if m.Table != core.TableMessages {
			continue
		}
		if read, err := reread(m); all && err == nil {
			kept = append(kept, read)
		} else {
			s.db.recents.forget(m.AgentID, m.RoomID)
		}
	}
	s.db.recents.add(kept)
}

// reread is a memory as it comes back from the table, without its embedding.
func reread(m core.Memory) (core.Memory, error) {
	written := toMemoryRow(m)
	content, err := written.Content.Value()
	if err != nil {
		return m, err
	}
	metadata, err := written.Metadata.Value()
	if err != nil {
		return m, err
	}
	read := written
	read.Content, read.Metadata, read.Embedding = jsonColumn[core.Content]{}, nil, nil
	if err := errors.Join(read.Content.Scan(content), read.Metadata.Scan(metadata)); err != nil {
		return m, err
	}
	return read.memory(), nil
}

// readMemories runs a query for memoryColumns and, if wanted, the embedding after them. Like messages they
// go by GORM's mapping of structs: an agent reads some for every turn.
func readMemories(tx *gorm.DB, embedding bool, rest string, args ...any) ([]memoryRow, error) {
	columns := memoryColumns
	if embedding {
		columns += `, embedding`
	}
	rows, err := tx.Raw(`SELECT `+columns+` FROM memories`+rest, args...).Rows()
	if err != nil {
		return nil, wrap("read memories", err)
	}
	defer rows.Close()
	var out []memoryRow
	for rows.Next() {
		var r memoryRow
		into := []any{
			&r.ID, &r.AgentID, &r.Type, &r.RoomID, &r.WorldID, &r.EntityID, &r.IsUnique, &r.CreatedAt,
			&r.EmbeddingModel, &r.EmbeddingDim, &r.Content, &r.Metadata,
		}
		if embedding {
			into = append(into, &r.Embedding)
		}
		if err := rows.Scan(into...); err != nil {
			return nil, wrap("read memory", err)
		}
		out = append(out, r)
	}
	return out, wrap("read memories", rows.Err())
}

func (s memoryStore) Memories(ctx context.Context, agent core.UUID, q core.MemoryQuery) ([]core.Memory, bool, error) {
	k, plain := recentKey(agent, q)
	if !plain || !s.db.keeps(ctx) {
		return s.list(ctx, agent, q)
	}
	page, more, ok, t := s.db.recents.page(k, q.Limit)
	if ok {
		return page, more, nil
	}
	limit := q.Limit
	q.Limit = recentWindow
	page, _, err := s.list(ctx, agent, q)
	if err != nil {
		s.db.recents.forget(agent, q.RoomID)
		return nil, false, err
	}
	s.db.recents.put(k, t, page)
	return page[:min(len(page), limit)], len(page) > limit, nil
}

func (s memoryStore) list(ctx context.Context, agent core.UUID, q core.MemoryQuery) ([]core.Memory, bool, error) {
	w := memoriesWhere(agent, q)
	if q.Text != "" {
		w.and(`lower(content ->> 'text') LIKE lower(?) ESCAPE '\'`, "%"+likeEscape(q.Text)+"%")
	}
	rows, err := readMemories(s.db.read(ctx), q.IncludeEmbedding, w.sql+` ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?`, append(w.args, q.Limit+1, q.Offset)...)
	if err != nil {
		return nil, false, err
	}
	more := len(rows) > q.Limit
	return toMemories(rows[:min(len(rows), q.Limit)]), more, nil
}

func toMemories(rows []memoryRow) []core.Memory {
	out := make([]core.Memory, len(rows))
	for i := range rows {
		out[i] = rows[i].memory()
	}
	return out
}

func (s memoryStore) UpdateMemory(ctx context.Context, agent, id core.UUID, p memory.MemoryPatch) (*core.Memory, error) {
	var m core.Memory
	err := s.db.write(ctx, func(tx *gorm.DB) error {
		rows, err := readMemories(tx, false, ` WHERE id = ? AND agent_id = ?`+forUpdate(tx), id, agent)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return memory.ErrNotFound
		}
		r := &rows[0]
		r.setMetadata(r.Metadata) // what is taken from it was not read
		if err := patchMemory(tx, r, p); err != nil {
			return err
		}
		m = r.memory()
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.forgetVectors(ctx, agent, []core.UUID{id})
	if m.Table == core.TableMessages && (p.Content != nil || p.Metadata != nil) {
		core.AfterCommit(ctx, func() { s.db.recents.forget(agent, m.RoomID) })
	}
	return &m, nil
}

// forgetVectors drops what is kept in memory of embeddings that were changed or removed, once that is
// committed; ids nil = all of the agent's.
func (s memoryStore) forgetVectors(ctx context.Context, agent core.UUID, ids []core.UUID) {
	core.AfterCommit(ctx, func() { s.db.vectors.forget(agent, ids) })
}

// patchMemory changes a row. A vector stays beside a new text, as the best there is, but waits for another.
func patchMemory(tx *gorm.DB, r *memoryRow, p memory.MemoryPatch) error {
	stored := r.EmbeddingModel
	if p.Content != nil {
		if p.Content.Text != r.Content.V.Text {
			r.EmbeddingModel = ""
		}
		r.Content.V = *p.Content
	}
	if p.Metadata != nil {
		r.setMetadata(p.Metadata)
	}
	if n := len(p.Embedding); n > 0 {
		if p.SameSize && r.EmbeddingDim > 0 && r.EmbeddingDim != n {
			return core.BadRequest("Invalid field: embedding has another size than the stored one")
		}
		r.setEmbedding(p.Embedding, cmp.Or(p.Model, stored))
		err := tx.Exec(`UPDATE memories SET embedding = ?, embedding_dim = ?, embedding_model = ? WHERE id = ? AND agent_id = ?`,
			r.Embedding, r.EmbeddingDim, r.EmbeddingModel, r.ID, r.AgentID).Error
		if err != nil {
			return wrap("store embedding", err)
		}
	}
	if p.Content == nil && p.Metadata == nil {
		return nil
	}
	return wrap("update memory", tx.Exec(`UPDATE memories SET content = ?, metadata = ?, source_id = ?, document_id = ?, embedding_model = ? WHERE id = ? AND agent_id = ?`,
		r.Content, r.Metadata, r.SourceID, r.DocumentID, r.EmbeddingModel, r.ID, r.AgentID).Error)
}
