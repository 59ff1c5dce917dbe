package doctor

import (
	"testing"

	"github.com/eliza-go/eliza/runtime/core"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	bobToCarl := []core.ChatMessage{by("Carl", "hi"), by("Bob", "Carl, did you see it?")}
	tests := []struct {
		name     string
		messages []core.ChatMessage
		want     string
	}{
		{"nothing", nil, actionIgnore},
		{"its own message", []core.ChatMessage{user("x"), agent("y")}, actionIgnore},
		{"no words", []core.ChatMessage{user("!!")}, actionIgnore},
		{"by name", []core.ChatMessage{user("what do you say, Eliza?")}, actionRespond},
		{"by a mention", append(bobToCarl, user("@eliza come here")), actionRespond},
		{"by name in the middle of others", append(bobToCarl, by("Carl", "Bob, ask Eliza")), actionRespond},
		{"somebody else first", append(bobToCarl, by("Carl", "Bob, I did")), actionIgnore},
		{"somebody else after a greeting", append(bobToCarl, by("Carl", "hey bob how are you")), actionIgnore},
		{"somebody else at the end", append(bobToCarl, by("Carl", "are you sure, Bob?")), actionIgnore},
		{"somebody else by a mention", []core.ChatMessage{user("@dora are you there?")}, actionIgnore},
		{"you, while others talk", append(bobToCarl, by("Carl", "did you?")), actionIgnore},
		{"a statement while others talk", append(bobToCarl, by("Carl", "it was red")), actionIgnore},
		{"everybody, while others talk", append(bobToCarl, by("Carl", "does anyone know?")), actionRespond},
		{"everybody by a mention", append(bobToCarl, by("Carl", "@everyone lunch")), actionRespond},
		{"you, and nobody else is there", []core.ChatMessage{user("can you help?")}, actionRespond},
		{"nobody was addressed", []core.ChatMessage{user("I had a bad day")}, actionRespond},
		{"after its own words", append(bobToCarl, agent("Let me know."), by("Carl", "fine")), actionRespond},
		{"others talked long ago", append(bobToCarl, by("Carl", "a"), by("Carl", "b"), by("Carl", "c"), by("Carl", "d"), by("Carl", "e")), actionRespond},
		{"stop, by name", []core.ChatMessage{user("Eliza, stop")}, actionStop},
		{"be quiet, by name", []core.ChatMessage{user("please be quiet eliza")}, actionStop},
		{"stop, after its own words", []core.ChatMessage{user("x"), agent("y"), user("Shut up!")}, actionStop},
		{"stop, everybody", []core.ChatMessage{user("be quiet everybody")}, actionStop},
		{"stop, to somebody else", append(bobToCarl, agent("y"), by("Carl", "Bob, stop it")), actionIgnore},
		{"speaking of stopping", []core.ChatMessage{user("Eliza, how do I stop smoking?")}, actionRespond},
		{"not to stop", []core.ChatMessage{user("Eliza, don't stop")}, actionRespond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, why := judge(request(core.PurposeShouldRespond, tt.messages...)); got != tt.want {
				t.Errorf("judge = %s (%s), want %s", got, why, tt.want)
			}
		})
	}
	t.Run("a name of two words", func(t *testing.T) {
		t.Parallel()
		r := request("", append(bobToCarl, user("Dr Freud is late"))...)
		r.AgentName = "Dr Freud"
		if got, why := judge(r); got != actionRespond {
			t.Errorf("judge = %s (%s)", got, why)
		}
	})
}

func TestTitle(t *testing.T) {
	t.Parallel()
	tests := []struct {
		messages []core.ChatMessage
		want     string
	}{
		{nil, "A quiet conversation"},
		{[]core.ChatMessage{user("hello"), agent("And how are you?")}, "A quiet conversation"},
		{[]core.ChatMessage{user("I think of fishing")}, "A talk about fishing"},
		{[]core.ChatMessage{user("My boss shouts")}, "Boss and shouts"},
		{
			[]core.ChatMessage{user("My boss in Berlin shouts at me"), agent("Since when?"), user("The boss? Since Berlin. I lose sleep."), agent("Sleep?")},
			"Boss, Berlin and sleep",
		},
		{[]core.ChatMessage{user("boss & <b> http://example.com/a?b=c")}, "A talk about boss"},
		{[]core.ChatMessage{user("Привет мир")}, "Привет and мир"},
	}
	for _, tt := range tests {
		if got := title(tt.messages); got != tt.want {
			t.Errorf("title = %q, want %q", got, tt.want)
		}
	}
}
