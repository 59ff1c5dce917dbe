package storagetest

import (
	"testing"
	"time"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

var recoveryTests = []subtest{
	{"A taken over delivery is lost to the first", func(t *testing.T, f *fixture) {
		channel := f.channel(t, f.agent(t))
		a := f.send(t, channel)
		old := f.claimOne(t)
		if got := get[[]messaging.Ended](t)(f.m.Reap(t.Context(), time.Hour, 3)); len(got) != 0 || len(f.claim(t)) != 0 {
			t.Fatalf("a delivery under way was reaped: %v", got)
		}
		if ended := f.crash(t, 3); len(ended) != 0 {
			t.Errorf("ended = %v, want it returned", ended)
		}
		d := f.claimOne(t)
		if d.ID != old.ID || d.Attempt != 2 || d.Crashes != 1 || d.ReplyID() == old.ReplyID() {
			t.Errorf("claimed again: %+v", d)
		}
		_, err := f.m.Finish(t.Context(), old, answer(old))
		wantErr(t, err, messaging.ErrLost)
		_, err = f.m.Reply(t.Context(), old, *reply(old, "late"))
		wantErr(t, err, messaging.ErrLost)
		wantErr(t, f.m.Acting(t.Context(), old), messaging.ErrLost)
		wantErr(t, f.m.Release(t.Context(), old, 0, false, ""), messaging.ErrLost)
		get[*messaging.Ended](t)(f.m.Finish(t.Context(), d, answer(d)))
		wantKinds(t, f.dense(t, channel), messaging.KindMessage, messaging.KindMessage, messaging.KindComplete)
		completion(t, f.dense(t, channel), a.Message.ID)
	}},
	{"Nobody having taken it over, a late finish holds", func(t *testing.T, f *fixture) {
		f.send(t, f.channel(t, f.agent(t)))
		d := f.claimOne(t)
		must(t, f.m.VoidLeases(t.Context()))
		get[*messaging.Ended](t)(f.m.Finish(t.Context(), d, answer(d)))
	}},
	{"A delivery that acted fails", func(t *testing.T, f *fixture) {
		channel := f.channel(t, f.agent(t))
		a := f.send(t, channel)
		must(t, f.m.Acting(t.Context(), f.claimOne(t)))
		ended := f.crash(t, 3)
		if len(ended) != 1 {
			t.Fatalf("ended = %v, want one", ended)
		}
		wantKinds(t, ended[0].Events, messaging.KindComplete)
		if r := completion(t, f.dense(t, channel), a.Message.ID); r.Agents[0].Status != messaging.StatusFailed {
			t.Errorf("result = %+v", r)
		}
	}},
	{"A delivery that replied is done", func(t *testing.T, f *fixture) {
		channel := f.channel(t, f.agent(t))
		a := f.send(t, channel)
		d := f.claimOne(t)
		m := get[*messaging.Message](t)(f.m.Reply(t.Context(), d, *reply(d, "part")))
		must(t, f.m.Acting(t.Context(), d))
		f.crash(t, 3)
		r := completion(t, f.dense(t, channel), a.Message.ID)
		if r.Agents[0].Status != messaging.StatusResponded || len(r.Agents[0].Responses) != 1 || r.Agents[0].Responses[0] != m.ID {
			t.Errorf("result = %+v", r)
		}
	}},
	{"Crashes are counted up to the limit", func(t *testing.T, f *fixture) {
		channel := f.channel(t, f.agent(t))
		a := f.send(t, channel)
		for crashes := range 2 {
			lanes := a.Lanes
			got := get[[]messaging.Delivery](t)(f.m.Claim(t.Context(), owner, time.Minute, lanes, 1))
			if len(got) == 0 { // the pause after the second crash
				break
			}
			if got[0].Crashes != crashes {
				t.Errorf("crashes = %d, want %d", got[0].Crashes, crashes)
			}
			if ended := f.crash(t, 1); (len(ended) == 1) != (crashes == 1) {
				t.Fatalf("ended = %v after crash %d, tried again once", ended, crashes+1)
			}
		}
		if r := completion(t, f.dense(t, channel), a.Message.ID); r.Agents[0].Status != messaging.StatusFailed {
			t.Errorf("result = %+v", r)
		}
	}},
	{"Without a limit it is returned", func(t *testing.T, f *fixture) {
		f.send(t, f.channel(t, f.agent(t)))
		f.claimOne(t)
		if ended := f.crash(t, 0); len(ended) != 0 {
			t.Errorf("ended = %v, want it returned", ended)
		}
	}},
	{"The pause grows", func(t *testing.T, f *fixture) {
		a := f.send(t, f.channel(t, f.agent(t)))
		f.claimOne(t)
		f.crash(t, 9)
		f.claimOne(t) // at once after the first
		f.crash(t, 9)
		if got := get[[]messaging.Delivery](t)(f.m.Claim(t.Context(), owner, time.Minute, a.Lanes, 1)); len(got) != 0 {
			t.Errorf("claimed %v within a second of the second crash", got)
		}
	}},
	{"A pending delivery expires, its lane goes on", func(t *testing.T, f *fixture) {
		channel := f.channel(t, f.agent(t))
		running, old := f.send(t, channel), f.send(t, channel)
		d := f.claimOne(t)
		ended := get[[]messaging.Ended](t)(f.m.Reap(t.Context(), -time.Hour, 3)) // all pending ones are too old
		if len(ended) != 1 {
			t.Fatalf("ended = %v, want the pending one", ended)
		}
		if r := completion(t, f.dense(t, channel), old.Message.ID); r.Agents[0].Status != messaging.StatusTimeout {
			t.Errorf("result = %+v", r)
		}
		get[*messaging.Ended](t)(f.m.Finish(t.Context(), d, answer(d)))
		completion(t, f.dense(t, channel), running.Message.ID)
	}},
	{"Reap ends many in portions", func(t *testing.T, f *fixture) {
		agent := f.agent(t)
		channels := []core.UUID{f.channel(t, agent), f.channel(t, agent)}
		for i := range 250 {
			f.send(t, channels[i%2])
		}
		total := 0
		for {
			n := len(get[[]messaging.Ended](t)(f.m.Reap(t.Context(), -time.Hour, 3)))
			if n == 0 {
				break
			}
			total += n
		}
		if total != 250 {
			t.Errorf("%d deliveries expired, want 250", total)
		}
		for _, c := range channels {
			f.dense(t, c)
		}
	}},
	{"EndAgent ends all but those named", func(t *testing.T, f *fixture) {
		agent, other := f.agent(t), f.agent(t)
		channel := f.channel(t, agent, other)
		first, second := f.send(t, channel), f.send(t, channel)
		var running *messaging.Delivery
		for _, d := range f.claim(t) {
			if d.AgentID == agent {
				running = &d
				continue
			}
			get[*messaging.Ended](t)(f.m.Finish(t.Context(), &d, answer(&d)))
		}
		ended := get[[]messaging.Ended](t)(f.m.EndAgent(t.Context(), agent, []core.UUID{running.ID}))
		if len(ended) != 1 || len(ended[0].Events) != 0 {
			t.Errorf("ended = %v, want one whose message waits for the other agent", ended)
		}
		d := f.claimOne(t)
		get[*messaging.Ended](t)(f.m.Finish(t.Context(), d, answer(d)))
		got := statuses(completion(t, f.dense(t, channel), second.Message.ID))
		if got[agent] != messaging.StatusStopped || got[other] != messaging.StatusResponded {
			t.Errorf("results = %v", got)
		}
		if ended := get[[]messaging.Ended](t)(f.m.EndAgent(t.Context(), agent, nil)); len(ended) != 1 {
			t.Errorf("ended = %v, want the running one", ended)
		}
		_, err := f.m.Finish(t.Context(), running, answer(running))
		wantErr(t, err, messaging.ErrLost)
		completion(t, f.dense(t, channel), first.Message.ID)
	}},
	{"Sweep removes what is old and ended", func(t *testing.T, f *fixture) {
		channel := f.channel(t, f.agent(t))
		first := f.send(t, channel)
		d := f.claimOne(t)
		get[*messaging.Ended](t)(f.m.Finish(t.Context(), d, answer(d)))
		get[*messaging.Event](t)(f.m.EditMessage(t.Context(), first.Message.ID, messaging.Edit{}))
		f.send(t, channel)
		must(t, f.m.Sweep(t.Context(), time.Hour, time.Hour))
		if n := len(f.dense(t, channel)); n != 5 {
			t.Errorf("%d events after a sweep of nothing, want 5", n)
		}
		must(t, f.m.Sweep(t.Context(), -time.Hour, -time.Hour))
		events, head := f.events(t, channel)
		wantKinds(t, events, messaging.KindMessage, messaging.KindMessage, messaging.KindComplete, messaging.KindMessage)
		if head != 5 {
			t.Errorf("head = %d, want 5", head)
		}
		f.claimOne(t) // what has not ended stays
	}},
}
