package audio

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	source     = "direct"         // of conversations by voice, and their world
	roomType   = "API"            // agents always answer there
	stranger   = "Anon"           // who does not say who speaks
	recordTime = 10 * time.Second // for the records of a turn, once it is over
)

// Converse implements [Service]. The turn ends with ctx: nobody else would hear the answer.
func (m *Manager) Converse(ctx context.Context, agent core.UUID, q Question) (*Reply, error) {
	rt, err := m.runtime(ctx, agent)
	if err != nil {
		return nil, err
	}
	t, err := q.turn(ctx, agent, m.opts.Now.Now())
	if err != nil {
		return nil, err
	}
	if rt.Models().Speaker == nil {
		return nil, ErrNoSpeaker // before anything is said in vain
	}
	text, err := m.answer(ctx, rt, t)
	if err != nil {
		return nil, failed(ctx, "The agent could not answer", err)
	}
	if strings.TrimSpace(text) == "" {
		return nil, ErrSilent
	}
	clip, err := m.speak(ctx, rt, text, q.Voice)
	if err != nil {
		return nil, err
	}
	return &Reply{Text: text, Audio: clip}, nil
}

// turn makes the question a turn in a room of its own kind. Ids of clients that are no UUIDs are taken as they
// are: the agent's own identifiers are derived from them.
func (q Question) turn(ctx context.Context, agent core.UUID, now core.Millis) (*core.Turn, error) {
	if err := checkText(q.Text); err != nil {
		return nil, err
	}
	for _, v := range [...]string{q.RoomID, q.EntityID, q.WorldID, q.Name} {
		if len(v) > maxName {
			return nil, core.BadRequest("Ids and names may have 255 bytes")
		}
	}
	entity := q.EntityID
	if who := core.IdentityFrom(ctx).EntityID; who != "" {
		if entity != "" && !strings.EqualFold(entity, string(who)) {
			return nil, ErrForbidden
		}
		entity = string(who)
	}
	return &core.Turn{
		ID: core.NewUUID(), Attempt: 1, MessageID: core.NewUUID(),
		ChannelID:   id(cmp.Or(q.RoomID, "default-room-"+string(agent))),
		ServerID:    id(cmp.Or(q.WorldID, source)),
		AuthorID:    core.ForAgent(agent, string(id(cmp.Or(entity, stranger)))),
		AuthorName:  q.Name,
		ChannelType: roomType,
		Source:      source,
		Content:     core.Content{Text: q.Text, Source: source, ChannelType: roomType, Attachments: q.Attachments},
		CreatedAt:   now,
	}, nil
}

// id is a client's id: a UUID in its one spelling, or any other text.
func id(s string) core.UUID {
	if u, err := core.ParseUUID(s); err == nil {
		return u
	}
	return core.UUID(s)
}

// answer runs the turn, after those of the same room that came before it, and returns all the agent said.
func (m *Manager) answer(ctx context.Context, rt core.Runtime, t *core.Turn) (string, error) {
	leave, err := m.lanes.enter(ctx, place{rt.AgentID(), t.ChannelID})
	if err != nil {
		return "", err
	}
	defer leave()
	limited, cancel := context.WithTimeout(ctx, m.opts.TurnTimeout)
	defer cancel()
	o := &collector{turn: t}
	var outcome core.Outcome
	err = core.Guard(func() (err error) {
		outcome, err = rt.Turn(limited, t, o)
		return err
	})
	said := o.close()
	if err != nil {
		return "", err
	}
	if outcome.Commit != nil {
		// The turn is over; that its client leaves now must not cost the agent the memory of it.
		lasting, done := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
		defer done()
		if err := core.Guard(func() error { return outcome.Commit(lasting) }); err != nil {
			return "", err
		}
	}
	if outcome.Reply != nil {
		said = append(said, outcome.Reply.Text)
	}
	return strings.Join(said, "\n\n"), nil
}

// errOver is what a turn is told that goes on after its end.
var errOver = errors.New("audio: the turn is over")

// collector is the [core.Out] of a turn nobody watches: what it says is collected.
type collector struct {
	turn *core.Turn

	mu     sync.Mutex
	n      int // replies sent
	texts  []string
	closed bool
}

var _ core.Out = (*collector)(nil)

// NextReply implements [core.Out].
func (o *collector) NextReply() core.UUID {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.next()
}

func (o *collector) next() core.UUID {
	return core.StringToUUID(string(o.turn.ID) + ":" + strconv.Itoa(o.turn.Attempt) + ":" + strconv.Itoa(o.n))
}

// Stream implements [core.Out]: speech begins when the answer is complete.
func (*collector) Stream(string) {}

// Send implements [core.Out].
func (o *collector) Send(_ context.Context, c *core.Content) (core.UUID, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return "", errOver
	}
	id := o.next()
	o.n++
	if strings.TrimSpace(c.Text) != "" {
		o.texts = append(o.texts, c.Text)
	}
	return id, nil
}

// Progress implements [core.Out]: progress is not spoken.
func (*collector) Progress(context.Context, core.UUID, core.Content) error { return nil }

// Acting implements [core.Out]: such a turn is never run again.
func (*collector) Acting(context.Context) error { return nil }

// close ends the collection and returns it.
func (o *collector) close() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	return o.texts
}
