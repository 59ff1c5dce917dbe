package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// Types of Engine.IO packets, the first byte of each frame.
const (
	engineOpen    = '0'
	engineClose   = '1'
	enginePing    = '2'
	enginePong    = '3'
	engineMessage = '4'
)

// Types of Socket.IO packets, the second byte of a message.
const (
	packetConnect      = '0'
	packetDisconnect   = '1'
	packetEvent        = '2'
	packetAck          = '3'
	packetConnectError = '4'
	packetBinaryEvent  = '5'
	packetBinaryAck    = '6'
)

var errPacket = errors.New("client: malformed packet")

// packet is a Socket.IO packet of the main namespace.
type packet struct {
	kind byte
	id   uint64 // of an acknowledgement
	name string // of an event
	data json.RawMessage
}

// decodePacket reads what follows the first byte of a message. It returns nil for what is of no meaning here: other
// namespaces, and packets with attachments, which the server does not send.
func decodePacket(b []byte) (*packet, error) {
	if len(b) == 0 || b[0] < packetConnect || b[0] > packetBinaryAck {
		return nil, errPacket
	}
	p := &packet{kind: b[0]}
	rest := b[1:]
	if p.kind == packetBinaryEvent || p.kind == packetBinaryAck || bytes.HasPrefix(rest, []byte("/")) {
		return nil, nil
	}
	digits := 0
	for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
		digits++
	}
	var err error
	if digits > 0 {
		if p.id, err = strconv.ParseUint(string(rest[:digits]), 10, 64); err != nil {
			return nil, errPacket
		}
	}
	if p.kind == packetAck && digits == 0 {
		return nil, errPacket
	}
	return p, p.payload(rest[digits:])
}

func (p *packet) payload(rest []byte) error {
	if p.kind != packetEvent && p.kind != packetAck {
		if len(rest) > 0 && !json.Valid(rest) {
			return errPacket
		}
		p.data = bytes.Clone(rest)
		return nil
	}
	var args []json.RawMessage
	if json.Unmarshal(rest, &args) != nil {
		return errPacket
	}
	if p.kind == packetEvent {
		if len(args) == 0 || json.Unmarshal(args[0], &p.name) != nil {
			return errPacket
		}
		args = args[1:]
	}
	if len(args) > 0 {
		p.data = args[0]
	}
	return nil
}

// encodeEvent writes an event that asks for an acknowledgement.
func encodeEvent(id uint64, name string, payload any) ([]byte, error) {
	args, err := core.EncodeJSON([]any{name, payload})
	if err != nil {
		return nil, err
	}
	b := strconv.AppendUint([]byte{engineMessage, packetEvent}, id, 10)
	return append(b, args...), nil
}

// handshake is the first packet of the server.
type handshake struct {
	PingInterval int64 `json:"pingInterval"`
	PingTimeout  int64 `json:"pingTimeout"`
	MaxPayload   int   `json:"maxPayload"`
}

// maxSilent is the longest a server may let its clients wait for a ping.
const maxSilent = 10 * time.Minute

func decodeHandshake(frame []byte) (h handshake, err error) {
	if len(frame) == 0 || frame[0] != engineOpen || json.Unmarshal(frame[1:], &h) != nil {
		return h, errPacket
	}
	if h.PingInterval <= 0 || h.PingTimeout <= 0 || h.MaxPayload < 0 || h.silent() > maxSilent || h.silent() <= 0 {
		return h, errPacket
	}
	return h, nil
}

// silent is how long nothing may come before the connection counts as lost.
func (h handshake) silent() time.Duration {
	const most = int64(maxSilent / time.Millisecond)
	return time.Duration(min(h.PingInterval, most+1)+min(h.PingTimeout, most+1)) * time.Millisecond
}

// refusal is the payload of a negative acknowledgement, nil when it is none.
func refusal(payload json.RawMessage) *core.Error {
	var v struct {
		Error string    `json:"error"`
		Code  core.Code `json:"code"`
	}
	if json.Unmarshal(payload, &v) != nil || v.Code == "" {
		return nil
	}
	return &core.Error{Code: v.Code, Message: v.Error}
}

// connectError is the reason of a refused connection.
func connectError(payload json.RawMessage) *core.Error {
	var v struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(payload, &v)
	e := &core.Error{Code: core.CodeForbidden, Message: v.Message}
	switch v.Message {
	case "Invalid or missing API Key":
		e.Code = core.CodeUnauthorized
	case "Authentication failed":
		e.Code = core.CodeUnavailable
	}
	return e
}
