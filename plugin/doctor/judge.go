package doctor

import (
	"slices"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

// What a should-respond request is answered with.
const (
	actionRespond = "RESPOND"
	actionIgnore  = "IGNORE"
	actionStop    = "STOP"
)

// recently is how many messages back somebody else being addressed still counts.
const recently = 4

// judge decides whether the agent has a part in the last message of a group.
func judge(r core.TextRequest) (action, why string) {
	n := len(r.Messages)
	if n == 0 || r.Messages[n-1].Role != roleUser {
		return actionIgnore, "There is nothing to answer."
	}
	v := view{agent: nameWords(r.AgentName), messages: r.Messages}
	last := plainWords(r.Messages[n-1].Text)
	if len(last) == 0 {
		return actionIgnore, "The message has no words."
	}
	turn := n > 1 && r.Messages[n-2].Role == roleAssistant // the agent spoke just before
	me, other := v.addressed(n - 1)
	room := v.room(last)
	switch {
	case asksForSilence(last) && (me || room || turn && !other):
		return actionStop, "I was asked to be quiet."
	case me:
		return actionRespond, "I was addressed by name."
	case other:
		return actionIgnore, "Somebody else was addressed."
	case room:
		return actionRespond, "Everybody was asked."
	case turn:
		return actionRespond, "It follows what I said."
	case v.othersTalk(n - 1):
		return actionIgnore, "Others are talking to each other."
	case containsAny(last, "you", "your", "yours", "you're", "you've", "yourself"):
		return actionRespond, "It speaks to me."
	}
	return actionRespond, "Nobody else is being addressed."
}

// view is a group's conversation as one agent sees it.
type view struct {
	agent    []string // the words of its name
	messages []core.ChatMessage
}

// addressed reports whether a message names the agent, or turns to somebody else: with an @, or with a name
// of the conversation at its beginning or, after a comma, at its end.
func (v *view) addressed(i int) (me, other bool) {
	msg := &v.messages[i]
	words := plainWords(msg.Text)
	if names(words, v.agent) {
		return true, false
	}
	for _, w := range words {
		if len(w) > 1 && w[0] == '@' && w != "@everyone" && w != "@all" && w != "@here" && w != "@channel" {
			return false, true
		}
	}
	for j := range v.messages {
		name := nameWords(v.messages[j].Name)
		if len(name) == 0 || v.messages[j].Name == msg.Name || slices.Equal(name, v.agent) {
			continue
		}
		if opens(words, name) || closes(msg.Text, name) {
			return false, true
		}
	}
	return false, false
}

// othersTalk reports whether somebody else was addressed not long before message n.
func (v *view) othersTalk(n int) bool {
	for i := n - 1; i >= 0 && i >= n-recently; i-- {
		if v.messages[i].Role != roleUser {
			return false // the agent has had its say since
		}
		if _, other := v.addressed(i); other {
			return true
		}
	}
	return false
}

// room reports whether words turn to everybody.
func (v *view) room(words []string) bool {
	if containsAny(words, "@everyone", "@all", "@here", "@channel") {
		return true
	}
	return containsAny(words[:min(len(words), 6)], "anyone", "anybody", "everyone", "everybody", "someone", "somebody", "folks", "guys", "all", "who")
}

// names reports whether the agent's name, its first word alone or with an @, occurs in words.
func names(words, agent []string) bool {
	if len(agent) == 0 {
		return false
	}
	first := agent[0]
	for i, w := range words {
		bare := strings.TrimSuffix(strings.TrimPrefix(w, "@"), "'s")
		if bare == strings.Join(agent, "") || bare == first && (len([]rune(first)) > 2 || slices.Equal(words[i:min(len(words), i+len(agent))], agent)) {
			return true
		}
	}
	return false
}

// opens reports whether words begin with a name, a greeting before it aside.
func opens(words, name []string) bool {
	if len(words) > 1 && containsAny(words[:1], "hi", "hey", "hello", "thanks", "ok", "okay", "yes", "no", "so", "and", "well", "dear") {
		words = words[1:]
	}
	return len(words) > 0 && words[0] == name[0]
}

// closes reports whether text ends with a name after a comma.
func closes(text string, name []string) bool {
	i := strings.LastIndexByte(text, ',')
	if i < 0 {
		return false
	}
	tail := plainWords(text[i+1:])
	return len(tail) > 0 && len(tail) <= len(name) && tail[0] == name[0]
}

// silencers are requests to be quiet, as the words they consist of.
var silencers = [...]string{
	"stop", "be quiet", "shut up", "silence", "hush", "stop talking", "stop it", "go away", "enough", "quiet",
	"leave me alone", "leave us alone", "be silent", "stay out", "stop answering", "stop responding", "keep quiet",
}

// asksForSilence reports whether a short message consists of little more than such a request.
func asksForSilence(words []string) bool {
	if len(words) > 8 || slices.Contains(words, "don't") || slices.Contains(words, "not") {
		return false
	}
	text := " " + strings.Join(words, " ") + " "
	for _, s := range silencers {
		if i := strings.Index(text, " "+s+" "); i >= 0 && preface(strings.Fields(text[:i])) {
			return true
		}
	}
	return false
}

// preface reports whether the words before a request leave it one: "please", a name, "can you", not "how do
// I" or "the buses".
func preface(words []string) bool {
	for _, w := range words {
		switch w {
		case "how", "why", "when", "what", "where", "i", "we", "he", "she", "they", "it", "the", "a", "to", "my", "did", "is":
			return false
		}
	}
	return true
}

func containsAny(words []string, any ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(any, w) })
}

func nameWords(name string) []string { return plainWords(name) }

// plainWords returns the words of a text in lower case, without what clauses and pronouns mean.
func plainWords(text string) []string {
	var words []string
	r := newReader(text)
	for {
		w, stop, ok := r.next()
		if !ok {
			return words
		}
		if !stop {
			words = append(words, w.low)
		}
	}
}
