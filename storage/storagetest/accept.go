package storagetest

import (
	"slices"
	"sync"
	"testing"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

var acceptTests = []subtest{
	{"Stores a message", func(t *testing.T, f *fixture) {
		n := newMessage(f.channel(t), "häl\u2028lo <&> 🎉")
		n.Raw, n.Metadata = map[string]any{"a": []any{"b", true}}, map[string]any{"n": "1"}
		n.SourceID, n.InReplyTo = "77", core.NewUUID()
		a := f.accept(t, n)
		got := get[*messaging.Message](t)(f.m.Message(t.Context(), n.ID))
		if diff := differ(a.Message, got); diff != "" {
			t.Errorf("stored message differs (-returned +stored):\n%s", diff)
		}
		if got.Content != n.Content || got.ServerID != core.DefaultServerID || got.Seq != 1 || got.ByAgent || got.CreatedAt == 0 {
			t.Errorf("stored message = %+v", got)
		}
		_, err := f.m.Accept(t.Context(), newMessage(core.NewUUID(), "x"), 0)
		wantErr(t, err, messaging.ErrChannelNotFound)
		n = newMessage(n.ChannelID, "x")
		n.ID = ""
		if a := f.accept(t, n); a.Message.ID == "" {
			t.Errorf("a message without id was given none")
		}
	}},
	{"Without agents it is complete at once", func(t *testing.T, f *fixture) {
		channel := f.channel(t)
		a := f.send(t, channel)
		if a.Complete == nil || a.Complete.Status() != "no_agent" || a.Seq != 2 || len(a.Lanes) != 0 {
			t.Errorf("accepted = %+v", a)
		}
		events := f.dense(t, channel)
		wantKinds(t, events, messaging.KindMessage, messaging.KindComplete)
		if diff := differ(a.Complete, completion(t, events, a.Message.ID)); diff != "" {
			t.Errorf("kept completion differs (-returned +kept):\n%s", diff)
		}
		n := newMessage(channel, "note")
		n.Undeliver = true
		if a := f.accept(t, n); a.Complete != nil {
			t.Errorf("a message that is only stored was completed")
		}
		wantKinds(t, f.dense(t, channel)[2:], messaging.KindMessage)
	}},
	{"Numbers have no holes", func(t *testing.T, f *fixture) {
		channels := []core.UUID{f.channel(t), f.channel(t), f.channel(t, f.agent(t))}
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() {
				for j := range 6 {
					n := newMessage(channels[(i+j)%len(channels)], "hello")
					if j == 5 {
						n.ClientID, n.AuthorID = "same", channels[0] // all but one are duplicates
					}
					if _, err := f.m.Accept(t.Context(), n, 0); err != nil {
						t.Errorf("Accept: %v", err)
					}
				}
			})
		}
		wg.Wait()
		stored := 0
		for _, c := range channels {
			var last messaging.Message
			for _, e := range f.dense(t, c) {
				if e.Kind != messaging.KindMessage {
					continue
				}
				stored++
				if e.Message.CreatedAt < last.CreatedAt {
					t.Errorf("message %d has time %d, the one before %d", e.Seq, e.Message.CreatedAt, last.CreatedAt)
				}
				last = *e.Message
			}
		}
		if want := 64*5 + len(channels); stored != want {
			t.Errorf("%d messages stored, want %d", stored, want)
		}
	}},
	{"Times are 2 ms apart", func(t *testing.T, f *fixture) {
		channel := f.channel(t)
		var last core.Millis
		for range 50 {
			at := f.send(t, channel).Message.CreatedAt
			if at < last+2 {
				t.Fatalf("message at %d, the one before at %d", at, last)
			}
			last = at
		}
	}},
	{"Repeating it changes nothing", func(t *testing.T, f *fixture) {
		for name, key := range map[string]func(first messaging.NewMessage) messaging.NewMessage{
			"id": func(n messaging.NewMessage) messaging.NewMessage { return n },
			"client id": func(n messaging.NewMessage) messaging.NewMessage {
				n.ID = core.NewUUID()
				return n
			},
			"source": func(n messaging.NewMessage) messaging.NewMessage {
				n.ID, n.AuthorID, n.ClientID = "", core.NewUUID(), ""
				return n
			},
		} {
			t.Run(name, func(t *testing.T) {
				channel := f.channel(t, f.agent(t))
				n := newMessage(channel, "hello")
				n.ClientID = "c1"
				if name == "source" {
					n.External, n.SourceID = true, "x1"
				}
				first := f.accept(t, n)
				_, head := f.events(t, channel)
				again := f.accept(t, key(n))
				if !again.Duplicate || again.Message.ID != first.Message.ID || len(again.Lanes) != 0 || again.Complete != nil {
					t.Errorf("repeated = %+v", again)
				}
				if diff := differ(first.Message, again.Message); diff != "" {
					t.Errorf("message differs (-first +again):\n%s", diff)
				}
				if _, now := f.events(t, channel); now != head {
					t.Errorf("head = %d after the repetition, want %d", now, head)
				}
			})
		}
	}},
	{"Keys hold per channel and author", func(t *testing.T, f *fixture) {
		one, other := f.channel(t), f.channel(t)
		n := newMessage(one, "hello")
		n.ClientID = "c1"
		f.accept(t, n)
		for _, n := range []messaging.NewMessage{{ChannelID: one, AuthorID: core.NewUUID()}, {ChannelID: other, AuthorID: n.AuthorID}} {
			n.ClientID, n.Content = "c1", "hello"
			if a := f.accept(t, n); a.Duplicate {
				t.Errorf("message of %s in %s counts as a repetition", n.AuthorID, n.ChannelID)
			}
		}
	}},
	{"An id of another message is a conflict", func(t *testing.T, f *fixture) {
		n := newMessage(f.channel(t), "hello")
		f.accept(t, n)
		foreign := n
		foreign.AuthorID = core.NewUUID()
		_, err := f.m.Accept(t.Context(), foreign, 0)
		wantErr(t, err, messaging.ErrConflict)
		foreign = n
		foreign.ChannelID = f.channel(t)
		_, err = f.m.Accept(t.Context(), foreign, 0)
		wantErr(t, err, messaging.ErrConflict)
	}},
	{"A missing channel is made once", func(t *testing.T, f *fixture) {
		id, agent := core.NewUUID(), f.agent(t)
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() {
				n := newMessage(id, "first")
				n.ServerID = core.DefaultServerID
				n.Create = &messaging.NewChannel{Name: "auto", Type: messaging.TypeDM, Participants: []core.UUID{n.AuthorID, agent}}
				if _, err := f.m.Accept(t.Context(), n, 0); err != nil {
					t.Errorf("Accept: %v", err)
				}
			})
		}
		wg.Wait()
		if n := len(f.dense(t, id)); n != 32 {
			t.Errorf("%d events, want 32 messages", n)
		}
		if got := get[[]core.UUID](t)(f.m.Participants(t.Context(), id, false)); len(got) != 2 || !slices.Contains(got, agent) {
			t.Errorf("participants = %v, want those of the first message", got)
		}
		n := newMessage(core.NewUUID(), "nowhere")
		n.ServerID, n.Create = core.NewUUID(), &messaging.NewChannel{Name: "auto", Type: messaging.TypeGroup}
		_, err := f.m.Accept(t.Context(), n, 0)
		wantErr(t, err, messaging.ErrServerNotFound)
	}},
	{"A full lane refuses", func(t *testing.T, f *fixture) {
		agent := f.agent(t)
		full, other := f.channel(t, agent), f.channel(t, agent)
		for range 3 {
			get[*messaging.Accepted](t)(f.m.Accept(t.Context(), newMessage(full, "x"), 3))
		}
		_, err := f.m.Accept(t.Context(), newMessage(full, "x"), 3)
		wantCode(t, err, core.CodeRateLimit)
		if n := len(f.dense(t, full)); n != 3 {
			t.Errorf("%d events, want 3: a message that is refused leaves nothing", n)
		}
		get[*messaging.Accepted](t)(f.m.Accept(t.Context(), newMessage(other, "x"), 3))
		for _, d := range f.claim(t) {
			get[*messaging.Ended](t)(f.m.Finish(t.Context(), &d, messaging.Ending{State: messaging.StateIgnored}))
		}
		get[*messaging.Accepted](t)(f.m.Accept(t.Context(), newMessage(full, "x"), 3))
	}},
}

// lanesOf lists the agents that have to react.
func lanesOf(a *messaging.Accepted) []core.UUID {
	var ids []core.UUID
	for _, l := range a.Lanes {
		ids = append(ids, l.AgentID)
	}
	slices.Sort(ids)
	return ids
}

func wantLanes(t tb, a *messaging.Accepted, want ...core.UUID) {
	t.Helper()
	slices.Sort(want)
	if got := lanesOf(a); !slices.Equal(got, want) {
		t.Errorf("agents that react = %v, want %v", got, want)
	}
}

var reactTests = []subtest{
	{"Participants that are agents", func(t *testing.T, f *fixture) {
		in, out := f.agent(t), f.agent(t)
		channel := f.channel(t, in, core.NewUUID())
		wantLanes(t, f.send(t, channel), in)
		must(t, f.m.AddParticipant(t.Context(), channel, out))
		wantLanes(t, f.send(t, channel), in, out)
		must(t, f.m.RemoveParticipant(t.Context(), channel, in))
		wantLanes(t, f.send(t, channel), out)
	}},
	{"Members of the message server", func(t *testing.T, f *fixture) {
		member, stranger := f.agent(t), f.agent(t)
		srv := newServer(core.NewUUID(), "guild")
		must(t, f.m.CreateServer(t.Context(), srv))
		must(t, f.m.AddServerAgent(t.Context(), srv.ID, member))
		wantLanes(t, f.send(t, f.channelOf(t, srv.ID, member, stranger)), member)
	}},
	{"A stopped agent is skipped", func(t *testing.T, f *fixture) {
		stopped := newAgent("Bob", false)
		must(t, f.a.Insert(t.Context(), stopped))
		channel := f.channel(t, stopped.Character.ID)
		a := f.send(t, channel)
		if a.Complete == nil || statuses(a.Complete)[stopped.Character.ID] != messaging.StatusStopped {
			t.Fatalf("accepted = %+v, want it complete with the agent stopped", a)
		}
		events := f.dense(t, channel)
		wantKinds(t, events, messaging.KindMessage, messaging.KindComplete)
		if diff := differ(a.Complete, completion(t, events, a.Message.ID)); diff != "" {
			t.Errorf("kept completion differs (-returned +kept):\n%s", diff)
		}
		active := f.agent(t)
		must(t, f.m.AddParticipant(t.Context(), channel, active))
		a = f.send(t, channel)
		wantLanes(t, a, active)
		d := f.claimOne(t)
		get[*messaging.Ended](t)(f.m.Finish(t.Context(), d, answer(d)))
		got := statuses(completion(t, f.dense(t, channel), a.Message.ID))
		if got[active] != messaging.StatusResponded || got[stopped.Character.ID] != messaging.StatusStopped {
			t.Errorf("results = %v", got)
		}
	}},
	{"Only the target", func(t *testing.T, f *fixture) {
		one, other := f.agent(t), f.agent(t)
		n := newMessage(f.channel(t, one, other), "hello")
		n.Target = other
		wantLanes(t, f.accept(t, n), other)
		n.ID, n.Target = core.NewUUID(), core.NewUUID()
		if a := f.accept(t, n); a.Complete == nil || len(a.Lanes) != 0 {
			t.Errorf("a message for a stranger = %+v, want it complete", a)
		}
	}},
	{"Not to a message that is only stored", func(t *testing.T, f *fixture) {
		n := newMessage(f.channel(t, f.agent(t)), "hello")
		n.Undeliver = true
		wantLanes(t, f.accept(t, n))
	}},
	{"Agents to agents, within the cap", func(t *testing.T, f *fixture) {
		author, other := f.agent(t), f.agent(t)
		channel := f.channel(t, author, other)
		say := func(run int) *messaging.Accepted {
			n := newMessage(channel, "said")
			n.AuthorID, n.AgentRun = author, run
			a := f.accept(t, n)
			if !a.Message.ByAgent || a.Complete != nil {
				t.Errorf("message of an agent = %+v, want no completion", a)
			}
			return a
		}
		wantLanes(t, say(0))
		wantLanes(t, say(2), other)
		wantLanes(t, say(2)) // two in a row are before it
		f.send(t, channel)
		wantLanes(t, say(2), other)
	}},
	{"The author of a reply is an agent, deleted or not", func(t *testing.T, f *fixture) {
		one, other := f.agent(t), f.agent(t)
		channel := f.channel(t, one, other)
		n := newMessage(channel, "hello")
		n.Target = one
		f.accept(t, n)
		d := f.claimOne(t)
		must(t, f.a.Delete(t.Context(), one))
		ended := get[*messaging.Ended](t)(f.m.Finish(t.Context(), d, answer(d)))
		wantKinds(t, ended.Events, messaging.KindMessage, messaging.KindComplete)
		if !ended.Events[0].Message.ByAgent || len(ended.Lanes) != 0 {
			t.Errorf("reply of a deleted agent = %+v", ended)
		}
	}},
}
