package doctor

import (
	"slices"
	"strings"
)

const (
	maxHops   = 16 // links followed for one answer
	maxMemory = 32 // stored transformations
	anonymous = "Doctor"
)

// Conversation is one talk with one person. It keeps which reply of each rule comes next and what is
// stored for later. The same script, seed and messages always give the same answers. It is not safe for
// concurrent use.
type Conversation struct {
	script *Script
	seed   uint64
	agent  string
	turns  []int // by rule: how often it has answered
	stored []string
	blanks int    // messages without keywords
	want   string // the reply that was really given, while observing
	heard  string // the keyword the last answer came from
	hops   int
}

// NewConversation begins a conversation. Seeds other than 0 shift where each rule's rotation begins. agent
// is the name the script's {agent} stands for; it may be empty.
func NewConversation(s *Script, seed uint64, agent string) *Conversation {
	if agent == "" {
		agent = anonymous
	}
	c := &Conversation{script: s, seed: seed, agent: agent, turns: make([]int, len(s.rules))}
	if seed != 0 {
		for i, r := range s.rules {
			c.turns[i] = int(mix(seed, uint64(i)) % uint64(len(r.replies)))
		}
	}
	return c
}

// Open returns the words to begin the conversation with.
func (c *Conversation) Open() string { return c.stock(c.script.opening) }

// Respond answers a message. The answer is never empty, begins with a capital and ends with a mark; the
// time it takes is bounded whatever the message.
func (c *Conversation) Respond(text string) string {
	words, stack, any := c.script.scan(c.withoutName(clip(text)))
	c.heard, c.hops = "", 0
	if !any {
		return c.stock(c.script.blank)
	}
	if len(stack) == 0 {
		return c.withoutKeyword()
	}
	if stack[0] == c.script.recall {
		c.store(words)
	}
	for _, k := range stack {
		if reply, ok := c.try(k, words); ok {
			c.heard = k.word
			return reply
		}
	}
	return c.stock(c.script.none)
}

// withoutName cuts the agent's name off where a message begins with it as an address: "Eliza, listen".
func (c *Conversation) withoutName(text string) string {
	text = strings.TrimSpace(text)
	bare, mention := strings.CutPrefix(text, "@")
	n := len(c.agent)
	if len(bare) <= n || !strings.EqualFold(bare[:n], c.agent) {
		return text
	}
	switch next := bare[n]; {
	case strings.IndexByte(",;:.!?\n", next) >= 0, mention && next == ' ':
		return bare[n+1:]
	}
	return text
}

// Observe takes a message that has been answered before, so that what comes next does not repeat it. reply
// is the answer the person got, empty for none; it need not be one the script can give.
func (c *Conversation) Observe(text, reply string) {
	c.want = reply
	c.Respond(text)
	c.want = ""
}

// withoutKeyword answers with what was stored when it is time for it, or with a stock reply.
func (c *Conversation) withoutKeyword() string {
	c.blanks++
	if len(c.stored) > 0 {
		if due := c.blanks%c.script.every == 0; due && c.want == "" || c.want == c.stored[0] {
			reply := c.stored[0]
			c.stored = c.stored[1:]
			return reply
		}
	}
	return c.stock(c.script.none)
}

// store transforms the message for later. Which of the replies is used depends on the message's last word.
func (c *Conversation) store(words []word) {
	var spans [maxElements]span
	for _, r := range c.script.memory.rules {
		at := spans[:len(r.pattern)]
		if !r.pattern.match(words, at) {
			continue
		}
		n, size := mix(c.seed, hashString(words[len(words)-1].low)), uint64(len(r.replies))
		for i := range size {
			reply := &r.replies[(n+i)%size]
			if reply.kind == sayText && reply.possible(at) {
				if len(c.stored) == maxMemory {
					c.stored = c.stored[1:]
				}
				c.stored = append(slices.Clip(c.stored), sentence(reply.render(words, at, c.agent)))
				return
			}
		}
	}
}

// try answers from one keyword's rules. ok = false when they have no answer, or leave it to the next
// keyword on the stack.
func (c *Conversation) try(k *keyword, words []word) (string, bool) {
	var spans [maxElements]span
next:
	for ; c.hops < maxHops; c.hops++ {
		for k.link != nil {
			if c.hops++; c.hops >= maxHops {
				return "", false
			}
			k = k.link
		}
		for _, r := range k.rules {
			at := spans[:len(r.pattern)]
			if !r.pattern.match(words, at) {
				continue
			}
			reply, text := c.pick(r, words, at)
			switch {
			case reply == nil:
				continue // nothing to repeat: another pattern may fit better
			case reply.kind == sayText:
				return text, true
			case reply.kind == sayNewKey:
				return "", false
			case reply.kind == sayRewrite:
				words = reply.rewrite(words, at)
			}
			k = reply.to
			continue next
		}
		return "", false
	}
	return "", false
}

// pick takes the rule's next reply in rotation, passing over those that would repeat an empty component.
func (c *Conversation) pick(r *rule, words []word, at []span) (*reply, string) {
	n, start := len(r.replies), c.turns[r.id]
	var first *reply
	text, turn := "", 0
	for i := range n {
		reply := &r.replies[(start+i)%n]
		if !reply.possible(at) {
			continue
		}
		var said string
		if reply.kind == sayText {
			said = sentence(reply.render(words, at, c.agent))
		}
		if first == nil {
			first, text, turn = reply, said, start+i+1
		}
		if c.want == "" {
			break
		}
		if said == c.want {
			first, text, turn = reply, said, start+i+1
			break
		}
	}
	if first != nil {
		c.turns[r.id] = turn % n
	}
	return first, text
}

func (c *Conversation) stock(r *rule) string {
	_, text := c.pick(r, nil, []span{{}})
	return text
}
