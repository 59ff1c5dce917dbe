package core

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"
)

// UUID is an identifier in the lower-case form 8-4-4-4-12. The empty string means "unset": the all-zero
// UUID is a real identifier, that of the default message server. Values from outside enter only through
// [ParseUUID]; any version and variant is accepted, for derived identifiers carry version 0.
type UUID string

// DefaultServerID is the message server that always exists.
const DefaultServerID UUID = "00000000-0000-0000-0000-000000000000"

// ErrInvalidUUID is what [ParseUUID] returns.
var ErrInvalidUUID = &Error{Code: CodeInvalidID, Message: "Invalid UUID"}

// ParseUUID accepts 8-4-4-4-12 hexadecimal digits in either case and returns them in lower case.
func ParseUUID(s string) (UUID, error) {
	if !isUUID(s) {
		return "", ErrInvalidUUID
	}
	return UUID(strings.ToLower(s)), nil
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return false
			}
		}
	}
	return true
}

// NewUUID returns a fresh identifier of version 7 (RFC 9562): 48 bits of time in milliseconds, then 74
// random bits, so that identifiers made one after another lie close together in an index.
func NewUUID() UUID {
	var b [16]byte
	if _, err := rand.Read(b[6:]); err != nil {
		panic(err) // crypto/rand never fails on the systems Go supports
	}
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(time.Now().UnixMilli()))
	copy(b[:6], ms[2:])
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	return format(b)
}

// StringToUUID derives an identifier from a text the way the JavaScript server does: a text that already
// has the shape of a UUID is kept (in lower case), any other gives the first 16 bytes of the SHA-1 of its
// URI-component encoding, with variant 2 and version nibble 0.
func StringToUUID(s string) UUID {
	if isUUID(s) {
		return UUID(strings.ToLower(s))
	}
	sum := sha1.Sum([]byte(encodeURIComponent(s)))
	var b [16]byte
	copy(b[:], sum[:])
	b[8] = b[8]&0x3f | 0x80
	b[6] &= 0x0f
	return format(b)
}

// ForAgent maps an identifier of the message server (channel, server, message) into the identifiers of
// one agent: the agent's own id stays, any other becomes a derived one.
func ForAgent(agent UUID, base string) UUID {
	if base == string(agent) {
		return agent
	}
	return StringToUUID(base + ":" + string(agent))
}

// MemoryID is the identifier of an agent's memory of a central message.
func MemoryID(agent, message UUID) UUID {
	return ForAgent(agent, string(message)+"-"+string(agent))
}

func format(b [16]byte) UUID {
	var out [36]byte
	hex.Encode(out[0:8], b[0:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:36], b[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return UUID(out[:])
}

// encodeURIComponent is ECMAScript's function of that name: it keeps A-Z a-z 0-9 - _ . ! ~ * ' ( ) and
// percent-encodes every other byte. Neither escape function of net/url keeps the same set.
func encodeURIComponent(s string) string {
	const upper = "0123456789ABCDEF"
	var out strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-_.!~*'()", c) >= 0:
			out.WriteByte(c)
		default:
			out.WriteByte('%')
			out.WriteByte(upper[c>>4])
			out.WriteByte(upper[c&15])
		}
	}
	return out.String()
}
