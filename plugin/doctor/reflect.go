package doctor

import (
	"slices"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	maxFacts     = 8  // of one reflection
	maxFactWords = 14 // of what is said after the beginning of a statement
)

// statement is a way people tell something about themselves, and what is noted of it: who stands for the
// speaker, and what follows the beginning comes after it.
type statement struct {
	begin, note string
}

// statements are tried in order, so the longer beginning comes first.
var statements = [...]statement{
	{"my name is", "'s name is"},
	{"my favourite", "'s favourite"},
	{"my favorite", "'s favorite"},
	{"i am called", " is called"},
	{"i'm called", " is called"},
	{"i am from", " is from"},
	{"i'm from", " is from"},
	{"i come from", " comes from"},
	{"i was born in", " was born in"},
	{"i live in", " lives in"},
	{"i live with", " lives with"},
	{"i work as", " works as"},
	{"i work at", " works at"},
	{"i work for", " works for"},
	{"i work in", " works in"},
	{"i work with", " works with"},
	{"i study", " studies"},
	{"i speak", " speaks"},
	{"i play", " plays"},
	{"i own", " owns"},
	{"i love", " loves"},
	{"i like", " likes"},
	{"i enjoy", " enjoys"},
	{"i prefer", " prefers"},
	{"i hate", " hates"},
	{"i dislike", " dislikes"},
}

// openers are words before a statement that change nothing of it.
var openers = []string{"and", "but", "well", "so", "hi", "hello", "hey", "yes", "no", "oh", "also", "because", "actually", "really"}

// vague are words a statement that says nothing for another day goes on with.
var vague = []string{"you", "it", "that", "this", "to", "them", "him", "her", "what", "how", "when", "if", "not"}

// ownWords are how the speaker's words about themselves read in a note.
var ownWords = map[string]string{
	"my": "their", "mine": "theirs", "me": "them", "myself": "themselves", "i": "they", "i'm": "they are", "am": "are", "i've": "they have", "i'd": "they would", "i'll": "they will",
}

// fact is something a person said about themselves.
type fact struct{ who, claim string }

// factsIn collects what users stated about themselves, in their own words, oldest first. Nothing is concluded:
// questions, conditions and negations are no statements.
func factsIn(messages []core.ChatMessage) []fact {
	var out []fact
	for _, msg := range messages {
		if msg.Role != roleUser || msg.Name == "" {
			continue
		}
		for clause := range clauses(clip(msg.Text)) {
			claim, ok := noted(msg.Name, clause)
			if f := (fact{msg.Name, claim}); ok && !slices.Contains(out, f) {
				out = append(out, f)
			}
		}
	}
	return out[max(0, len(out)-maxFacts):]
}

// clauses are the parts of a text between marks and "and", without those that are questions.
func clauses(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for text != "" {
			i := strings.IndexAny(text, ".!?;,\n")
			clause, mark := text, byte('.')
			if i >= 0 {
				clause, mark, text = text[:i], text[i], text[i+1:]
			} else {
				text = ""
			}
			if mark == '?' {
				continue
			}
			for clause != "" {
				part := clause
				if i := strings.Index(strings.ToLower(clause), " and i "); i >= 0 && len(strings.ToLower(clause)) == len(clause) {
					part, clause = clause[:i], clause[i+len(" and "):] // the second half is a statement of its own
				} else {
					clause = ""
				}
				if !yield(part) {
					return
				}
			}
		}
	}
}

// noted is a clause as a fact about who said it.
func noted(who, clause string) (string, bool) {
	words := strings.Fields(strings.ReplaceAll(clause, "’", "'"))
	for len(words) > 0 && slices.Contains(openers, strings.ToLower(words[0])) {
		words = words[1:]
	}
	for _, s := range statements {
		begin := strings.Fields(s.begin)
		if len(words) <= len(begin) || !slices.EqualFunc(words[:len(begin)], begin, strings.EqualFold) {
			continue
		}
		rest := words[len(begin):]
		if len(rest) > maxFactWords || slices.Contains(vague, strings.ToLower(rest[0])) {
			return "", false
		}
		out := make([]string, len(rest))
		for i, w := range rest {
			if own := ownWords[strings.ToLower(w)]; own != "" {
				w = own
			}
			out[i] = w
		}
		return who + s.note + " " + strings.Join(out, " ") + ".", true
	}
	return "", false
}

// reflect answers a request to note what was said.
func reflect(r core.TextRequest) string {
	list := factsIn(r.Messages)
	if len(list) == 0 {
		return response(tag("thought", "Nothing was said that has to be kept."), tag("facts", ""), tag("relationships", ""))
	}
	var b strings.Builder
	for _, f := range list {
		b.WriteString("\n    <fact>" + tag("claim", f.claim) + tag("about", f.who) + "</fact>")
	}
	return response(tag("thought", "I was told something to remember."), "<facts>"+b.String()+"\n  </facts>", tag("relationships", ""))
}
