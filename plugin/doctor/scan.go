package doctor

import (
	"slices"
	"strings"
	"unicode"
)

// scan reads a message from left to right, replacing words as they are read, and returns the clause to be
// answered with its stack of keywords. A keyword of a higher rank than the stack's top goes on top, any
// other to the bottom. A mark that ends a clause drops what was read when there was no keyword in it, and
// ends the reading when there was. any reports whether there was a word at all.
func (s *Script) scan(text string) (words []word, stack []*keyword, any bool) {
	var weakWords []word
	var weakStack []*keyword
	r := newReader(text)
	full := false // the clause is as long as is kept
	for {
		w, stop, ok := r.next()
		if ok && !stop && !s.breaks[w.low] {
			any = any || strings.ContainsFunc(w.low, func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) })
			if full = full || len(words) >= maxClause; full {
				continue
			}
			words, stack = s.read(words, stack, w)
			continue
		}
		switch {
		case len(stack) > 0 && stack[0].rank >= 0:
			s.mend(words)
			return words, stack, any
		case len(stack) > 0 && weakStack == nil:
			weakWords, weakStack = words, stack
			words, stack = nil, nil
		default:
			words, stack = words[:0], stack[:0]
		}
		if full = false; !ok {
			s.mend(weakWords)
			return weakWords, weakStack, any
		}
	}
}

// read adds one word to the clause and, if it is a keyword, to the stack.
func (s *Script) read(words []word, stack []*keyword, w word) ([]word, []*keyword) {
	k := s.keys[w.low]
	if k == nil {
		return append(words, w), stack
	}
	if k.swap == nil {
		words = append(words, w)
	}
	for _, low := range k.swap {
		words = append(words, newWord(low))
	}
	switch {
	case !k.spoken() || slices.Contains(stack, k):
	case len(stack) > 0 && k.rank > stack[0].rank:
		stack = slices.Insert(stack, 0, k)
	default:
		stack = append(stack, k)
	}
	return words, stack
}
