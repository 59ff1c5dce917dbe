package socketio

import (
	"container/heap"
	"sync"
	"time"
)

// timers calls functions at absolute times. However many there are, they share one runtime timer, and
// nothing runs between two due times.
type timers struct {
	mu      sync.Mutex
	due     timerHeap
	clock   *time.Timer
	wake    time.Time // what the clock is set to; zero when it is not
	stopped bool
}

// timer is one due time. fn is set once, must not block, and has to cope with a call that was on its
// way when the timer was stopped.
type timer struct {
	fn    func()
	at    time.Time
	index int // in the heap, from 1; 0 when not in it
}

// set makes t due at that time instead of any earlier setting.
func (ts *timers) set(t *timer, at time.Time) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.stopped {
		return
	}
	t.at = at
	if t.index == 0 {
		heap.Push(&ts.due, t)
	} else {
		heap.Fix(&ts.due, t.index-1)
	}
	ts.arm()
}

// after makes fn due in d and returns the timer.
func (ts *timers) after(d time.Duration, fn func()) *timer {
	t := &timer{fn: fn}
	ts.set(t, time.Now().Add(d))
	return t
}

func (ts *timers) stop(t *timer) {
	if t == nil {
		return
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t.index > 0 {
		heap.Remove(&ts.due, t.index-1)
	}
	if len(ts.due) == 0 && ts.clock != nil {
		ts.clock.Stop()
		ts.wake = time.Time{}
	}
}

func (ts *timers) stopAll() {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.stopped = true
	ts.due = nil
	if ts.clock != nil {
		ts.clock.Stop()
	}
}

// arm sets the clock to the first due time. It needs ts.mu.
func (ts *timers) arm() {
	if len(ts.due) == 0 {
		return
	}
	first := ts.due[0].at
	if !ts.wake.IsZero() && !first.Before(ts.wake) {
		return // it rings before, and is set again then
	}
	ts.wake = first
	d := time.Until(first)
	if ts.clock == nil {
		ts.clock = time.AfterFunc(d, ts.run)
	} else {
		ts.clock.Reset(d)
	}
}

func (ts *timers) run() {
	var ready []*timer
	ts.mu.Lock()
	now := time.Now()
	for len(ts.due) > 0 && !ts.due[0].at.After(now) {
		ready = append(ready, heap.Pop(&ts.due).(*timer))
	}
	ts.wake = time.Time{}
	ts.arm()
	ts.mu.Unlock()
	for _, t := range ready {
		t.fn()
	}
}

type timerHeap []*timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i+1, j+1
}

func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	*h = append(*h, t)
	t.index = len(*h)
}

func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	t.index = 0
	return t
}
