package speech

import (
	"errors"
	"fmt"
	"strings"
)

// Errors of [Split].
var (
	errQuote  = errors.New("speech: a quote of the command is not closed")
	errEscape = errors.New("speech: the command ends in a backslash")
	errNUL    = errors.New("speech: the command has a NUL character")
)

// Split splits a command line into words the way a POSIX shell does: at white space, with single quotes,
// double quotes and backslashes. There is no shell: what one would act upon, such as | or $, is an error
// unless it is quoted, rather than something else than was meant.
func Split(line string) ([]string, error) {
	s := splitter{rest: line}
	for s.next() {
	}
	return s.words, s.err
}

// splitter goes through a command line.
type splitter struct {
	rest  string
	words []string
	word  strings.Builder
	begun bool // the word; it may be empty, as '' is
	err   error
}

// next takes one character, or all between single quotes. It reports whether there is more to do.
func (s *splitter) next() bool {
	if s.rest == "" {
		s.end()
		return false
	}
	c := s.rest[0]
	s.rest = s.rest[1:]
	switch c {
	case ' ', '\t', '\r', '\n':
		s.end()
	case '\'':
		inside, after, ok := strings.Cut(s.rest, "'")
		if !ok {
			return s.fail(errQuote)
		}
		s.rest = after
		return s.add(inside)
	case '"':
		return s.quoted()
	case '\\':
		if s.rest == "" {
			return s.fail(errEscape)
		}
		escaped := s.rest[:1]
		s.rest = s.rest[1:]
		if escaped != "\n" { // that only continues the line
			return s.add(escaped)
		}
	case '|', '&', ';', '<', '>', '(', ')', '$', '`':
		return s.fail(special(c))
	case '#':
		if !s.begun {
			return s.fail(special(c))
		}
		return s.add("#")
	default:
		return s.add(string([]byte{c})) // a byte, maybe of a longer character
	}
	return true
}

// quoted takes the rest of a text in double quotes. A backslash is itself unless what follows has a meaning.
func (s *splitter) quoted() bool {
	s.begun = true
	for i := 0; i < len(s.rest); i++ {
		c := s.rest[i]
		if c == '\\' && i+1 < len(s.rest) && strings.IndexByte("$`\"\\\n", s.rest[i+1]) >= 0 {
			i++
			if s.rest[i] != '\n' {
				s.word.WriteByte(s.rest[i])
			}
			continue
		}
		switch c {
		case '"':
			s.rest = s.rest[i+1:]
			return true
		case '$', '`':
			return s.fail(special(c))
		case 0:
			return s.fail(errNUL)
		}
		s.word.WriteByte(c)
	}
	return s.fail(errQuote)
}

func special(c byte) error {
	return fmt.Errorf("speech: %q means something to a shell only: quote it", c)
}

// add adds to the word.
func (s *splitter) add(text string) bool {
	if strings.IndexByte(text, 0) >= 0 {
		return s.fail(errNUL)
	}
	s.begun = true
	s.word.WriteString(text)
	return true
}

// end ends the word, if one has begun.
func (s *splitter) end() {
	if s.begun {
		s.words = append(s.words, s.word.String())
	}
	s.word.Reset()
	s.begun = false
}

func (s *splitter) fail(err error) bool {
	s.words, s.err = nil, err
	return false
}
