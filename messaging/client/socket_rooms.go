package client

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// maxHeld is how many events are kept of a room that is being joined.
const maxHeld = 1024

// How a socket stands to a room.
const (
	wanted  = iota // it has to be joined
	leaving        // it is left, to be joined anew
	joining        // it was asked for
	inside
	behind // its events were not taken; it is joined anew when there is place for them
)

// room is a channel a socket is in, over all its connections. Guarded by Socket.mu.
type room struct {
	join     Join
	state    int
	in       bool   // this connection has joined it before
	last     int64  // number of the last change that was handed on
	past     bool   // last is known
	held     []told // while it is being joined
	overheld bool
	first    chan joinResult // for who waits in Join; nil when nobody does
}

type joinResult struct {
	joined *Joined
	err    error
}

// Join says which room to join. Only Channel is required.
type Join struct {
	Channel  core.UUID
	From     Position       // first what came after it; from now on when not given
	Entity   core.UUID      // who joins, for the agents there; the client's entity when empty
	Agent    core.UUID      // the one that is talked to
	Name     string         // of who joins; the client's when empty
	Metadata map[string]any // isDm says that the channel is a direct one
}

// Joined is what a socket is told about a room it has joined.
type Joined struct {
	Participants []core.UUID // none while the channel does not exist
	Seq          int64       // number of the channel's latest change: what comes later is told as events
	Gap          bool        // not all after the position could be told; there is an event [Gap] too
}

type joinBody struct {
	Channel  core.UUID      `json:"channelId"`
	Entity   core.UUID      `json:"entityId,omitempty"`
	Agent    core.UUID      `json:"agentId,omitempty"`
	Name     string         `json:"displayName,omitempty"`
	Metadata map[string]any `json:"metadata,omitempty"`
	After    *int64         `json:"afterSeq,omitempty"`
}

// Join joins the room of a channel, which need not exist yet, and waits until that is done. From then on its events
// are told, each change once and in order, whatever becomes of the connection; [Gap] tells where that was not possible.
// [core.CodeConflict] when the socket is in the room already.
func (s *Socket) Join(ctx context.Context, j Join) (*Joined, error) {
	j.Entity, j.Name = cmp.Or(j.Entity, s.c.entity), cmp.Or(j.Name, s.c.name)
	id, err := core.ParseUUID(string(j.Channel))
	if err != nil {
		return nil, err
	}
	j.Channel = id
	r := &room{join: j, last: j.From.seq, past: j.From.past, first: make(chan joinResult, 1)}
	first := r.first
	s.mu.Lock()
	switch {
	case s.err != nil:
		s.mu.Unlock()
		return nil, s.err
	case s.rooms[id] != nil:
		s.mu.Unlock()
		return nil, &core.Error{Code: core.CodeConflict, Message: "The socket is in the room already"}
	}
	s.rooms[id] = r
	changed := s.changed
	s.mu.Unlock()
	s.nudge()
	for {
		select {
		case res := <-first:
			return res.joined, res.err
		case <-ctx.Done():
			if s.abandon(r) {
				return nil, ctx.Err()
			}
			res := <-first
			return res.joined, res.err
		case <-changed:
			s.mu.Lock()
			err := s.err
			changed = s.changed
			s.mu.Unlock()
			if err != nil {
				return nil, err
			}
		}
	}
}

// Leave leaves a room: nothing more is told of its channel. No error when the socket is not in it.
func (s *Socket) Leave(ctx context.Context, channel core.UUID) error {
	channel, err := core.ParseUUID(string(channel))
	if err != nil {
		return err
	}
	s.mu.Lock()
	r := s.rooms[channel]
	if r == nil {
		s.mu.Unlock()
		return nil
	}
	delete(s.rooms, channel)
	first := r.first
	r.first = nil
	s.mu.Unlock()
	if first != nil {
		first <- joinResult{err: &core.Error{Code: core.CodeConflict, Message: "The socket has left the room"}}
	}
	_, err = s.request(ctx, "leave_channel", leaveBody{channel})
	return err
}

type leaveBody struct {
	Channel core.UUID `json:"channelId"`
}

// abandon forgets a room unless its first join has been decided.
func (s *Socket) abandon(r *room) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.first == nil {
		return false
	}
	r.first = nil
	if s.rooms[r.join.Channel] == r {
		delete(s.rooms, r.join.Channel)
	}
	return true
}

// drop forgets a room and tells whether it was known.
func (s *Socket) drop(r *room) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.rooms[r.join.Channel] == r
	if known {
		delete(s.rooms, r.join.Channel)
	}
	return known
}

// keep restores what a connection should have, and whatever is asked for while it lasts.
func (s *Socket) keep(ctx context.Context, k *conn) {
	if s.keepLogs(ctx, k) != nil {
		return
	}
	for failures := 0; ; {
		r, leave, body := s.due()
		if r == nil {
			select {
			case <-s.kick:
				continue
			case <-k.done:
				return
			}
		}
		err := s.enter(ctx, k, r, leave, body)
		if errors.Is(err, errLost) || ctx.Err() != nil {
			return
		}
		if err == nil {
			failures = 0
			continue
		}
		failures++
		select { // the server asks to slow down, or has a failure of its own
		case <-time.After(s.c.retry.pause(failures)):
		case <-k.done:
			return
		}
	}
}

// due is a room that is to be joined, nil when there is none, and whether it has to be left before.
func (s *Socket) due() (r *room, leave bool, body joinBody) {
	roomy := s.events.hasRoom()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rooms {
		if r.state != wanted && (r.state != behind || !roomy) {
			continue
		}
		leave, r.in, r.state, r.held, r.overheld = r.in, true, joining, nil, false
		if leave {
			r.state = leaving
		}
		body := joinBody{r.join.Channel, r.join.Entity, r.join.Agent, r.join.Name, r.join.Metadata, nil}
		if r.past {
			after := r.last
			body.After = &after
		}
		return r, leave, body
	}
	return nil, false, joinBody{}
}

var errNotJoined = errors.New("client: the server acknowledged a join and did not tell of it")

// enter joins a room. An error says that it is to be tried again.
func (s *Socket) enter(ctx context.Context, k *conn, r *room, leave bool, body joinBody) error {
	channel := leaveBody{r.join.Channel}
	if leave {
		if _, err := k.request(ctx, "leave_channel", channel); err != nil {
			s.again(r, wanted)
			return err
		}
		s.again(r, joining)
	}
	answer, err := k.request(ctx, "1", body)
	if err != nil {
		return s.refused(r, err)
	}
	var v joinedPayload
	_ = core.DecodeJSON(answer, &v)
	s.mu.Lock()
	if s.rooms[r.join.Channel] != r { // nobody wants it any more
		s.mu.Unlock()
		_, err = k.request(ctx, "leave_channel", channel)
		return err
	}
	if r.state == joining {
		r.state = wanted
		s.mu.Unlock()
		return errNotJoined
	}
	first := r.first
	r.first = nil
	s.mu.Unlock()
	if first != nil {
		first <- joinResult{joined: &Joined{v.Participants, v.Seq, v.Gap}}
	}
	return nil
}

func (s *Socket) again(r *room, state int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.state = state
}

// refused is what comes of a join that failed. Who waits for a first one is told, unless the server only asks to slow
// down; a room that was joined before is lost when it would be refused again.
func (s *Socket) refused(r *room, err error) error {
	e, ok := errors.AsType[*core.Error](err)
	if !ok || e.Code == core.CodeRateLimit {
		s.again(r, wanted)
		return err
	}
	s.mu.Lock()
	first := r.first
	r.first = nil
	s.mu.Unlock()
	switch {
	case first != nil:
		s.drop(r)
		first <- joinResult{err: err}
		return nil
	case final(e):
		if s.drop(r) {
			s.events.always(&RoomLost{r.join.Channel, err})
		}
		return nil
	}
	s.again(r, wanted)
	return err
}
