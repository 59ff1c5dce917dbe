package memory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
	"unicode/utf8"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	embedBatch   = 64                     // memories a model is asked about at once
	embedPause   = 100 * time.Millisecond // from a new memory to the question, so that others join it
	embedTimeout = time.Minute
	maxEmbedText = 8 << 10 // bytes of a memory's text that a model gets
	embedTries   = 3       // failures of a batch before its texts are tried one by one
	firstRetry   = 250 * time.Millisecond
	lastRetry    = time.Minute
	progressTime = 10 * time.Second // between lines in the log
	embedAgents  = 4                // agents whose models are asked at the same time
)

// Embed gives memories the vectors they are searched by, until ctx ends: those of the agents handed to
// [Manager.Tend], the ones without a vector first, then those whose vector is of another model than the
// agent's present one. The table is the queue, so nothing that waits is lost with a process. A model that
// fails is asked again, later each time, up to a minute; a text that it refuses while it takes others is left
// without a vector and reported. An agent without a model for embeddings is left alone.
func (m *Manager) Embed(ctx context.Context) {
	m.tending.run(ctx, func(ctx context.Context, t *tended) (more bool, err error) {
		err = guarded(m.log, func() (err error) {
			more, err = m.embedSome(ctx, t)
			return err
		})
		return more, err
	})
}

// Tend has [Manager.Embed] look after the memories of a running agent; a later call replaces the runtime.
func (m *Manager) Tend(rt core.Runtime) { m.tending.add(rt) }

// Untend ends that. A batch that is under way comes to its end.
func (m *Manager) Untend(agent core.UUID) { m.tending.drop(agent) }

// task is one batch of an agent.
type task struct {
	m     *Manager
	rt    core.Runtime
	model core.Embedder
	name  string
	log   *slog.Logger
	lap   *lap
}

// embedSome embeds one batch of an agent's memories and tells whether there may be more.
func (m *Manager) embedSome(ctx context.Context, t *tended) (more bool, err error) {
	model := t.rt.Models().Embedder
	if model == nil {
		return false, nil
	}
	k := task{m: m, rt: t.rt, model: model, name: model.Name(), lap: &t.lap}
	if k.name == "" {
		k.name = "unnamed"
	}
	k.log = m.log.With("agent_id", t.rt.AgentID(), "model", k.name)
	list, err := m.store.Unembedded(ctx, t.rt.AgentID(), k.name, model.Dim(), embedBatch)
	if err != nil {
		return false, err
	}
	if len(list) == 0 {
		k.lap.end(k.log)
		return false, nil
	}
	if !m.tending.has(t) { // what came after the agent was let go is not asked about
		return false, nil
	}
	if err := k.begin(ctx, len(list)); err != nil {
		return false, err
	}
	began := time.Now()
	made, err := k.vectors(ctx, list, t.failures >= embedTries-1)
	if len(made) > 0 {
		if lost := m.store.SetEmbeddings(ctx, k.rt.AgentID(), k.name, made); lost != nil {
			made, err = nil, errors.Join(err, lost)
		}
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	k.lap.step(k.log, len(made))
	if err != nil {
		list = list[len(made):]
		k.log.Warn("memories are not embedded", "waiting", len(list), "failures", t.failures+1, "err", err)
	}
	k.tell(ctx, list, time.Since(began), err)
	return err == nil, err
}

// begin starts to report progress when there is more to do than one batch.
func (k *task) begin(ctx context.Context, batch int) error {
	if batch < embedBatch || k.lap.running() {
		return nil
	}
	n, err := k.m.store.CountUnembedded(ctx, k.rt.AgentID(), k.name, k.model.Dim())
	if err == nil && n > embedBatch {
		k.lap.begin(k.log, n)
	}
	return err
}

// vectors asks the model. With singly every text is asked about alone, to find those that it refuses; what was
// made before an error, of the first of the list, is returned with it.
func (k *task) vectors(ctx context.Context, list []core.Memory, singly bool) ([]Embedding, error) {
	out := make([]Embedding, len(list))
	var texts []string
	var of []int // indexes of texts in out
	for i, mem := range list {
		out[i] = Embedding{ID: mem.ID, Text: mem.Content.Text}
		if s := cut(mem.Content.Text); s != "" {
			texts, of = append(texts, s), append(of, i)
		}
	}
	if len(texts) == 0 {
		return out, nil
	}
	if singly {
		n, err := k.oneByOne(ctx, out, texts, of)
		if err != nil {
			out = out[:of[n]]
		}
		return out, err
	}
	vectors, err := k.ask(ctx, texts)
	if err != nil {
		return nil, err
	}
	for i := range vectors {
		out[of[i]].Vector = vectors[i]
	}
	return out, nil
}

// oneByOne fills in the vectors the model makes, and counts the texts until an error. The model refuses a text
// when it fails at it twice and answers another question in between.
func (k *task) oneByOne(ctx context.Context, out []Embedding, texts []string, of []int) (n int, err error) {
	for i, s := range texts {
		e := &out[of[i]]
		vectors, err := k.ask(ctx, []string{s})
		if err != nil {
			if _, err := k.ask(ctx, []string{"hello"}); err != nil {
				return i, err
			}
			vectors, err = k.ask(ctx, []string{s})
		}
		switch {
		case ctx.Err() != nil:
			return i, ctx.Err()
		case err != nil:
			k.log.Warn("the model makes no vector of a memory, words alone will find it", "memory_id", e.ID, "err", err)
		default:
			e.Vector = vectors[0]
		}
	}
	return len(texts), nil
}

// ask calls the model, which is foreign code.
func (k *task) ask(ctx context.Context, texts []string) (vectors [][]float32, err error) {
	ctx, cancel := context.WithTimeout(ctx, embedTimeout)
	defer cancel()
	err = guarded(k.log, func() (err error) {
		vectors, err = k.model.Embed(ctx, texts)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(vectors) != len(texts) {
		return nil, fmt.Errorf("%d vectors for %d texts", len(vectors), len(texts))
	}
	for _, v := range vectors {
		if len(v) != k.model.Dim() {
			return nil, fmt.Errorf("a vector of %d numbers instead of %d", len(v), k.model.Dim())
		}
		if checkVector(v) != nil {
			return nil, errors.New("a vector that cannot be compared")
		}
	}
	return vectors, nil
}

// guarded calls foreign code and turns its panic into an error.
func guarded(log *slog.Logger, fn func() error) error {
	err := core.Guard(fn)
	if p, ok := errors.AsType[*core.PanicError](err); ok {
		log.Error("panic while memories were embedded", "panic", p.Error(), "stack", p.Stack)
	}
	return err
}

// tell writes a batch into the agent's log and lets plugins know.
func (k *task) tell(ctx context.Context, list []core.Memory, took time.Duration, failed error) {
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = string(list[i].ID)
	}
	name := core.EventEmbeddingCompleted
	body := map[string]any{"status": "completed", "model": k.name, "dimension": k.model.Dim(), "count": len(list), "duration": took.Milliseconds()}
	if failed != nil {
		name, body["status"], body["error"] = core.EventEmbeddingFailed, "failed", failed.Error()
	}
	agent := k.rt.AgentID()
	err := k.m.For(agent).Record(ctx, nil, []core.Log{{EntityID: agent, RoomID: agent, Type: "embedding_event", Body: body}})
	if err != nil && ctx.Err() == nil {
		k.log.Warn("cannot record embeddings", "err", err)
	}
	if err := k.rt.Emit(ctx, core.Event{Name: name, Source: "memory", Data: map[string]any{"memoryIds": ids, "model": k.name, "error": body["error"]}}); err != nil && ctx.Err() == nil {
		k.log.Warn("a plugin failed at an event", "event", name, "err", err)
	}
}

// cut is what a model gets of a text.
func cut(s string) string {
	if len(s) <= maxEmbedText {
		return s
	}
	n := maxEmbedText
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// lap reports how far a long run of batches is.
type lap struct {
	total, done int
	began, told time.Time
}

func (l *lap) running() bool { return l.total > 0 }

func (l *lap) begin(log *slog.Logger, total int) {
	*l = lap{total: total, began: time.Now(), told: time.Now()}
	log.Info("embedding memories", "waiting", total)
}

func (l *lap) step(log *slog.Logger, n int) {
	if l.done += n; l.running() && time.Since(l.told) >= progressTime {
		l.told = time.Now()
		log.Info("embedding memories", "done", l.done, "waiting", max(0, l.total-l.done))
	}
}

func (l *lap) end(log *slog.Logger) {
	if l.running() {
		log.Info("memories are embedded", "done", l.done, "took", time.Since(l.began).Round(time.Millisecond))
	}
	*l = lap{}
}
