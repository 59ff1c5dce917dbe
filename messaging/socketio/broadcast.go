package socketio

import "slices"

// Broadcast addresses sockets of a namespace. It is a value: its methods return changed copies.
type Broadcast struct {
	ns       *Namespace
	rooms    []string
	except   []string
	volatile bool
}

// To addresses the sockets that are in any of the rooms, each once; a socket's ID counts as a room with
// it alone. Without rooms it addresses all sockets of the namespace.
func (n *Namespace) To(rooms ...string) Broadcast {
	return Broadcast{ns: n, rooms: rooms}
}

// Emit sends an event to all sockets of the namespace.
func (n *Namespace) Emit(event string, args ...any) error { return n.To().Emit(event, args...) }

// Except leaves out the sockets with these IDs.
func (b Broadcast) Except(socketIDs ...string) Broadcast {
	b.except = append(slices.Clip(b.except), socketIDs...)
	return b
}

// Volatile makes it an event that may be dropped for clients that do not keep up.
func (b Broadcast) Volatile() Broadcast {
	b.volatile = true
	return b
}

// Emit encodes an event, once, and sends it. It never blocks. Calls that follow one another reach every
// receiver in their order. An error is one of [Encode].
func (b Broadcast) Emit(event string, args ...any) error {
	m, err := Encode(event, args...)
	if err != nil {
		return err
	}
	b.Send(m)
	return nil
}

// Send sends an encoded event like Emit.
func (b Broadcast) Send(m *Message) {
	pool := &b.ns.srv.targets
	buf, _ := pool.Get().(*[]*Socket)
	if buf == nil {
		buf = new([]*Socket)
	}
	sockets := b.ns.collect((*buf)[:0], b.rooms)
	p := m.packet(b.ns.name)
	for _, s := range sockets {
		if !slices.Contains(b.except, s.id) {
			_ = s.send(p, b.volatile) // who is gone, or closed for not reading, gets it no more
		}
	}
	clear(sockets)
	*buf = sockets
	pool.Put(buf)
}

// collect appends the sockets that are in the rooms, each once.
func (n *Namespace) collect(to []*Socket, rooms []string) []*Socket {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if len(rooms) == 0 {
		for _, s := range n.sockets {
			to = append(to, s)
		}
		return to
	}
	var seen map[*Socket]struct{}
	if len(rooms) > 1 {
		seen = make(map[*Socket]struct{})
	}
	add := func(s *Socket) {
		if seen != nil {
			if _, dup := seen[s]; dup {
				return
			}
			seen[s] = struct{}{}
		}
		to = append(to, s)
	}
	for _, name := range rooms {
		if r := n.rooms[name]; r != nil {
			for s := range r.members {
				add(s)
			}
		} else if s := n.sockets[name]; s != nil {
			add(s)
		}
	}
	return to
}
