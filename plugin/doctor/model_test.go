package doctor

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/runtime/core"
)

func user(text string) core.ChatMessage {
	return core.ChatMessage{Role: "user", Name: "Ann", Text: text}
}

func agent(text string) core.ChatMessage {
	return core.ChatMessage{Role: "assistant", Name: "Eliza", Text: text}
}

func by(name, text string) core.ChatMessage {
	return core.ChatMessage{Role: "user", Name: name, Text: text}
}

func request(purpose string, messages ...core.ChatMessage) core.TextRequest {
	return core.TextRequest{Purpose: purpose, AgentName: "Eliza", Messages: messages}
}

func generate(t testing.TB, m core.TextModel, r core.TextRequest) (string, []core.TextDelta) {
	t.Helper()
	var text strings.Builder
	var deltas []core.TextDelta
	for d, err := range m.Generate(t.Context(), r) {
		if err != nil {
			t.Fatalf("Generate: %v", err)
		}
		text.WriteString(d.Text)
		deltas = append(deltas, d)
	}
	return text.String(), deltas
}

func TestPlugin(t *testing.T) {
	t.Parallel()
	p := Plugin(Options{})
	if p.Name != "doctor" || p.Priority != math.MinInt {
		t.Errorf("Plugin() = %q, priority %d", p.Name, p.Priority)
	}
	models, err := p.Models(nil)
	if err != nil || models.Text == nil || models.Embedder == nil {
		t.Fatalf("Models() = %v, %v", models, err)
	}
}

func TestPurposes(t *testing.T) {
	t.Parallel()
	const plain = "A good morning to you. What brings you here?"
	script := parse(t, "none\n> N.\nopening\n> I am {agent}.\nkey tell\n? tell 0\n> Is <(2)> & so on?\nkey good\n? 0\n> "+plain)
	m := NewModel(Options{Script: script})
	escaped := "Is &lt;one&gt; &amp; so on?"
	tests := []struct {
		name string
		r    core.TextRequest
		want string
	}{
		{
			"respond", request(core.PurposeRespond, user("tell one")),
			"<response>\n  <thought>What matters here is \"tell\"; I take that up.</thought>\n  <actions>REPLY</actions>\n" +
				"  <providers></providers>\n  <text>" + escaped + "</text>\n</response>",
		},
		{
			"reply", request(core.PurposeReply, user("x")),
			"<response>\n  <thought>Nothing stands out yet, so I keep them talking.</thought>\n  <text>N.</text>\n</response>",
		},
		{"nothing said yet", request("", agent("Hi")), "I am Eliza."},
		{"another purpose", request("other", user("tell one")), "Is <one> & so on?"},
		{"no messages", core.TextRequest{Prompt: "good"}, plain},
		{"no messages and a purpose", core.TextRequest{Purpose: core.PurposeReply, Prompt: "good", AgentName: "A"}, tagReply("I am A.")},
		{"nothing at all", core.TextRequest{}, "I am Doctor."},
		{"continue", request(core.PurposeContinue, user("good"), agent(plain[:20])), "<text>" + plain[20:] + "</text>"},
		{"continue after a word", request(core.PurposeContinue, user("good"), agent("A good morning")), "<text>to you. What brings you here?</text>"},
		{"continue what is not ours", request(core.PurposeContinue, user("good"), agent("Foo")), "<text> " + plain + "</text>"},
		{"continue nothing", request(core.PurposeContinue, user("tell one")), "<text>" + escaped + "</text>"},
		{
			"reflect", request(core.PurposeReflect, user("x")),
			"<response>\n  <thought>Nothing was said that has to be kept.</thought>\n  <facts></facts>\n  <relationships></relationships>\n</response>",
		},
		{
			"should respond", request(core.PurposeShouldRespond, user("Eliza?")),
			"<response>\n  <name>Eliza</name>\n  <reasoning>I was addressed by name.</reasoning>\n  <action>RESPOND</action>\n</response>",
		},
		{"stop sequence", core.TextRequest{Prompt: "good", Stop: []string{"", "you.", "brings"}}, "A good morning to "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, _ := generate(t, m, tt.r)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Generate (-want +got):\n%s", diff)
			}
		})
	}
}

func tagReply(text string) string { return response(tag("thought", thought("")), tag("text", text)) }

func TestStream(t *testing.T) {
	t.Parallel()
	m := NewModel(Options{Script: parse(t, "none\n> One two  three.")})
	t.Run("deltas", func(t *testing.T) {
		t.Parallel()
		_, got := generate(t, m, core.TextRequest{System: "be brief", Prompt: "say something\nnow"})
		want := []core.TextDelta{
			{Text: "One "},
			{Text: "two "},
			{Text: "three.", FinishReason: "stop", Usage: &core.Usage{PromptTokens: 5, CompletionTokens: 3, TotalTokens: 8}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Generate (-want +got):\n%s", diff)
		}
	})
	t.Run("usage of messages", func(t *testing.T) {
		t.Parallel()
		_, got := generate(t, m, core.TextRequest{Messages: []core.ChatMessage{user("a b"), agent("c"), user("d")}})
		if u := got[len(got)-1].Usage; u == nil || u.PromptTokens != 4 {
			t.Errorf("Usage = %+v", u)
		}
	})
	t.Run("length", func(t *testing.T) {
		t.Parallel()
		text, got := generate(t, m, core.TextRequest{Prompt: "x", MaxTokens: 2})
		if last := got[len(got)-1]; text != "One two " || last.FinishReason != "length" || last.Usage.CompletionTokens != 2 {
			t.Errorf("Generate = %q, %+v", text, last)
		}
	})
	t.Run("exactly the length", func(t *testing.T) {
		t.Parallel()
		if _, got := generate(t, m, core.TextRequest{Prompt: "x", MaxTokens: 3}); got[len(got)-1].FinishReason != "stop" {
			t.Errorf("FinishReason = %q", got[len(got)-1].FinishReason)
		}
	})
	t.Run("nothing left", func(t *testing.T) {
		t.Parallel()
		text, got := generate(t, m, core.TextRequest{Prompt: "x", Stop: []string{"One"}})
		if text != "" || len(got) != 1 || got[0].FinishReason != "stop" {
			t.Errorf("Generate = %q, %+v", text, got)
		}
	})
	t.Run("breaking off", func(t *testing.T) {
		t.Parallel()
		n := 0
		for range m.Generate(t.Context(), core.TextRequest{Prompt: "x"}) {
			n++
			break
		}
		if n != 1 {
			t.Errorf("%d deltas", n)
		}
	})
	t.Run("ended before", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, err := range m.Generate(ctx, core.TextRequest{Prompt: "x"}) {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("err = %v", err)
			}
		}
	})
	t.Run("ended between", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		n := 0
		var last error
		for _, err := range m.Generate(ctx, core.TextRequest{Prompt: "x"}) {
			n, last = n+1, err
			cancel()
		}
		if n != 2 || !errors.Is(last, context.Canceled) {
			t.Errorf("%d deltas, the last with %v", n, last)
		}
	})
}

func TestDelay(t *testing.T) {
	t.Parallel()
	script := parse(t, "none\n> One two three.")
	t.Run("a pause for each delta", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			generate(t, NewModel(Options{Script: script, Delay: time.Second}), core.TextRequest{Prompt: "x"})
			if d := time.Since(start); d != 3*time.Second {
				t.Errorf("took %v", d)
			}
		})
	})
	t.Run("ends with its context", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
			defer cancel()
			var last error
			for _, err := range NewModel(Options{Script: script, Delay: time.Minute}).Generate(ctx, core.TextRequest{Prompt: "x"}) {
				last = err
			}
			if !errors.Is(last, context.DeadlineExceeded) {
				t.Errorf("err = %v", last)
			}
		})
	})
}

func TestReplay(t *testing.T) {
	t.Parallel()
	m := NewModel(Options{Script: parse(t, `
none
> N1.
> N2.
> N3.
key my = your
? 0 your 0
> Your (3).
memory my
? 0 your 0
> Earlier: your (3).
`)})
	tests := []struct {
		name     string
		messages []core.ChatMessage
		want     string
	}{
		{"rotation", []core.ChatMessage{user("x"), agent("N1."), user("x")}, "N2."},
		{"a window on a longer conversation", []core.ChatMessage{user("x"), agent("N2."), user("x")}, "N3."},
		{"memory", []core.ChatMessage{user("my cat"), agent("Your cat."), user("x")}, "Earlier: your cat."},
		{"memory was used", []core.ChatMessage{user("my cat"), agent("Your cat."), user("x"), agent("Earlier: your cat."), user("x")}, "N1."},
		{"not what others said", []core.ChatMessage{by("Bob", "my cat"), agent("Your cat."), user("x")}, "N1."},
		{"but in rotation with them", []core.ChatMessage{by("Bob", "x"), agent("N1."), user("x")}, "N2."},
		{"a system message is not answered", []core.ChatMessage{user("my cat"), {Role: "system", Text: "my dog"}}, "Your cat."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, _ := generate(t, m, request("", tt.messages...)); got != tt.want {
				t.Errorf("Generate = %q, want %q", got, tt.want)
			}
		})
	}
}

// A conversation held through requests is the one held with a Conversation.
func TestReplayIsTheConversation(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{0, 7} {
		m, c := NewModel(Options{Seed: seed}), NewConversation(DefaultScript(), seed, "Eliza")
		var messages []core.ChatMessage
		for _, line := range goldenLines(t, "first") {
			messages = append(messages, user(line))
			got, _ := generate(t, m, request("", messages...))
			if want := c.Respond(line); got != want {
				t.Fatalf("seed %d: answer to %q = %q, want %q", seed, line, got, want)
			}
			messages = append(messages, agent(got))
		}
	}
}

func TestConcurrency(t *testing.T) {
	t.Parallel()
	m := NewModel(Options{})
	r := request(core.PurposeRespond, user("my mother"), agent("?"), user("x"), agent("!"), user("I am sad about <you>"))
	want, _ := generate(t, m, r)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				var b strings.Builder
				for d := range m.Generate(context.Background(), r) {
					b.WriteString(d.Text)
				}
				if b.String() != want {
					t.Errorf("Generate = %q, want %q", b.String(), want)
				}
			}
		})
	}
	wg.Wait()
}
