package memory_test

import (
	"errors"
	"math"
	"testing"

	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestAnAgentsViewOfItsPlace(t *testing.T) {
	t.Parallel()
	s := start(t, memory.Options{})
	mine, other := s.svc.For(ada), s.svc.For(eve)
	room := must[core.Room](t)(mine.Connect(t.Context(), s.turn(hall, user)))
	if w := must[core.World](t)(mine.World(t.Context(), room.WorldID)); w.ID != room.WorldID || w.AgentID != ada {
		t.Errorf("world = %+v", w)
	}
	if _, err := other.World(t.Context(), room.WorldID); !errors.Is(err, memory.ErrWorldNotFound) {
		t.Errorf("another agent's world = %v", err)
	}
	if rooms := must[[]core.Room](t)(mine.Rooms(t.Context(), 0)); len(rooms) != 1 || rooms[0].ID != room.ID {
		t.Errorf("rooms = %+v", rooms)
	}
	for range 2 { // the agent named in the value does not count
		check(t, mine.Relate(t.Context(), core.Relationship{AgentID: eve, SourceEntityID: user, TargetEntityID: ada, Tags: []string{"friends"}}))
	}
	known := must[[]core.Relationship](t)(mine.Relationships(t.Context(), user, 0))
	if len(known) != 1 || known[0].AgentID != ada || known[0].Metadata["interactions"] != int64(2) || known[0].ID == "" {
		t.Errorf("relationships = %+v", known)
	}
	if got := must[[]core.Relationship](t)(other.Relationships(t.Context(), user, 0)); len(got) != 0 {
		t.Errorf("another agent's relationships = %+v", got)
	}
}

// A vector that is no number would make every page it is on unreadable.
func TestVectorsThatCannotBeComparedAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t, memory.Options{})
	ctx, mine, id := t.Context(), s.svc.For(ada), s.add("a")[0]
	for _, bad := range [][]float32{{float32(math.NaN())}, {float32(math.Inf(1))}, make([]float32, 5000)} {
		m := core.Memory{ID: id, Table: "facts", Embedding: bad}
		_, added := mine.Add(ctx, core.Memory{Table: "facts", Embedding: bad})
		_, patched := s.svc.PatchMemory(ctx, ada, id, memory.MemoryPatch{Embedding: bad})
		for what, err := range map[string]error{"Add": added, "Update": mine.Update(ctx, m), "PatchMemory": patched, "SetEmbedding": s.svc.SetEmbedding(ctx, ada, id, "m", bad)} {
			if core.CodeOf(err) != core.CodeBadRequest {
				t.Errorf("%s of %d numbers: %v", what, len(bad), err)
			}
		}
	}
}
