package doctor

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/eliza-go/eliza/runtime/core"
)

// A script either does not parse or holds a conversation.
func FuzzParse(f *testing.F) {
	f.Add([]byte(scriptText))
	f.Add([]byte("none\n> N.\n@c a b\nbreak but\nagree [i you] $ = me\nkey a b = c d 3\n? 0 @c 2 [x y]\n> (1) {agent}\n> =a\n> !pre x (3) =a\n> !newkey\nmemory a 2\n? 0\n> (1)\nkey z => a"))
	for line := range strings.Lines(scriptText) {
		f.Add([]byte("none\n> N.\nkey a\n? 0\n" + line))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse(data)
		if err != nil {
			return
		}
		c := NewConversation(s, 1, "Ada")
		for _, text := range []string{"", "a", "I am a b c", string(data)} {
			c.Respond(text)
		}
	})
}

func FuzzRespond(f *testing.F) {
	script := DefaultScript()
	for _, s := range []string{
		"", " ", "I am sad", "...", "🍕", "\x00\x07\xff", "i i i i", "you are me and I am you", "my", "ﬀ ß ŉ", "<text>&amp;",
		strings.Repeat("my mother is always like my ", 40), strings.Repeat("a", 200), "@eliza eliza:", "“I’m”—he's", "İ am",
	} {
		f.Add(s, "x")
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		c := NewConversation(script, 3, "Eliza")
		for _, text := range []string{first, second, first, "x", "x"} {
			checkAnswer(t, text, c.Respond(text))
		}
		c.Observe(second, first)
		checkAnswer(t, first, c.Respond(first))
	})
}

func checkAnswer(t *testing.T, text, got string) {
	t.Helper()
	first, _ := utf8.DecodeRuneInString(got)
	last, _ := utf8.DecodeLastRuneInString(got)
	switch {
	case got == "":
		t.Errorf("Respond(%q) says nothing", text)
	case !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl):
		t.Errorf("Respond(%q) = %q: not clean", text, got)
	case unicode.IsLower(first) && unicode.ToTitle(first) != first:
		t.Errorf("Respond(%q) = %q: no capital", text, got)
	case !strings.ContainsRune(sentenceMarks, last):
		t.Errorf("Respond(%q) = %q: no mark at the end", text, got)
	}
}

// What a model gets may be of any size and kind; an answer takes a bounded time.
func TestHugeMessages(t *testing.T) {
	t.Parallel()
	c := NewConversation(DefaultScript(), 0, "")
	for _, piece := range []string{"a", "my mother ", "I am ", "you ", ", ", "?", "\x00", "🍕", "i'm not you, ", "always if because ", "\xff", "-", "'", "é"} {
		text := strings.Repeat(piece, 100_000/len(piece))
		start := time.Now()
		checkAnswer(t, piece, c.Respond(text))
		if d := time.Since(start); d > time.Second {
			t.Errorf("%q repeated took %v", piece, d)
		}
	}
}

func history(n int) []core.ChatMessage {
	said := []string{"Hello there", "My boss hates me and I am afraid of him", "I want to sleep", "Hm", "I think you don't listen", "My mother always said that"}
	var out []core.ChatMessage
	for i := range n {
		out = append(out, user(said[i%len(said)]), agent("I see, and why would that be?"))
	}
	return append(out, user("I remember that I was happy in Paris"))
}

func BenchmarkGenerate(b *testing.B) {
	m := NewModel(Options{})
	for _, bb := range []struct {
		name string
		n    int
	}{{"short", 2}, {"50 messages", 25}, {"50 answers", 50}} {
		r := request(core.PurposeRespond, history(bb.n)...)
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, err := range m.Generate(b.Context(), r) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func BenchmarkEmbed(b *testing.B) {
	e := NewEmbedder()
	texts := []string{"I think that my mother never listened to what I had to say about the house in Paris"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Embed(b.Context(), texts); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse([]byte(scriptText)); err != nil {
			b.Fatal(err)
		}
	}
}
