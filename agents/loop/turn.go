package loop

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// Reasons of a turn without reply.
const (
	reasonIgnored = "ignored"
	reasonMuted   = "muted"
	reasonOff     = "off"
)

// turn is one message being answered.
type turn struct {
	r     *Runtime
	t     *core.Turn
	out   core.Out
	char  *core.Character
	run   core.UUID
	begin time.Time // by the machine's clock
	room  core.Room

	started core.Millis // by the host's clock
	span    trace.SpanContext

	memory core.Memory // the message in the agent's own records
	people []core.Entity
	state  *plugin.State
	valid  []plugin.Action // offered to the model

	mu      sync.Mutex // what follows is also touched by plugin code
	recent  []core.Memory
	log     journal
	queue   []core.Content // replies that wait to be sent
	replies int            // sent
}

// Turn implements [core.Runtime].
func (r *Runtime) Turn(ctx context.Context, t *core.Turn, out core.Out) (core.Outcome, error) {
	if t.AuthorID == r.id {
		return core.Outcome{Reason: reasonIgnored}, nil
	}
	defer r.turns.enter()()
	u := &turn{
		r: r, t: t, out: out, char: r.Character(), begin: time.Now(), started: r.opts.Now.Now(), span: trace.SpanContextFromContext(ctx),
		run:   core.StringToUUID(fmt.Sprintf("%s:%d", t.ID, t.Attempt)),
		state: &plugin.State{Values: map[string]any{}, Data: map[string]plugin.Data{}},
	}
	room, err := r.memories.Connect(ctx, t)
	if err != nil {
		return core.Outcome{}, because(ctx, fmt.Errorf("loop: connect: %w", err))
	}
	u.room = room
	u.memory = u.incoming()
	u.starts()
	r.tell(ctx, core.EventRunStarted, u.event("status", "started"))
	r.tell(ctx, core.EventMessageReceived, u.event("message", u.memory))
	reply, reason, err := u.answer(ctx)
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		u.failed(ctx, err)
		return core.Outcome{}, err
	}
	return u.outcome(reply, reason), nil
}

// event is the payload of an event of this turn.
func (u *turn) event(more ...any) map[string]any {
	data := map[string]any{
		"runId": string(u.run), "messageId": string(u.memory.ID), "roomId": string(u.room.ID), "entityId": string(u.t.AuthorID),
		"channelId": string(u.t.ChannelID), "source": u.t.Source, "startTime": u.started,
	}
	for i := 0; i+1 < len(more); i += 2 {
		data[more[i].(string)] = more[i+1]
	}
	return data
}

// answer finds out what to say. A nil reply has a reason, or was sent before.
func (u *turn) answer(ctx context.Context) (*core.Content, string, error) {
	if reason := u.silenced(); reason != "" {
		return nil, reason, nil
	}
	u.describe(ctx)
	if err := u.load(ctx); err != nil {
		return nil, "", err
	}
	u.validate(ctx)
	if err := u.compose(ctx, nil, "ENTITIES"); err != nil {
		return nil, "", err
	}
	respond, thought, err := u.shouldRespond(ctx)
	if err != nil {
		return nil, "", err
	}
	if !respond {
		u.ignored(thought)
		return nil, reasonIgnored, nil
	}
	if u.r.settingBool("USE_MULTI_STEP") {
		return u.multiStep(ctx)
	}
	a, err := u.decide(ctx)
	if err != nil {
		return nil, "", err
	}
	if a.simple() {
		c := a.content(u)
		u.mu.Lock()
		u.spoke(c)
		u.mu.Unlock()
		return &c, "", nil
	}
	reply, err := u.act(ctx, a)
	if err == nil && reply == nil && u.sent() == 0 {
		u.ignored(a.thought)
	}
	return reply, reasonIgnored, err
}

func (u *turn) sent() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.replies
}

// silenced tells why this room gets no answer, "" when it may.
func (u *turn) silenced() string {
	switch {
	case u.room.State == "" && u.r.settingBool("BOOTSTRAP_DEFLLMOFF"):
		return reasonOff
	case u.room.State == "MUTED" && !strings.Contains(strings.ToLower(u.t.Content.Text), strings.ToLower(u.char.Name)):
		return reasonMuted
	}
	return ""
}

// incoming is the agent's memory of the message.
func (u *turn) incoming() core.Memory {
	c := u.t.Content
	c.ChannelType = u.t.ChannelType
	if c.Source == "" {
		c.Source = u.t.Source
	}
	c.InReplyTo = ""
	if u.t.InReplyTo != "" {
		c.InReplyTo = core.MemoryID(u.r.id, u.t.InReplyTo)
	}
	return core.Memory{
		ID: core.MemoryID(u.r.id, u.t.MessageID), Table: core.TableMessages, CreatedAt: u.t.CreatedAt, Content: c,
		EntityID: u.t.AuthorID, AgentID: u.r.id, RoomID: u.room.ID, WorldID: u.room.WorldID,
		Metadata: map[string]any{
			"type": "message", "source": u.t.Source, "sourceId": string(u.t.MessageID),
			"raw": map[string]any{"senderName": u.t.AuthorName, "senderId": string(u.t.AuthorID)},
		},
	}
}

// load reads the conversation and who takes part in it, both at once.
func (u *turn) load(ctx context.Context) error {
	var wg sync.WaitGroup
	var people error
	wg.Go(func() {
		people = u.r.guarded(place{"", "memories", "entities"}, func() (err error) {
			u.people, err = u.r.memories.Entities(ctx, u.room.ID)
			return err
		})
	})
	newest, err := u.r.memories.List(ctx, core.MemoryQuery{Table: core.TableMessages, RoomID: u.room.ID, Limit: u.r.opts.History})
	wg.Wait()
	if err != nil {
		return because(ctx, fmt.Errorf("loop: read the conversation: %w", err))
	}
	if people != nil {
		u.r.log.Warn("cannot read who is in the room", "room_id", u.room.ID, "err", people)
	}
	recent := make([]core.Memory, 0, len(newest)+2)
	for i := len(newest) - 1; i >= 0; i-- {
		if m := newest[i]; m.ID != u.memory.ID { // there already when the turn is a second try
			recent = append(recent, m)
		}
		if newest[i].ID == u.t.InReplyTo { // a reply of the agent itself keeps the message's id
			u.memory.Content.InReplyTo = u.t.InReplyTo
		}
	}
	u.recent = append(recent, u.memory)
	return nil
}

// call is what plugin code gets.
func (u *turn) call() *plugin.Call {
	u.mu.Lock()
	recent := u.recent[:len(u.recent):len(u.recent)]
	u.mu.Unlock()
	memory := u.memory
	return &plugin.Call{
		Runtime: u.r, Turn: u.t, Memory: &memory, Room: u.room, State: u.state,
		Recent: recent, People: u.people, Actions: u.valid, Providers: u.r.set.offered,
		Evaluators: u.r.set.looking, History: u.r.opts.History, Clock: u.r.opts.Now,
	}
}
