// Package storagetest is the suite every [storage.Store] must pass.
package storagetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

// Run tests the stores of agents and messages, and transactions over them. open returns a new, empty store,
// closed when t ends.
func Run(t *testing.T, open func(t *testing.T) storage.Store) {
	for _, group := range []struct {
		name  string
		tests []subtest
	}{
		{"Agents", agentTests},
		{"Servers", serverTests},
		{"Channels", channelTests},
		{"Accept", acceptTests},
		{"Reacts", reactTests},
		{"Messages", messageTests},
		{"Changes", changeTests},
		{"Deliveries", deliveryTests},
		{"Recovery", recoveryTests},
		{"Sessions", sessionTests},
		{"Jobs", jobTests},
		{"Transactions", transactionTests},
		{"Interleavings", modelTests},
	} {
		t.Run(group.name, func(t *testing.T) {
			t.Parallel()
			for _, test := range group.tests {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					test.run(t, setup(t, open))
				})
			}
		})
	}
}

type subtest struct {
	name string
	run  func(t *testing.T, f *fixture)
}

// owner is the process that claims in these tests.
const owner = "tester"

// fixture is an empty store with the default message server.
type fixture struct {
	store storage.Store
	m     messaging.Store
	a     agents.Store
}

func setup(t *testing.T, open func(t *testing.T) storage.Store) *fixture {
	t.Helper()
	s := open(t)
	f := &fixture{store: s, m: s.Messaging(), a: s.Agents()}
	must(t, f.m.EnsureServer(t.Context(), newServer(core.DefaultServerID, "Default Server")))
	return f
}

// tb is what helpers need of a test; rapid has its own.
type tb interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Context() context.Context
}

func must(t tb, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
}

// check is must for code that runs in a transaction, which is not the test's goroutine.
func check(t tb, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("unexpected error: %v", err)
	}
}

func get[T any](t tb) func(v T, err error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		must(t, err)
		return v
	}
}

func wantCode(t tb, err error, code core.Code) {
	t.Helper()
	if err == nil || core.CodeOf(err) != code {
		t.Errorf("error = %v, want code %s", err, code)
	}
}

func wantErr(t tb, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("error = %v, want %v", err, target)
	}
}

// differ compares; an empty list is the same as none.
func differ(x, y any) string { return cmp.Diff(x, y, cmpopts.EquateEmpty()) }

func newServer(id core.UUID, name string) messaging.Server {
	now := core.ISO(core.Now())
	return messaging.Server{ID: id, Name: name, SourceType: "test", CreatedAt: now, UpdatedAt: now}
}

func newAgent(name string, active bool) *agents.Agent {
	now := core.Now()
	c := &core.Character{ID: core.NewUUID(), Name: name}
	return &agents.Agent{Character: c, Active: active, Version: 1, CreatedAt: now, UpdatedAt: now}
}

// agent stores an active agent.
func (f *fixture) agent(t tb) core.UUID {
	t.Helper()
	a := newAgent("Ada", true)
	must(t, f.a.Insert(t.Context(), a))
	return a.Character.ID
}

// channel stores a channel of the default server.
func (f *fixture) channel(t tb, participants ...core.UUID) core.UUID {
	t.Helper()
	return f.channelOf(t, core.DefaultServerID, participants...)
}

func (f *fixture) channelOf(t tb, server core.UUID, participants ...core.UUID) core.UUID {
	t.Helper()
	id := core.NewUUID()
	_, err := f.m.CreateChannel(t.Context(), messaging.NewChannel{
		ID: id, ServerID: server, Name: "general", Type: messaging.TypeGroup, Participants: participants,
	})
	must(t, err)
	return id
}

func newMessage(channel core.UUID, text string) messaging.NewMessage {
	return messaging.NewMessage{ID: core.NewUUID(), ChannelID: channel, AuthorID: core.NewUUID(), Content: text, SourceType: "test"}
}

// send accepts a message of somebody new.
func (f *fixture) send(t tb, channel core.UUID) *messaging.Accepted {
	t.Helper()
	return f.accept(t, newMessage(channel, "hello"))
}

func (f *fixture) accept(t tb, n messaging.NewMessage) *messaging.Accepted {
	t.Helper()
	return get[*messaging.Accepted](t)(f.m.Accept(t.Context(), n, 0))
}

// claim takes what is due in any lane.
func (f *fixture) claim(t tb) []messaging.Delivery {
	t.Helper()
	return get[[]messaging.Delivery](t)(f.m.Claim(t.Context(), owner, time.Minute, nil, 100))
}

// claimOne takes what must be the only delivery that is due.
func (f *fixture) claimOne(t tb) *messaging.Delivery {
	t.Helper()
	got := f.claim(t)
	if len(got) != 1 {
		t.Fatalf("claimed %d deliveries, want 1", len(got))
	}
	return &got[0]
}

func reply(d *messaging.Delivery, text string) *messaging.NewMessage {
	return &messaging.NewMessage{
		ID: d.ReplyID(), ChannelID: d.ChannelID, AuthorID: d.AgentID, Content: text, SourceType: messaging.SourceAgent, InReplyTo: d.MessageID,
	}
}

func answer(d *messaging.Delivery) messaging.Ending {
	return messaging.Ending{State: messaging.StateDone, Reply: reply(d, "hi")}
}

// crash makes what is leased lost, as the end of its process does.
func (f *fixture) crash(t tb, lost int) []messaging.Ended {
	t.Helper()
	must(t, f.m.VoidLeases(t.Context()))
	return get[[]messaging.Ended](t)(f.m.Reap(t.Context(), time.Hour, lost))
}

// events reads all kept events of a channel, whose numbers must grow and be within the head.
func (f *fixture) events(t tb, channel core.UUID) ([]messaging.Event, int64) {
	t.Helper()
	kept, err := f.m.Events(t.Context(), channel, 0, 100_000)
	must(t, err)
	events, head := kept.Events, kept.Head
	last := int64(0)
	for _, e := range events {
		if e.Seq <= last || e.Seq > head || e.ChannelID != channel {
			t.Fatalf("event %s of channel %s has number %d after %d, head %d", e.Kind, e.ChannelID, e.Seq, last, head)
		}
		last = e.Seq
	}
	return events, head
}

// dense is events for a channel nothing was deleted from: every number up to the head is there.
func (f *fixture) dense(t tb, channel core.UUID) []messaging.Event {
	t.Helper()
	events, head := f.events(t, channel)
	if int64(len(events)) != head {
		t.Fatalf("%d events up to head %d: %v", len(events), head, kinds(events))
	}
	return events
}

func kinds(events []messaging.Event) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = e.Kind
	}
	return out
}

func wantKinds(t tb, events []messaging.Event, want ...string) {
	t.Helper()
	if got := kinds(events); !slices.Equal(got, want) {
		t.Errorf("events = %v, want %v", got, want)
	}
}

// completion returns the result of a message, which must have one.
func completion(t tb, events []messaging.Event, message core.UUID) *messaging.Result {
	t.Helper()
	var found []*messaging.Result
	for _, e := range events {
		if e.Kind == messaging.KindComplete && e.MessageID == message {
			found = append(found, e.Result)
		}
	}
	if len(found) != 1 {
		t.Fatalf("message %s was completed %d times, want once", message, len(found))
	}
	return found[0]
}

func statuses(r *messaging.Result) map[core.UUID]string {
	out := map[core.UUID]string{}
	for _, a := range r.Agents {
		out[a.AgentID] = a.Status
	}
	return out
}
