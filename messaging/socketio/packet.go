package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
)

// Types of Socket.IO packets.
const (
	packetConnect      = '0'
	packetDisconnect   = '1'
	packetEvent        = '2'
	packetAck          = '3'
	packetConnectError = '4'
	packetBinaryEvent  = '5'
	packetBinaryAck    = '6'
)

const maxAttachments = 10 // of one packet

var errPacket = errors.New("socketio: malformed packet")

// message is a Socket.IO packet as it came in.
type message struct {
	kind      byte // packetEvent and packetAck also when it is binary
	namespace string
	id        uint64 // of the acknowledgement
	hasID     bool
	auth      json.RawMessage   // of packetConnect: an object
	args      []json.RawMessage // of an event and an acknowledgement
	bin       [][]byte          // the attachments; nil when not binary
	values    []any             // args decoded, with attachments in place; only when binary
	missing   int               // attachments that have not come yet
}

// decodePacket reads a packet without its attachments. It returns nil for an event that carries nothing,
// which is to be ignored.
func decodePacket(data []byte) (*message, error) {
	if len(data) == 0 || data[0] < packetConnect || data[0] > packetBinaryAck {
		return nil, errPacket
	}
	m := &message{kind: data[0], namespace: "/"}
	rest := data[1:]
	var err error
	if m.kind == packetBinaryEvent || m.kind == packetBinaryAck {
		if rest, err = m.attachments(rest); err != nil {
			return nil, err
		}
	}
	if len(rest) > 0 && rest[0] == '/' {
		var name []byte
		name, rest, _ = bytes.Cut(rest, []byte(","))
		m.namespace = string(name)
	}
	digits := 0
	for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
		digits++
	}
	if digits > 0 {
		if m.id, err = strconv.ParseUint(string(rest[:digits]), 10, 64); err != nil {
			return nil, errPacket
		}
		m.hasID = true
	}
	return m.payload(rest[digits:])
}

// attachments reads the number of attachments and the hyphen after it.
func (m *message) attachments(rest []byte) ([]byte, error) {
	count, rest, found := bytes.Cut(rest, []byte("-"))
	if !found || len(count) == 0 || len(count) > 2 {
		return nil, errPacket
	}
	n, err := strconv.ParseUint(string(count), 10, 8)
	if err != nil || n == 0 || n > maxAttachments {
		return nil, errPacket
	}
	m.kind -= packetBinaryEvent - packetEvent
	m.missing = int(n)
	m.bin = make([][]byte, 0, n)
	return rest, nil
}

func (m *message) payload(rest []byte) (*message, error) {
	switch m.kind {
	case packetConnect:
		if m.auth = json.RawMessage("{}"); len(rest) > 0 {
			m.auth = bytes.Clone(rest)
		}
		if !json.Valid(m.auth) || bytes.TrimLeft(m.auth, " \t\r\n")[0] != '{' {
			return nil, errPacket
		}
		return m, nil
	case packetDisconnect:
		if len(rest) > 0 {
			return nil, errPacket
		}
		return m, nil
	case packetEvent, packetAck:
		if len(rest) == 0 && m.missing == 0 {
			return nil, nil
		}
		if json.Unmarshal(rest, &m.args) != nil || m.args == nil {
			return nil, errPacket
		}
		return m, nil
	}
	return nil, errPacket // packetConnectError is for servers
}

// attach adds an attachment and says whether the packet is complete.
func (m *message) attach(data []byte) (complete bool, err error) {
	m.bin = append(m.bin, data)
	if m.missing--; m.missing > 0 {
		return false, nil
	}
	m.values = make([]any, len(m.args))
	for i, raw := range m.args {
		if m.values[i], err = decodeValue(raw); err != nil {
			return false, errPacket
		}
		if m.values[i], err = fill(m.values[i], m.bin); err != nil {
			return false, err
		}
		if m.args[i], err = marshal(m.values[i]); err != nil {
			return false, errPacket
		}
	}
	return true, nil
}

// event takes the name off the arguments. Names are strings or numbers, and not reserved.
func (m *message) event() (name string, err error) {
	if len(m.args) == 0 {
		return "", errPacket
	}
	first := m.args[0]
	m.args = m.args[1:]
	if len(m.values) > 0 {
		m.values = m.values[1:]
	}
	switch c := first[0]; {
	case c == '-' || c >= '0' && c <= '9':
		name = string(first)
	case c != '"' || json.Unmarshal(first, &name) != nil || reserved(name):
		return "", errPacket
	}
	return name, nil
}

func reserved(event string) bool {
	switch event {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return false
}

// appendHeader writes what stands before the JSON of a packet, the Engine.IO type included.
func appendHeader(b []byte, kind byte, attachments int, namespace string, id *uint64) []byte {
	b = append(b, engineMessage)
	if attachments > 0 {
		b = append(b, kind+packetBinaryEvent-packetEvent)
		b = strconv.AppendInt(b, int64(attachments), 10)
		b = append(b, '-')
	} else {
		b = append(b, kind)
	}
	if namespace != "/" {
		b = append(b, namespace...)
		b = append(b, ',')
	}
	if id != nil {
		b = strconv.AppendUint(b, *id, 10)
	}
	return b
}
