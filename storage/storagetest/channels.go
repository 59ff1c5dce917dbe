package storagetest

import (
	"slices"
	"sync"
	"testing"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

var channelTests = []subtest{
	{"Create and read", func(t *testing.T, f *fixture) {
		user := core.NewUUID()
		made := get[*messaging.Channel](t)(f.m.CreateChannel(t.Context(), messaging.NewChannel{
			ID: core.NewUUID(), ServerID: core.DefaultServerID, Name: "general", Type: messaging.TypeGroup, SourceType: "test",
			SourceID: "7", Topic: "all", Metadata: map[string]any{"k": "v"}, Participants: []core.UUID{user, user, ""},
		}))
		got := get[*messaging.Channel](t)(f.m.Channel(t.Context(), made.ID))
		if diff := differ(made, got); diff != "" {
			t.Errorf("stored channel differs (-returned +stored):\n%s", diff)
		}
		if got := get[[]core.UUID](t)(f.m.Participants(t.Context(), made.ID, false)); !slices.Equal(got, []core.UUID{user}) {
			t.Errorf("participants = %v, want %s once", got, user)
		}
		_, err := f.m.Channel(t.Context(), core.NewUUID())
		wantErr(t, err, messaging.ErrChannelNotFound)
		_, err = f.m.CreateChannel(t.Context(), messaging.NewChannel{ID: made.ID, ServerID: core.DefaultServerID, Name: "x", Type: messaging.TypeGroup})
		wantErr(t, err, messaging.ErrConflict)
		_, err = f.m.CreateChannel(t.Context(), messaging.NewChannel{ID: core.NewUUID(), ServerID: core.NewUUID(), Name: "x", Type: messaging.TypeGroup})
		wantErr(t, err, messaging.ErrServerNotFound)
	}},
	{"A direct channel is made once", func(t *testing.T, f *fixture) {
		var wg sync.WaitGroup
		ids, errs := make([]core.UUID, 32), make([]error, 32)
		for i := range ids {
			wg.Go(func() {
				var ch *messaging.Channel
				ch, errs[i] = f.m.CreateChannel(t.Context(), messaging.NewChannel{
					ID: core.NewUUID(), ServerID: core.DefaultServerID, Name: "DM", Type: messaging.TypeDM, DMKey: "a:b",
				})
				if errs[i] == nil {
					ids[i] = ch.ID
				}
			})
		}
		wg.Wait()
		for i := range ids {
			must(t, errs[i])
			if ids[i] != ids[0] {
				t.Fatalf("two direct channels of one pair: %s and %s", ids[0], ids[i])
			}
		}
	}},
	{"List is latest first", func(t *testing.T, f *fixture) {
		var ids []core.UUID
		for range 3 {
			ids = append(ids, f.channel(t))
		}
		list := get[[]messaging.Channel](t)(f.m.Channels(t.Context(), core.DefaultServerID, 10, 0))
		if len(list) != 3 || !slices.IsSortedFunc(list, func(a, b messaging.Channel) int { return int(b.UpdatedAt - a.UpdatedAt) }) {
			t.Errorf("channels = %v, made %v", list, ids)
		}
		page := get[[]messaging.Channel](t)(f.m.Channels(t.Context(), core.DefaultServerID, 1, 1))
		if len(page) != 1 || page[0].ID != list[1].ID {
			t.Errorf("second page = %v, want %s", page, list[1].ID)
		}
	}},
	{"Patch replaces what is named", func(t *testing.T, f *fixture) {
		user, name := core.NewUUID(), "renamed"
		id := f.channel(t, user)
		before := get[*messaging.Channel](t)(f.m.Channel(t.Context(), id))
		got := get[*messaging.Channel](t)(f.m.PatchChannel(t.Context(), id, messaging.ChannelPatch{Name: &name}))
		if got.Name != name || got.Type != before.Type || got.UpdatedAt < before.UpdatedAt {
			t.Errorf("patched = %+v", got)
		}
		if got := get[[]core.UUID](t)(f.m.Participants(t.Context(), id, false)); !slices.Equal(got, []core.UUID{user}) {
			t.Errorf("participants = %v, want them untouched", got)
		}
		others := []core.UUID{core.NewUUID(), core.NewUUID()}
		get[*messaging.Channel](t)(f.m.PatchChannel(t.Context(), id, messaging.ChannelPatch{Participants: others, Metadata: map[string]any{"a": "b"}}))
		if got := get[[]core.UUID](t)(f.m.Participants(t.Context(), id, false)); !slices.Equal(got, others) {
			t.Errorf("participants = %v, want %v in this order", got, others)
		}
		_, err := f.m.PatchChannel(t.Context(), core.NewUUID(), messaging.ChannelPatch{Name: &name})
		wantErr(t, err, messaging.ErrChannelNotFound)
	}},
	{"Participants", func(t *testing.T, f *fixture) {
		agent, user := f.agent(t), core.NewUUID()
		id := f.channel(t, user)
		for range 2 { // repeating it is harmless
			must(t, f.m.AddParticipant(t.Context(), id, agent))
		}
		if got := get[[]core.UUID](t)(f.m.Participants(t.Context(), id, false)); !slices.Equal(got, []core.UUID{user, agent}) {
			t.Errorf("participants = %v", got)
		}
		if got := get[[]core.UUID](t)(f.m.Participants(t.Context(), id, true)); !slices.Equal(got, []core.UUID{agent}) {
			t.Errorf("agents = %v", got)
		}
		must(t, f.m.RemoveParticipant(t.Context(), id, agent))
		wantCode(t, f.m.RemoveParticipant(t.Context(), id, agent), core.CodeNotFound)
		wantErr(t, f.m.AddParticipant(t.Context(), core.NewUUID(), agent), messaging.ErrChannelNotFound)
	}},
	{"Sync adds and renames by source", func(t *testing.T, f *fixture) {
		list := []messaging.NewChannel{{Name: "a", Type: messaging.TypeGroup, SourceID: "1"}, {Name: "b", Type: messaging.TypeGroup, SourceID: "2"}}
		first := get[[]messaging.Channel](t)(f.m.SyncChannels(t.Context(), core.DefaultServerID, list))
		list[0].Name = "z"
		second := get[[]messaging.Channel](t)(f.m.SyncChannels(t.Context(), core.DefaultServerID, list))
		if len(second) != 2 || second[0].ID != first[0].ID || second[0].Name != "z" || second[1].ID != first[1].ID {
			t.Errorf("first sync %v, second %v", first, second)
		}
		_, err := f.m.SyncChannels(t.Context(), core.NewUUID(), list)
		wantErr(t, err, messaging.ErrServerNotFound)
	}},
	{"Delete takes all under it along", func(t *testing.T, f *fixture) {
		agent := f.agent(t)
		id, other := f.channel(t, agent), f.channel(t, agent)
		msg, kept := f.send(t, id).Message, f.send(t, other).Message
		must(t, f.m.DeleteChannel(t.Context(), id))
		_, err := f.m.Message(t.Context(), msg.ID)
		wantErr(t, err, messaging.ErrMessageNotFound)
		if got := get[[]core.UUID](t)(f.m.Participants(t.Context(), id, false)); len(got) != 0 {
			t.Errorf("participants = %v, want none", got)
		}
		if d := f.claimOne(t); d.MessageID != kept.ID {
			t.Errorf("claimed message %s, want that of the other channel", d.MessageID)
		}
		if gone, err := f.m.Events(t.Context(), id, 0, 10); err != nil || gone.Head != 0 {
			t.Errorf("events of a deleted channel = %+v, %v", gone, err)
		}
	}},
}
