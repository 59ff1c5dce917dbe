package storage

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/runtime/core"
)

// vectorColumn keeps an embedding as little-endian float32; nil is NULL.
type vectorColumn []float32

// Value implements [driver.Valuer].
func (v vectorColumn) Value() (driver.Value, error) {
	if len(v) == 0 {
		return nil, nil
	}
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b, nil
}

// Scan implements sql.Scanner.
func (v *vectorColumn) Scan(src any) error {
	b, ok := src.([]byte)
	if !ok && src != nil || len(b)%4 != 0 {
		return fmt.Errorf("storage: an embedding column holds a %T of %d bytes", src, len(b))
	}
	*v = nil
	if len(b) > 0 {
		*v = make(vectorColumn, len(b)/4)
	}
	for i := range *v {
		(*v)[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return nil
}

// GormDataType tells GORM that the list is one column.
func (vectorColumn) GormDataType() string { return "bytes" }

// hit is a memory near to the one looked for.
type hit struct {
	id         core.UUID
	similarity float64
}

// Nearest compares with every vector the filter leaves: exact, and quick enough for what one agent has.
func (s memoryStore) Nearest(ctx context.Context, agent core.UUID, q core.MemoryQuery) ([]core.Memory, error) {
	hits, err := s.scan(ctx, agent, q)
	if err != nil || len(hits) == 0 {
		return []core.Memory{}, err
	}
	ids := make([]core.UUID, len(hits))
	for i, h := range hits {
		ids[i] = h.id
	}
	rows, err := readMemories(s.db.read(ctx), q.IncludeEmbedding, ` WHERE agent_id = ? AND id IN ?`, agent, ids)
	if err != nil {
		return nil, err
	}
	found := toMemories(rows)
	for i := range found {
		found[i].Similarity = hits[slices.Index(ids, found[i].ID)].similarity
	}
	slices.SortFunc(found, func(a, b core.Memory) int {
		return cmp.Or(cmp.Compare(b.Similarity, a.Similarity), cmp.Compare(b.CreatedAt, a.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return found, nil
}

// scan returns the q.Limit best hits: ids come from an index, vectors from memory as far as they are there.
func (s memoryStore) scan(ctx context.Context, agent core.UUID, q core.MemoryQuery) ([]hit, error) {
	want := slices.Clone(q.Vector)
	if q.Limit <= 0 || !unit(want) {
		return nil, nil
	}
	kept, age := s.db.vectors.of(agent)
	w := memoriesWhere(agent, q)
	ids, err := s.ids(ctx, w)
	if err != nil {
		return nil, err
	}
	var best []hit
	compare := func(id core.UUID, e embedding) {
		if len(e.unit) != len(want) || !comparable(e.model, q.Model) {
			return
		}
		if sim := dot(want, e.unit); sim >= q.Threshold {
			best = keep(best, hit{id, sim}, q.Limit)
		}
	}
	if !s.db.keeps(ctx) {
		_, err := s.readVectors(ctx, agent, ids, compare)
		return best, err
	}
	missing := s.db.vectors.each(kept, ids, compare)
	read, err := s.readVectors(ctx, agent, missing, compare)
	if err == nil && len(read) > 0 {
		s.db.vectors.put(agent, kept, age, read)
	}
	return best, err
}

// ids reads only ids: for the usual filters all there is to read is an index. They come as one text, for a
// driver takes longer to hand out a row than the database to find it.
func (s memoryStore) ids(ctx context.Context, w *conditions) ([]core.UUID, error) {
	var all sql.NullString
	if err := s.db.read(ctx).Raw(`SELECT group_concat(id) FROM memories`+w.sql, w.args...).Scan(&all).Error; err != nil {
		return nil, wrap("search memories", err)
	}
	out := make([]core.UUID, 0, strings.Count(all.String, ",")+1)
	for id := range strings.SplitSeq(all.String, ",") {
		if id != "" {
			out = append(out, core.UUID(id))
		}
	}
	return out, nil
}

// comparable tells whether a stored vector may be compared with one of a model: it is of the same, or of
// unknown make and so taken at its word. Every vector is when no model is named.
func comparable(stored, model string) bool {
	return model == "" || stored == model || stored == "" || stored == memory.GivenModel
}

// readVectors reads embeddings from the table.
func (s memoryStore) readVectors(ctx context.Context, agent core.UUID, ids []core.UUID, fn func(core.UUID, embedding)) (map[string]embedding, error) {
	out := make(map[string]embedding, len(ids))
	for portion := range slices.Chunk(ids, insertRows) {
		rows, err := s.db.read(ctx).Raw(`SELECT id, embedding_model, embedding FROM memories WHERE agent_id = ? AND id IN ?`, agent, portion).Rows()
		if err != nil {
			return nil, wrap("read embeddings", err)
		}
		var (
			id    core.UUID
			model string
			blob  sql.RawBytes
		)
		for rows.Next() {
			if err := rows.Scan(&id, &model, &blob); err != nil {
				return nil, errors.Join(wrap("read embeddings", err), rows.Close())
			}
			e := toEmbedding(model, blob)
			out[string(id)] = e
			fn(id, e)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, wrap("read embeddings", err)
		}
	}
	return out, nil
}

// keep inserts a hit into a list that is sorted, best first, and no longer than n.
func keep(best []hit, h hit, n int) []hit {
	i, _ := slices.BinarySearchFunc(best, h, func(a, b hit) int {
		return cmp.Or(cmp.Compare(b.similarity, a.similarity), cmp.Compare(a.id, b.id))
	})
	if i >= n {
		return best
	}
	best = slices.Insert(best, i, h)
	return best[:min(len(best), n)]
}
