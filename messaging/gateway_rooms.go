package messaging

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"

	"github.com/eliza-go/eliza/messaging/socketio"
	"github.com/eliza-go/eliza/runtime/core"
)

const maxRooms = 1000 // channels one socket may be in

// room is a channel some socket is in: it is watched as long as that is so.
type room struct {
	members int // guarded by Gateway.mu
	opened  sync.Once
	cancel  func()
	err     error
	gone    atomic.Bool // another room may be there for the channel now
}

// hold makes sure a channel is watched before the socket joins its room: so it misses nothing from then on.
func (g *Gateway) hold(ctx context.Context, m *member, channel core.UUID) error {
	if _, in := m.channels[channel]; in {
		return nil
	}
	if len(m.channels) >= maxRooms {
		return core.BadRequest("One socket can be in 1000 channels at most")
	}
	g.mu.Lock()
	r := g.rooms[channel]
	if r == nil {
		r = &room{}
		g.rooms[channel] = r
	}
	r.members++
	g.mu.Unlock()
	r.opened.Do(func() {
		r.err = guarded(g.log, "watch", func() (err error) { // or nobody would know that it is not watched
			r.cancel, err = g.svc.Watch(context.WithoutCancel(ctx), channel, -1, func(e Event) {
				if !r.gone.Load() {
					g.deliver(channel, e)
				}
			})
			return err
		})
	})
	if r.err != nil {
		g.exit(channel, r)
		return r.err
	}
	m.channels[channel] = struct{}{}
	return nil
}

// leave is the end of a hold, if there was one.
func (g *Gateway) leave(m *member, channel core.UUID) {
	if _, in := m.channels[channel]; !in {
		return
	}
	m.socket.Leave(string(channel))
	delete(m.channels, channel)
	g.mu.Lock()
	r := g.rooms[channel]
	g.mu.Unlock()
	if r != nil {
		g.exit(channel, r)
	}
}

// missedView is a change a socket missed, as the room got it.
type missedView struct {
	Event string          `json:"event"`
	Data  json.RawMessage `json:"data"`
}

// Limits of what a joining socket is told at once: what it gets has to fit into its queue, twice and more.
const (
	maxMissed      = 500
	maxMissedBytes = 1 << 20
)

// missed gathers what a socket missed.
type missed struct {
	list  []missedView
	bytes int
	over  bool // it is too much
}

func (l *missed) add(f frame) {
	b, err := core.EncodeJSON(f.data)
	l.bytes += len(b)
	if l.over = l.over || err != nil || len(l.list) == maxMissed || l.bytes > maxMissedBytes; !l.over {
		l.list = append(l.list, missedView{f.name, b})
	}
}

// resume joins a room that the socket has seen up to a number: told gets what it missed, and where live events
// begin, in the moment the socket joins, so that nothing comes twice and nothing is left out. Without all of
// that being kept the socket joins all the same, and told gets gap.
func (g *Gateway) resume(ctx context.Context, m *member, channel core.UUID, after int64, told func(missed []missedView, head int64, gap bool)) error {
	all, joined := missed{list: []missedView{}}, false
	join := func(head int64) {
		joined = true
		m.socket.Join(string(channel))
		told(all.list, head, all.over)
	}
	cancel, err := g.svc.Watch(ctx, channel, after, func(e Event) {
		switch {
		case joined: // the room has it
		case e.Kind == KindReplayed:
			join(e.Seq)
		default:
			for _, f := range frames(e, g.controls) {
				all.add(f)
			}
		}
	})
	switch {
	case err == error(ErrGap):
		m.socket.Join(string(channel))
		ch, err := g.svc.Channel(ctx, channel) // after the join: what comes later is heard
		if err != nil {
			return err
		}
		told(nil, ch.Head, true)
		return nil
	case err != nil:
		return err
	}
	cancel()
	if !joined { // a host's own service that does not tell
		join(0)
	}
	return nil
}

// exit is one member less. A room that could not be watched is not offered to others.
func (g *Gateway) exit(channel core.UUID, r *room) {
	g.mu.Lock()
	r.members--
	last := r.members == 0
	if (last || r.err != nil) && g.rooms[channel] == r {
		delete(g.rooms, channel)
	}
	r.gone.Store(last)
	g.mu.Unlock()
	if !last {
		return
	}
	if r.cancel != nil {
		r.cancel()
	}
}

// left forgets a socket that is gone.
func (g *Gateway) left(m *member) {
	if m.logs != nil {
		m.logs()
	}
	for channel := range m.channels {
		g.leave(m, channel)
	}
}

// send is a socket's message on its way through the service.
type send struct {
	member   *member
	clientID string
}

// take returns the send of a message, to whoever asks first.
func (g *Gateway) take(message core.UUID) *send {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.sends[message]
	delete(g.sends, message)
	return s
}

// deliver hands an event to the sockets in a room. It is called in the channel's order and never blocks.
func (g *Gateway) deliver(channel core.UUID, e Event) {
	to := g.io.Of("/").To(string(channel))
	if e.Kind == KindMessage {
		if s := g.take(e.MessageID); s != nil {
			g.broadcast(to.Except(s.member.socket.ID()), frames(e, g.controls)[0])
			g.settle(s, e.Message)
			return
		}
	}
	for _, f := range frames(e, g.controls) {
		g.broadcast(to, f)
	}
}

func (g *Gateway) controls(r *Result) bool { return controls(g.opts.InputControl, r.DM) }

func (g *Gateway) broadcast(to socketio.Broadcast, f frame) {
	if err := to.Emit(f.name, f.data); err != nil {
		g.log.Error("event not broadcast", "event", f.name, "err", err)
	}
}

// settle gives a sender its own message, under the id it knows it by, and the acknowledgement: before
// anything that follows from the message.
func (g *Gateway) settle(s *send, msg *Message) {
	own := broadcast(msg)
	own.ClientMessageID = s.clientID
	g.emit(s.member.socket, "messageBroadcast", own)
	g.emit(s.member.socket, "messageAck", ack(msg, s.clientID, false))
}
