package doctor

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	roleUser      = "user"
	roleAssistant = "assistant"
)

// Model is the text model: for each request it holds the conversation again from its beginning, answers the
// last message and forgets it. It reads the structure of a request (purpose, messages, the agent's name),
// never the prompt, which matters only when there are no messages and no purpose that needs them.
type Model struct {
	script *Script
	seed   uint64
	delay  time.Duration
}

var _ core.TextModel = (*Model)(nil)

// NewModel makes the model on its own; [Plugin] is the usual way to it.
func NewModel(opts Options) *Model {
	if opts.Script == nil {
		opts.Script = DefaultScript()
	}
	return &Model{script: opts.Script, seed: opts.Seed, delay: opts.Delay}
}

// Generate implements [core.TextModel]. The answer comes word by word; a request that has ended gives the
// error of its context.
func (m *Model) Generate(ctx context.Context, r core.TextRequest) iter.Seq2[core.TextDelta, error] {
	return func(yield func(core.TextDelta, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(core.TextDelta{}, err)
			return
		}
		m.stream(ctx, r, m.answer(r), yield)
	}
}

// answer makes the whole answer, in the shape the purpose asks for.
func (m *Model) answer(r core.TextRequest) string {
	switch r.Purpose {
	case core.PurposeRespond:
		text, heard := m.reply(r)
		return response(tag("thought", thought(heard)), tag("actions", "REPLY"), tag("providers", ""), tag("text", text))
	case core.PurposeReply:
		text, heard := m.reply(r)
		return response(tag("thought", thought(heard)), tag("text", text))
	case core.PurposeShouldRespond:
		action, why := judge(r)
		return response(tag("name", r.AgentName), tag("reasoning", why), tag("action", action))
	case core.PurposeContinue:
		return tag("text", m.rest(r))
	case core.PurposeTitle:
		return title(r.Messages)
	case core.PurposeConfirm:
		return response(tag("answer", "no")) // it cannot know, and a no changes nothing
	case core.PurposeImage:
		return response(tag("prompt", lastText(r.Messages)), tag("text", "This is how I imagine it."))
	case core.PurposeStep:
		return response(tag("thought", "There is nothing to look up; I answer."), tag("action", ""), tag("providers", ""), tag("isFinish", "true"))
	case core.PurposeReflect:
		return reflect(r)
	}
	if len(r.Messages) == 0 && r.Prompt != "" {
		return m.conversation(r).Respond(r.Prompt)
	}
	text, _ := m.reply(r)
	return text
}

func (m *Model) conversation(r core.TextRequest) *Conversation {
	return NewConversation(m.script, m.seed, r.AgentName)
}

// reply answers the last message of a user, and tells which keyword it went by.
func (m *Model) reply(r core.TextRequest) (text, heard string) {
	c := m.conversation(r)
	last := lastUser(r.Messages)
	if last < 0 {
		return c.Open(), ""
	}
	m.replay(c, r.Messages[:last], r.Messages[last].Name)
	text = c.Respond(r.Messages[last].Text)
	return text, c.heard
}

// replay rebuilds the state of the conversation. What others than the speaker said moves the rotation on,
// but is never brought up again to the speaker.
func (m *Model) replay(c *Conversation, past []core.ChatMessage, speaker string) {
	for i, msg := range past {
		if msg.Role != roleUser {
			continue
		}
		answer := ""
		if i+1 < len(past) && past[i+1].Role == roleAssistant {
			answer = past[i+1].Text
		}
		if msg.Name == speaker {
			c.Observe(msg.Text, answer)
			continue
		}
		stored, blanks := c.stored, c.blanks
		c.stored = nil
		c.Observe(msg.Text, answer)
		c.stored, c.blanks = stored, blanks
	}
}

// rest is what is missing of an answer that was cut: the messages end with its beginning. The space after a
// word belongs to the delta the word came in, so the rest begins without. When the messages end with
// something else, the answer is added as a whole.
func (m *Model) rest(r core.TextRequest) string {
	text, _ := m.reply(r)
	n := len(r.Messages)
	if n == 0 || r.Messages[n-1].Role != roleAssistant {
		return text
	}
	if rest, ok := strings.CutPrefix(text, strings.TrimSpace(r.Messages[n-1].Text)); ok {
		return strings.TrimLeft(rest, " ")
	}
	return " " + text
}

func lastUser(messages []core.ChatMessage) int {
	for i := len(messages) - 1; i >= 0; i-- {
		if messages[i].Role == roleUser {
			return i
		}
	}
	return -1
}

// lastText is what a user said last, "" for nothing.
func lastText(messages []core.ChatMessage) string {
	if i := lastUser(messages); i >= 0 {
		return messages[i].Text
	}
	return ""
}

func thought(heard string) string {
	if heard == "" {
		return "Nothing stands out yet, so I keep them talking."
	}
	return `What matters here is "` + heard + `"; I take that up.`
}

func response(tags ...string) string {
	return "<response>\n  " + strings.Join(tags, "\n  ") + "\n</response>"
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func tag(name, text string) string {
	return "<" + name + ">" + escaper.Replace(text) + "</" + name + ">"
}
