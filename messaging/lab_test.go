package messaging_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

// patience is how long a test waits for something that must happen.
const patience = time.Minute

type brainFunc func(ctx context.Context, t *core.Turn, out core.Out) (core.Outcome, error)

// brain is a scripted agent.
type brain struct {
	core.BareRuntime
	turn   brainFunc
	joined chan core.Event
	set    map[string]string
}

func (b *brain) Setting(key string) (string, bool) {
	v, ok := b.set[key]
	return v, ok
}

func (b *brain) Turn(ctx context.Context, t *core.Turn, out core.Out) (core.Outcome, error) {
	return b.turn(ctx, t, out)
}

func (b *brain) Emit(ctx context.Context, e core.Event) error {
	select {
	case b.joined <- e:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func text(s string) *core.Content { return &core.Content{Text: s} }

// echo answers every message at once.
func echo(_ context.Context, t *core.Turn, _ core.Out) (core.Outcome, error) {
	return core.Outcome{Reply: text("re: " + t.Content.Text)}, nil
}

// crew is the agents a Manager asks for.
type crew struct {
	mu     sync.Mutex
	brains map[core.UUID]*brain
	build  func(ctx context.Context, id core.UUID) error // when set, asked before a brain is given out
}

func (c *crew) Runtime(ctx context.Context, id core.UUID) (core.Runtime, error) {
	c.mu.Lock()
	b, build := c.brains[id], c.build
	c.mu.Unlock()
	if build != nil {
		if err := build(ctx, id); err != nil {
			return nil, err
		}
	}
	if b == nil {
		return nil, agents.ErrNotRunning
	}
	return b, nil
}

func (c *crew) Exists(_ context.Context, id core.UUID) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.brains[id] != nil, nil
}

// lab is a Manager over a database file, and agents with scripted brains.
type lab struct {
	t    testing.TB
	path string
	opts messaging.Options
	crew *crew
	db   *storage.DB
	*messaging.Manager
	down bool
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func newLab(t testing.TB, opts messaging.Options) *lab {
	t.Helper()
	if opts.Logger == nil {
		opts.Logger = quiet()
	}
	l := &lab{t: t, path: filepath.Join(t.TempDir(), "eliza.db"), opts: opts, crew: &crew{brains: map[core.UUID]*brain{}}}
	l.open()
	l.start()
	t.Cleanup(func() { l.close(context.Background()) })
	return l
}

func (l *lab) open() {
	l.t.Helper()
	var err error
	if l.db, err = storage.Open(context.Background(), l.path, storage.Options{Logger: quiet()}); err != nil {
		l.t.Fatal(err)
	}
	l.Manager, l.down = messaging.New(l.db.Messaging(), l.opts), false
}

func (l *lab) start() {
	l.t.Helper()
	if err := l.Start(context.Background(), l.crew); err != nil {
		l.t.Fatal(err)
	}
}

// close ends the process, so to speak.
func (l *lab) close(ctx context.Context) {
	l.t.Helper()
	if l.down {
		return
	}
	l.down = true
	if err := l.Shutdown(ctx); err != nil && ctx.Err() == nil {
		l.t.Errorf("Shutdown() = %v", err)
	}
	if err := l.db.Close(); err != nil {
		l.t.Error(err)
	}
}

// hire stores an active agent.
func (l *lab) hire(turn brainFunc) core.UUID {
	l.t.Helper()
	id := core.NewUUID()
	c := &core.Character{ID: id, Name: "Ada"}
	if err := l.db.Agents().Insert(context.Background(), &agents.Agent{Character: c, Active: true, Version: 1}); err != nil {
		l.t.Fatal(err)
	}
	l.crew.mu.Lock()
	defer l.crew.mu.Unlock()
	l.crew.brains[id] = &brain{core.BareRuntime{ID: id, Char: c}, turn, make(chan core.Event), nil}
	return id
}

// script gives an agent another brain.
func (l *lab) script(id core.UUID, turn brainFunc) {
	l.crew.mu.Lock()
	defer l.crew.mu.Unlock()
	b := *l.crew.brains[id]
	b.turn = turn
	l.crew.brains[id] = &b
}

// settings gives an agent settings.
func (l *lab) settings(id core.UUID, set map[string]string) {
	l.crew.mu.Lock()
	defer l.crew.mu.Unlock()
	l.crew.brains[id].set = set
}

func (l *lab) channel(kind string, participants ...core.UUID) core.UUID {
	l.t.Helper()
	ch, err := l.CreateChannel(context.Background(), messaging.NewChannel{ServerID: core.DefaultServerID, Name: "room", Type: kind, Participants: participants})
	if err != nil {
		l.t.Fatal(err)
	}
	return ch.ID
}

var user = core.StringToUUID("a user")

func (l *lab) say(channel core.UUID, content string) *messaging.Accepted {
	l.t.Helper()
	a, err := l.Accept(context.Background(), messaging.NewMessage{ChannelID: channel, AuthorID: user, Content: content})
	if err != nil {
		l.t.Fatalf("Accept(%q) = %v", content, err)
	}
	return a
}

// answer waits for the end of a message.
func (l *lab) answer(a *messaging.Accepted) *messaging.Answer {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	got, err := l.Wait(ctx, a.Message.ChannelID, a.Message.ID, a.Message.Seq-1)
	if err != nil {
		l.t.Fatalf("Wait() = %v", err)
	}
	return got
}

// record is what a watcher heard.
type record struct {
	t      testing.TB
	mu     sync.Mutex
	events []messaging.Event
	more   chan struct{}
	cancel func()
}

func (l *lab) watch(channel core.UUID, after int64) *record {
	l.t.Helper()
	r := &record{t: l.t, more: make(chan struct{}, 1)}
	var err error
	if r.cancel, err = l.Watch(context.Background(), channel, after, r.take); err != nil {
		l.t.Fatalf("Watch() = %v", err)
	}
	return r
}

func (r *record) take(e messaging.Event) {
	if e.Kind == messaging.KindReplayed {
		return
	}
	r.mu.Lock()
	r.events = append(r.events, e)
	r.mu.Unlock()
	select {
	case r.more <- struct{}{}:
	default:
	}
}

func (r *record) all() []messaging.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// until waits for an event that fits and returns all that was heard.
func (r *record) until(what string, fits func(messaging.Event) bool) []messaging.Event {
	r.t.Helper()
	limit := time.After(patience)
	for {
		all := r.all()
		if slices.ContainsFunc(all, fits) {
			return all
		}
		select {
		case <-r.more:
		case <-limit:
			r.t.Fatalf("never heard of %s, only %s", what, kinds(all))
		}
	}
}

func (r *record) completed(message core.UUID) []messaging.Event {
	r.t.Helper()
	return r.until("the completion", func(e messaging.Event) bool {
		return e.Kind == messaging.KindComplete && e.MessageID == message
	})
}

// kinds names events, chunks with their text.
func kinds(events []messaging.Event) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = e.Kind
		switch {
		case e.Kind == messaging.KindChunk:
			out[i] += ":" + e.Chunk.Text
		case e.Message != nil:
			out[i] += ":" + e.Message.Content
		case e.Result != nil && len(e.Result.Agents) > 0:
			out[i] += ":" + e.Result.Agents[0].Status
		}
	}
	return out
}

func receive[T any](t testing.TB, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
	}
	return v
}

func errIs(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("err = %v, want %v", err, want)
	}
}
