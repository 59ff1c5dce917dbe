package storagetest

import (
	"slices"
	"testing"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

var serverTests = []subtest{
	{"Create and read", func(t *testing.T, f *fixture) {
		srv := newServer(core.NewUUID(), "guild")
		srv.SourceID, srv.Metadata = "42", map[string]any{"theme": "dark"}
		must(t, f.m.CreateServer(t.Context(), srv))
		got := get[*messaging.Server](t)(f.m.Server(t.Context(), srv.ID))
		if diff := differ(&srv, got); diff != "" {
			t.Errorf("stored server differs (-want +got):\n%s", diff)
		}
		wantCode(t, f.m.CreateServer(t.Context(), srv), core.CodeConflict)
		_, err := f.m.Server(t.Context(), core.NewUUID())
		wantErr(t, err, messaging.ErrServerNotFound)
	}},
	{"Ensure keeps what is there", func(t *testing.T, f *fixture) {
		must(t, f.m.EnsureServer(t.Context(), newServer(core.DefaultServerID, "another name")))
		got := get[*messaging.Server](t)(f.m.Server(t.Context(), core.DefaultServerID))
		if got.Name != "Default Server" {
			t.Errorf("name = %q after EnsureServer of a server that exists", got.Name)
		}
	}},
	{"List is oldest first", func(t *testing.T, f *fixture) {
		later := newServer(core.NewUUID(), "later")
		later.CreatedAt += 1000
		must(t, f.m.CreateServer(t.Context(), later))
		list := get[[]messaging.Server](t)(f.m.Servers(t.Context(), 10))
		if len(list) != 2 || list[1].ID != later.ID {
			t.Errorf("servers = %v", list)
		}
		if list := get[[]messaging.Server](t)(f.m.Servers(t.Context(), 1)); len(list) != 1 {
			t.Errorf("%d servers, want 1", len(list))
		}
	}},
	{"Agents of a server", func(t *testing.T, f *fixture) {
		srv, agent := newServer(core.NewUUID(), "guild"), f.agent(t)
		must(t, f.m.CreateServer(t.Context(), srv))
		for range 2 { // repeating it is harmless
			must(t, f.m.AddServerAgent(t.Context(), srv.ID, agent))
		}
		if got := get[[]core.UUID](t)(f.m.ServerAgents(t.Context(), srv.ID)); !slices.Equal(got, []core.UUID{agent}) {
			t.Errorf("agents = %v, want %s", got, agent)
		}
		if got := get[[]core.UUID](t)(f.m.AgentServers(t.Context(), agent)); !slices.Equal(got, []core.UUID{srv.ID}) {
			t.Errorf("servers = %v, want %s", got, srv.ID)
		}
		must(t, f.m.RemoveServerAgent(t.Context(), srv.ID, agent))
		if got := get[[]core.UUID](t)(f.m.ServerAgents(t.Context(), srv.ID)); got == nil || len(got) != 0 {
			t.Errorf("agents = %#v, want an empty list", got)
		}
		wantErr(t, f.m.AddServerAgent(t.Context(), core.NewUUID(), agent), messaging.ErrServerNotFound)
	}},
	{"Delete takes all under it along", func(t *testing.T, f *fixture) {
		srv, agent := newServer(core.NewUUID(), "guild"), f.agent(t)
		must(t, f.m.CreateServer(t.Context(), srv))
		must(t, f.m.AddServerAgent(t.Context(), srv.ID, agent))
		channel := f.channelOf(t, srv.ID, agent)
		msg := f.send(t, channel).Message
		must(t, f.m.DeleteServer(t.Context(), srv.ID))
		_, err := f.m.Channel(t.Context(), channel)
		wantErr(t, err, messaging.ErrChannelNotFound)
		_, err = f.m.Message(t.Context(), msg.ID)
		wantErr(t, err, messaging.ErrMessageNotFound)
		if got := f.claim(t); len(got) != 0 {
			t.Errorf("a delivery of a deleted server was claimed")
		}
		if got := get[[]core.UUID](t)(f.m.AgentServers(t.Context(), agent)); len(got) != 0 {
			t.Errorf("servers = %v, want none", got)
		}
	}},
	{"ForgetAgent removes it from channels and servers", func(t *testing.T, f *fixture) {
		srv, agent := newServer(core.NewUUID(), "guild"), f.agent(t)
		must(t, f.m.CreateServer(t.Context(), srv))
		must(t, f.m.AddServerAgent(t.Context(), srv.ID, agent))
		channel := f.channelOf(t, srv.ID, agent)
		must(t, f.m.ForgetAgent(t.Context(), agent))
		if got := get[[]core.UUID](t)(f.m.Participants(t.Context(), channel, false)); len(got) != 0 {
			t.Errorf("participants = %v, want none", got)
		}
		if got := get[[]core.UUID](t)(f.m.ServerAgents(t.Context(), srv.ID)); len(got) != 0 {
			t.Errorf("agents = %v, want none", got)
		}
	}},
}
