package socketio

import (
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
)

// room is guarded by Namespace.mu. It exists while it has members or somebody is being told about it.
type room struct {
	members map[*Socket]struct{}
	told    bool          // the functions of OnRoom were called with this last
	settled chan struct{} // not nil while they are being called; closed afterwards
}

func (r *room) remove(s *Socket) {
	if r != nil {
		delete(r.members, s)
	}
}

// OnRoom adds a function that is told when a room gets its first socket and when it has lost its last. The
// calls for one room come one at a time and alternate, beginning with true; a change that is undone while a
// call is under way may go untold. [Socket.Join] returns after the call with true for its room has; the call
// with false comes some time after. The function is called without locks and may take its time, but must not
// join a socket to the same room.
func (n *Namespace) OnRoom(fn func(room string, occupied bool)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.onRoom = append(slices.Clip(n.onRoom), fn)
}

// Join puts the socket into rooms. After its end that does nothing.
func (s *Socket) Join(rooms ...string) {
	for _, name := range rooms {
		if s.ns.join(s, name) {
			s.ns.settle(name, true)
		}
	}
}

func (n *Namespace) join(s *Socket, name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if s.gone {
		return false
	}
	r := n.rooms[name]
	if r == nil {
		r = &room{members: make(map[*Socket]struct{})}
		n.rooms[name] = r
	}
	r.members[s] = struct{}{}
	if s.rooms == nil {
		s.rooms = make(map[string]struct{})
	}
	s.rooms[name] = struct{}{}
	return true
}

// Leave takes the socket out of rooms.
func (s *Socket) Leave(rooms ...string) {
	for _, name := range rooms {
		if s.ns.leave(s, name) {
			s.ns.settle(name, false)
		}
	}
}

func (n *Namespace) leave(s *Socket, name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, in := s.rooms[name]; !in || s.gone {
		return false
	}
	delete(s.rooms, name)
	n.rooms[name].remove(s)
	return true
}

// Rooms returns the rooms the socket is in, sorted; after its end, those it was in then.
func (s *Socket) Rooms() []string {
	s.ns.mu.RLock()
	defer s.ns.mu.RUnlock()
	return slices.Sorted(maps.Keys(s.rooms))
}

// settle tells the functions of OnRoom until what they know of the room is true, and removes a room without
// members. When another goroutine is at it, that one goes on; with wait, its call is waited for.
func (n *Namespace) settle(name string, wait bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for {
		r := n.rooms[name]
		switch {
		case r == nil:
			return
		case r.settled != nil:
			if !wait {
				return
			}
			settled := r.settled
			n.mu.Unlock()
			<-settled
			n.mu.Lock()
		case len(n.onRoom) == 0 || r.told == (len(r.members) > 0):
			if len(r.members) == 0 {
				delete(n.rooms, name)
			}
			return
		default:
			n.tell(name, r)
		}
	}
}

// tell calls the functions with n.mu released.
func (n *Namespace) tell(name string, r *room) {
	r.told = !r.told
	r.settled = make(chan struct{})
	occupied, fns := r.told, n.onRoom
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		close(r.settled)
		r.settled = nil
	}()
	for _, fn := range fns {
		n.guardRoom(fn, name, occupied)
	}
}

func (n *Namespace) guardRoom(fn func(string, bool), name string, occupied bool) {
	defer func() {
		if v := recover(); v != nil {
			n.srv.log.Error("panic in a room function", "namespace", n.name, "panic", fmt.Sprint(v),
				"stack", string(debug.Stack()))
		}
	}()
	fn(name, occupied)
}
