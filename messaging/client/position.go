package client

import "strconv"

// Position is a place in what happens in a channel. The zero value is now.
type Position struct {
	seq  int64
	past bool
}

// After is the place behind a change, whose number every event and message has: what came later follows, as far as
// the server keeps it. After(0) is the beginning.
func After(seq int64) Position { return Position{max(seq, 0), true} }

// String is the number, "" for now.
func (p Position) String() string {
	if !p.past {
		return ""
	}
	return strconv.FormatInt(p.seq, 10)
}
