package storagetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

var modelTests = []subtest{
	{"Every message is completed once", func(t *testing.T, f *fixture) {
		rapid.Check(t, func(rt *rapid.T) {
			m := newModel(rt, f)
			rt.Repeat(map[string]func(*rapid.T){
				"accept": m.accept, "claim": m.claim, "finish": m.finish, "release": m.release, "reply": m.reply,
				"act": m.act, "crash": m.crash, "stale": m.stale, "": m.sometimes,
			})
			m.drain(rt)
		})
	}},
}

// model knows what must be true of a few channels and agents, whatever happened in which order.
type model struct {
	f        *fixture
	channels []core.UUID
	agents   []core.UUID
	messages map[core.UUID][]core.UUID // channel → messages of users
	waiting  map[messaging.Lane][]core.UUID
	held     []messaging.Delivery
	lost     []messaging.Delivery // attempts that somebody else took over or that ended
	ends     map[core.UUID]int    // of deliveries
	steps    int
}

func newModel(t tb, f *fixture) *model {
	m := &model{f: f, messages: map[core.UUID][]core.UUID{}, waiting: map[messaging.Lane][]core.UUID{}, ends: map[core.UUID]int{}}
	m.agents = []core.UUID{f.agent(t), f.agent(t)}
	m.channels = []core.UUID{f.channel(t, m.agents[0]), f.channel(t, m.agents...), f.channel(t)}
	return m
}

func (m *model) accept(t *rapid.T) {
	n := newMessage(rapid.SampledFrom(m.channels).Draw(t, "channel"), "hello")
	if rapid.Bool().Draw(t, "targeted") {
		n.Target = rapid.SampledFrom(m.agents).Draw(t, "target")
	}
	a := m.f.accept(t, n)
	m.messages[n.ChannelID] = append(m.messages[n.ChannelID], n.ID)
	for _, lane := range a.Lanes {
		m.waiting[lane] = append(m.waiting[lane], n.ID)
	}
	if (a.Complete != nil) != (len(a.Lanes) == 0) {
		t.Errorf("accepted with %d lanes, complete %v", len(a.Lanes), a.Complete)
	}
	if again := m.f.accept(t, n); !again.Duplicate { // repeated by a client that saw no answer
		t.Errorf("stored twice")
	}
}

func (m *model) lanes() []messaging.Lane {
	var out []messaging.Lane
	for _, c := range m.channels {
		for _, a := range m.agents {
			out = append(out, messaging.Lane{AgentID: a, ChannelID: c})
		}
	}
	return out
}

func (m *model) claim(t *rapid.T) {
	lanes := m.lanes()
	most := rapid.IntRange(1, len(lanes)).Draw(t, "most")
	got, err := m.f.m.Claim(t.Context(), owner, time.Minute, lanes, most)
	must(t, err)
	for _, d := range got {
		if queue := m.waiting[d.Lane]; len(queue) == 0 || queue[0] != d.MessageID {
			t.Fatalf("lane %v gave message %s, want the first of %v", d.Lane, d.MessageID, queue)
		}
		if slices.ContainsFunc(m.held, func(h messaging.Delivery) bool { return h.Lane == d.Lane }) {
			t.Fatalf("lane %v has two deliveries under way", d.Lane)
		}
		m.held = append(m.held, d)
	}
}

// take removes a held delivery.
func (m *model) take(t *rapid.T) *messaging.Delivery {
	if len(m.held) == 0 {
		t.Skip("none held")
	}
	i := rapid.IntRange(0, len(m.held)-1).Draw(t, "held")
	d := m.held[i]
	m.held = slices.Delete(m.held, i, i+1)
	return &d
}

// ended notes the end of the first delivery of a lane.
func (m *model) ended(delivery core.UUID, lane messaging.Lane) {
	m.ends[delivery]++
	m.waiting[lane] = m.waiting[lane][1:]
}

func (m *model) finish(t *rapid.T) {
	d := m.take(t)
	e := rapid.SampledFrom([]messaging.Ending{
		answer(d), {State: messaging.StateIgnored}, {State: messaging.StateFailed, Error: "x"}, {State: messaging.StateTimeout},
	}).Draw(t, "ending")
	_, err := m.f.m.Finish(t.Context(), d, e)
	must(t, err)
	m.ended(d.ID, d.Lane)
	m.lost = append(m.lost, *d)
}

func (m *model) release(t *rapid.T) {
	d := m.take(t)
	must(t, m.f.m.Release(t.Context(), d, 0, rapid.Bool().Draw(t, "lost"), "released"))
	m.lost = append(m.lost, *d)
}

func (m *model) reply(t *rapid.T) {
	d := m.take(t)
	msg, err := m.f.m.Reply(t.Context(), d, *reply(d, "part"))
	must(t, err)
	d.Replies = append(d.Replies, msg.ID)
	m.held = append(m.held, *d)
}

func (m *model) act(t *rapid.T) {
	d := m.take(t)
	must(t, m.f.m.Acting(t.Context(), d))
	d.Acting = true
	m.held = append(m.held, *d)
}

// crash loses all that is held: what replied or acted must end, the others are returned or, lost too
// often, end too.
func (m *model) crash(t *rapid.T) {
	for _, e := range m.f.crash(t, rapid.IntRange(0, 2).Draw(t, "limit")) {
		i := slices.IndexFunc(m.held, func(d messaging.Delivery) bool { return d.ID == e.Delivery })
		if i < 0 {
			t.Fatalf("a delivery that nobody held was ended: %+v", e)
		}
		m.ended(e.Delivery, m.held[i].Lane)
	}
	for _, d := range m.held {
		if (len(d.Replies) > 0 || d.Acting) && m.ends[d.ID] == 0 {
			t.Errorf("a delivery that replied or acted was given back: %+v", d)
		}
	}
	m.lost = append(m.lost, m.held...)
	m.held = nil
}

// stale is a write of an attempt that is over.
func (m *model) stale(t *rapid.T) {
	if len(m.lost) == 0 {
		t.Skip("none lost")
	}
	d := rapid.SampledFrom(m.lost).Draw(t, "lost")
	_, err := m.f.m.Finish(t.Context(), &d, answer(&d))
	wantErr(t, err, messaging.ErrLost)
	_, err = m.f.m.Reply(t.Context(), &d, *reply(&d, "late"))
	wantErr(t, err, messaging.ErrLost)
	wantErr(t, m.f.m.Release(t.Context(), &d, 0, false, ""), messaging.ErrLost)
	wantErr(t, m.f.m.Acting(t.Context(), &d), messaging.ErrLost)
}

// sometimes checks after every tenth step.
func (m *model) sometimes(t *rapid.T) {
	if m.steps++; m.steps%10 == 0 {
		m.check(t)
	}
}

// check holds at every moment: numbers without holes, completions for exactly the messages nobody works on.
func (m *model) check(t *rapid.T) {
	for _, channel := range m.channels {
		events := m.f.dense(t, channel)
		for _, id := range m.messages[channel] {
			open := false
			for lane, queue := range m.waiting {
				open = open || lane.ChannelID == channel && slices.Contains(queue, id)
			}
			if !open {
				completion(t, events, id)
			} else if slices.ContainsFunc(events, func(e messaging.Event) bool { return e.Kind == messaging.KindComplete && e.MessageID == id }) {
				t.Fatalf("message %s is complete before all its deliveries ended", id)
			}
		}
	}
}

// drain ends what is left.
func (m *model) drain(t *rapid.T) {
	for _, d := range m.held {
		_, err := m.f.m.Finish(context.WithoutCancel(t.Context()), &d, answer(&d))
		must(t, err)
		m.ended(d.ID, d.Lane)
	}
	for _, agent := range m.agents {
		ended, err := m.f.m.EndAgent(t.Context(), agent, nil)
		must(t, err)
		for _, e := range ended {
			m.ends[e.Delivery]++
		}
	}
	clear(m.waiting)
	m.check(t)
	for id, n := range m.ends {
		if n != 1 {
			t.Errorf("delivery %s ended %d times", id, n)
		}
	}
}
