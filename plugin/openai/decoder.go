package openai

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxLine bounds a line of a stream, and an event made of several.
const maxLine = 1 << 20

// errDone is the end mark of a stream.
var errDone = errors.New("openai: end of stream")

// decoder takes the JSON values out of an event stream. It does not insist on the empty lines between
// events: a line that is a whole value counts at once. A value on several lines needs the empty line.
type decoder struct {
	r       *bufio.Reader
	line    []byte
	pending []byte // data lines of an event on several lines
	foreign bool   // only lines came that are of another protocol, a web page's perhaps
	data    bool
}

// next returns the next value, valid until the following call. errDone is the end mark, io.EOF an end
// without it or in the middle of a value; a whole event that is no value is [errGarbage].
func (d *decoder) next() ([]byte, error) {
	d.pending = d.pending[:0]
	for {
		line, err := d.readLine()
		if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0) {
			return nil, d.end(err)
		}
		data, ok := field(line)
		d.data = d.data || ok
		switch {
		case len(line) == 0 && len(d.pending) > 0:
			if !json.Valid(d.pending) {
				return nil, fmt.Errorf("%w: an event is not JSON", errGarbage)
			}
			return d.pending, nil
		case !ok:
			d.foreign = d.foreign || foreign(line)
		case len(d.pending) == 0 && string(data) == "[DONE]":
			return nil, errDone
		case len(d.pending) == 0 && json.Valid(data):
			return data, nil
		case len(d.pending)+len(data) >= maxLine:
			return nil, fmt.Errorf("%w: an event is too long", errGarbage)
		default:
			d.pending = append(append(d.pending, data...), '\n')
		}
		if err != nil {
			return nil, d.end(err)
		}
	}
}

// end is the error of an input that ended with err.
func (d *decoder) end(err error) error {
	switch {
	case !errors.Is(err, io.EOF):
		return err
	case len(d.pending) > 0:
		return io.ErrUnexpectedEOF
	case d.foreign && !d.data:
		return fmt.Errorf("%w: not an event stream", errGarbage)
	}
	return err
}

// foreign tells whether a line without data is not part of an event either.
func foreign(line []byte) bool {
	for _, prefix := range [...]string{":", "data", "event", "id", "retry"} {
		if bytes.HasPrefix(line, []byte(prefix)) {
			return false
		}
	}
	return len(bytes.TrimSpace(line)) > 0
}

// field returns the data of a line, if it has some. A line that is an object is taken for data.
func field(line []byte) ([]byte, bool) {
	if data, ok := bytes.CutPrefix(line, []byte("data:")); ok {
		data = bytes.TrimSpace(data)
		return data, len(data) > 0
	}
	line = bytes.TrimSpace(line)
	return line, len(line) > 0 && line[0] == '{'
}

// readLine returns a line without its end. With an error it returns what came before it.
func (d *decoder) readLine() ([]byte, error) {
	d.line = d.line[:0]
	for {
		part, err := d.r.ReadSlice('\n')
		if len(d.line)+len(part) > maxLine {
			return nil, fmt.Errorf("%w: a line is too long", errGarbage)
		}
		d.line = append(d.line, part...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		return bytes.TrimRight(d.line, "\r\n"), err
	}
}
