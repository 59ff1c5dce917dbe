package socketio

import (
	"bytes"
	"encoding/base64"
	"errors"
	"iter"
	"unicode/utf8"
)

// Types of Engine.IO packets.
const (
	engineOpen    = '0'
	engineClose   = '1'
	enginePing    = '2'
	enginePong    = '3'
	engineMessage = '4'
	engineUpgrade = '5'
	engineNoop    = '6'
)

const separator = 0x1e // between the packets of a polling payload

var errPayload = errors.New("socketio: malformed payload")

// frame is one Engine.IO packet as it came in. A binary frame is always a message.
type frame struct {
	kind   byte
	binary bool
	data   []byte
}

// textFrame reads one packet in its text form.
func textFrame(data []byte) (frame, error) {
	if len(data) == 0 || data[0] < engineOpen || data[0] > engineNoop || !utf8.Valid(data) {
		return frame{}, errPayload
	}
	return frame{kind: data[0], data: data[1:]}, nil
}

// frames reads the packets of a polling payload one by one; after an error there are no more.
func frames(payload []byte) iter.Seq2[frame, error] {
	return func(yield func(frame, error) bool) {
		for more := true; more; {
			var part []byte
			part, payload, more = bytes.Cut(payload, []byte{separator})
			f, err := payloadFrame(part)
			if !yield(f, err) || err != nil {
				return
			}
		}
	}
}

func payloadFrame(part []byte) (frame, error) {
	if len(part) == 0 || part[0] != 'b' {
		return textFrame(part)
	}
	data, err := base64.StdEncoding.AppendDecode([]byte{}, part[1:])
	if err != nil {
		return frame{}, errPayload
	}
	return frame{kind: engineMessage, binary: true, data: data}, nil
}

// packet is what is queued for a client: one text frame, its type digit included, and the binary frames
// that have to follow it directly. Packets are shared by all their receivers and never change.
type packet struct {
	text []byte
	bin  [][]byte
}

func (p *packet) size() int64 {
	n := len(p.text)
	for _, b := range p.bin {
		n += len(b)
	}
	return int64(n)
}

func (p *packet) frames() int { return 1 + len(p.bin) }

// encodePayload joins packets into a polling payload.
func encodePayload(items []queued) []byte {
	n := 0
	for _, it := range items {
		n += len(it.text) + 1
		for _, b := range it.bin {
			n += 2 + base64.StdEncoding.EncodedLen(len(b))
		}
	}
	out := make([]byte, 0, n)
	for _, it := range items {
		if len(out) > 0 {
			out = append(out, separator)
		}
		out = append(out, it.text...)
		for _, b := range it.bin {
			out = append(out, separator, 'b')
			out = base64.StdEncoding.AppendEncode(out, b)
		}
	}
	return out
}
