package memory_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestConnect(t *testing.T) {
	t.Parallel()
	s := start(t, memory.Options{})
	mine := s.svc.For(ada)
	turn := s.turn(hall, user)

	room := must[core.Room](t)(mine.Connect(t.Context(), turn))
	if room.ID != core.ForAgent(ada, string(hall)) || room.ChannelID != hall || room.WorldID != core.ForAgent(ada, string(core.DefaultServerID)) ||
		room.ServerID != string(core.DefaultServerID) || room.Name != "the hall" || room.Type != "DM" || room.Source != "client_chat" || room.State != "" {
		t.Errorf("room = %+v", room)
	}
	world := must[*core.World](t)(s.svc.World(t.Context(), ada, room.WorldID))
	if world.Name != "Server 00000000" || world.ServerID != string(core.DefaultServerID) {
		t.Errorf("world = %+v", world)
	}
	people := must[[]core.Entity](t)(mine.Entities(t.Context(), room.ID))
	if len(people) != 2 || people[0].ID != user || !slices.Equal(people[0].Names, []string{"Bob"}) || people[1].ID != ada {
		t.Errorf("people = %+v", people)
	}

	t.Run("known turns do not reach the store", func(t *testing.T) {
		before := s.store.connects.Load()
		for range 10 {
			if again := must[core.Room](t)(mine.Connect(t.Context(), turn)); again.ID != room.ID || again.CreatedAt != room.CreatedAt {
				t.Errorf("room = %+v", again)
			}
		}
		if n := s.store.connects.Load() - before; n != 0 {
			t.Errorf("%d calls", n)
		}
	})
	t.Run("a new name is taken over", func(t *testing.T) {
		renamed := *turn
		renamed.ChannelName, renamed.AuthorName, renamed.Metadata = "the cellar", "Robert", map[string]any{"serverName": "Home"}
		if got := must[core.Room](t)(mine.Connect(t.Context(), &renamed)); got.Name != "the cellar" {
			t.Errorf("room = %+v", got)
		}
		people := must[[]core.Entity](t)(mine.Entities(t.Context(), room.ID))
		if !slices.Equal(people[0].Names, []string{"Bob", "Robert"}) {
			t.Errorf("names = %v", people[0].Names)
		}
		if w := must[*core.World](t)(s.svc.World(t.Context(), ada, room.WorldID)); w.Name != "Home" {
			t.Errorf("world = %q", w.Name)
		}
		nameless := renamed
		nameless.ChannelName, nameless.AuthorName, nameless.Metadata = "", "", nil
		if got := must[core.Room](t)(mine.Connect(t.Context(), &nameless)); got.Name != "the cellar" {
			t.Errorf("a turn without a name took it away: %+v", got)
		}
	})
	t.Run("nothing known of the place", func(t *testing.T) {
		got := must[core.Room](t)(mine.Connect(t.Context(), &core.Turn{ChannelID: user, AuthorID: eve}))
		if got.Name != "Channel 11111111" || got.Type != "GROUP" || got.Source != "central-bus" || got.WorldID != "" {
			t.Errorf("room = %+v", got)
		}
		if people := must[[]core.Entity](t)(mine.Entities(t.Context(), got.ID)); people[1].Names[0] != "User-eeeeeeee" {
			t.Errorf("people = %+v", people)
		}
		if _, err := mine.Connect(t.Context(), &core.Turn{}); core.CodeOf(err) != core.CodeBadRequest {
			t.Errorf("turn without channel: %v", err)
		}
	})
	t.Run("rolled back, nothing is remembered", func(t *testing.T) {
		other, stop := s.turn(eve, user), errors.New("stop")
		err := s.db.WithTx(t.Context(), func(ctx context.Context, _ *gorm.DB) error {
			_, err := mine.Connect(ctx, other)
			return errors.Join(err, stop)
		})
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
		room := must[core.Room](t)(mine.Connect(t.Context(), other))
		must[*core.Room](t)(s.svc.Room(t.Context(), ada, room.ID))
	})
}

func TestConnectRace(t *testing.T) {
	t.Parallel()
	s := start(t, memory.Options{Connections: 4})
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			agent := []core.UUID{ada, eve}[i%2]
			turn := s.turn(hall, core.StringToUUID(fmt.Sprint(i%6)))
			turn.AuthorName = fmt.Sprint("name ", i%6)
			if room, err := s.svc.For(agent).Connect(t.Context(), turn); err != nil || room.AgentID != agent {
				t.Errorf("Connect = %+v, %v", room, err)
			}
		})
	}
	wg.Wait()
	if rooms, people, places := s.rows("rooms", "1=1"), s.rows("entities", "1=1"), s.rows("room_participants", "1=1"); rooms != 2 || people != 6 || places != 8 {
		t.Errorf("%d rooms, %d entities, %d participants; want 2, 6, 8", rooms, people, places)
	}
}

// wire is a bus to two managers.
type wire struct{ ends []func([]byte) }

func (w *wire) Publish(_ context.Context, _ string, note []byte) error {
	for _, end := range w.ends {
		end(note)
	}
	return nil
}

func (w *wire) Subscribe(_ string, fn func([]byte)) func() {
	w.ends = append(w.ends, fn)
	return func() {}
}

func TestRoomState(t *testing.T) {
	t.Parallel()
	notes := &wire{}
	s := start(t, memory.Options{Bus: notes})
	neighbour := memory.New(s.db.Memory(), memory.Options{Bus: notes}) // as if in another process
	t.Cleanup(neighbour.Close)
	turn := s.turn(hall, user)
	room := must[core.Room](t)(s.svc.For(ada).Connect(t.Context(), turn))
	must[core.Room](t)(neighbour.For(ada).Connect(t.Context(), turn))

	for _, state := range []string{memory.StateMuted, memory.StateFollowed, ""} {
		check(t, s.svc.For(ada).SetRoomState(t.Context(), room.ID, state))
		for _, m := range []*memory.Manager{s.svc, neighbour} {
			if got := must[core.Room](t)(m.For(ada).Connect(t.Context(), turn)); got.State != state {
				t.Errorf("state = %q, want %q", got.State, state)
			}
		}
	}
	if err := s.svc.For(ada).SetRoomState(t.Context(), room.ID, "LOUD"); core.CodeOf(err) != core.CodeBadRequest {
		t.Errorf("unknown state: %v", err)
	}
	if err := s.svc.For(eve).SetRoomState(t.Context(), room.ID, ""); !errors.Is(err, memory.ErrRoomNotFound) {
		t.Errorf("room of another agent: %v", err)
	}
}

func TestEnsure(t *testing.T) {
	t.Parallel()
	s := start(t, memory.Options{})
	for _, name := range []string{"Ada", "Ada", "Ada the Second"} {
		check(t, s.svc.Ensure(t.Context(), ada, name))
	}
	rooms := must[[]core.Room](t)(s.svc.Rooms(t.Context(), ada, 0, 0))
	if len(rooms) != 1 || rooms[0].ID != ada || rooms[0].Type != "SELF" || rooms[0].WorldID != ada {
		t.Errorf("rooms = %+v", rooms)
	}
	people := must[[]core.Entity](t)(s.svc.For(ada).Entities(t.Context(), ada))
	if len(people) != 1 || people[0].ID != ada || !slices.Equal(people[0].Names, []string{"Ada the Second"}) {
		t.Errorf("people = %+v", people)
	}
}

func TestRelationships(t *testing.T) {
	t.Parallel()
	s := start(t, memory.Options{})
	relate := func(to core.UUID, tags ...string) {
		t.Helper()
		check(t, s.svc.Relate(t.Context(), core.Relationship{AgentID: ada, SourceEntityID: user, TargetEntityID: to, Tags: tags, Metadata: map[string]any{tags[0]: true}}))
	}
	relate(ada, "friend")
	relate(eve, "boss")
	relate(eve, "friend", "boss")
	got := must[[]core.Relationship](t)(s.svc.For(ada).Relationships(t.Context(), user, 0))
	if len(got) != 2 || got[0].TargetEntityID != eve || !slices.Equal(got[0].Tags, []string{"boss", "friend"}) ||
		got[0].Metadata["interactions"] != int64(2) || got[0].Metadata["boss"] != true || got[0].Metadata["friend"] != true {
		t.Errorf("relationships = %+v", got)
	}
	if got := must[[]core.Relationship](t)(s.svc.For(ada).Relationships(t.Context(), eve, 1)); len(got) != 1 {
		t.Errorf("of the target: %+v", got)
	}
	if got := must[[]core.Relationship](t)(s.svc.For(eve).Relationships(t.Context(), user, 0)); len(got) != 0 {
		t.Errorf("of another agent: %+v", got)
	}
}
