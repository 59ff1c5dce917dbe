package audio

import (
	"context"
	"sync"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// maxWaiting bounds the questions of one room that are not answered yet.
const maxWaiting = 100

// place is one agent in one room.
type place struct {
	agent core.UUID
	room  core.UUID
}

// lanes see to it that an agent answers one question of a room at a time.
type lanes struct {
	mu   sync.Mutex
	open map[place]*lane
}

type lane struct {
	turn chan struct{} // holds a token while a turn runs
	n    int           // turns, the waiting ones included
}

func newLanes() *lanes { return &lanes{open: map[place]*lane{}} }

// enter waits for the lane to be free. The caller must call leave, once.
func (l *lanes) enter(ctx context.Context, p place) (leave func(), err error) {
	in, err := l.join(p)
	if err != nil {
		return nil, err
	}
	select {
	case in.turn <- struct{}{}:
		return func() {
			<-in.turn
			l.part(p, in)
		}, nil
	case <-ctx.Done():
		l.part(p, in)
		return nil, context.Cause(ctx)
	}
}

func (l *lanes) join(p place) (*lane, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	in := l.open[p]
	if in == nil {
		in = &lane{turn: make(chan struct{}, 1)}
		l.open[p] = in
	}
	if in.n >= maxWaiting {
		return nil, &core.Error{Code: core.CodeRateLimit, Message: "Too many questions are waiting in this room", RetryAfter: time.Second}
	}
	in.n++
	return in, nil
}

func (l *lanes) part(p place, in *lane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if in.n--; in.n == 0 {
		delete(l.open, p)
	}
}
