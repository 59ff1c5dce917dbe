package loop

import (
	"strings"
	"unicode"
)

const (
	responseEnd = "</response>"
	maxListed   = 4 << 10 // bytes of <actions> or <providers>
)

// extractor finds the text for the user in an answer while it comes. What it has shown in all is what
// [parseAnswer] makes of the whole: references decoded, space around it trimmed. It keeps back whatever may
// yet turn out to be part of a tag or a reference, and holds no more than that.
type extractor struct {
	// simple decides by the lists of actions and providers whether the text is the reply; nil: it always is,
	// with or without <response> around <text>, and an answer without tags is all text.
	simple func(actions, providers string) bool
	shown  *shown

	state     func(*extractor) bool // reads from buf; false: more is needed
	buf       string
	child     string // element being read
	depth     int
	value     strings.Builder // of the element, when it is one that is asked for
	actions   string
	providers string
	decided   bool // actions were read
	complete  bool // the text's end was seen
}

// shown is the text shown so far, of one reply.
type shown struct {
	text   strings.Builder
	spaces string // that came last, shown only when something follows
	piece  strings.Builder
}

func (s *shown) add(text string) {
	if s.text.Len() == 0 {
		text = strings.TrimLeftFunc(text, unicode.IsSpace)
	} else {
		text, s.spaces = s.spaces+text, ""
	}
	solid := strings.TrimRightFunc(text, unicode.IsSpace)
	s.spaces = text[len(solid):]
	s.text.WriteString(solid)
	s.piece.WriteString(solid)
}

// take returns what has been added since the last call.
func (s *shown) take() string {
	p := s.piece.String()
	s.piece.Reset()
	return p
}

func newExtractor(simple func(actions, providers string) bool, s *shown) *extractor {
	return &extractor{simple: simple, shown: s, state: atStart}
}

// feed takes the next piece of the answer and returns what can be shown now. Pieces are valid UTF-8.
func (x *extractor) feed(piece string) string {
	x.buf += piece
	x.run()
	return x.shown.take()
}

func (x *extractor) run() {
	for x.state(x) {
	}
}

// end tells that nothing more comes, and returns what was kept back.
func (x *extractor) end() string {
	switch tail := x.buf; {
	case x.complete:
	case x.depth > 0 && x.child == "text":
		if len(tail) > 1 && (strings.HasPrefix("</text>", tail) || strings.HasPrefix(responseEnd, tail)) {
			x.complete = true
		} else {
			x.shown.add(tail)
		}
	case x.child == "plain":
		x.shown.add(tail)
		x.complete = true
	}
	x.buf, x.state = "", atRest
	return x.shown.take()
}

func atRest(x *extractor) bool {
	x.buf = ""
	return false
}

func (x *extractor) rest() bool {
	x.state = atRest
	return true
}

// advance drops n bytes of what is still to be read.
func (x *extractor) advance(n int) bool {
	x.buf = x.buf[n:]
	return true
}

// atStart skips thoughts and tells tags from plain text.
func atStart(x *extractor) bool {
	const think = "<think>"
	x.buf = strings.TrimLeft(x.buf, " \t\r\n")
	switch {
	case strings.HasPrefix(x.buf, think):
		x.state = inThought
		return true
	case strings.HasPrefix(think, x.buf): // empty, too
		return false
	}
	return x.begin()
}

// begin is the first thing after space and thoughts.
func (x *extractor) begin() bool {
	x.state = seeking
	switch {
	case x.simple != nil || x.buf[0] == '<':
	case x.buf[0] == '{' || x.buf[0] == '[':
		return x.rest()
	default:
		x.state, x.child = inPlain, "plain"
	}
	return true
}

func inThought(x *extractor) bool {
	const end = "</think>"
	if i := strings.Index(x.buf, end); i >= 0 {
		x.state = afterThought
		return x.advance(i + len(end))
	}
	x.advance(max(0, len(x.buf)-len(end)))
	return false
}

// afterThought is atStart without another thought.
func afterThought(x *extractor) bool {
	x.buf = strings.TrimLeftFunc(x.buf, unicode.IsSpace)
	if x.buf == "" {
		return false
	}
	return x.begin()
}

// inPlain shows an answer without tags; a <response> in it ends that.
func inPlain(x *extractor) bool {
	i := strings.IndexByte(x.buf, '<')
	if i < 0 {
		x.shown.add(x.buf)
		return atRest(x)
	}
	x.shown.add(x.buf[:i])
	x.advance(i)
	switch t := readTag(x.buf); {
	case t.kind == openTag && t.name == "response":
		x.child = ""
		return x.rest()
	case t.kind == partTag && strings.HasPrefix("response", t.name):
		return false
	}
	x.shown.add("<")
	return x.advance(1)
}

// seeking looks for <response>.
func seeking(x *extractor) bool {
	if !x.toTag() {
		return false
	}
	switch t := readTag(x.buf); {
	case t.kind == partTag:
		return false
	case t.kind == openTag && t.name == "response":
		x.state = amongChildren
		return x.advance(t.size)
	case t.kind == openTag && t.name == "text" && x.simple == nil:
		return x.open(t)
	}
	return x.advance(1)
}

// toTag drops what comes before the next '<'.
func (x *extractor) toTag() bool {
	i := strings.IndexByte(x.buf, '<')
	if i < 0 {
		return atRest(x)
	}
	return x.advance(i)
}

// ended tells whether </response> is next; part: it may be.
func (x *extractor) ended() (yes, part bool) {
	return strings.HasPrefix(x.buf, responseEnd), strings.HasPrefix(responseEnd, x.buf)
}

func amongChildren(x *extractor) bool {
	if !x.toTag() {
		return false
	}
	if yes, part := x.ended(); yes {
		return x.rest()
	} else if part {
		return false
	}
	for _, m := range [...]struct {
		begin string
		state func(*extractor) bool
	}{{"<!--", inComment}, {"<!", inMarkup}, {"<?", inMarkup}} {
		if strings.HasPrefix(x.buf, m.begin) {
			x.state = m.state
			return true
		} else if strings.HasPrefix(m.begin, x.buf) {
			return false
		}
	}
	switch t := readTag(x.buf); t.kind {
	case partTag:
		return false
	case openTag:
		return x.open(t)
	}
	return x.advance(1)
}

func inComment(x *extractor) bool { return x.skipTo("-->") }
func inMarkup(x *extractor) bool  { return x.skipTo(">") }

// skipTo goes on after end. An answer that ends inside shows nothing.
func (x *extractor) skipTo(end string) bool {
	i, stop := strings.Index(x.buf, end), strings.Index(x.buf, responseEnd)
	switch {
	case stop >= 0 && (i < 0 || stop < i):
		return x.rest()
	case i >= 0:
		x.state = amongChildren
		return x.advance(i + len(end))
	}
	x.advance(max(0, len(x.buf)-len(responseEnd)))
	return false
}

func (x *extractor) open(t tag) bool {
	x.child, x.depth = t.name, 1
	x.value.Reset()
	x.state = inChild
	if t.name == "text" {
		if x.simple != nil && !(x.decided && x.simple(x.actions, x.providers)) {
			x.depth = 0
			return x.rest()
		}
		x.state = inText
	}
	return x.advance(t.size)
}

func (x *extractor) keep(s string) {
	if (x.child == "actions" || x.child == "providers") && x.value.Len() < maxListed {
		x.value.WriteString(s)
	}
}

// inChild reads an element that is not shown.
func inChild(x *extractor) bool {
	i := strings.IndexByte(x.buf, '<')
	if i < 0 {
		x.keep(x.buf)
		return atRest(x)
	}
	x.keep(x.buf[:i])
	x.advance(i)
	if yes, part := x.ended(); yes {
		x.depth = 0
		return x.rest()
	} else if part {
		return false
	}
	t := readTag(x.buf)
	switch {
	case t.kind == partTag:
		return false
	case t.kind == openTag && t.name == x.child:
		x.depth++
	case t.kind == closeTag && t.name == x.child:
		if x.depth--; x.depth == 0 {
			x.read()
			return x.advance(t.size)
		}
	}
	x.keep("<")
	return x.advance(1)
}

// read takes over an element that is complete.
func (x *extractor) read() {
	switch v := strings.TrimSpace(decodeEntities(x.value.String())); x.child {
	case "actions":
		if !x.decided {
			x.actions, x.decided = v, true
		}
	case "providers":
		if x.providers == "" {
			x.providers = v
		}
	}
	x.child, x.state = "", amongChildren
}

// inText shows the inside of <text>.
func inText(x *extractor) bool {
	if x.buf == "" {
		return false
	}
	i := strings.IndexAny(x.buf, "<&")
	if i < 0 {
		x.shown.add(x.buf)
		return atRest(x)
	}
	if i > 0 {
		x.shown.add(x.buf[:i])
		return x.advance(i)
	}
	if x.buf[0] == '&' {
		char, size, part := readEntity(x.buf)
		switch {
		case size > 0:
			x.shown.add(char)
			return x.advance(size)
		case part:
			return false
		}
		x.shown.add("&")
		return x.advance(1)
	}
	return x.tagInText()
}

func (x *extractor) tagInText() bool {
	if yes, part := x.ended(); yes {
		return x.finished()
	} else if part || strings.HasPrefix("</text", x.buf) || strings.HasPrefix("<text", x.buf) {
		return false
	}
	t := readTag(x.buf)
	switch {
	case t.name != "text":
	case t.kind == partTag:
		return false
	case t.kind == openTag:
		x.depth++
	case t.kind == closeTag:
		if x.depth--; x.depth == 0 {
			return x.finished()
		}
	}
	x.shown.add("<")
	return x.advance(1)
}

func (x *extractor) finished() bool {
	x.complete, x.depth = true, 0
	return x.rest()
}
