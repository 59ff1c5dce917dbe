package doctor

// pattern is a decomposition: what a message is taken apart by.
type pattern []element

// element matches any number of words, a fixed number of them, or one word out of a set.
type element struct {
	any   bool // written 0
	count int  // written as a number
	word  string
	set   map[string]bool // alternatives or a class
}

// span is the part of a message an element matched.
type span struct{ from, to int }

func (s span) empty() bool { return s.from == s.to }

// match takes words apart and fills at, which has the pattern's length. Of several ways it takes the one
// whose wildcards are shortest, from the left. All elements but wildcards have a fixed width, so going back
// to the last wildcard is enough, and the time is bounded by the product of both lengths.
func (p pattern) match(words []word, at []span) bool {
	last, back := -1, 0 // the last wildcard, and where it ends
	i, j := 0, 0
	for i < len(p) || j < len(words) {
		if i < len(p) {
			if p[i].any {
				last, back = i, j
				at[i] = span{j, j}
				i++
				continue
			}
			if n := p[i].fits(words[j:]); n > 0 {
				at[i] = span{j, j + n}
				i, j = i+1, j+n
				continue
			}
		}
		if last < 0 || back == len(words) {
			return false
		}
		back++
		at[last].to = back
		i, j = last+1, back
	}
	return true
}

// here reports whether a pattern without wildcards matches the beginning of words.
func (p pattern) here(words []word) bool {
	for i := range p {
		if i >= len(words) || p[i].fits(words[i:]) != 1 {
			return false
		}
	}
	return true
}

// fits returns how many of the first words the element takes, 0 when it does not match.
func (e *element) fits(words []word) int {
	switch {
	case e.count > 0:
		if len(words) >= e.count {
			return e.count
		}
	case len(words) == 0:
	case e.set != nil:
		if e.set[words[0].low] {
			return 1
		}
	case e.word == words[0].low:
		return 1
	}
	return 0
}
