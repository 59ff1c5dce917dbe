package audio_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/eliza-go/eliza/agents/loop"
	"github.com/eliza-go/eliza/audio"
	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/plugin/doctor"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

// running are agents that run.
type running map[core.UUID]core.Runtime

func (r running) Runtime(_ context.Context, id core.UUID) (core.Runtime, error) { return r[id], nil }

// TestRecords has the default brain answer, over a real database.
func TestRecords(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	db, err := storage.Open(t.Context(), filepath.Join(t.TempDir(), "eliza.db"), storage.Options{Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	known := memory.New(db.Memory(), memory.Options{Logger: log})
	voice := setup(t, nil).brain.models.Speaker
	build, err := loop.New(loop.Options{
		Logger: log, Memories: known.For, Plugins: []plugin.Plugin{doctor.Plugin(doctor.Options{}), {
			Name: "voice", Models: func(core.Runtime) (core.Models, error) { return core.Models{Speaker: voice}, nil },
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	rt, err := build(t.Context(), &core.Character{ID: ada, Name: "Ada", Bio: core.Bio{Lines: []string{"made for a test"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := rt.Close(context.Background())
		known.Close()
		if err := errors.Join(err, db.Close()); err != nil {
			t.Error(err)
		}
	})
	m := audio.New(running{ada: rt}, audio.Options{TempDir: t.TempDir()})

	for roomID, want := range map[string]core.UUID{
		"": core.ForAgent(ada, "default-room-"+string(ada)), room: core.ForAgent(ada, room), "the kitchen": core.ForAgent(ada, "the kitchen"),
	} {
		reply, err := m.Converse(t.Context(), ada, audio.Question{Text: "hello", RoomID: roomID, Name: "Bob"})
		if err != nil {
			t.Fatal(err)
		}
		if err := reply.Audio.Close(); err != nil {
			t.Error(err)
		}
		list, err := rt.Memories().List(t.Context(), core.MemoryQuery{Table: core.TableMessages, RoomID: want})
		if err != nil || len(list) != 2 {
			t.Fatalf("room %q: %d memories, %v", roomID, len(list), err)
		}
		answer, question := list[0], list[1]
		if question.Content.Text != "hello" || question.EntityID != core.ForAgent(ada, "Anon") || question.WorldID != core.ForAgent(ada, "direct") ||
			question.Content.Source != "direct" || question.Content.ChannelType != "API" {
			t.Errorf("question = %+v", question)
		}
		if answer.Content.Text != reply.Text || answer.EntityID != ada || answer.Content.InReplyTo != question.ID {
			t.Errorf("answer = %+v to %q", answer, reply.Text)
		}
		if rooms, err := known.Room(t.Context(), ada, want); err != nil || rooms.Type != "API" || rooms.Source != "direct" {
			t.Errorf("room = %+v, %v", rooms, err)
		}
	}
}
