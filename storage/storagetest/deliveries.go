package storagetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

var deliveryTests = []subtest{
	{"Claim takes a lane in order, one at a time", func(t *testing.T, f *fixture) {
		channel := f.channel(t, f.agent(t))
		first, second := f.send(t, channel), f.send(t, channel)
		d := f.claimOne(t)
		if d.MessageID != first.Message.ID || d.Attempt != 1 || d.Owner != owner || !d.First || !d.More || d.Seq != first.Message.Seq {
			t.Errorf("claimed %+v", d)
		}
		if diff := differ(first.Message, d.Message); diff != "" {
			t.Errorf("message of the delivery differs (-accepted +claimed):\n%s", diff)
		}
		if d.Channel.Name != "general" || d.Channel.Type != messaging.TypeGroup || d.Channel.ServerID != core.DefaultServerID {
			t.Errorf("channel of the delivery = %+v", d.Channel)
		}
		for _, lanes := range [][]messaging.Lane{nil, first.Lanes} {
			if got := get[[]messaging.Delivery](t)(f.m.Claim(t.Context(), owner, time.Minute, lanes, 10)); len(got) != 0 {
				t.Errorf("claimed %v while another of its lane is leased", got)
			}
		}
		get[*messaging.Ended](t)(f.m.Finish(t.Context(), d, answer(d)))
		if d := f.claimOne(t); d.MessageID != second.Message.ID || d.More {
			t.Errorf("claimed %+v, want the second message, the last", d)
		}
	}},
	{"Claim of named lanes and at most so many", func(t *testing.T, f *fixture) {
		agent := f.agent(t)
		var lanes []messaging.Lane
		for range 4 {
			lanes = append(lanes, f.send(t, f.channel(t, agent)).Lanes...)
		}
		got := get[[]messaging.Delivery](t)(f.m.Claim(t.Context(), owner, time.Minute, lanes[3:], 10))
		if len(got) != 1 || got[0].Lane != lanes[3] {
			t.Fatalf("claimed %v, want lane %v", got, lanes[3])
		}
		if got := get[[]messaging.Delivery](t)(f.m.Claim(t.Context(), owner, time.Minute, nil, 2)); len(got) != 2 || got[0].Lane != lanes[0] {
			t.Errorf("claimed %v, want two, oldest first", got)
		}
	}},
	{"Due lists lanes of all agents, few of each", func(t *testing.T, f *fixture) {
		busy, calm := f.agent(t), f.agent(t)
		var lanes []messaging.Lane
		for range 4 {
			channel := f.channel(t, busy)
			lanes = append(lanes, f.send(t, channel).Lanes...)
			f.send(t, channel) // behind the first
		}
		lanes = append(lanes, f.send(t, f.channel(t, calm)).Lanes...)
		for _, test := range []struct{ perAgent, most, busy, calm int }{{9, 9, 4, 1}, {2, 9, 2, 1}, {9, 2, 1, 1}} {
			got := get[[]messaging.Lane](t)(f.m.Due(t.Context(), test.perAgent, test.most))
			first := slices.IndexFunc(got, func(l messaging.Lane) bool { return l.AgentID == calm })
			if len(got) != test.busy+test.calm || first < 0 || first > 1 {
				t.Errorf("Due(%d, %d) = %v, want %d lanes of the busy agent and %d of the calm one, mixed", test.perAgent, test.most, got, test.busy, test.calm)
			}
		}
		claimed := get[[]messaging.Delivery](t)(f.m.Claim(t.Context(), owner, time.Minute, lanes[1:], 9))
		if got := get[[]messaging.Lane](t)(f.m.Due(t.Context(), 9, 9)); !slices.Equal(got, lanes[:1]) {
			t.Errorf("Due = %v while the others are leased, want %v", got, lanes[:1])
		}
		must(t, f.m.Release(t.Context(), &claimed[0], time.Hour, false, ""))
		if got := get[[]messaging.Lane](t)(f.m.Due(t.Context(), 9, 9)); !slices.Equal(got, lanes[:1]) {
			t.Errorf("Due = %v, want nothing that has to pause", got)
		}
	}},
	{"Only one process gets a delivery", func(t *testing.T, f *fixture) {
		a := f.send(t, f.channel(t, f.agent(t)))
		var mu sync.Mutex
		var got []messaging.Delivery
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				d, err := f.m.Claim(t.Context(), string(core.NewUUID()), time.Minute, a.Lanes, 1)
				if err != nil {
					t.Errorf("Claim: %v", err)
				}
				mu.Lock()
				defer mu.Unlock()
				got = append(got, d...)
			})
		}
		wg.Wait()
		if len(got) != 1 {
			t.Errorf("claimed %d times, want once", len(got))
		}
	}},
	{"Release gives it back when it is due", func(t *testing.T, f *fixture) {
		a := f.send(t, f.channel(t, f.agent(t)))
		d := f.claimOne(t)
		must(t, f.m.Release(t.Context(), d, 0, false, "shutdown"))
		d2 := f.claimOne(t)
		if d2.ID != d.ID || d2.Attempt != 2 || d2.Crashes != 0 || d2.First || d2.ReplyID() == d.ReplyID() {
			t.Errorf("claimed again: %+v", d2)
		}
		wantErr(t, f.m.Release(t.Context(), d, 0, false, "late"), messaging.ErrLost)
		must(t, f.m.Release(t.Context(), d2, time.Hour, true, "build failed"))
		for _, lanes := range [][]messaging.Lane{nil, a.Lanes} {
			if got := get[[]messaging.Delivery](t)(f.m.Claim(t.Context(), owner, time.Minute, lanes, 10)); len(got) != 0 {
				t.Errorf("claimed %v an hour early", got)
			}
		}
	}},
	{"A lost release counts as a crash", func(t *testing.T, f *fixture) {
		f.send(t, f.channel(t, f.agent(t)))
		must(t, f.m.Release(t.Context(), f.claimOne(t), 0, true, "build failed"))
		if d := f.claimOne(t); d.Crashes != 1 {
			t.Errorf("crashes = %d, want 1", d.Crashes)
		}
	}},
	{"Finish stores reply and completion once", func(t *testing.T, f *fixture) {
		channel := f.channel(t, f.agent(t))
		a := f.send(t, channel)
		d := f.claimOne(t)
		ended := get[*messaging.Ended](t)(f.m.Finish(t.Context(), d, answer(d)))
		if ended.Delivery != d.ID || ended.ChannelID != channel {
			t.Errorf("ended = %+v", ended)
		}
		wantKinds(t, ended.Events, messaging.KindMessage, messaging.KindComplete)
		if diff := differ(f.dense(t, channel)[1:], ended.Events); diff != "" {
			t.Errorf("events differ (-kept +returned):\n%s", diff)
		}
		said := ended.Events[0].Message
		if said.ID != d.ReplyID() || !said.ByAgent || said.InReplyTo != a.Message.ID {
			t.Errorf("reply = %+v", said)
		}
		r := completion(t, ended.Events, a.Message.ID)
		if len(r.Agents) != 1 || r.Agents[0].Status != messaging.StatusResponded || !slices.Equal(r.Agents[0].Responses, []core.UUID{said.ID}) {
			t.Errorf("result = %+v", r)
		}
		_, err := f.m.Finish(t.Context(), d, answer(d))
		wantErr(t, err, messaging.ErrLost)
		wantErr(t, f.m.Release(t.Context(), d, 0, false, ""), messaging.ErrLost)
		wantErr(t, f.m.Acting(t.Context(), d), messaging.ErrLost)
		_, err = f.m.Reply(t.Context(), d, *reply(d, "late"))
		wantErr(t, err, messaging.ErrLost)
		if n := len(f.dense(t, channel)); n != 3 {
			t.Errorf("%d events, want 3: a lost attempt leaves nothing", n)
		}
	}},
	{"Every end state has its status", func(t *testing.T, f *fixture) {
		channel := f.channel(t, f.agent(t))
		for _, state := range []string{messaging.StateIgnored, messaging.StateFailed, messaging.StateTimeout, messaging.StateCancelled, messaging.StateExpired} {
			a := f.send(t, channel)
			d := f.claimOne(t)
			get[*messaging.Ended](t)(f.m.Finish(t.Context(), d, messaging.Ending{State: state, Error: "why"}))
			r := completion(t, f.dense(t, channel), a.Message.ID)
			if got := r.Agents[0].Status; got != messaging.StatusOf(state) {
				t.Errorf("status of %s = %s", state, got)
			}
		}
	}},
	{"Replies have derived ids, in order", func(t *testing.T, f *fixture) {
		channel := f.channel(t, f.agent(t))
		a := f.send(t, channel)
		d := f.claimOne(t)
		var want []core.UUID
		for range 2 {
			id := d.ReplyID()
			m := get[*messaging.Message](t)(f.m.Reply(t.Context(), d, *reply(d, "part")))
			if m.ID != id {
				t.Errorf("reply has id %s, want %s", m.ID, id)
			}
			d.Replies = append(d.Replies, m.ID)
			want = append(want, m.ID)
		}
		want = append(want, d.ReplyID())
		get[*messaging.Ended](t)(f.m.Finish(t.Context(), d, answer(d)))
		events := f.dense(t, channel)
		wantKinds(t, events, messaging.KindMessage, messaging.KindMessage, messaging.KindMessage, messaging.KindMessage, messaging.KindComplete)
		if got := completion(t, events, a.Message.ID).Agents[0].Responses; !slices.Equal(got, want) {
			t.Errorf("responses = %v, want %v", got, want)
		}
	}},
	{"A reply id somebody took is replaced", func(t *testing.T, f *fixture) {
		channel := f.channel(t, f.agent(t))
		f.send(t, channel)
		d := f.claimOne(t)
		n := newMessage(channel, "mine")
		n.ID, n.Undeliver = d.ReplyID(), true
		f.accept(t, n)
		m := get[*messaging.Message](t)(f.m.Reply(t.Context(), d, *reply(d, "part")))
		d.Replies = append(d.Replies, m.ID)
		n.ID = d.ReplyID()
		f.accept(t, n)
		ended := get[*messaging.Ended](t)(f.m.Finish(t.Context(), d, answer(d)))
		if id := ended.Events[0].MessageID; id == n.ID {
			t.Errorf("the reply has the id of another message")
		} else if got := completion(t, f.dense(t, channel), d.MessageID).Agents[0].Responses; !slices.Equal(got, []core.UUID{m.ID, id}) {
			t.Errorf("responses = %v, want %v", got, []core.UUID{m.ID, id})
		}
	}},
	{"The last of several agents completes", func(t *testing.T, f *fixture) {
		participants := make([]core.UUID, 8)
		for i := range participants {
			participants[i] = f.agent(t)
		}
		channel := f.channel(t, participants...)
		for range 5 {
			a := f.send(t, channel)
			var wg sync.WaitGroup
			var mu sync.Mutex
			complete := 0
			firsts := 0
			for _, d := range f.claim(t) {
				if d.First {
					firsts++
				}
				wg.Go(func() {
					ended, err := f.m.Finish(t.Context(), &d, answer(&d))
					if err != nil {
						t.Errorf("Finish: %v", err)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					complete += len(ended.Events) - 1
				})
			}
			wg.Wait()
			if complete != 1 || firsts != 1 {
				t.Errorf("%d completions were returned and %d deliveries were first, want 1 and 1", complete, firsts)
			}
			if r := completion(t, f.dense(t, channel), a.Message.ID); len(r.Agents) != 8 || r.Status() != "completed" {
				t.Errorf("result = %+v", r)
			}
		}
	}},
	{"Commit joins the transaction", func(t *testing.T, f *fixture) {
		channel := f.channel(t, f.agent(t))
		a := f.send(t, channel)
		d := f.claimOne(t)
		made, ran := newAgent("made", false), 0
		e := answer(d)
		broken := errors.New("broken")
		e.Commit = func(ctx context.Context) error {
			core.AfterCommit(ctx, func() { ran++ })
			if err := f.a.Insert(ctx, made); err != nil {
				return err
			}
			if m, err := f.m.Message(ctx, d.ReplyID()); err != nil || m.Content != "hi" {
				t.Errorf("the reply is not seen in its transaction: %v", err)
			}
			return broken
		}
		_, err := f.m.Finish(t.Context(), d, e)
		wantErr(t, err, broken)
		_, err = f.a.Agent(t.Context(), made.Character.ID)
		wantErr(t, err, agents.ErrNotFound)
		if n := len(f.dense(t, channel)); n != 1 || ran != 0 {
			t.Errorf("%d events, hook ran %d times after the error, want 1 and 0", n, ran)
		}
		broken = nil
		get[*messaging.Ended](t)(f.m.Finish(t.Context(), d, e))
		get[*agents.Agent](t)(f.a.Agent(t.Context(), made.Character.ID))
		completion(t, f.dense(t, channel), a.Message.ID)
		if ran != 1 {
			t.Errorf("hook ran %d times, want once", ran)
		}
	}},
	{"A deleted message or channel takes its delivery along", func(t *testing.T, f *fixture) {
		agent := f.agent(t)
		for _, remove := range []func(ch, msg core.UUID) error{
			func(ch, msg core.UUID) error { _, err := f.m.DeleteMessage(t.Context(), ch, msg); return err },
			func(ch, _ core.UUID) error { _, err := f.m.ClearChannel(t.Context(), ch); return err },
			func(ch, _ core.UUID) error { return f.m.DeleteChannel(t.Context(), ch) },
		} {
			channel := f.channel(t, agent)
			a := f.send(t, channel)
			d := f.claimOne(t)
			must(t, remove(channel, a.Message.ID))
			_, err := f.m.Finish(t.Context(), d, answer(d))
			wantErr(t, err, messaging.ErrLost)
			_, err = f.m.Reply(t.Context(), d, *reply(d, "late"))
			wantErr(t, err, messaging.ErrLost)
			wantErr(t, f.m.Acting(t.Context(), d), messaging.ErrLost)
			wantErr(t, f.m.Release(t.Context(), d, 0, false, ""), messaging.ErrLost)
			if _, err := f.m.Message(t.Context(), d.ReplyID()); err == nil {
				t.Errorf("a lost attempt left its reply")
			}
		}
	}},
}
