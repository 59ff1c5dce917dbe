package client

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// maxEvent is the largest event that is read, from a stream or a socket.
const maxEvent = 8 << 20

var errEvent = errors.New("client: an event of the stream is too large")

// block is one server-sent event.
type block struct {
	id    string // the stream's last one
	name  string // message when the server gave none
	data  []byte
	begun bool // it has data
}

// blocks reads server-sent events (WHATWG HTML, section 9.2.6).
type blocks struct {
	in   *bufio.Reader
	last string // id
	skip bool   // a line feed that belongs to the end of the last line
	top  bool   // nothing has been read
	seen func() // is called for each line
}

func newBlocks(r io.Reader, seen func()) *blocks {
	return &blocks{in: bufio.NewReader(r), top: true, seen: seen}
}

// next returns the next event that has data. io.EOF is the end of the stream, also in the middle of an event, which
// does not count then.
func (s *blocks) next() (block, error) {
	var b block
	size := 0
	for {
		line, err := s.line()
		if err != nil {
			return block{}, err
		}
		s.seen()
		if size += len(line); size > maxEvent {
			return block{}, errEvent
		}
		if len(line) > 0 {
			s.field(&b, line)
			continue
		}
		if b.id = s.last; b.begun {
			if b.name == "" {
				b.name = "message"
			}
			return b, nil
		}
		b, size = block{}, 0
	}
}

func (s *blocks) field(b *block, line []byte) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "event":
		b.name = string(value)
	case "data":
		if b.begun {
			b.data = append(b.data, '\n')
		}
		b.data, b.begun = append(b.data, value...), true
	case "id":
		if bytes.IndexByte(value, 0) < 0 {
			s.last = string(value)
		}
	}
}

// line reads up to a line feed, a carriage return, or both.
func (s *blocks) line() ([]byte, error) {
	var line []byte
	for {
		c, err := s.in.ReadByte()
		if err != nil {
			return nil, err
		}
		if s.skip {
			if s.skip = false; c == '\n' {
				continue
			}
		}
		switch c {
		case '\r', '\n':
			s.skip = c == '\r'
			if s.top {
				s.top, line = false, bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
			}
			return line, nil
		}
		if line = append(line, c); len(line) > maxEvent {
			return nil, errEvent
		}
	}
}
