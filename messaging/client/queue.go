package client

import (
	"context"
	"sync"
)

// queue are the events of a socket that nobody has taken yet. Who puts events in never waits.
type queue struct {
	size  int
	roomy func() // is called when half of it is free again, after somebody found that it was not

	mu      sync.Mutex
	list    []Event
	awaited bool // somebody wants to know when half of it is free
	dropped int  // entries of the log
	over    bool
	err     error         // why, nil when its owner closed it
	grown   chan struct{} // closed and replaced when something changes
}

func newQueue(size int, roomy func()) *queue {
	return &queue{size: size, roomy: roomy, grown: make(chan struct{})}
}

// push adds an event, unless the queue is full.
func (q *queue) push(e Event) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.list) >= q.size {
		q.awaited = true
		return false
	}
	q.add(e)
	return true
}

// always adds an event whatever the size.
func (q *queue) always(e Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.add(e)
}

// log adds an entry of the log, or counts it.
func (q *queue) log(e *LogStream) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.list) >= q.size/2 { // channels come first
		q.dropped++
		return
	}
	e.Dropped, q.dropped = q.dropped, 0
	q.add(e)
}

func (q *queue) add(e Event) {
	if q.over {
		return
	}
	q.list = append(q.list, e)
	q.change()
}

func (q *queue) change() {
	close(q.grown)
	q.grown = make(chan struct{})
}

// hasRoom tells whether at least half of it is free. When it is not, roomy tells later.
func (q *queue) hasRoom() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	room := len(q.list) <= q.size/2
	q.awaited = q.awaited || !room
	return room
}

// end lets the queue run empty.
func (q *queue) end(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.over {
		q.over, q.err = true, err
		q.change()
	}
}

// pop waits for the next event. It returns nil at the end, with the reason.
func (q *queue) pop(ctx context.Context) (Event, error) {
	for {
		e, grown, over, err := q.take()
		if e != nil || over {
			return e, err
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (q *queue) take() (e Event, grown <-chan struct{}, over bool, err error) {
	q.mu.Lock()
	if len(q.list) == 0 {
		defer q.mu.Unlock()
		return nil, q.grown, q.over, q.err
	}
	e, q.list[0] = q.list[0], nil
	q.list = q.list[1:]
	room := q.awaited && len(q.list) <= q.size/2
	if room {
		q.awaited = false
	}
	q.mu.Unlock()
	if room {
		q.roomy()
	}
	return e, nil, false, nil
}
