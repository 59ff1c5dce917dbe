package client

import (
	"testing"
)

func TestWhoFindsNoRoomIsToldOfIt(t *testing.T) {
	t.Parallel()
	told := 0
	q := newQueue(4, func() { told++ })
	fill := func(n int) {
		for range n {
			if !q.push(&Unknown{}) {
				t.Fatal("it is full")
			}
		}
	}
	pop := func(n int) {
		for range n {
			if e, err := q.pop(t.Context()); e == nil || err != nil {
				t.Fatal(e, err)
			}
		}
	}
	fill(4)
	if q.push(&Unknown{}) {
		t.Error("it takes more than it has place for")
	}
	pop(1)
	if told != 0 {
		t.Error("told too early")
	}
	pop(1)
	fill(1)
	if told != 1 || q.hasRoom() { // somebody else was faster
		t.Errorf("told %d times", told)
	}
	pop(1)
	if told != 2 || !q.hasRoom() {
		t.Errorf("told %d times", told)
	}
	pop(2)
	if told != 2 {
		t.Errorf("told %d times, and nobody had asked", told)
	}
	q.end(nil)
	if e, err := q.pop(t.Context()); e != nil || err != nil {
		t.Error(e, err)
	}
}
