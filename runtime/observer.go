package runtime

import (
	"context"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// Observer are functions of a host's that are told what happens in a server, to count it. Nil ones are left out. They are
// called concurrently and hold up what they are told of: they must not block. What they are told has few values, whatever
// clients send, but for the names of actions and evaluators, which plugins choose. package prom makes one for Prometheus.
type Observer struct {
	// Attach is called once the server is built, before anything is told; an error is one of the server's. Detach is
	// called at the end of its shutdown.
	Attach func(g Gauges) error
	Detach func()

	// Request is called for each HTTP request, and what it returns, which may be nil, when that is over. The route is the
	// pattern a handler is registered under, the method _OTHER unless it is one of HTTP's.
	Request func(method string) (done func(route string, status int))
	// Limited is told of requests a rate limit refuses: general, file, upload or health.
	Limited func(limit string)
	// SocketEvent is told of each event of a socket: its name, or other. What came too fast has an error of the code
	// RATE_LIMIT_EXCEEDED.
	SocketEvent func(event string, took time.Duration, err error)
	// StreamDropped is told of streams of server-sent events that end because their reader is too far behind.
	StreamDropped func()

	// Accepted is told of each message stored that is no reply.
	Accepted func(byAgent bool)
	// Turn is called for each turn of an agent, and what it returns, which may be nil, when its end is stored. The status is
	// one of those of a message's result, or handed_back when the turn begins again, here or elsewhere.
	Turn func() (done func(status string))
	// Did is told of each call of a model, action and evaluator.
	Did func(o core.Observation)
	// Wrote is told of each transaction of the database: how many writes were in it, and how long it took.
	Wrote func(writes int, took time.Duration)
}

// Gauges tell how things are now; nil ones are not known. They may be called at any time and concurrently.
type Gauges struct {
	Sockets     func() int // connected
	SlowSockets func() int // closed so far because they read too slowly
	Writes      func() int // that wait for the database
	// Deliveries counts the messages stored for an agent whose turn has not begun.
	Deliveries func(ctx context.Context) (int, error)
}
