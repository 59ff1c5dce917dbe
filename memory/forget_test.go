package memory_test

import (
	"testing"

	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/runtime/core"
)

// tables hold what agents know; the column tells whose it is.
var tables = []string{"memories", "agent_logs", "rooms", "room_participants", "worlds", "entities", "relationships"}

// inhabited is a server where both agents took part in the hall, and one in another channel.
func inhabited(t *testing.T) *server {
	s := start(t, memory.Options{})
	for _, place := range []struct{ agent, channel core.UUID }{{ada, hall}, {eve, hall}, {ada, user}} {
		mine := s.svc.For(place.agent)
		room := must[core.Room](t)(mine.Connect(t.Context(), s.turn(place.channel, user)))
		question := core.StringToUUID("question in " + string(place.channel))
		answer := core.StringToUUID("answer of " + string(place.agent) + " in " + string(place.channel))
		check(t, mine.Record(t.Context(), []core.Memory{
			{ID: core.MemoryID(place.agent, question), RoomID: room.ID, Metadata: map[string]any{"sourceId": string(question)}},
			{ID: answer, RoomID: room.ID, EntityID: place.agent},
			{Table: "facts", RoomID: room.ID},
		}, []core.Log{{RoomID: room.ID, Type: "run_event", Body: map[string]any{"runId": string(answer)}}}))
	}
	for _, agent := range []core.UUID{ada, eve} {
		check(t, s.svc.Ensure(t.Context(), agent, "name"))
		check(t, s.svc.Relate(t.Context(), core.Relationship{AgentID: agent, SourceEntityID: user, TargetEntityID: agent}))
	}
	return s
}

func TestForgetMessage(t *testing.T) {
	t.Parallel()
	s := inhabited(t)
	check(t, s.svc.ForgetMessage(t.Context(), core.StringToUUID("question in "+string(hall))))
	if n := s.rows("memories", "1=1"); n != 7 {
		t.Errorf("%d memories left after the question of both agents, want 7", n)
	}
	check(t, s.svc.ForgetMessage(t.Context(), core.StringToUUID("answer of "+string(eve)+" in "+string(hall))))
	if n := s.rows("memories", "agent_id = ?", eve); n != 1 {
		t.Errorf("%d memories left of the agent whose answer went, want the fact", n)
	}
	check(t, s.svc.ForgetMessage(t.Context(), nobody))
}

func TestForgetChannel(t *testing.T) {
	t.Parallel()
	t.Run("cleared", func(t *testing.T) {
		t.Parallel()
		s := inhabited(t)
		check(t, s.svc.ForgetChannel(t.Context(), hall, false))
		messages, facts, rooms := s.rows("memories", "type = 'messages'"), s.rows("memories", "type = 'facts'"), s.rows("rooms", "channel_id = ?", hall)
		if messages != 2 || facts != 3 || rooms != 2 {
			t.Errorf("%d messages, %d facts, %d rooms; want 2, 3, 2", messages, facts, rooms)
		}
	})
	t.Run("dropped", func(t *testing.T) {
		t.Parallel()
		s := inhabited(t)
		check(t, s.svc.ForgetChannel(t.Context(), hall, true))
		check(t, s.svc.ForgetChannel(t.Context(), hall, true))
		for _, agent := range []core.UUID{ada, eve} {
			room := core.ForAgent(agent, string(hall))
			n := s.rows("memories", "room_id = ?", room) + s.rows("agent_logs", "room_id = ?", room) + s.rows("rooms", "id = ?", room) + s.rows("room_participants", "room_id = ?", room)
			if n != 0 {
				t.Errorf("%d rows left of %s", n, agent)
			}
		}
		if n := s.rows("memories", "1=1"); n != 3 {
			t.Errorf("%d memories left, want the three of the other channel", n)
		}
		server := core.ForAgent(ada, string(core.DefaultServerID))
		if mine, hers := s.rows("worlds", "id = ?", server), s.rows("worlds", "id = ?", core.ForAgent(eve, string(core.DefaultServerID))); mine != 1 || hers != 0 {
			t.Errorf("worlds: %d of the agent with another room, %d of the one without; want 1, 0", mine, hers)
		}
		// What the cache knew is gone too.
		must[core.Room](t)(s.svc.For(eve).Connect(t.Context(), s.turn(hall, user)))
		if n := s.rows("rooms", "id = ?", core.ForAgent(eve, string(hall))); n != 1 {
			t.Error("the room was not made again")
		}
	})
}

func TestForgetAgent(t *testing.T) {
	t.Parallel()
	s := inhabited(t)
	many := make([]core.Memory, 2500) // more than one portion
	check(t, s.svc.For(ada).Record(t.Context(), many, make([]core.Log, 1000)))
	count := func(agent core.UUID) (n int) {
		for _, table := range tables {
			n += s.rows(table, "agent_id = ?", agent)
		}
		return n
	}
	before := count(eve)
	check(t, s.svc.ForgetAgent(t.Context(), ada))
	check(t, s.svc.ForgetAgent(t.Context(), ada))
	if mine, hers := count(ada), count(eve); mine != 0 || hers != before {
		t.Errorf("%d rows left, want none; %d of the other agent, want %d", mine, hers, before)
	}
	must[core.Room](t)(s.svc.For(ada).Connect(t.Context(), s.turn(hall, user)))
	if n := s.rows("rooms", "agent_id = ?", ada); n != 1 {
		t.Error("the room was not made again")
	}
}
