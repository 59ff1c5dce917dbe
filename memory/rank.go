package memory

import (
	"cmp"
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

// Constants of BM25 (Robertson and Zaragoza, 2009) and of reciprocal rank fusion (Cormack, Clarke and
// Büttcher, 2009), as their authors recommend them.
const (
	saturation = 1.2
	lengthBias = 0.75
	fusion     = 60
)

// maxSearchWords bounds the words memories without a vector are looked up by.
const maxSearchWords = 12

// fuse ranks what was found by vectors, best first, and what has none by both their order and how well their
// texts match the words of a query: a memory scores by its place in either list. What has no vector scores by
// its place among the words twice. Equal ones stay in their order.
func fuse(near, strangers []core.Memory, query string) []core.Memory {
	all := slices.Concat(near, strangers)
	scores := bm25(all, query)
	byWords := make([]int, len(all))
	for i := range byWords {
		byWords[i] = i
	}
	slices.SortStableFunc(byWords, func(i, j int) int { return cmp.Compare(scores[j], scores[i]) })
	total := make([]float64, len(all))
	for i := range near {
		total[i] = 1 / float64(fusion+i+1)
	}
	for place, i := range byWords {
		switch score := 1 / float64(fusion+place+1); {
		case scores[i] == 0:
		case i < len(near):
			total[i] += score
		default:
			total[i] = 2 * score
		}
	}
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(total[j], total[i]) })
	out := make([]core.Memory, 0, len(all))
	for _, i := range order {
		if i < len(near) || scores[i] > 0 {
			out = append(out, all[i])
		}
	}
	return out
}

// bm25 scores how well the texts of memories match the words of a query; 0 = not at all.
func bm25(memories []core.Memory, query string) []float64 {
	docs := make([]map[string]int, len(memories))
	lengths := make([]int, len(memories))
	var total int
	for i, m := range memories {
		w := words(m.Content.Text)
		docs[i], lengths[i] = count(w), len(w)
		total += len(w)
	}
	mean := max(1, float64(total)/float64(max(1, len(memories))))
	scores := make([]float64, len(memories))
	for word := range count(words(query)) {
		var with int
		for _, d := range docs {
			with += min(1, d[word])
		}
		idf := math.Log(1 + (float64(len(docs)-with)+0.5)/(float64(with)+0.5))
		for i, d := range docs {
			n := float64(d[word])
			scores[i] += idf * n * (saturation + 1) / (n + saturation*(1-lengthBias+lengthBias*float64(lengths[i])/mean))
		}
	}
	return scores
}

// searchWords are the longest words of a query: short ones are in every text.
func searchWords(query string) []string {
	list := words(query)
	slices.SortStableFunc(list, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	list = slices.Compact(list)
	return list[:min(len(list), maxSearchWords)]
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
