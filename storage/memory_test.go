package storage

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"github.com/eliza-go/eliza/runtime/core"
)

func TestMemoryRowKeepsEverything(t *testing.T) {
	t.Parallel()
	want := core.Memory{
		ID: "1", Table: "facts", CreatedAt: 5, Content: core.Content{Text: "t", Extra: map[string]any{"k": "v"}}, EntityID: "2", AgentID: "3",
		RoomID: "4", WorldID: "5", Unique: true, Metadata: map[string]any{"sourceId": "6", "documentId": "7"}, Embedding: []float32{1, -2}, Model: "m",
	}
	row := toMemoryRow(want)
	if *row.SourceID != "6" || *row.DocumentID != "7" || row.EmbeddingDim != 2 {
		t.Errorf("row = %+v", row)
	}
	if diff := cmp.Diff(want, row.memory()); diff != "" {
		t.Error(diff)
	}
	bare := toMemoryRow(core.Memory{Metadata: map[string]any{"sourceId": 7}})
	if bare.SourceID != nil || bare.DocumentID != nil {
		t.Errorf("row = %+v", bare)
	}
}

func TestRoomAndWorldRowsKeepEverything(t *testing.T) {
	t.Parallel()
	room := core.Room{
		ID: "1", AgentID: "2", Name: "n", Source: "s", Type: "DM", ChannelID: "3", WorldID: "4", ServerID: "5",
		Metadata: map[string]any{"k": "v"}, CreatedAt: 6,
	}
	if diff := cmp.Diff(room, toRoomRow(room).room()); diff != "" {
		t.Error(diff)
	}
	world := core.World{ID: "1", AgentID: "2", Name: "n", ServerID: "3", Metadata: map[string]any{"k": "v"}, CreatedAt: 6}
	if diff := cmp.Diff(world, toWorldRow(world).world()); diff != "" {
		t.Error(diff)
	}
}

func FuzzVectorColumn(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0, 128, 63})
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		var v vectorColumn
		if err := v.Scan(b); err != nil {
			if len(b)%4 == 0 {
				t.Errorf("Scan(%v): %v", b, err)
			}
			return
		}
		back, err := v.Value()
		if err != nil {
			t.Fatal(err)
		}
		got, _ := back.([]byte)
		for i := 0; i+4 <= len(b); i += 4 {
			if x := v[i/4]; x != x { // a NaN may come back as another one
				copy(b[i:i+4], got[i:i+4])
			}
		}
		if string(got) != string(b) {
			t.Errorf("%v came back as %v", b, got)
		}
	})
}

func TestKeepsTheBest(t *testing.T) {
	t.Parallel()
	var best []hit
	for _, s := range []float64{0.1, 0.9, 0.5, 0.7, 0.2} {
		best = keep(best, hit{"x", s}, 3)
	}
	want := []hit{{"x", 0.9}, {"x", 0.7}, {"x", 0.5}}
	if len(best) != 3 || best[0] != want[0] || best[1] != want[1] || best[2] != want[2] {
		t.Errorf("best = %v, want %v", best, want)
	}
}

// TestMemoryQueriesUseIndexes keeps the frequent queries from reading whole tables.
func TestMemoryQueriesUseIndexes(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	for query, want := range map[string]string{
		`SELECT group_concat(id) FROM memories WHERE agent_id = 'a' AND type = 'm'`:                                                                          "SEARCH memories USING COVERING INDEX memories_list (agent_id=? AND type=?)",
		`SELECT group_concat(id) FROM memories WHERE agent_id = 'a' AND type = 'm' AND room_id = 'r'`:                                                        "SEARCH memories USING COVERING INDEX memories_room (agent_id=? AND room_id=? AND type=?)",
		`SELECT content FROM memories WHERE agent_id = 'a' AND type = 'm' AND created_at <= 4 ORDER BY created_at DESC, id DESC LIMIT 5`:                     "SEARCH memories USING INDEX memories_list (agent_id=? AND type=? AND created_at<?)",
		`SELECT content FROM memories WHERE agent_id = 'a' AND type = 'm' AND room_id = 'r' ORDER BY created_at DESC, id DESC LIMIT 5`:                       "SEARCH memories USING INDEX memories_room (agent_id=? AND room_id=? AND type=?)",
		`SELECT body FROM agent_logs WHERE agent_id = 'a' AND type = 't' AND room_id IN ('r', 's') ORDER BY created_at DESC, id DESC LIMIT 5`:                "SEARCH agent_logs USING INDEX agent_logs_list (agent_id=?)",
		`SELECT run_id, min(created_at), max(run_status) FROM agent_logs WHERE agent_id = 'a' AND run_id IS NOT NULL AND type = 'run_event' GROUP BY run_id`: "SEARCH agent_logs USING COVERING INDEX agent_logs_run (agent_id=? AND run_id>?)",
	} {
		err := db.WithTx(t.Context(), func(_ context.Context, tx *gorm.DB) error {
			var plan []struct{ Detail string }
			if err := tx.Raw(`EXPLAIN QUERY PLAN ` + query).Scan(&plan).Error; err != nil {
				return err
			}
			if len(plan) != 1 || plan[0].Detail != want {
				t.Errorf("%s: %v, want %s", query, plan, want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
