package client

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/eliza-go/eliza/runtime/core"
)

// SocketOptions tunes a [Socket]. The zero value is ready to use.
type SocketOptions struct {
	Dialer *websocket.Dialer // websocket.DefaultDialer when nil
	Header http.Header       // of the request that opens a connection, besides the key
	Buffer int               // events kept for a reader that is behind; 1024 when 0
}

// Socket is a connection to a server that is made again whenever it is lost. Safe for concurrent use. It must be
// closed.
type Socket struct {
	c      *Client
	opts   SocketOptions
	events *queue
	cancel context.CancelFunc
	work   sync.WaitGroup
	kick   chan struct{} // has one element when the keeper has something to look at

	mu      sync.Mutex
	conn    *conn         // nil while there is none
	err     error         // why there will be none any more
	changed chan struct{} // closed and replaced when one of them changes
	rooms   map[core.UUID]*room
	logs    *LogFilter // nil = the log is not followed
}

type (
	// Connected says that a socket is connected again; its rooms are joined anew by itself.
	Connected struct {
		SocketID string // of this connection
	}

	// Disconnected says that a socket has lost its connection; it is going to connect again.
	Disconnected struct {
		Err error
	}

	// RoomLost says that a socket that connected again may no longer be in the room of a channel.
	RoomLost struct {
		ChannelID core.UUID
		Err       error
	}
)

func (*Connected) event()    {}
func (*Disconnected) event() {}
func (*RoomLost) event()     {}

// ErrClosed is what the methods of a closed [Socket] return.
var ErrClosed = errors.New("client: the socket is closed")

// Dial connects a socket. The context is for that only; what comes after lasts until [Socket.Close]. A server that
// refuses the key or the entity, now or later, ends the socket; every other loss it survives.
func (c *Client) Dial(ctx context.Context, o SocketOptions) (*Socket, error) {
	o.Dialer, o.Buffer = cmp.Or(o.Dialer, websocket.DefaultDialer), cmp.Or(o.Buffer, 1024)
	if o.Buffer < 2 {
		return nil, core.BadRequest("the buffer of a socket holds 2 events at least")
	}
	k, err := c.connect(ctx, &o)
	if err != nil {
		return nil, err
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &Socket{
		c: c, opts: o, cancel: cancel, kick: make(chan struct{}, 1), changed: make(chan struct{}),
		rooms: map[core.UUID]*room{}, conn: k,
	}
	s.events = newQueue(o.Buffer, s.nudge)
	s.work.Go(func() { s.run(life, k) })
	return s, nil
}

// Close ends the socket and waits for what belongs to it. Safe twice, and while its events are read.
func (s *Socket) Close() error {
	s.cancel()
	s.work.Wait()
	return nil
}

// Events are what comes, in order. It ends when the socket is closed; an error says that the server refused it, or
// that ctx has ended. Who breaks off may go on later: events wait, and when too many do, the rooms they belong to
// catch up once there is place, so nothing of a channel is lost. Entries of the log that are not read in time are.
func (s *Socket) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			e, err := s.events.pop(ctx)
			if err != nil {
				yield(nil, err)
				return
			}
			if e == nil || !yield(e, nil) {
				return
			}
		}
	}
}

// run keeps a connection until the socket is closed or refused.
func (s *Socket) run(ctx context.Context, k *conn) {
	var err error
	defer func() { s.finish(err) }()
	for failures := 0; ; {
		began := time.Now()
		lost := s.serve(ctx, k)
		if ctx.Err() != nil {
			return
		}
		s.c.log.LogAttrs(ctx, slog.LevelDebug, "socket lost its connection", slog.Any("err", lost))
		s.events.push(&Disconnected{lost})
		if time.Since(began) > s.c.retry.Max {
			failures = 0
		}
		if k, err = s.reconnect(ctx, &failures); k == nil {
			return
		}
		s.events.push(&Connected{k.id})
	}
}

// serve reads a connection until it ends.
func (s *Socket) serve(ctx context.Context, k *conn) error {
	s.now(k)
	left := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(left)
		k.leave()
	})
	var keeper sync.WaitGroup
	keeper.Go(func() { s.keep(ctx, k) })
	err := k.read(s.take)
	if !stop() {
		<-left
	}
	k.end()
	keeper.Wait()
	s.now(nil)
	return err
}

// reconnect tries until there is a connection; nil when the socket is closed, or refused, which is the error.
func (s *Socket) reconnect(ctx context.Context, failures *int) (*conn, error) {
	for {
		*failures++
		if sleep(ctx, s.c.retry.pause(*failures)) != nil {
			return nil, nil
		}
		k, err := s.c.connect(ctx, &s.opts)
		if err == nil {
			return k, nil
		}
		if ctx.Err() != nil {
			return nil, nil
		}
		e, refused := errors.AsType[*core.Error](err)
		if refused && (e.Code == core.CodeUnauthorized || e.Code == core.CodeForbidden) {
			return nil, err
		}
		s.c.log.LogAttrs(ctx, slog.LevelDebug, "socket did not connect", slog.Any("err", err))
	}
}

// now says which connection there is. Its rooms have to be joined.
func (s *Socket) now(k *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = k
	for _, r := range s.rooms {
		r.state, r.in, r.held = wanted, false, nil
	}
	s.change()
}

func (s *Socket) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// finish is the end of the socket.
func (s *Socket) finish(err error) {
	s.mu.Lock()
	s.conn, s.err = nil, cmp.Or(err, ErrClosed)
	s.change()
	s.mu.Unlock()
	s.events.end(err)
}

// current waits for a connection.
func (s *Socket) current(ctx context.Context) (*conn, error) {
	for {
		s.mu.Lock()
		k, err, changed := s.conn, s.err, s.changed
		s.mu.Unlock()
		if k != nil || err != nil {
			return k, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// request sends an event until it is acknowledged, over more than one connection if need be: it must be one that may
// come twice. A server that asks to slow down is obeyed as often as the client's policy says.
func (s *Socket) request(ctx context.Context, event string, payload any) ([]byte, error) {
	for n := 1; ; {
		k, err := s.current(ctx)
		if err != nil {
			return nil, err
		}
		answer, err := k.request(ctx, event, payload)
		switch {
		case err == nil:
			return answer, nil
		case errors.Is(err, errLost):
			select {
			case <-k.done: // so that the next one is another
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		case core.CodeOf(err) == core.CodeRateLimit && n < s.c.retry.Attempts && sleep(ctx, s.c.retry.pause(n)) == nil:
			n++
		default:
			return nil, err
		}
	}
}

func (s *Socket) nudge() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}
