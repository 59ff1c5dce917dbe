package storage

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestUnitAndDot(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b []float32
		want float64
		ok   bool
	}{
		{[]float32{1, 0}, []float32{5, 0}, 1, true},
		{[]float32{1, 0}, []float32{0, 5}, 0, true},
		{[]float32{1, 1}, []float32{-1, -1}, -1, true},
		{[]float32{1, 2, 3, 4, 5}, []float32{1, 2, 3, 4, 5}, 1, true},
		{[]float32{math.MaxFloat32, 0}, []float32{math.MaxFloat32, 0}, 1, true},
		{[]float32{1, 0}, []float32{0, 0}, 0, false},
		{[]float32{1, 0}, []float32{float32(math.NaN()), 0}, 0, false},
		{nil, nil, 0, false},
	} {
		a, b := slices.Clone(c.a), slices.Clone(c.b)
		if ok := unit(a) && unit(b); ok != c.ok {
			t.Errorf("unit(%v), unit(%v) = %v, want %v", c.a, c.b, ok, c.ok)
		} else if got := dot(a, b); ok && math.Abs(got-c.want) > 1e-6 {
			t.Errorf("cosine(%v, %v) = %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

// TestSearchIsExact changes memories in every way there is and compares each search with one that looks at
// everything in the table.
func TestSearchIsExact(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	var (
		store  = db.Memory()
		ctx    = t.Context()
		r      = rand.New(rand.NewPCG(7, 7))
		agents = []core.UUID{"a", "b"}
		ids    = make([]core.UUID, 12)
		some   = func(list []core.UUID) core.UUID { return list[r.IntN(len(list))] }
		vector = func() []float32 {
			return []float32{float32(r.NormFloat64()), float32(r.NormFloat64()), float32(r.NormFloat64())}
		}
	)
	for i := range ids {
		ids[i] = core.UUID(fmt.Sprintf("m%d", i))
	}
	must := func(err error) {
		t.Helper()
		if err != nil && core.CodeOf(err) != core.CodeNotFound {
			t.Fatal(err)
		}
	}
	for step := range 600 {
		agent, id := some(agents), some(ids)
		switch r.IntN(9) {
		case 0, 1, 2:
			m := core.Memory{ID: id, AgentID: agent, Table: "facts", RoomID: core.UUID(fmt.Sprint("r", r.IntN(2))), CreatedAt: core.Millis(step), Model: []string{"m", "n", ""}[r.IntN(3)], Metadata: map[string]any{"sourceId": string(id)}}
			if r.IntN(4) > 0 {
				m.Embedding = vector()
			}
			must(store.Insert(ctx, []core.Memory{m}, nil))
		case 3, 4:
			_, err := store.UpdateMemory(ctx, agent, id, memory.MemoryPatch{Embedding: vector(), Model: "m"})
			must(err)
		case 5:
			_, err := store.DeleteMemories(ctx, agent, []core.UUID{id})
			must(err)
		case 6:
			must(store.ForgetMessage(ctx, id))
		case 7:
			must(store.DeleteRoomMemories(ctx, agent, "r0", []string{"facts"}))
		case 8:
			if r.IntN(5) == 0 {
				_, err := store.DeleteAllMemories(ctx, agent)
				must(err)
			}
		}
		q := core.MemoryQuery{Table: "facts", Vector: vector(), Model: "m", Limit: 4, Threshold: -0.5}
		if r.IntN(2) == 0 {
			q.RoomID = "r1"
		}
		found, err := store.Nearest(ctx, agent, q)
		must(err)
		all, _, err := store.Memories(ctx, agent, core.MemoryQuery{Table: q.Table, RoomID: q.RoomID, IncludeEmbedding: true, Limit: 100})
		must(err)
		if diff := cmp.Diff(nearest(all, q), idsOf(found)); diff != "" {
			t.Fatalf("step %d: %s", step, diff)
		}
	}
}

// nearest is what a search must find among all.
func nearest(all []core.Memory, q core.MemoryQuery) []core.UUID {
	var best []hit
	want := slices.Clone(q.Vector)
	unit(want)
	for _, m := range all {
		if v := slices.Clone(m.Embedding); len(v) == len(want) && unit(v) && (m.Model == q.Model || m.Model == memory.GivenModel) {
			if sim := dot(want, v); sim >= q.Threshold {
				best = keep(best, hit{m.ID, sim}, q.Limit)
			}
		}
	}
	out := make([]core.UUID, len(best))
	for i, h := range best {
		out[i] = h.id
	}
	return out
}

func idsOf(memories []core.Memory) []core.UUID {
	out := make([]core.UUID, len(memories))
	for i := range memories {
		out[i] = memories[i].ID
	}
	return out
}

func TestVectorsStayWithinTheirBound(t *testing.T) {
	t.Parallel()
	var c vectors
	big := embedding{unit: make([]float32, maxVectorBytes/4/3)}
	for _, agent := range []core.UUID{"a", "b", "c"} {
		a, age := c.of(agent)
		c.put(agent, a, age, map[string]embedding{"1": big, "2": {model: "m"}})
	}
	if c.bytes > maxVectorBytes || len(c.agents) != 2 || c.agents["a"] != nil {
		t.Errorf("%d bytes of %d agents, want the two used last", c.bytes, len(c.agents))
	}
	c.forget("b", []core.UUID{"1"})
	c.forget("c", nil)
	if c.bytes != entryBytes+0 || len(c.agents["b"].entries) != 1 {
		t.Errorf("%d bytes left, want %d", c.bytes, entryBytes)
	}
}

func TestVectorsReadBeforeAChangeAreNotKept(t *testing.T) {
	t.Parallel()
	var c vectors
	a, age := c.of("a")
	c.forget("a", []core.UUID{"1"})
	c.put("a", a, age, map[string]embedding{"1": {model: "old"}})
	if missing := c.each(a, []core.UUID{"1"}, func(core.UUID, embedding) {}); len(missing) != 1 {
		t.Error("what was read before the change was kept")
	}
	a, age = c.of("a")
	c.clear()
	c.put("a", a, age, map[string]embedding{"1": {model: "old"}})
	if len(c.agents) != 0 {
		t.Error("what was read before everything was forgotten was kept")
	}
}
