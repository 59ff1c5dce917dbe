package doctor

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func embedAll(t testing.TB, texts ...string) [][]float32 {
	t.Helper()
	out, err := NewEmbedder().Embed(t.Context(), texts)
	if err != nil {
		t.Fatalf("Embed: %v", err)
	}
	return out
}

func dot(a, b []float32) float64 {
	sum := 0.0
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

func TestEmbedderSimilarity(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, near, far string }{
		{"My dog likes long walks in the park", "the dog walked through the park", "Interest rates were raised by the bank"},
		{"I am afraid of my boss", "My boss frightens me, I'm afraid of him", "We are going to the cinema on Friday"},
		{"How do I install the database?", "installing databases on Linux", "How do I feel about my mother?"},
		{"Ich fahre morgen nach Hamburg", "Morgen fahren wir nach Hamburg", "Das Essen war sehr salzig"},
		{"我喜欢喝绿茶", "他也喜欢喝绿茶", "明天会下大雨"},
		{"Das ÄRGERT mich", "das ärgert mich!", "Wir fahren ans Meer"},
		{"She plays the violin in an orchestra", "an orchestra violinist", "The train to Paris was late"},
	}
	for _, tt := range tests {
		v := embedAll(t, tt.text, tt.near, tt.far)
		near, far := dot(v[0], v[1]), dot(v[0], v[2])
		if near < far+0.2 {
			t.Errorf("%q: %.2f with %q, %.2f with %q", tt.text, near, tt.near, far, tt.far)
		}
		if math.Abs(far) > 0.25 {
			t.Errorf("%q: %.2f with %q", tt.text, far, tt.far)
		}
	}
}

func TestEmbedderVectors(t *testing.T) {
	t.Parallel()
	e := NewEmbedder()
	texts := []string{"", " \n", "?!", "a", "the of and", "🍕", "\x00\xff", "word word word", strings.Repeat("x", 1<<17), strings.Repeat("lots of words ", 1<<13)}
	v := embedAll(t, texts...)
	for i, text := range texts {
		if len(v[i]) != e.Dim() {
			t.Fatalf("%d dimensions", len(v[i]))
		}
		if n := dot(v[i], v[i]); math.Abs(n-1) > 1e-5 {
			t.Errorf("%.10q: length %v", text, n)
		}
	}
	if diff := cmp.Diff(v, embedAll(t, texts...)); diff != "" {
		t.Errorf("the second time (-first +second):\n%s", diff)
	}
	if e.Name() != "doctor-ngram-384" || e.Dim() != 384 {
		t.Errorf("%s, %d", e.Name(), e.Dim())
	}
	if v := embedAll(t); len(v) != 0 {
		t.Errorf("Embed of nothing = %v", v)
	}
}

// The vectors are stored under the embedder's name: the same name must mean the same vectors.
func TestEmbedderIsStable(t *testing.T) {
	t.Parallel()
	v := embedAll(t, "The quick brown fox")[0]
	at, most := 0, float32(0)
	sum := 0.0
	for i, x := range v {
		sum += float64(i) * float64(x)
		if x*x > most*most {
			at, most = i, x
		}
	}
	const wantAt, wantSum = 26, -11.6124
	if at != wantAt || math.Abs(sum-wantSum) > 1e-3 {
		t.Errorf("largest at %d, sum %.4f; want %d, %.4f: a change of the vectors needs a new name", at, sum, wantAt, wantSum)
	}
}

func TestEmbedderEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NewEmbedder().Embed(ctx, []string{"x"}); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
}
