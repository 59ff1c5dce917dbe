package memory_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/runtime/core"
)

// letters is an embedding model: it counts the first letters of the alphabet.
type letters struct {
	name string
	dim  int
	fail func(texts []string) error // before every answer; nil = never
}

func (l letters) Name() string { return l.name }
func (l letters) Dim() int     { return l.dim }

func (l letters) Embed(_ context.Context, texts []string) ([][]float32, error) {
	if l.fail != nil {
		if err := l.fail(texts); err != nil {
			return nil, err
		}
	}
	out := make([][]float32, len(texts))
	for i, s := range texts {
		out[i] = make([]float32, l.dim)
		for j := range out[i] {
			out[i][j] = float32(strings.Count(s, string(rune('a'+j)))) + 0.01
		}
	}
	return out, nil
}

// brain is a running agent that only has a model. Its fields are guarded by mu.
type brain struct {
	core.BareRuntime
	mu     sync.Mutex
	model  core.Embedder
	events []string
}

func (b *brain) Models() core.Models {
	b.mu.Lock()
	defer b.mu.Unlock()
	return core.Models{Embedder: b.model}
}

func (b *brain) use(m core.Embedder) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.model = m
}

func (b *brain) Emit(_ context.Context, e core.Event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(b.events, e.Name) {
		b.events = append(b.events, e.Name)
	}
	return nil
}

func (b *brain) heard(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Contains(b.events, name)
}

func (*brain) Turn(context.Context, *core.Turn, core.Out) (core.Outcome, error) {
	return core.Outcome{}, core.ErrUnsupported
}

// embedding runs the embedding of a server's memories until it is stopped or the test ends.
func (s *server) embedding() (stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	var work sync.WaitGroup
	work.Go(func() { s.svc.Embed(ctx) })
	stop = func() { cancel(); work.Wait() }
	s.t.Cleanup(stop)
	return stop
}

func (s *server) tend(m core.Embedder) *brain {
	b := &brain{BareRuntime: core.BareRuntime{ID: ada}, model: m}
	s.svc.Tend(b)
	return b
}

func (s *server) add(texts ...string) []core.UUID {
	s.t.Helper()
	ids := make([]core.UUID, len(texts))
	for i, text := range texts {
		var err error
		if ids[i], err = s.svc.For(ada).Add(s.t.Context(), core.Memory{Table: "facts", Content: core.Content{Text: text}}); err != nil {
			s.t.Fatal(err)
		}
	}
	return ids
}

// made tells by which model each of the agent's memories has a vector of its own size.
func (s *server) made() map[core.UUID]string {
	s.t.Helper()
	page, err := s.svc.For(ada).List(s.t.Context(), core.MemoryQuery{IncludeEmbedding: true, Limit: 1000})
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[core.UUID]string{}
	for _, m := range page {
		out[m.ID] = fmt.Sprintf("%s/%d", m.Model, len(m.Embedding))
	}
	return out
}

func (s *server) eventually(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("not within 20 s: %s; have %v", what, s.made())
		}
	}
}

func (s *server) allMade(ids []core.UUID, by string) {
	s.t.Helper()
	s.eventually("vectors by "+by, func() bool {
		made := s.made()
		return !slices.ContainsFunc(ids, func(id core.UUID) bool { return made[id] != by })
	})
}

func (s *server) noneWaits(model string, dim int) {
	s.t.Helper()
	s.eventually("nothing waits", func() bool {
		n, err := s.store.CountUnembedded(s.t.Context(), ada, model, dim)
		return err == nil && n == 0
	})
}

func (s *server) search(q core.MemoryQuery) []core.UUID {
	s.t.Helper()
	found, err := s.svc.For(ada).Search(s.t.Context(), q)
	if err != nil {
		s.t.Fatal(err)
	}
	ids := make([]core.UUID, len(found))
	for i := range found {
		ids[i] = found[i].ID
	}
	return ids
}

func TestMemoriesGetTheirVectorsInTheBackground(t *testing.T) {
	t.Parallel()
	s := start(t, memory.Options{})
	before := s.add("aaa", "bbb")
	s.embedding()
	b := s.tend(letters{name: "m", dim: 3})
	after := s.add("ccc", "")
	s.allMade(append(before, after[0]), "m/3")
	s.allMade(after[1:], "/0") // there is nothing to compare
	s.noneWaits("m", 3)
	if got := s.search(core.MemoryQuery{Vector: []float32{0, 1, 0}, Model: "m", Limit: 1}); len(got) != 1 || got[0] != before[1] {
		t.Errorf("nearest to b = %v, want %v", got, before[1])
	}
	s.eventually("plugins are told", func() bool { return b.heard(core.EventEmbeddingCompleted) })
	logs, err := s.svc.Logs(t.Context(), memory.LogQuery{Agent: ada, Type: "embedding_event"})
	if err != nil || len(logs) == 0 || logs[0].Body["status"] != "completed" {
		t.Errorf("log = %v, %v", logs, err)
	}
}

func TestMemoriesOfAStoppedAgentWait(t *testing.T) {
	t.Parallel()
	s := start(t, memory.Options{})
	stop := s.embedding()
	s.tend(letters{name: "m", dim: 3})
	s.allMade(s.add("a"), "m/3")
	s.svc.Untend(ada)
	stop() // with the batch that may have been under way
	late := s.add("b")
	s.embedding()
	s.tend(nil) // an agent without a model
	if got := s.made()[late[0]]; got != "/0" {
		t.Errorf("made = %s, want nothing", got)
	}
	s.tend(letters{name: "m", dim: 3})
	s.allMade(late, "m/3")
}

func TestWordsInAnyCaseFindWhatWaits(t *testing.T) {
	t.Parallel()
	s := start(t, memory.Options{})
	for text, query := range map[string]string{
		"Москва is far": "где москва?", "the word is ÜBERGANG": "Übergang", "of élan": "ÉLAN", "LATIN": "latin",
	} {
		ids := s.add(text)
		if got := s.search(core.MemoryQuery{Vector: []float32{1, 0, 0}, Model: "m", Text: query, Limit: 3}); !slices.Contains(got, ids[0]) {
			t.Errorf("%q does not find %q", query, text)
		}
	}
}

func TestAnotherModelEmbedsAllAgainAndNothingIsLostMeanwhile(t *testing.T) {
	t.Parallel()
	s := start(t, memory.Options{})
	s.embedding()
	b := s.tend(letters{name: "old", dim: 3})
	texts := make([]string, 80)
	for i := range texts {
		texts[i] = fmt.Sprintf("note number%d", i)
	}
	ids := s.add(texts...)
	s.allMade(ids, "old/3")

	open := make(chan struct{})
	b.use(letters{name: "new", dim: 4, fail: func([]string) error { <-open; return nil }})
	fresh := s.add("a new note") // lets the change be noticed
	q := core.MemoryQuery{Vector: make([]float32, 4), Model: "new", Text: "where is number77?", Limit: 3}
	q.Vector[0] = 1
	if got := s.search(q); len(got) == 0 || got[0] != ids[77] {
		t.Errorf("found %v while nothing has a new vector, want %v first", got, ids[77])
	}
	close(open)
	s.allMade(append(ids, fresh...), "new/4")
	if got := s.search(q); len(got) != 3 || got[0] != ids[77] {
		t.Errorf("found %v, want 3, %v first", got, ids[77])
	}
}

func TestAModelThatFailsIsAskedAgain(t *testing.T) {
	t.Parallel()
	s := start(t, memory.Options{})
	s.embedding()
	var calls int
	down := errors.New("overloaded")
	b := s.tend(letters{name: "m", dim: 3, fail: func([]string) error {
		if calls++; calls < 3 {
			return down
		}
		if calls == 3 {
			panic("a bug")
		}
		return nil
	}})
	s.allMade(s.add("a", "b", "c"), "m/3")
	s.eventually("plugins are told", func() bool { return b.heard(core.EventEmbeddingFailed) })
}

func TestATextTheModelRefusesHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	var log safeBuffer
	s := start(t, memory.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	s.embedding()
	s.tend(letters{name: "m", dim: 3, fail: func(texts []string) error {
		if slices.Contains(texts, "a poisonous text") {
			return errors.New("refused")
		}
		return nil
	}})
	ids := s.add("a", "a poisonous text", "c")
	s.allMade([]core.UUID{ids[0], ids[2]}, "m/3")
	s.noneWaits("m", 3)
	s.allMade(ids[1:2], "/0")
	if !strings.Contains(log.String(), string(ids[1])) {
		t.Errorf("the log does not name it:\n%s", log.String())
	}
	if got := s.search(core.MemoryQuery{Vector: []float32{1, 0, 0}, Model: "m", Text: "poisonous", Limit: 1}); len(got) != 1 || got[0] != ids[1] {
		t.Errorf("words find %v, want %v", got, ids[1])
	}
	s.allMade(s.add("d"), "m/3") // and later ones get theirs
}

func TestAChangedTextGetsAnotherVector(t *testing.T) {
	t.Parallel()
	s := start(t, memory.Options{})
	s.embedding()
	s.tend(letters{name: "m", dim: 3})
	ids := s.add("aaa", "bbb")
	s.allMade(ids, "m/3")
	path := "/api/agents/" + string(ada) + "/memories/" + string(ids[0])
	s.data("PATCH", path, map[string]any{"content": map[string]any{"text": "ccc"}}, 200)
	s.eventually("the new text is found", func() bool {
		got := s.search(core.MemoryQuery{Vector: []float32{0, 0, 1}, Model: "m", Limit: 1, Threshold: 0.9})
		return len(got) == 1 && got[0] == ids[0]
	})
	s.data("PATCH", path, map[string]any{"embedding": []float32{0, 1, 0}}, 200)
	if got := s.search(core.MemoryQuery{Vector: []float32{0, 1, 0}, Model: "m", Limit: 2, Threshold: 0.9}); len(got) != 2 {
		t.Errorf("found %v, want both", got)
	}
}

// Keys of contents that differ from the named ones in case only are others.
func TestATextBesideOneInCapitalsIsEmbeddedOnce(t *testing.T) {
	t.Parallel()
	s := start(t, memory.Options{})
	ids := s.add("aaa")
	path := "/api/agents/" + string(ada) + "/memories/" + string(ids[0])
	s.data("PATCH", path, map[string]any{"content": json.RawMessage(`{"Text":"ccc","text":"bbb","Thought":"7"}`)}, 200)
	s.embedding()
	s.tend(letters{name: "m", dim: 3})
	s.noneWaits("m", 3)
	if got := s.search(core.MemoryQuery{Vector: []float32{0, 1, 0}, Model: "m", Limit: 1, Threshold: 0.9}); len(got) != 1 {
		t.Errorf("the text is not the one under text, found %v", got)
	}
}

// broken is an embedding model that cannot even be asked.
type broken struct{ letters }

func (broken) Dim() int { panic("no model is loaded") }

func TestAModelThatPanicsEndsNothing(t *testing.T) {
	t.Parallel()
	var log safeBuffer
	s := start(t, memory.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	s.embedding()
	b := s.tend(broken{letters{name: "m"}})
	ids := s.add("a")
	s.eventually("it is reported", func() bool { return strings.Contains(log.String(), "no model is loaded") })
	b.use(letters{name: "m", dim: 3})
	s.allMade(ids, "m/3")
}

func TestWhatAModelMadeBeforeItFailedIsKept(t *testing.T) {
	t.Parallel()
	s := start(t, memory.Options{Logger: slog.New(slog.DiscardHandler)})
	var calls int
	s.add("a", "a poisonous text", "b", "c", "a", "b", "c", "a")
	s.embedding()
	s.tend(letters{name: "m", dim: 3, fail: func(texts []string) error {
		if calls++; len(texts) > 1 || calls%8 > 5 || texts[0] == "a poisonous text" {
			return errors.New("overloaded")
		}
		return nil
	}})
	s.noneWaits("m", 3)
}

func TestAGivenVectorIsKeptUnlessItCannotBeCompared(t *testing.T) {
	t.Parallel()
	s := start(t, memory.Options{})
	mine := s.svc.For(ada)
	var ids []core.UUID
	for _, v := range [][]float32{{0, 0, 1}, {1, 0}} {
		id, err := mine.Add(t.Context(), core.Memory{Content: core.Content{Text: "aaa"}, Embedding: v})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	s.embedding()
	s.tend(letters{name: "m", dim: 3})
	s.allMade(ids[1:], "m/3")
	if got := s.search(core.MemoryQuery{Vector: []float32{0, 0, 1}, Model: "m", Limit: 1, Threshold: 0.99}); len(got) != 1 || got[0] != ids[0] {
		t.Errorf("found %v, want the given one %v", got, ids[0])
	}
}

func TestLongRunsReportTheirProgress(t *testing.T) {
	t.Parallel()
	var log safeBuffer
	s := start(t, memory.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	ids := s.add(slices.Repeat([]string{"again and again"}, 150)...)
	s.embedding()
	s.tend(letters{name: "m", dim: 3})
	s.allMade(ids, "m/3")
	s.eventually("the end is reported", func() bool { return strings.Contains(log.String(), "memories are embedded") })
	if out := log.String(); !strings.Contains(out, "waiting=150") || !strings.Contains(out, "done=150") {
		t.Errorf("log:\n%s", out)
	}
}

// safeBuffer is a buffer many may write to.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
