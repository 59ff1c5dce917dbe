package loop

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/eliza-go/eliza/runtime/core"
)

// shouldRespond decides whether the agent speaks at all, by rule where one fits, else by asking a small model.
func (u *turn) shouldRespond(ctx context.Context) (respond bool, thought string, err error) {
	if u.addressed() {
		return true, "", nil
	}
	req := core.TextRequest{
		Type: core.TextSmall, Purpose: core.PurposeShouldRespond, Prompt: u.render(u.state, templateShouldRespond, ""), Messages: u.messages(),
	}
	c, err := u.ask(ctx, req, nil, "")
	if err != nil {
		return false, "", err
	}
	f, _ := parseAnswer(c.text)
	switch strings.ToUpper(f["action"]) {
	case "", "IGNORE", "NONE", "STOP":
		return false, f["reasoning"], nil
	}
	return true, "", nil
}

// addressed tells whether a rule says that the agent answers.
func (u *turn) addressed() bool {
	always := append([]string{"DM", "VOICE_DM", "SELF", "API"}, u.r.settingList("ALWAYS_RESPOND_CHANNELS", "SHOULD_RESPOND_BYPASS_TYPES")...)
	if slices.ContainsFunc(always, func(t string) bool { return strings.EqualFold(t, u.t.ChannelType) }) {
		return true
	}
	sources := append([]string{"client_chat"}, u.r.settingList("ALWAYS_RESPOND_SOURCES", "SHOULD_RESPOND_BYPASS_SOURCES")...)
	source := strings.ToLower(u.memory.Content.Source)
	if slices.ContainsFunc(sources, func(s string) bool { return strings.Contains(source, strings.ToLower(s)) }) {
		return true
	}
	if m, ok := u.t.Content.Extra["mentionContext"].(map[string]any); ok && (m["isMention"] == true || m["isReply"] == true) {
		return true
	}
	return mentions(u.t.Content.Text, u.char.Name) || mentions(u.t.Content.Text, u.char.Username)
}

// mentions tells whether a name stands in a text as a word or words of their own, whatever the case.
func mentions(text, name string) bool {
	text, name = strings.ToLower(text), strings.ToLower(strings.TrimSpace(name))
	if name == "" {
		return false
	}
	for at := 0; ; {
		i := strings.Index(text[at:], name)
		if i < 0 {
			return false
		}
		begin, end := at+i, at+i+len(name)
		before, _ := utf8.DecodeLastRuneInString(text[:begin])
		after, _ := utf8.DecodeRuneInString(text[end:])
		if (begin == 0 || !wordRune(before)) && (end == len(text) || !wordRune(after)) {
			return true
		}
		_, size := utf8.DecodeRuneInString(text[begin:])
		at = begin + size
	}
}

func wordRune(c rune) bool { return c == '_' || unicode.IsLetter(c) || unicode.IsDigit(c) }
