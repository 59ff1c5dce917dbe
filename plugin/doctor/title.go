package doctor

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/eliza-go/eliza/runtime/core"
)

const titleWords = 3 // salient words in a title

// topic is a word of a conversation with what speaks for it.
type topic struct {
	word  word
	score float64
	first int
}

// title names a conversation after what its users spoke of most, in three to six words.
func title(messages []core.ChatMessage) string {
	topics := salient(messages)
	slices.SortStableFunc(topics, func(a, b topic) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.first, b.first))
	})
	topics = topics[:min(len(topics), titleWords)]
	slices.SortFunc(topics, func(a, b topic) int { return cmp.Compare(a.first, b.first) })
	words := make([]string, 0, titleWords)
	for _, t := range topics {
		words = append(words, t.word.text)
	}
	switch len(words) {
	case 0:
		return "A quiet conversation"
	case 1:
		return "A talk about " + words[0]
	case 2:
		return capital(words[0]) + " and " + words[1]
	}
	return capital(words[0]) + ", " + words[1] + " and " + words[2]
}

// salient collects the words that carry meaning. A user's words count double, early messages a little more.
func salient(messages []core.ChatMessage) []topic {
	var topics []topic
	index := map[string]int{}
	n := 0
	for i, msg := range messages {
		weight := 1.0
		if msg.Role == roleUser {
			weight = 2
		}
		weight *= 1 + 0.5/float64(i+1)
		r := newReader(msg.Text)
		for w, stop, ok := r.next(); ok; w, stop, ok = r.next() {
			if stop || !carriesMeaning(w.low) {
				continue
			}
			at, seen := index[w.low]
			if !seen {
				at = len(topics)
				index[w.low] = at
				topics = append(topics, topic{word: w, first: n})
			}
			topics[at].score += weight
			n++
		}
	}
	return topics
}

// carriesMeaning reports whether a word may stand in a title.
func carriesMeaning(low string) bool {
	if isStopWord(low) || strings.Contains(low, "'") || utf8.RuneCountInString(low) > 24 {
		return false
	}
	letters := 0
	for _, c := range low {
		switch {
		case unicode.IsLetter(c) || unicode.IsMark(c):
			letters++
		case unicode.IsDigit(c) || c == '-':
		default:
			return false
		}
	}
	return letters > 2 || letters > 0 && low[0] >= utf8.RuneSelf
}

func capital(text string) string {
	c, n := utf8.DecodeRuneInString(text)
	return string(unicode.ToTitle(c)) + text[n:]
}
