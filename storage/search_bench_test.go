package storage_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// randomVector is a vector like those of models: as long as theirs, in no special direction.
func randomVector(r *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}

// BenchmarkNearest looks for the ten nearest of 10,000 memories of 384 dimensions, one search at a time.
func BenchmarkNearest(b *testing.B) {
	db := open(b)
	agent, room := makeAgent(b, db), core.NewUUID()
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		memories := make([]core.Memory, 500)
		for i := range memories {
			memories[i] = core.Memory{
				ID: core.NewUUID(), AgentID: agent, Table: core.TableMessages, RoomID: room, EntityID: agent, CreatedAt: core.Now(), Unique: true,
				Content:  core.Content{Text: fmt.Sprintf("This is a sentence of usual length about subject number %d, and nothing else.", i), Source: "bench", ChannelType: "DM"},
				Metadata: map[string]any{"type": "message", "source": "bench"}, Model: "m", Embedding: randomVector(r, 384),
			}
		}
		if err := db.Memory().Insert(b.Context(), memories, nil); err != nil {
			b.Fatal(err)
		}
	}
	for name, q := range map[string]core.MemoryQuery{
		"all": {}, "table": {Table: core.TableMessages}, "room": {Table: core.TableMessages, RoomID: room}, "nothing": {RoomID: agent},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var took []time.Duration
			for b.Loop() {
				q.Vector, q.Model, q.Limit = randomVector(r, 384), "m", 10
				began := time.Now()
				if _, err := db.Memory().Nearest(b.Context(), agent, q); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
		})
	}
}
