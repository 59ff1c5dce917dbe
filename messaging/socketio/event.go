package socketio

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
)

// Event is an event of a client. It may be kept after its handler has returned.
type Event struct {
	Name string // numeric names are written as the client wrote them

	// Args are the arguments after the name. In a binary event attachments stand in their places as base64
	// strings, so that they decode into []byte.
	Args []json.RawMessage

	socket *Socket
	id     uint64
	wanted bool
	acked  atomic.Bool
	bin    [][]byte
	values []any
	size   int
}

// Socket returns the socket that received the event.
func (e *Event) Socket() *Socket { return e.socket }

// Decode decodes argument n, counted from 0, into v like [json.Unmarshal]. It fails when there is none.
func (e *Event) Decode(n int, v any) error {
	if n < 0 || n >= len(e.Args) {
		return fmt.Errorf("socketio: event %q has no argument %d", e.Name, n)
	}
	if err := json.Unmarshal(e.Args[n], v); err != nil {
		return fmt.Errorf("socketio: argument %d of event %q: %w", n, e.Name, err)
	}
	return nil
}

// Attachments returns the binary attachments in the order they were sent, nil when there are none.
func (e *Event) Attachments() [][]byte { return e.bin }

// Values returns the arguments decoded: objects as map[string]any, arrays as []any, numbers as
// [json.Number], attachments as []byte. They can be emitted as they are.
func (e *Event) Values() ([]any, error) {
	if e.values != nil {
		return e.values, nil
	}
	values := make([]any, len(e.Args))
	for i, raw := range e.Args {
		var err error
		if values[i], err = decodeValue(raw); err != nil {
			return nil, fmt.Errorf("socketio: argument %d of event %q: %w", i, e.Name, err)
		}
	}
	return values, nil
}

// HasAck says whether the client waits for an acknowledgement.
func (e *Event) HasAck() bool { return e.wanted }

// Ack answers the client, with arguments as for [Encode]. It may be called after the handler has returned,
// but once only: it returns [ErrNoAck] when the client waits for none or was answered, and [ErrClosed] when
// it is gone.
func (e *Event) Ack(args ...any) error {
	if !e.wanted || e.acked.Load() {
		return ErrNoAck
	}
	if args == nil {
		args = []any{}
	}
	p, _, err := encodePacket(packetAck, e.socket.ns.name, &e.id, args)
	if err != nil {
		return fmt.Errorf("socketio: encode acknowledgement of %q: %w", e.Name, err)
	}
	if e.acked.Swap(true) {
		return ErrNoAck
	}
	return e.socket.send(p, false)
}

// EmitWithAck sends an event and waits for the client's acknowledgement, whose arguments it returns, binary
// ones as base64 strings. It fails with [ErrClosed] when the socket ends and with the cause of ctx when that
// ends first; clients may never answer, so ctx should have a limit. A handler of the same socket may wait here.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) ([]json.RawMessage, error) {
	if reserved(event) {
		return nil, fmt.Errorf("%w %q", ErrReserved, event)
	}
	answer := make(chan []json.RawMessage, 1)
	s.mu.Lock()
	if s.in.over {
		s.mu.Unlock()
		return nil, ErrClosed
	}
	id := s.lastAck
	s.lastAck++
	if s.acks == nil {
		s.acks = make(map[uint64]chan []json.RawMessage)
	}
	s.acks[id] = answer
	s.mu.Unlock()
	defer s.forget(id)

	p, _, err := encodePacket(packetEvent, s.ns.name, &id, append([]any{event}, args...))
	if err == nil {
		err = s.send(p, false)
	}
	if err != nil {
		return nil, fmt.Errorf("socketio: emit %q: %w", event, err)
	}
	select {
	case args, ok := <-answer:
		if !ok {
			return nil, ErrClosed
		}
		return args, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("socketio: acknowledgement of %q: %w", event, context.Cause(ctx))
	}
}

func (s *Socket) forget(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.acks, id)
}

// acknowledge hands an acknowledgement to who waits for it; one that nobody waits for is ignored.
func (s *Socket) acknowledge(id uint64, args []json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if answer := s.acks[id]; answer != nil {
		delete(s.acks, id)
		answer <- args // has room for the one answer
	}
}
