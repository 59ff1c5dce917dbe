package socketio

import (
	"fmt"
	"runtime/debug"
	"time"
)

const (
	inboxEvents = 64              // that wait for a socket's handlers before its connection is not read any more
	drainLimit  = 5 * time.Second // for the events that came before the client left
)

// inbox is what a socket has to do, in order. A goroutine works on it while there is something.
type inbox struct {
	began   bool // the middleware has been called
	events  []*Event
	bytes   int
	running bool
	over    bool          // the end has come; it is the last thing to do
	done    bool          // it has been done
	space   chan struct{} // closed when an event has been taken
}

// begin connects the socket.
func (s *Socket) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.work()
}

// work starts the goroutine unless it runs. It needs s.mu.
func (s *Socket) work() {
	if !s.in.running && !s.in.done {
		s.in.running = true
		s.client.e.spawn(s.run)
	}
}

// receive adds an event, and waits for its place when too many are there. Only the session's reading side
// calls it.
func (s *Socket) receive(ev *Event) {
	s.mu.Lock()
	for !s.in.over && len(s.in.events) > 0 &&
		(len(s.in.events) >= inboxEvents || int64(s.in.bytes+ev.size) > s.ns.srv.opts.MaxPayload) {
		s.in.space = make(chan struct{})
		space := s.in.space
		s.mu.Unlock()
		s.client.e.stalled.Store(true)
		<-space
		s.client.e.stalled.Store(false)
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	if s.in.over {
		return
	}
	s.in.events = append(s.in.events, ev)
	s.in.bytes += ev.size
	s.work()
}

// run does what there is to do and ends.
func (s *Socket) run() {
	ended := false
	defer func() {
		if !ended { // a handler called runtime.Goexit, as FailNow of a test does
			s.client.e.spawn(s.run)
		}
	}()
	for {
		s.mu.Lock()
		switch {
		case !s.in.began && !s.in.over:
			s.in.began = true
			s.mu.Unlock()
			s.connect()
		case len(s.in.events) > 0:
			ev := s.in.next()
			s.mu.Unlock()
			s.handle(ev)
		case s.in.over && !s.in.done:
			s.in.done = true
			s.mu.Unlock()
			s.finish()
		default:
			s.in.running = false
			s.mu.Unlock()
			ended = true
			return
		}
	}
}

func (in *inbox) next() *Event {
	ev := in.events[0]
	in.events[0] = nil
	if in.events = in.events[1:]; len(in.events) == 0 {
		in.events = nil
	}
	in.bytes -= ev.size
	in.wake()
	return ev
}

func (in *inbox) clear() {
	in.events, in.bytes = nil, 0
	in.wake()
}

func (in *inbox) wake() {
	if in.space != nil {
		close(in.space)
		in.space = nil
	}
}

// connect asks the middleware and answers the client, also when that ends the goroutine.
func (s *Socket) connect() {
	refusal := errInternal
	defer func() { s.welcome(refusal) }()
	refusal = s.ns.admit(s)
}

// welcome lets the client in unless it is refused.
func (s *Socket) welcome(refusal *ConnectError) {
	if refusal != nil {
		s.client.remove(s, true)
		s.refused()
		s.client.refuse(s.ns.name, refusal)
		return
	}
	if s.state.Load() != socketConnecting {
		return
	}
	p, err := controlPacket(packetConnect, s.ns.name, struct {
		SID string `json:"sid"`
	}{s.id})
	if err != nil || s.client.e.send(p, false) != nil {
		return // the session is over, and about to end this socket
	}
	if !s.state.CompareAndSwap(socketConnecting, socketConnected) {
		return
	}
	s.client.connected()
	for _, fn := range s.ns.enter(s) {
		s.guard("connect", func() { fn(s) })
	}
}

// refused ends a socket that never was connected: nothing of it is called.
func (s *Socket) refused() {
	s.mu.Lock()
	s.state.Store(socketEnded)
	s.in.over, s.in.done = true, true
	s.in.clear()
	s.mu.Unlock()
	s.cancel()
	s.ns.exit(s)
	s.client.finished()
}

// end ends the socket: what it still does comes in order and is finish at last.
func (s *Socket) end(reason string, drain bool) {
	s.mu.Lock()
	if s.in.over {
		s.mu.Unlock()
		return
	}
	connected := s.state.Swap(socketEnded) == socketConnected
	s.in.over = true
	s.reason = reason
	for id, answer := range s.acks {
		delete(s.acks, id)
		close(answer)
	}
	if drain = drain && connected; !drain {
		s.in.clear()
		s.cancel()
	} else if s.in.wake(); s.in.running {
		limit := s.ns.srv.timers.after(drainLimit, s.giveUp)
		cancel := s.cancel
		s.cancel = func() {
			s.ns.srv.timers.stop(limit)
			cancel()
		}
	}
	s.work()
	s.mu.Unlock()
	s.client.remove(s, reason == reasonServerLeft)
}

// giveUp drops the events that were still to be handled.
func (s *Socket) giveUp() {
	s.mu.Lock()
	s.in.clear()
	cancel := s.cancel
	s.mu.Unlock()
	cancel()
}

// finish is the last thing a socket does.
func (s *Socket) finish() {
	s.mu.Lock()
	cancel, fns, reason := s.cancel, s.onDisconnect, s.reason
	s.mu.Unlock()
	cancel()
	defer s.client.finished()
	if entered := s.ns.exit(s); !entered {
		return
	}
	for _, fn := range fns {
		s.guard("disconnect", func() { fn(reason) })
	}
}

// handle calls the handler of an event.
func (s *Socket) handle(ev *Event) {
	s.mu.Lock()
	fn := s.unhandled
	for _, h := range s.handlers {
		if h.event == ev.Name {
			fn = h.fn
		}
	}
	s.mu.Unlock()
	switch {
	case fn != nil:
		s.guard(ev.Name, func() { fn(ev) })
	case ev.HasAck():
		_ = ev.Ack(unknownEvent{"unknown event", "BAD_REQUEST"}) // a client that is gone needs no answer
	}
}

type unknownEvent struct {
	Error string `json:"error"`
	Code  string `json:"code"`
}

// guard calls fn and reports whether it came back without a panic, which is logged.
func (s *Socket) guard(what string, fn func()) (ok bool) {
	defer func() {
		if v := recover(); v != nil {
			s.ns.srv.log.Error("panic in a socket handler", "handler", what, "namespace", s.ns.name, "socket_id", s.id,
				"panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		}
	}()
	fn()
	return true
}
