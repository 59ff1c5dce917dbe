package socketio

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
)

// Message is an encoded event, made once and sent to any number of sockets with [Socket.Send] or
// [Broadcast.Send]. It never changes and may be used by many goroutines at once.
type Message struct {
	root *packet // for the namespace "/"
	json []byte

	mu     sync.Mutex
	others map[string]*packet
}

// Encode encodes an event. Arguments become JSON as [encoding/json] does it, but without escaping HTML;
// []byte values among them, and in their map[string]any and []any values, are sent as binary attachments.
// The arguments are not kept, except []byte values, which must not be changed afterwards. It fails with
// [ErrReserved] for the event names the protocol keeps for itself, with [ErrBinary] for more than 10
// attachments, and when an argument cannot be encoded.
func Encode(event string, args ...any) (*Message, error) {
	if reserved(event) {
		return nil, fmt.Errorf("%w %q", ErrReserved, event)
	}
	p, n, err := encodePacket(packetEvent, "/", nil, append([]any{event}, args...))
	if err != nil {
		return nil, fmt.Errorf("socketio: encode event %q: %w", event, err)
	}
	return &Message{root: p, json: p.text[n:]}, nil
}

// packet returns the message as it is sent in the namespace.
func (m *Message) packet(namespace string) *packet {
	if namespace == "/" {
		return m.root
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.others[namespace]
	if p == nil {
		text := appendHeader(nil, packetEvent, len(m.root.bin), namespace, nil)
		p = &packet{text: append(text, m.json...), bin: m.root.bin}
		if m.others == nil {
			m.others = make(map[string]*packet)
		}
		m.others[namespace] = p
	}
	return p
}

// buffers spares Encode the growing of a buffer; they hold nothing between two calls.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// encodePacket encodes items as an event or an acknowledgement and returns where the JSON begins.
func encodePacket(kind byte, namespace string, id *uint64, items []any) (p *packet, start int, err error) {
	items, bin := strip(items)
	if len(bin) > maxAttachments {
		return nil, 0, ErrBinary
	}
	buf := buffers.Get().(*bytes.Buffer)
	defer func() {
		if buf.Cap() <= batchBytes {
			buffers.Put(buf)
		}
	}()
	buf.Reset()
	header := appendHeader(buf.AvailableBuffer(), kind, len(bin), namespace, id)
	buf.Write(header)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(items); err != nil {
		return nil, 0, err
	}
	return &packet{text: bytes.Clone(buf.Bytes()[:buf.Len()-1]), bin: bin}, len(header), nil
}

// controlPacket encodes a packet with at most one JSON value.
func controlPacket(kind byte, namespace string, v any) (*packet, error) {
	text := appendHeader(nil, kind, 0, namespace, nil)
	if v != nil {
		body, err := marshal(v)
		if err != nil {
			return nil, err
		}
		text = append(text, body...)
	}
	return &packet{text: text}, nil
}
