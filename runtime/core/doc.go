// Package core holds the words every other package of eliza shares: identifiers, errors, the shape of
// content and memories, and the few interfaces that let an agent's brain, its memory and the message
// server know each other without importing each other.
//
// It is a leaf: it imports only the standard library, and not net/http. Values of its struct types are
// plain data; unless a method says otherwise they are not safe for concurrent modification, and those
// that are handed out as shared ([Character] above all) must not be modified by the receiver.
package core
