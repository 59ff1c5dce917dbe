package doctor

import (
	_ "embed"
	"strings"
)

//go:embed script.txt
var scriptText string

// Script is what a [Conversation] speaks from: keywords with their rules, word classes and stock replies.
// [Parse] makes it. It never changes afterwards and is safe for concurrent use.
type Script struct {
	keys    map[string]*keyword
	agree   map[string][]agreement // by first word
	breaks  map[string]bool        // words that end a clause like a comma
	opening *rule                  // first words of a conversation
	blank   *rule                  // for a message without words
	none    *rule                  // for a message without keywords
	memory  *keyword               // transformations stored for later, see [Conversation]
	recall  *keyword               // whose messages are stored
	every   int                    // each how manieth message without keywords brings out a stored one
	rules   []*rule                // all of them, by id
}

// DefaultScript returns the script the package ships: a listener in the manner of a psychotherapist.
func DefaultScript() *Script {
	s, err := Parse([]byte(scriptText))
	if err != nil {
		panic(err) // the file is compiled in and tested
	}
	return s
}

// keyword is a word, or several of the same meaning, that makes a message interesting.
type keyword struct {
	word  string
	rank  int
	swap  []string // replaces the word as it is read; nil = it stays
	link  *keyword // whose rules are used in place of its own
	rules []*rule
}

// spoken reports whether the keyword can answer, or only replaces a word.
func (k *keyword) spoken() bool { return k.link != nil || len(k.rules) > 0 }

// rule is a decomposition with the reassemblies used in rotation when it matches.
type rule struct {
	id      int
	line    int // where it stands in the script
	pattern pattern
	replies []reply
}

// Kinds of replies.
const (
	sayText    = iota
	sayLink    // go on with another keyword's rules
	sayRewrite // the same, on a rewritten message: PRE in the paper
	sayNewKey  // give up this keyword, take the next on the stack
)

// reply is one reassembly.
type reply struct {
	kind  int
	parts []part
	to    *keyword
}

// part is a piece of a reassembly: fixed text, a component of the decomposition or the agent's name.
type part struct {
	text      string
	component int // counted from 1; 0 = none
	agent     bool
}

// possible reports whether every component the reply repeats has words in it.
func (r *reply) possible(at []span) bool {
	for _, p := range r.parts {
		if p.component > 0 && at[p.component-1].empty() {
			return false
		}
	}
	return true
}

func (r *reply) render(words []word, at []span, agent string) string {
	var b strings.Builder
	for _, p := range r.parts {
		switch {
		case p.agent:
			b.WriteString(agent)
		case p.component > 0:
			s := at[p.component-1]
			for i, w := range words[s.from:s.to] {
				if i > 0 {
					b.WriteByte(' ')
				}
				b.WriteString(w.text)
			}
		default:
			b.WriteString(p.text)
		}
	}
	return b.String()
}

// rewrite makes the message a [sayRewrite] goes on with.
func (r *reply) rewrite(words []word, at []span) []word {
	var out []word
	for _, p := range r.parts {
		if p.component > 0 {
			s := at[p.component-1]
			out = append(out, words[s.from:s.to]...)
			continue
		}
		for _, w := range strings.Fields(p.text) {
			out = append(out, newWord(strings.ToLower(w)))
		}
	}
	return out[:min(len(out), maxClause)]
}

// agreement mends what the swapping of pronouns leaves behind: "you are" was read as "i are" and becomes
// "i am". An empty word in to keeps the word there.
type agreement struct {
	from  pattern
	atEnd bool // only when nothing follows
	to    []string
}

// mend applies the agreements from left to right, at each place the first that fits.
func (s *Script) mend(words []word) {
	for i := 0; i < len(words); {
		i += s.mendAt(words, i)
	}
}

func (s *Script) mendAt(words []word, i int) int {
	for _, a := range s.agree[words[i].low] {
		n := len(a.from)
		if len(words)-i < n || a.atEnd && len(words)-i > n || !a.from.here(words[i:]) {
			continue
		}
		done := 0
		for j, to := range a.to {
			if to != "" {
				words[i+j], done = newWord(to), j+1
			}
		}
		if done == 0 {
			return n // they are to stay as they are
		}
		return done // a word that was only looked at may begin the next
	}
	return 1
}
