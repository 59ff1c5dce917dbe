package loop

import (
	"strings"
	"unicode/utf8"
)

// maxTag is the longest tag there is; what is longer is text.
const maxTag = 1 << 10

type tagKind int

const (
	noTag    tagKind = iota
	openTag          // <name …>
	closeTag         // </name>
	emptyTag         // <name …/>
	partTag          // may become a tag when more text comes
)

type tag struct {
	kind tagKind
	name string
	size int
}

// readTag reads the tag at the beginning of s, which begins with '<'. It knows just enough of the syntax for
// what models write: a name, then anything without angle brackets.
func readTag(s string) tag {
	i := 1
	closing := i < len(s) && s[i] == '/'
	if closing {
		i++
	}
	start := i
	for i < len(s) && isNameByte(s[i]) {
		i++
	}
	name := s[start:i]
	switch {
	case i >= maxTag:
		return tag{}
	case i == len(s):
		return tag{kind: partTag, name: name}
	case name == "":
		return tag{}
	}
	if c := s[i]; c != '>' && c != '/' && !isSpaceByte(c) {
		return tag{}
	}
	j := strings.IndexAny(s[i:min(len(s), maxTag)], "<>")
	switch {
	case j < 0 && len(s) >= maxTag:
		return tag{}
	case j < 0:
		return tag{kind: partTag, name: name}
	case s[i+j] == '<':
		return tag{}
	}
	t := tag{kind: openTag, name: name, size: i + j + 1}
	switch {
	case closing:
		t.kind = closeTag
	case s[i+j-1] == '/':
		t.kind = emptyTag
	}
	return t
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

func isSpaceByte(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// entities are the character references that are decoded, by name without ampersand.
var entities = [...]struct{ ref, char string }{{"lt;", "<"}, {"gt;", ">"}, {"amp;", "&"}, {"quot;", `"`}, {"apos;", "'"}}

// readEntity reads the reference at the beginning of s, which begins with '&'. size 0: there is none; part:
// there may be one when more text comes.
func readEntity(s string) (char string, size int, part bool) {
	for _, e := range entities {
		switch rest := s[1:]; {
		case strings.HasPrefix(rest, e.ref):
			return e.char, 1 + len(e.ref), false
		case strings.HasPrefix(e.ref, rest):
			part = true
		}
	}
	return "", 0, part
}

// decodeEntities decodes each reference once.
func decodeEntities(s string) string {
	if !strings.Contains(s, "&") {
		return s
	}
	var out strings.Builder
	for {
		i := strings.IndexByte(s, '&')
		if i < 0 {
			out.WriteString(s)
			return out.String()
		}
		out.WriteString(s[:i])
		s = s[i:]
		if char, size, _ := readEntity(s); size > 0 {
			out.WriteString(char)
			s = s[size:]
			continue
		}
		out.WriteByte('&')
		s = s[1:]
	}
}

// utf8Reader makes valid UTF-8 of pieces that may be cut anywhere: each bad byte becomes the replacement
// character, as does the zero byte, which no database takes.
type utf8Reader struct{ rest []byte }

// next returns what is complete of the text so far; with end set, all of it.
func (u *utf8Reader) next(piece string, end bool) string {
	if len(u.rest) == 0 && utf8.ValidString(piece) && !strings.Contains(piece, "\x00") {
		return piece
	}
	b := append(u.rest, piece...)
	out := make([]rune, 0, len(b))
	for len(b) > 0 && (end || utf8.FullRune(b)) {
		c, size := utf8.DecodeRune(b)
		if c == 0 {
			c = utf8.RuneError
		}
		out = append(out, c)
		b = b[size:]
	}
	u.rest = append([]byte(nil), b...)
	return string(out)
}
