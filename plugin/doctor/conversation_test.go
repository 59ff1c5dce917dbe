package doctor

import (
	"fmt"
	"strings"
	"testing"
)

func TestMechanisms(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, script string
		lines        []string // message, answer, message, answer …
	}{
		{"none in rotation", "none\n> One.\n> Two.", []string{"x", "One.", "x", "Two.", "x", "One."}},
		{"blank", "none\n> N.\nblank\n> B.", []string{"", "B.", " ?! ", "B.", "🙂", "B.", "x", "N."}},
		{
			"the highest rank wins, then the first word",
			"none\n> N.\nkey low\n? 0\n> Low.\nkey also\n? 0\n> Also.\nkey high 3\n? 0\n> High.",
			[]string{"low and high", "High.", "high and low", "High.", "also low", "Also.", "low also", "Low."},
		},
		{
			"each pattern rotates on its own",
			"none\n> N.\nkey a\n? a b\n> One.\n> Two.\n? 0\n> Three.\n> Four.",
			[]string{"a b", "One.", "a", "Three.", "a b", "Two.", "a c", "Four.", "a b", "One."},
		},
		{
			"patterns are tried in order",
			"none\n> N.\nkey a\n? a 2\n> Two (2).\n? a 1\n> One (2).\n? 0 a 0\n> Any (1)/(3).",
			[]string{"a x y", "Two x y.", "a x", "One x.", "q a x y z", "Any q/x y z."},
		},
		{
			"alternatives and classes",
			"none\n> N.\n@pet cat dog\n@pet bird\nkey my\n? 0 my @pet 0\n> The (3).\n? 0 my [car bike] 0\n> Wheels: (3).",
			[]string{"see my bird fly", "The bird.", "my bike", "Wheels: bike.", "my boat", "N."},
		},
		{
			"words are swapped as they are read",
			"none\n> N.\nkey i = you\n? 0 you 0\n> You (3).\nkey my = your\nkey me = you\nkey you = i\nkey am = are\nagree i $ = me",
			[]string{"I am sad about my cat", "You are sad about your cat.", "I like you", "You like me.", "I saw you see me", "You saw I see you."},
		},
		{
			"swapped words keep no keyword when they only replace",
			"none\n> N.\nkey my = your\nkey cant = can not\nkey can\n? 0\n> Can.",
			[]string{"my", "N.", "cant", "N.", "can", "Can."},
		},
		{
			"keywords and replies link to others",
			"none\n> N.\nkey what\n? 0\n> What.\n> What else.\nkey how => what\nkey when\n? 0\n> =what",
			[]string{"how", "What.", "when", "What else.", "what", "What."},
		},
		{
			"a rewritten message goes to another keyword",
			"none\n> N.\nkey i'm = you're\n? 0 you're 0\n> !pre you are (3) =i\nkey i = you\n? 0 you are 0\n> Are you (4)?",
			[]string{"Well I'm tired", "Are you tired?"},
		},
		{
			"newkey takes the next keyword",
			"none\n> N.\nkey a 2\n? a\n> A.\n? 0\n> !newkey\nkey b 1\n? 0\n> B.",
			[]string{"b a", "B.", "a", "A.", "a c", "N."},
		},
		{
			"no pattern matches: the next keyword",
			"none\n> N.\nkey a 2\n? a\n> A.\nkey b\n? 0\n> B.",
			[]string{"a b", "B."},
		},
		{
			"an empty component is not repeated",
			"none\n> N.\nkey a\n? 0 a 0\n> After (3).\n> Plain.\n? 0\n> Bare.",
			[]string{"a", "Plain.", "a b", "After b.", "a", "Plain."},
		},
		{
			"the first clause with a keyword is kept",
			"none\n> N.\nkey a\n? 0 a 0\n> (1)-(3).\nkey b 9\n? 0\n> B.\nbreak but",
			[]string{
				"x, q a y, b", "Q-y.", "x. q a z; b", "Q-z.", "x a y but b", "X-y.", "nothing\nb", "B.",
				"q a 3,5 pm", "Q-3,5 pm.", "q a example.com is up", "Q-example.com is up.",
			},
		},
		{
			"a weak keyword does not hold its clause",
			"none\n> N.\nkey hi -1\n? 0\n> Hi.\nkey a\n? 0\n> A.",
			[]string{"hi, x", "Hi.", "hi! a", "A.", "hi a", "A."},
		},
		{
			"endless links end",
			"none\n> N.\nkey a\n? 0\n> =b\nkey b\n? 0\n> =a\nkey c\n? 0\n> !pre c c (1) =c\nkey d => e\nkey e => d",
			[]string{"a", "N.", "c", "N.", "d", "N."},
		},
		{
			"the agent's name as an address is no keyword",
			"none\n> N.\nkey ada 9\n? 0\n> Ada?\nkey a\n? 0\n> A.",
			[]string{"Ada, a", "A.", "@ada a", "A.", "ADA: a", "A.", "Ada a", "Ada?", "Ada", "Ada?", "Ada!", "N."},
		},
		{"names", "none\n> I am {agent}.", []string{"x", "I am Ada."}},
		{"nothing in a message is a command", "none\n> N.\nkey a\n? a 0\n> (2)", []string{"a {agent} =b !newkey", "Agent =b."}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			talk(t, NewConversation(parse(t, tt.script), 0, "Ada"), tt.lines...)
		})
	}
}

const memoryScript = `
none
> N1.
> N2.
key my = your 2
? 0 your 0
> Your (3).
key top 9
? 0
> Top.
memory my %d
? 0 your 0
> Earlier: your (3)
`

func TestMemory(t *testing.T) {
	t.Parallel()
	t.Run("first stored first out", func(t *testing.T) {
		t.Parallel()
		c := NewConversation(parse(t, fmt.Sprintf(memoryScript, 1)), 0, "")
		talk(t, c, "my cat", "Your cat.", "my dog", "Your dog.", "x", "Earlier: your cat.", "x", "Earlier: your dog.", "x", "N1.")
	})
	t.Run("at each second message without keywords", func(t *testing.T) {
		t.Parallel()
		c := NewConversation(parse(t, fmt.Sprintf(memoryScript, 2)), 0, "")
		talk(t, c, "my cat", "Your cat.", "x", "N1.", "top", "Top.", "x", "Earlier: your cat.", "x", "N2.")
	})
	t.Run("only when it is the highest keyword", func(t *testing.T) {
		t.Parallel()
		c := NewConversation(parse(t, fmt.Sprintf(memoryScript, 1)), 0, "")
		talk(t, c, "my cat is on top", "Top.", "x", "N1.")
	})
	t.Run("is bounded", func(t *testing.T) {
		t.Parallel()
		c := NewConversation(parse(t, fmt.Sprintf(memoryScript, 1)), 0, "")
		for i := range 10 * maxMemory {
			c.Respond(fmt.Sprintf("my thing%d", i))
		}
		if len(c.stored) != maxMemory {
			t.Errorf("stored %d, want %d", len(c.stored), maxMemory)
		}
	})
}

func TestObserve(t *testing.T) {
	t.Parallel()
	t.Run("goes on after the reply that was given", func(t *testing.T) {
		t.Parallel()
		c := NewConversation(parse(t, "none\n> One.\n> Two.\n> Three."), 0, "")
		c.Observe("x", "Two.")
		talk(t, c, "x", "Three.")
	})
	t.Run("takes a foreign reply", func(t *testing.T) {
		t.Parallel()
		c := NewConversation(parse(t, "none\n> One.\n> Two."), 0, "")
		c.Observe("x", "Something else")
		talk(t, c, "x", "Two.")
	})
	t.Run("takes out what was brought up", func(t *testing.T) {
		t.Parallel()
		c := NewConversation(parse(t, fmt.Sprintf(memoryScript, 1)), 0, "")
		c.Observe("my cat", "Your cat.")
		c.Observe("x", "Earlier: your cat.")
		talk(t, c, "x", "N1.")
	})
}

func TestSeed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for seed := range uint64(20) {
		a, b := NewConversation(DefaultScript(), seed, ""), NewConversation(DefaultScript(), seed, "")
		var all strings.Builder
		for _, m := range []string{"hello", "my job", "x", "I am sad", "x"} {
			got, again := a.Respond(m), b.Respond(m)
			if got != again {
				t.Fatalf("seed %d: %q and %q", seed, got, again)
			}
			all.WriteString(got)
		}
		seen[all.String()] = true
	}
	if len(seen) < 15 {
		t.Errorf("20 seeds gave %d conversations", len(seen))
	}
}

func TestPronouns(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"I am afraid of my boss":                     "you are afraid of your boss",
		"you are my friend":                          "i am your friend",
		"are you there":                              "am i there",
		"I was with you":                             "you were with me",
		"was I wrong":                                "were you wrong",
		"were you there":                             "was i there",
		"I told you I was tired":                     "you told me you were tired",
		"I want you to help me":                      "you want me to help you",
		"how do you do":                              "how do i do",
		"I gave you my book":                         "you gave me your book",
		"I hate myself":                              "you hate yourself",
		"is that yours or mine to you":               "is that mine or yours to me",
		"I'm sure you're right":                      "you are sure i am right",
		"I’ve seen it":                               "you have seen it",
		"my mother thinks you are kind":              "your mother thinks i am kind",
		"I wasn't sure you weren't":                  "you weren't sure i wasn't",
		"you never listen to me":                     "i never listen to you",
		"what do you think of me":                    "what do i think of you",
		"I love you and you know it":                 "you love me and i know it",
		"can you teach me what you know about dogs":  "can i teach you what i know about dogs",
		"she said that you would take me to my home": "she said that i would take you to your home",
	}
	s := DefaultScript()
	for text, want := range tests {
		words, _, _ := s.scan(text)
		got := make([]string, len(words))
		for i, w := range words {
			got[i] = w.low
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("scan(%q) = %q, want %q", text, g, want)
		}
	}
}

func TestCasing(t *testing.T) {
	t.Parallel()
	const script = "none\n> N.\nkey a\n? 0 a 0\n> It is (3)\n? 0\n> (1)?"
	tests := []struct{ text, want string }{
		{"a Paris by NASA", "It is Paris by NASA."},
		{"A BIG HOUSE", "It is big house."},
		{"a " + strings.Repeat("é", 100), "It is " + strings.Repeat("é", maxWord) + "…"},
		{"a “quoted” *bold* (word)", "It is quoted bold word."},
		{"a \x00b\x07c\xff d\u202e", "It is b c d."},
		{"a wait…", "It is wait."},
	}
	for _, tt := range tests {
		talk(t, NewConversation(parse(t, script), 0, ""), tt.text, tt.want)
	}
	if got := sentence("éa  b ?"); got != "Éa b?" {
		t.Errorf("sentence = %q", got)
	}
}
