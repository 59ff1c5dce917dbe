package loop

import (
	"strings"
	"time"
)

// paceEvery is the least time between two pieces of one reply.
const paceEvery = 50 * time.Millisecond

// pacer passes text on: the first piece at once, then joined, at most one piece each paceEvery. It is for
// one goroutine, which calls due when C has fired.
type pacer struct {
	emit func(string)
	C    <-chan time.Time // nil when nothing waits

	timer *time.Timer
	held  strings.Builder
	last  time.Time
}

func (p *pacer) add(s string) {
	if s == "" {
		return
	}
	p.held.WriteString(s)
	if p.C != nil {
		return
	}
	if wait := paceEvery - time.Since(p.last); wait > 0 && !p.last.IsZero() {
		p.timer = time.NewTimer(wait)
		p.C = p.timer.C
		return
	}
	p.due()
}

// due passes on what has been held back.
func (p *pacer) due() {
	if p.timer != nil {
		p.timer.Stop()
		p.timer, p.C = nil, nil
	}
	if p.held.Len() == 0 {
		return
	}
	p.emit(p.held.String())
	p.held.Reset()
	p.last = time.Now()
}
