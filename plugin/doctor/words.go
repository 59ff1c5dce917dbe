package doctor

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxRead   = 16 << 10 // bytes of a message that are read
	maxClause = 60       // words of a clause that are kept
	maxWord   = 48       // runes of a word that are repeated
)

// word is a word of a message, as it may be repeated and as it is compared.
type word struct{ text, low string }

// newWord makes a word of the script's own.
func newWord(low string) word {
	text := low
	if low == "i" || strings.HasPrefix(low, "i'") {
		text = "I" + low[1:]
	}
	return word{text: text, low: low}
}

// marks that end a clause.
const (
	clauseMarks   = ",;:–—…、，；：·\n\r"
	sentenceMarks = ".!?。！？؟।\n\r…"
	silentMarks   = "\"“”„«»‹›‘`´()[]{}*_~|\\#"
)

// reader splits a message into words and the marks between them.
type reader struct {
	rest  string
	first bool // the next word begins a sentence
	loud  bool // everything is in capitals, which then mean nothing
}

func newReader(text string) *reader {
	text = clip(text)
	return &reader{rest: text, first: true, loud: !strings.ContainsFunc(text, unicode.IsLower)}
}

// clip shortens what is too long to be read, at the border of a rune.
func clip(text string) string {
	if len(text) <= maxRead {
		return text
	}
	n := maxRead
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// next returns the next word, or stop = true for a mark that ends a clause. ok = false is the end.
func (r *reader) next() (w word, stop, ok bool) {
	for r.rest != "" {
		c, n := utf8.DecodeRuneInString(r.rest)
		switch {
		case strings.ContainsRune(clauseMarks, c) || strings.ContainsRune(sentenceMarks, c):
			r.rest = r.rest[n:]
			r.first = r.first || strings.ContainsRune(sentenceMarks, c)
			return word{}, true, true
		case !inWord(c) || c == '\'' || c == '-' || c == '’':
			r.rest = r.rest[n:]
		default:
			return r.word(), false, true
		}
	}
	return word{}, false, false
}

// word takes the word rest begins with.
func (r *reader) word() word {
	end, prev := 0, rune(0)
	for end < len(r.rest) {
		c, n := utf8.DecodeRuneInString(r.rest[end:])
		if !inWord(c) && !joins(prev, c, r.rest[end+n:]) {
			break
		}
		prev = c
		end += n
	}
	text := strings.TrimRight(strings.ReplaceAll(r.rest[:end], "’", "'"), "'-")
	r.rest = r.rest[end:]
	first := r.first
	r.first = false
	low := strings.ToLower(text)
	if r.loud || first && !proper(text) {
		text = newWord(low).text
	}
	return word{text: shorten(text), low: low}
}

// inWord reports whether c belongs to a word wherever it stands: all but spaces, controls, quotes and marks.
func inWord(c rune) bool {
	if c < utf8.RuneSelf {
		return c == '\'' || c == '-' || c > ' ' && c != 0x7f && !strings.ContainsRune(",;:.!?"+silentMarks, c)
	}
	return c != utf8.RuneError && unicode.IsGraphic(c) && !unicode.IsSpace(c) &&
		!strings.ContainsRune(clauseMarks+sentenceMarks+silentMarks, c) || c == '\u200d'
}

// joins reports whether a mark between prev and rest stands inside a word, as in 3.5 and example.com.
func joins(prev, c rune, rest string) bool {
	next, _ := utf8.DecodeRuneInString(rest)
	switch c {
	case '.':
		return unicode.IsDigit(prev) && unicode.IsDigit(next) || unicode.IsLetter(prev) && unicode.IsLower(next)
	case ',', ':':
		return unicode.IsDigit(prev) && unicode.IsDigit(next) || c == ':' && next == '/'
	case '_':
		return true
	}
	return false
}

// proper reports whether a word at the start of a sentence keeps its capitals: NASA, McCoy, iPhone.
func proper(text string) bool {
	_, n := utf8.DecodeRuneInString(text)
	return strings.ContainsFunc(text[n:], unicode.IsUpper)
}

func shorten(text string) string {
	if len(text) <= maxWord {
		return text
	}
	n := 0
	for i := range text {
		if n++; n > maxWord {
			return text[:i] + "…"
		}
	}
	return text
}

// sentence makes a reply presentable: single spaces, none before a mark, a capital first, a mark last.
func sentence(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	for _, mark := range []string{"?", ".", ",", "!", ";", ":"} {
		text = strings.ReplaceAll(text, " "+mark, mark)
	}
	if text == "" {
		return text
	}
	c, n := utf8.DecodeRuneInString(text)
	if up := unicode.ToTitle(c); up != c {
		text = string(up) + text[n:]
	}
	if end, _ := utf8.DecodeLastRuneInString(text); !strings.ContainsRune(sentenceMarks, end) {
		text += "."
	}
	return text
}
