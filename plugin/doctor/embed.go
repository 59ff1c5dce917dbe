package doctor

import (
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	embedderName = "doctor-ngram-384"
	dimensions   = 384
	maxGrams     = 256 // runes of a word that n-grams are made of
)

// What the kinds of features weigh.
const (
	weightWord   = 1.0
	weightCommon = 0.15 // a word that says little
	weightPair   = 0.5
	weightGram   = 0.25
)

// Embedder turns texts into vectors by feature hashing: words, pairs of words and the character n-grams of
// each word are counted, damped by a square root and added, with a sign of their own, to one of 384 places.
// Texts that share words or stems lie close together. It knows nothing of meaning, and needs nothing but
// this process. Safe for concurrent use.
type Embedder struct{}

var _ core.Embedder = (*Embedder)(nil)

// NewEmbedder makes the embedder on its own; [Plugin] is the usual way to it.
func NewEmbedder() *Embedder { return &Embedder{} }

// Name implements [core.Embedder]. It changes whenever the vectors do.
func (*Embedder) Name() string { return embedderName }

// Dim implements [core.Embedder].
func (*Embedder) Dim() int { return dimensions }

// Embed implements [core.Embedder]. The vectors have length one, also that of a text without words.
func (*Embedder) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	out := make([][]float32, len(texts))
	for i, text := range texts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out[i] = embed(text)
	}
	return out, nil
}

// features counts what a text consists of.
type features map[uint64]*feature

type feature struct {
	weight float64
	count  int
}

func (f features) add(kind, text string, weight float64) {
	h := mix(hashString(kind), hashString(text))
	if f[h] == nil {
		f[h] = &feature{weight: weight}
	}
	f[h].count++
}

func embed(text string) []float32 {
	f := features{}
	prev := ""
	for w := range strings.FieldsFuncSeq(strings.ToLower(text), separates) {
		w = strings.Trim(strings.ReplaceAll(w, "’", "'"), "'")
		if w == "" {
			continue
		}
		f.word(w, prev)
		prev = w
	}
	if len(f) == 0 {
		f.add("empty", "", 1)
	}
	return f.vector()
}

func separates(c rune) bool {
	return !unicode.IsLetter(c) && !unicode.IsDigit(c) && !unicode.IsMark(c) && !unicode.IsSymbol(c) && c != '\'' && c != '’'
}

func (f features) word(w, prev string) {
	if isStopWord(w) {
		f.add("word", w, weightCommon)
	} else {
		f.add("word", w, weightWord)
		f.grams(w)
	}
	if prev != "" && !(isStopWord(w) && isStopWord(prev)) {
		f.add("pair", prev+" "+w, weightPair)
	}
}

// grams adds the character n-grams of a word and its borders: of three to five runes, and of two in
// scripts that write no spaces.
func (f features) grams(w string) {
	runes := []rune("^" + w + "$")
	runes = runes[:min(len(runes), maxGrams)]
	least := 3
	if first, _ := utf8.DecodeRuneInString(w); first >= 0x2e80 {
		least = 2
	}
	for n := least; n <= 5; n++ {
		for i := 0; i+n <= len(runes); i++ {
			f.add("gram", string(runes[i:i+n]), weightGram)
		}
	}
}

// vector adds the features up. Square roots are exact and the conversions keep multiplications and
// additions apart, so that every machine gets the same numbers.
func (f features) vector() []float32 {
	var sum [dimensions]float64
	for _, h := range f.sorted() {
		v := float64(f[h].weight * math.Sqrt(float64(f[h].count)))
		if h>>63 == 1 {
			v = -v
		}
		sum[h%dimensions] += v
	}
	length := 0.0
	for _, v := range sum {
		length += float64(v * v)
	}
	length = math.Sqrt(length)
	out := make([]float32, dimensions)
	if length == 0 { // every feature met its opposite
		out[0] = 1
		return out
	}
	for i, v := range sum {
		out[i] = float32(v / length)
	}
	return out
}

// sorted returns the features in a fixed order, for the same reason.
func (f features) sorted() []uint64 { return slices.Sorted(maps.Keys(f)) }
