package storage

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/runtime/core"
)

// lot is the memories of an agent whose vectors are of one make. A model's own lot of size 0 are the
// memories it makes no vector of; those of model "" wait for their first.
type lot struct {
	EmbeddingModel string
	EmbeddingDim   int
}

// where selects the memories of a lot.
func (l lot) where(agent core.UUID) *conditions {
	return where(`agent_id = ? AND embedding_model = ? AND embedding_dim = ?`, agent, l.EmbeddingModel, l.EmbeddingDim)
}

// waits tells whether a lot is to get vectors of a model.
func (l lot) waits(model string, dim int) bool {
	switch l.EmbeddingModel {
	case model:
		return l.EmbeddingDim != dim && l.EmbeddingDim != 0
	case memory.GivenModel:
		return l.EmbeddingDim != dim
	}
	return true
}

// nextLot finds the lot after one, by two searches in the index: one for both columns would read all of a lot.
const nextLot = `SELECT * FROM (
	SELECT * FROM (SELECT embedding_model, embedding_dim FROM memories WHERE agent_id = ? AND embedding_model = ? AND embedding_dim > ? ORDER BY embedding_dim LIMIT 1) AS a
	UNION ALL
	SELECT * FROM (SELECT embedding_model, embedding_dim FROM memories WHERE agent_id = ? AND embedding_model > ? ORDER BY embedding_model, embedding_dim LIMIT 1) AS b
) AS c ORDER BY embedding_model, embedding_dim LIMIT 1`

// lots finds those an agent has, jumping through the index from one to the next.
func (s memoryStore) lots(ctx context.Context, agent core.UUID) ([]lot, error) {
	var out []lot
	for last := (lot{EmbeddingDim: -1}); ; {
		var next lot
		err := s.db.read(ctx).Raw(nextLot, agent, last.EmbeddingModel, last.EmbeddingDim, agent, last.EmbeddingModel).Row().Scan(&next.EmbeddingModel, &next.EmbeddingDim)
		if errors.Is(err, sql.ErrNoRows) {
			return out, nil
		}
		if err != nil {
			return nil, wrap("read makes of embeddings", err)
		}
		out = append(out, next)
		last = next
	}
}

// waiting are the lots that are to get vectors of a model, first the one without.
func (s memoryStore) waiting(ctx context.Context, agent core.UUID, model string, dim int) ([]lot, error) {
	lots, err := s.lots(ctx, agent)
	out := lots[:0]
	for _, l := range lots {
		if l.waits(model, dim) {
			out = append(out, l)
		}
	}
	return out, err
}

func (s memoryStore) Unembedded(ctx context.Context, agent core.UUID, model string, dim, limit int) ([]core.Memory, error) {
	lots, err := s.waiting(ctx, agent, model, dim)
	if err != nil {
		return nil, err
	}
	var out []core.Memory
	for _, l := range lots {
		if len(out) >= limit {
			break
		}
		w := l.where(agent)
		rows, err := readMemories(s.db.read(ctx), false, w.sql+` ORDER BY created_at DESC, id DESC LIMIT ?`, append(w.args, limit-len(out))...)
		if err != nil {
			return nil, err
		}
		out = append(out, toMemories(rows)...)
	}
	return out, nil
}

func (s memoryStore) CountUnembedded(ctx context.Context, agent core.UUID, model string, dim int) (int, error) {
	lots, err := s.waiting(ctx, agent, model, dim)
	if err != nil {
		return 0, err
	}
	total := 0
	for _, l := range lots {
		var n int
		w := l.where(agent)
		if err := s.db.read(ctx).Raw(`SELECT count(*) FROM memories`+w.sql, w.args...).Scan(&n).Error; err != nil {
			return 0, wrap("count memories without embedding", err)
		}
		total += n
	}
	return total, nil
}

func (s memoryStore) SetEmbeddings(ctx context.Context, agent core.UUID, model string, list []memory.Embedding) error {
	ids := make([]core.UUID, len(list))
	for i, e := range list {
		ids[i] = e.ID
	}
	err := s.db.write(ctx, func(tx *gorm.DB) error {
		for _, e := range list {
			err := tx.Exec(`UPDATE memories SET embedding = ?, embedding_dim = ?, embedding_model = ?
				WHERE id = ? AND agent_id = ? AND coalesce(content ->> 'text', '') = ?`,
				vectorColumn(e.Vector), len(e.Vector), model, e.ID, agent, e.Text).Error
			if err != nil {
				return wrap("store embeddings", err)
			}
		}
		return nil
	})
	if err == nil {
		s.forgetVectors(ctx, agent, ids)
	}
	return err
}

func (s memoryStore) Strangers(ctx context.Context, agent core.UUID, q core.MemoryQuery, words []string) ([]core.Memory, error) {
	lots, err := s.lots(ctx, agent)
	if err != nil || len(words) == 0 || q.Limit <= 0 {
		return nil, err
	}
	w := memoriesWhere(agent, q)
	var strange []string
	for _, l := range lots {
		if l.EmbeddingDim != len(q.Vector) || !comparable(l.EmbeddingModel, q.Model) {
			strange = append(strange, `embedding_model = ? AND embedding_dim = ?`)
			w.args = append(w.args, l.EmbeddingModel, l.EmbeddingDim)
		}
	}
	if len(strange) == 0 {
		return nil, nil
	}
	w.sql += ` AND (` + strings.Join(strange, ` OR `) + `)`
	var like []string
	for _, word := range words {
		for _, s := range spellings(word) {
			like = append(like, `lower(content ->> 'text') LIKE ? ESCAPE '\'`)
			w.args = append(w.args, "%"+likeEscape(s)+"%")
		}
	}
	w.sql += ` AND (` + strings.Join(like, ` OR `) + `)`
	rows, err := readMemories(s.db.read(ctx), q.IncludeEmbedding, w.sql+` ORDER BY created_at DESC, id DESC LIMIT ?`, append(w.args, q.Limit)...)
	return toMemories(rows), err
}

// spellings are the ways a word may be written in a text whose ASCII letters are small: the database knows
// the case of no others.
func spellings(word string) []string {
	small := strings.ToLower(word)
	first, n := utf8.DecodeRuneInString(small)
	var out []string
	for _, s := range [...]string{small, string(unicode.ToUpper(first)) + small[n:], strings.ToUpper(word)} {
		s = strings.Map(func(r rune) rune {
			if r < utf8.RuneSelf {
				return unicode.ToLower(r)
			}
			return r
		}, s)
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
