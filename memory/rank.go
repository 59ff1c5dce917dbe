package memory

import (
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/eliza-go/eliza/runtime/core"
)

// maxDimension is the largest vector that is stored.
const maxDimension = 4096

// checkVector refuses vectors that cannot be compared.
func checkVector(v []float32) error {
	if len(v) > maxDimension {
		return core.BadRequest("Invalid field: embedding may have 4096 numbers")
	}
	for _, x := range v {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return core.BadRequest("Invalid field: embedding must be finite")
		}
	}
	return nil
}

// rank orders memories by how well their texts match the words of a query (BM25); equal ones stay in their
// order, that of similarity.
func rank(memories []core.Memory, query string) {
	const k, b = 1.2, 0.75
	docs := make([]map[string]int, len(memories))
	var total int
	lengths := make([]int, len(memories))
	for i, m := range memories {
		w := words(m.Content.Text)
		docs[i], lengths[i] = count(w), len(w)
		total += len(w)
	}
	mean := max(1, float64(total)/float64(max(1, len(memories))))
	scores := map[core.UUID]float64{}
	for word := range count(words(query)) {
		var with int
		for _, d := range docs {
			with += min(1, d[word])
		}
		idf := math.Log(1 + (float64(len(docs)-with)+0.5)/(float64(with)+0.5))
		for i, d := range docs {
			n := float64(d[word])
			scores[memories[i].ID] += idf * n * (k + 1) / (n + k*(1-b+b*float64(lengths[i])/mean))
		}
	}
	slices.SortStableFunc(memories, func(x, y core.Memory) int {
		switch d := scores[y.ID] - scores[x.ID]; {
		case d > 0:
			return 1
		case d < 0:
			return -1
		}
		return 0
	})
}

func words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

func count(words []string) map[string]int {
	out := make(map[string]int, len(words))
	for _, w := range words {
		out[w]++
	}
	return out
}
