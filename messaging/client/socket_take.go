package client

import (
	"encoding/json"

	"github.com/eliza-go/eliza/runtime/core"
)

// take is called for each event of a connection, one at a time.
func (s *Socket) take(name string, payload json.RawMessage) {
	switch name {
	case "channel_joined":
		s.joined(payload)
	case "authenticated", "connection_established", "room_joined", "messageAck", "messageError", "log_subscription_confirmed", "log_filters_updated":
		// what they tell is in an acknowledgement
	case "log_stream":
		if e, ok := decodeEvent(name, payload).(*LogStream); ok {
			s.events.log(e)
		}
	default:
		s.happened(told{name, payload, markOf(payload)})
	}
}

// told is an event as it came.
type told struct {
	name    string
	payload json.RawMessage
	mark    mark
}

func (t told) event() Event { return decodeEvent(t.name, t.payload) }

func (s *Socket) happened(t told) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rooms[t.mark.Channel]
	switch {
	case r == nil && t.foreign():
		s.events.push(t.event())
	case r == nil || r.state == wanted || r.state == leaving || r.state == behind:
	case r.state == joining:
		if r.held = append(r.held, t); len(r.held) > maxHeld {
			r.held, r.overheld = nil, true
		}
	case !s.deliver(r, t, false):
		s.nudge()
	}
}

// foreign tells whether an event is for who is not in its room: the own message, and what a host sends of its own.
func (t told) foreign() bool {
	if e, ok := t.event().(*MessageBroadcast); ok {
		return e.ClientMessageID != ""
	}
	return kinds[t.name] == nil
}

// deliver hands on an event of a room. It says false when the room has to be joined anew, to be told what is missing:
// because numbers are missing, which may be in what is told of the past, or because nobody takes the events.
func (s *Socket) deliver(r *room, t told, past bool) bool {
	seq := t.mark.Seq
	if seq > 0 {
		if seq <= r.last {
			return true
		}
		if !past && seq != r.last+1 {
			r.state = wanted
			return false
		}
	}
	if !s.events.push(t.event()) {
		r.state = behind
		return false
	}
	if seq > 0 {
		r.last = seq
	}
	if t.name == "channelDeleted" {
		r.last = 0 // one that is made under the same id begins anew
	}
	return true
}

// joinedPayload is what a socket is told when it has joined a room.
type joinedPayload struct {
	Channel      core.UUID   `json:"channelId"`
	Participants []core.UUID `json:"participantIds"`
	Seq          int64       `json:"seq"`
	Gap          bool        `json:"gap"`
	Missed       []struct {
		Event string          `json:"event"`
		Data  json.RawMessage `json:"data"`
	} `json:"missed"`
}

// joined is the moment a room is joined: first comes what was missed, then what has come since.
func (s *Socket) joined(payload json.RawMessage) {
	var v joinedPayload
	if core.DecodeJSON(payload, &v) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rooms[v.Channel]
	if r == nil || r.state != joining {
		return
	}
	held, over := r.held, r.overheld
	r.held, r.overheld, r.state = nil, false, inside
	switch ok := true; {
	case r.past && v.Gap:
		if ok = s.events.push(&Gap{ChannelID: v.Channel, After: r.last, Seq: v.Seq}); !ok {
			r.state = behind
			return
		}
	case r.past:
		for _, m := range v.Missed {
			if !s.deliver(r, told{m.Event, m.Data, markOf(m.Data)}, true) {
				return
			}
		}
	}
	r.last, r.past = v.Seq, true
	for _, t := range held {
		if !s.deliver(r, t, false) {
			return
		}
	}
	if over {
		r.state = wanted
	}
}
