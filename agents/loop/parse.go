package loop

import (
	"strings"
)

// maxUnclosed bounds how many elements without an end are looked at, for each costs a look at all that follows.
const maxUnclosed = 32

// fields are the elements of an answer, by name.
type fields map[string]string

// parseAnswer reads the elements inside <response>, or inside the first balanced element when there is no
// <response>. It is tolerant by design: what a model writes is hardly ever well-formed.
func parseAnswer(s string) (fields, bool) {
	s = dropThinking(s)
	inner, ok := responseOf(s)
	if !ok {
		return nil, false
	}
	f := children(inner)
	return f, len(f) > 0
}

// responseOf is what lies between the first <response> and the </response> after it.
func responseOf(s string) (string, bool) {
	first := "" // inside of the first balanced element
	unclosed := 0
	for i := 0; ; {
		j := strings.IndexByte(s[i:], '<')
		if j < 0 {
			return first, first != ""
		}
		i += j
		t := readTag(s[i:])
		if t.kind == openTag {
			inside := s[i+t.size:]
			if t.name == "response" {
				end := strings.Index(inside, "</response>")
				if end < 0 {
					return "", false
				}
				return inside[:end], true
			}
			if first == "" && unclosed < maxUnclosed {
				end, _, ok := balanced(inside, t.name)
				if ok {
					first = inside[:end]
				}
				unclosed++
			}
		}
		i++
	}
}

// balanced finds the end of the element name, whose opening tag has been read: the index of its closing tag
// and that after it.
func balanced(s, name string) (end, next int, ok bool) {
	depth := 1
	for i := 0; ; i++ {
		j := strings.IndexByte(s[i:], '<')
		if j < 0 {
			return 0, 0, false
		}
		i += j
		switch t := readTag(s[i:]); {
		case t.name != name:
		case t.kind == openTag:
			depth++
		case t.kind == closeTag:
			if depth--; depth == 0 {
				return i, i + t.size, true
			}
		}
	}
}

// children returns the direct children; of two with the same name the first counts. The last one may lack
// its end when it is <text>.
func children(s string) fields {
	f := fields{}
	put := func(name, raw string) {
		if _, taken := f[name]; !taken {
			f[name] = strings.TrimSpace(decodeEntities(raw))
		}
	}
	if name, rest := elements(s, put); name == "text" {
		put(name, rest)
	}
	return f
}

// elements calls each with the direct children, in order, their insides raw. It ends at a <text> that has no
// end, and returns what follows that.
func elements(s string, each func(name, raw string)) (unended, rest string) {
	for unclosed := 0; unclosed < maxUnclosed; {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			return "", ""
		}
		s = s[i:]
		if n := skipMarkup(s); n > 0 {
			s = s[n:]
			continue
		}
		t := readTag(s)
		if t.kind != openTag {
			s = s[max(1, t.size):]
			continue
		}
		s = s[t.size:]
		end, next, ok := balanced(s, t.name)
		switch {
		case ok:
			each(t.name, s[:end])
			s = s[next:]
		case t.name == "text":
			return t.name, s
		default:
			unclosed++
		}
	}
	return "", ""
}

// skipMarkup is the size of a comment, declaration or processing instruction at the beginning of s.
func skipMarkup(s string) int {
	switch {
	case strings.HasPrefix(s, "<!--"):
		if i := strings.Index(s, "-->"); i >= 0 {
			return i + len("-->")
		}
	case strings.HasPrefix(s, "<!"), strings.HasPrefix(s, "<?"):
		if i := strings.IndexByte(s, '>'); i >= 0 {
			return i + 1
		}
	}
	return 0
}

// dropThinking removes what a reasoning model thought aloud before its answer.
func dropThinking(s string) string {
	const begin, end = "<think>", "</think>"
	trimmed := strings.TrimLeft(s, " \t\r\n")
	if !strings.HasPrefix(trimmed, begin) {
		return s
	}
	_, rest, ok := strings.Cut(trimmed, end)
	if !ok {
		return s
	}
	return rest
}

// plainText is an answer without any of the tags it was asked for, as text.
func plainText(s string) (string, bool) {
	s = strings.TrimSpace(dropThinking(s))
	for _, name := range [...]string{"response", "thought", "actions", "providers", "text", "think"} {
		if strings.Contains(s, "<"+name) || strings.Contains(s, "</"+name) {
			return "", false
		}
	}
	return s, s != ""
}

// list splits a field at its commas.
func (f fields) list(name string) []string { return splitList(f[name]) }

func splitList(s string) []string {
	var out []string
	for x := range strings.SplitSeq(s, ",") {
		if x = strings.TrimSpace(x); x != "" {
			out = append(out, x)
		}
	}
	return out
}
