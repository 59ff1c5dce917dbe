package storage

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

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

// scan returns the q.Limit best hits, reading one vector at a time.
func (s memoryStore) scan(ctx context.Context, agent core.UUID, q core.MemoryQuery) ([]hit, error) {
	size := norm(q.Vector)
	if size == 0 || q.Limit <= 0 {
		return nil, nil
	}
	w := memoriesWhere(agent, q)
	w.and(`embedding_dim = ?`, len(q.Vector))
	if q.Model != "" {
		w.and(`embedding_model = ?`, q.Model)
	}
	rows, err := s.db.read(ctx).Raw(`SELECT id, embedding FROM memories`+w.sql, w.args...).Rows()
	if err != nil {
		return nil, wrap("search memories", err)
	}
	defer rows.Close()
	var (
		best []hit
		id   core.UUID
		blob sql.RawBytes
	)
	for rows.Next() {
		if err := rows.Scan(&id, &blob); err != nil {
			return nil, wrap("search memories", err)
		}
		if sim, ok := cosine(q.Vector, size, blob); ok && sim >= q.Threshold {
			best = keep(best, hit{id, sim}, q.Limit)
		}
	}
	return best, wrap("search memories", rows.Err())
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

// cosine is the similarity of a vector of length size and a stored one; a vector of zeros has none.
func cosine(v []float32, size float64, blob []byte) (float64, bool) {
	if len(blob) != 4*len(v) {
		return 0, false
	}
	var dot, sum float64
	for i, x := range v {
		y := float64(math.Float32frombits(binary.LittleEndian.Uint32(blob[4*i:])))
		dot += float64(x) * y
		sum += y * y
	}
	if sum == 0 {
		return 0, false
	}
	return dot / (size * math.Sqrt(sum)), true
}

func norm(v []float32) float64 {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}
