package messaging

import (
	"context"
	"strings"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	titleMessages = 4       // fewer are not worth a title
	titleTokens   = 50      // a few words
	titleBytes    = 1 << 10 // of each message, and of an answer: a title is found, or cut, within
)

// Title implements [Service].
func (m *Manager) Title(ctx context.Context, channel, agent core.UUID, p Page) (title, reason string, err error) {
	agents, err := m.running()
	if err != nil {
		return "", "", err
	}
	rt, err := agents.Runtime(ctx, agent)
	if err != nil {
		if core.CodeOf(err) == core.CodeNotFound {
			err = ErrAgentNotFound
		}
		return "", "", err
	}
	p.ChannelID, p.AfterSeq = channel, -1
	page, _, err := m.store.Messages(ctx, p)
	if err != nil {
		return "", "", err
	}
	if len(page) < titleMessages {
		return "", "Not enough messages to generate a title", nil
	}
	model := rt.Models().Text
	if model == nil {
		return "", "", &core.Error{Code: core.CodeModel, Message: "The agent has no text model"}
	}
	request := titleRequest(page, agent, rt.Character().Name)
	err = guarded(m.log, "a title", func() (err error) {
		title, err = ask(ctx, model, request)
		return err
	})
	if err != nil {
		return "", "", &core.Error{Code: core.CodeModel, Message: "The model could not make a title", Err: err}
	}
	if title = trimTitle(title); title == "" {
		return "", "The model gave no title", nil
	}
	return title, "", nil
}

func titleRequest(page []Message, agent core.UUID, name string) core.TextRequest {
	var talk strings.Builder
	messages := make([]core.ChatMessage, 0, len(page))
	for i := len(page) - 1; i >= 0; i-- { // pages are newest first
		msg, role, who := &page[i], "user", "User"
		if msg.AuthorID == agent {
			role, who = "assistant", "Agent"
		}
		text := beginning(msg.Content)
		talk.WriteString(who + ": " + text + "\n")
		messages = append(messages, core.ChatMessage{Role: role, Name: msg.AuthorName(), Text: text})
	}
	temperature := 0.3
	return core.TextRequest{
		Type: core.TextSmall, Purpose: core.PurposeTitle, AgentName: name, Messages: messages,
		Prompt:    "Name this conversation in three to six words. Answer with the name alone, without quotes.\n\n" + talk.String(),
		MaxTokens: titleTokens, Temperature: &temperature,
	}
}

// beginning is as much of a message as a title needs.
func beginning(s string) string {
	if len(s) <= titleBytes {
		return s
	}
	return strings.ToValidUTF8(s[:titleBytes], "")
}

func ask(ctx context.Context, model core.TextModel, r core.TextRequest) (string, error) {
	var text strings.Builder
	for delta, err := range model.Generate(ctx, r) {
		if err != nil {
			return "", err
		}
		if text.WriteString(delta.Text); text.Len() > titleBytes {
			break
		}
	}
	return text.String(), nil
}

// trimTitle removes white space and one pair of quotes around.
func trimTitle(s string) string {
	s = strings.TrimSpace(s)
	for _, q := range [...]string{`"`, `'`, "`"} {
		if len(s) >= 2 && strings.HasPrefix(s, q) && strings.HasSuffix(s, q) {
			return strings.TrimSpace(s[1 : len(s)-1])
		}
	}
	return s
}
