package bootstrap

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/eliza-go/eliza/runtime/core"
)

var errBroken = errors.New("broken")

// shelf is core.Memories of what providers and evaluators need. Vectors are compared by their first number.
type shelf struct {
	core.Memories
	mu        sync.Mutex
	all       []core.Memory
	related   []core.Relationship
	world     *core.World
	rooms     []core.Room
	lists     []core.MemoryQuery
	fail      error
	failWrite error
}

func (s *shelf) find(q core.MemoryQuery, near bool) []core.Memory {
	var out []core.Memory
	for _, m := range slices.Backward(s.all) {
		if m.Table == q.Table && (q.RoomID == "" || m.RoomID == q.RoomID) && (q.EntityID == "" || m.EntityID == q.EntityID) && len(out) < q.Limit &&
			(near || strings.Contains(strings.ToLower(m.Content.Text), strings.ToLower(q.Text))) &&
			(!near || len(m.Embedding) > 0 && m.Model == q.Model && (q.Threshold == 0 || m.Embedding[0] == q.Vector[0])) {
			out = append(out, m)
		}
	}
	return out
}

func (s *shelf) List(_ context.Context, q core.MemoryQuery) ([]core.Memory, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lists = append(s.lists, q)
	return s.find(q, false), s.fail
}

func (s *shelf) Search(_ context.Context, q core.MemoryQuery) ([]core.Memory, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(q, true), s.fail
}

func (s *shelf) Add(_ context.Context, m core.Memory) (core.UUID, error) {
	return m.ID, s.Record(context.Background(), []core.Memory{m}, nil)
}

func (s *shelf) Record(_ context.Context, list []core.Memory, _ []core.Log) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failWrite == nil {
		s.all = append(s.all, list...)
	}
	return s.failWrite
}

func (s *shelf) Update(_ context.Context, m core.Memory) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.all, func(x core.Memory) bool { return x.ID == m.ID })
	if i < 0 {
		return &core.Error{Code: core.CodeNotFound, Message: "Memory not found"}
	}
	s.all[i].Metadata = m.Metadata
	return nil
}

func (s *shelf) Relate(_ context.Context, r core.Relationship) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.related = append(s.related, r)
	return s.failWrite
}

func (s *shelf) Relationships(context.Context, core.UUID, int) ([]core.Relationship, error) {
	return s.related, s.fail
}

func (s *shelf) World(context.Context, core.UUID) (core.World, error) {
	if s.world == nil {
		return core.World{}, &core.Error{Code: core.CodeNotFound, Message: "World not found"}
	}
	return *s.world, s.fail
}

func (s *shelf) Rooms(context.Context, int) ([]core.Room, error) { return s.rooms, s.fail }

// of are the texts in a table.
func (s *shelf) of(table string) (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.all {
		if m.Table == table {
			out = append(out, m.Content.Text)
		}
	}
	return out
}

// lengths is an Embedder: a text is as long as it is.
type lengths struct{ fail error }

func (lengths) Name() string { return "lengths" }
func (lengths) Dim() int     { return 1 }
func (l lengths) Embed(_ context.Context, texts []string) ([][]float32, error) {
	out := make([][]float32, len(texts))
	for i, t := range texts {
		out[i] = []float32{float32(len(t))}
	}
	return out, l.fail
}
