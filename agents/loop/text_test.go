package loop

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestTemplate(t *testing.T) {
	t.Parallel()
	values := map[string]any{
		"a": "x<y&z", "n": 3, "on": true, "off": false, "list": []string{"p", "q"}, "empty": []string{}, "m": map[string]any{"k": "v"},
		"rows": []any{map[string]any{"name": "A", "ok": true}, map[string]any{"name": "B"}}, "hole": "{{a}}",
	}
	for text, want := range map[string]string{
		"":                           "",
		"{{a}} {{{a}}} {{ a }}":      "x<y&z x<y&z x<y&z",
		"[{{missing}}]":              "[]",
		"{{n}} {{m.k}} {{m}} {{on}}": `3 v {"k":"v"} true`,
		"{{#if on}}yes{{else}}no{{/if}}{{#if off}}yes{{else}}no{{/if}}{{#if missing}}x{{/if}}": "yesno",
		"{{#if empty}}x{{else}}none{{/if}}":                                                    "none",
		"{{#each list}}{{@index}}={{this}};{{/each}}":                                          "0=p;1=q;",
		"{{#each rows}}{{name}}{{#if ok}}!{{/if}}{{this.name}}{{a}} {{/each}}":                 "A!Ax<y&z BBx<y&z ",
		"{{#each missing}}x{{/each}}":                                                          "",
		"{{#if on}}{{#if off}}a{{else}}b{{/if}}c{{/if}}":                                       "bc",
		"{{hole}}":              "{{a}}",
		"{{! note }}x":          "x",
		"{{a":                   "{{a",
		"{{#if on}}open":        "open",
		"{{/if}}x{{else}}":      "x",
		"}} {{}} {":             "}}  {",
		"{{#with m}}x{{/with}}": "x",
		"{{#if on}}{{#each list}}{{this}}{{/if}}{{/each}}": "pq",
		"{{{a}} }}}":  "",
		"{{ {{a}} }}": "{{ x<y&z }}",
	} {
		got := newTemplates().render(text, values)
		if text == "{{{a}} }}}" {
			continue // whatever it is, it must not panic
		}
		if got != want {
			t.Errorf("render(%q) = %q, want %q", text, got, want)
		}
	}
	big := newTemplates().render(strings.Repeat("{{#each l}}", 8)+"ä"+strings.Repeat("{{/each}}", 8), map[string]any{"l": make([]string, 50)})
	if len(big) > maxRendered || !utf8.ValidString(big) {
		t.Errorf("%d bytes", len(big))
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"{{#if a}}x{{else}}{{b}}{{/if}}", "{{#each l}}{{@index}}{{this.k}}{{/each}}", "{{{x}}}{{", "{{#each m.l}}{{#each l}}{{this}}"} {
		f.Add(s)
	}
	values := map[string]any{"a": true, "b": "text", "l": []any{"x", map[string]any{"k": 1}}, "m": map[string]any{"l": []string{"y"}}}
	f.Fuzz(func(t *testing.T, s string) {
		if got := newTemplates().render(s, values); len(got) > maxRendered {
			t.Errorf("%d bytes", len(got))
		}
	})
}

var answers = map[string]fields{
	"<think>x</think><response><thought>a &lt;b&gt;</thought><actions>REPLY, NONE</actions><providers></providers><text>Hi\n<b>x</b> &amp; y</text></response>": {
		"thought": "a <b>", "actions": "REPLY, NONE", "providers": "", "text": "Hi\n<b>x</b> & y",
	},
	"plain text": nil,
	"<response><thought>a</thought><actions>REPLY</actions><text>cut off":                     nil,
	"say <answer><text>x</text></answer> so":                                                  {"text": "x"},
	"<response><text>a <text>b</text> c</text></response>":                                    {"text": "a <text>b</text> c"},
	`<response><text lang="en">a</text><x/><!-- <text>no</text> --><?pi?><y>z</y></response>`: {"text": "a", "y": "z"},
	"<response><text>&amp;lt; &apos;&quot; &nbsp; &</text></response>":                        {"text": `&lt; '" &nbsp; &`},
	"<response><thought>open<actions>REPLY</actions><text>hi</text></response>":               {"actions": "REPLY", "text": "hi"},
	"<response><actions>REPLY</actions><text>no end</response>":                               {"actions": "REPLY", "text": "no end"},
	"<response><text>one</text><text>two</text></response>":                                   {"text": "one"},
	`<response><text><svg><text x="1">in</text></svg></text></response>`:                      {"text": `<svg><text x="1">in</text></svg>`},
	"<response></response>": {},
	"I <3 you & <b>":        nil,
}

func TestParseAnswer(t *testing.T) {
	t.Parallel()
	for s, want := range answers {
		got, ok := parseAnswer(s)
		if ok != (len(want) > 0) {
			t.Errorf("parseAnswer(%q) ok = %v", s, ok)
		}
		if diff := cmp.Diff(want, got); ok && diff != "" {
			t.Errorf("parseAnswer(%q): %s", s, diff)
		}
	}
	if diff := cmp.Diff([]string{"A", "B_C"}, fields{"actions": " A ,, B_C,"}.list("actions")); diff != "" {
		t.Error(diff)
	}
}

func TestPlainText(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{" a <b>c</b> ": "a <b>c</b>", "<think>x</think> a": "a", "<text>a": "", "x</response>": "", "  ": "", "<think>a": ""} {
		if got, _ := plainText(s); got != want {
			t.Errorf("plainText(%q) = %q, want %q", s, got, want)
		}
	}
}

// pieces feeds an extractor and returns what it showed in all, the tail included.
func pieces(x *extractor, list ...string) string {
	var out strings.Builder
	var valid utf8Reader
	for _, p := range list {
		out.WriteString(x.feed(valid.next(p, false)))
	}
	out.WriteString(x.feed(valid.next("", true)))
	out.WriteString(x.end())
	return out.String()
}

func onlyReply(actions, providers string) bool { return actions == "REPLY" && providers == "" }

func TestExtractor(t *testing.T) {
	t.Parallel()
	const pre = "<response><thought>x <y> &amp;</thought><actions> REPLY </actions><providers></providers>"
	for name, tt := range map[string]struct {
		answer string
		want   string
		reply  bool // a reply's own call
		cut    bool
	}{
		"simple":          {answer: pre + "<text>Hello</text></response>", want: "Hello"},
		"decoded":         {answer: pre + "<text>\n a &lt;b&gt; &amp;lt; &x; & <b>c</b> &\n</text></response>", want: "a <b> &lt; &x; & <b>c</b> &"},
		"several bytes":   {answer: pre + "<text>häüß 😀\n\n — ok</text>", want: "häüß 😀\n\n — ok"},
		"nested":          {answer: pre + `<text>a <text x="1">b</text> <text/> <texta> c</text>`, want: `a <text x="1">b</text> <text/> <texta> c`},
		"other action":    {answer: strings.Replace(pre, "REPLY", "REPLY, PAY", 1) + "<text>Hello</text></response>", want: ""},
		"providers":       {answer: strings.Replace(pre, "<providers>", "<providers>FACTS", 1) + "<text>Hello</text></response>", want: ""},
		"text first":      {answer: "<response><text>Hello</text><actions>REPLY</actions></response>", want: ""},
		"no response":     {answer: strings.TrimPrefix(pre, "<response>") + "<text>Hello</text>", want: ""},
		"thinking":        {answer: " <think>no <response><actions>REPLY</actions><text>no</text></think>" + pre + "<text>Hello</text>", want: "Hello"},
		"comment":         {answer: pre + "<!-- <text>no</text> --><text>Hello</text>", want: "Hello"},
		"end inside":      {answer: pre + "<text>Hello</response> after", want: "Hello"},
		"cut":             {answer: pre + "<text>Hello &am", want: "Hello &am", cut: true},
		"cut in the tag":  {answer: pre + "<text>Hello</tex", want: "Hello"},
		"plain":           {answer: "plain <text>", want: "", cut: true},
		"reply":           {answer: "<response><thought>t</thought><text> Hi &amp; bye </text></response>", want: "Hi & bye", reply: true},
		"reply, bare":     {answer: "<text>Hi</text>", want: "Hi", reply: true},
		"reply, plain":    {answer: "  just <b>words</b> &amp; a <thing \n", want: "just <b>words</b> &amp; a <thing", reply: true},
		"reply, JSON":     {answer: ` {"text":"no"}`, want: "", reply: true, cut: true},
		"reply, thinking": {answer: "<think>a</think>\nwords", want: "words", reply: true},
		"reply, tag late": {answer: "Sure: <response><text>no</text></response>", want: "Sure:", reply: true, cut: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simple := onlyReply
			if tt.reply {
				simple = nil
			}
			for i := range len(tt.answer) + 1 {
				for j := i; j <= len(tt.answer); j += 1 + len(tt.answer)/40 {
					x := newExtractor(simple, &shown{})
					if got := pieces(x, tt.answer[:i], tt.answer[i:j], tt.answer[j:]); got != tt.want || x.complete == (tt.cut || tt.want == "") {
						t.Fatalf("split at %d and %d: %q (complete %v), want %q", i, j, got, x.complete, tt.want)
					}
				}
			}
			bytes := strings.Split(tt.answer, "")
			if got := pieces(newExtractor(simple, &shown{}), bytes...); got != tt.want {
				t.Errorf("character by character: %q", got)
			}
		})
	}
}

func FuzzParseAnswer(f *testing.F) {
	for s := range answers {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, v := range first(parseAnswer(s)) {
			if name == "" || v != strings.TrimSpace(v) {
				t.Errorf("%q: %q", name, v)
			}
		}
		children(s)
		plainText(s)
	})
}

func first(f fields, _ bool) fields { return f }

// FuzzExtractor checks that the pieces do not depend on how the answer was cut, that nothing invalid is
// shown, and that a complete text is the one the parser finds.
func FuzzExtractor(f *testing.F) {
	for s := range answers {
		f.Add(s, uint16(7), uint16(20))
		f.Add("<response><actions>REPLY</actions>"+s, uint16(40), uint16(45))
		f.Add("<response><actions>REPLY</actions><text>"+s+"</text>", uint16(40), uint16(45))
	}
	f.Fuzz(func(t *testing.T, s string, a, b uint16) {
		var valid utf8Reader
		s = valid.next(s, true)
		i, j := min(int(a), len(s)), min(int(b), len(s))
		if i > j {
			i, j = j, i
		}
		for _, simple := range []func(string, string) bool{onlyReply, nil} {
			x := newExtractor(simple, &shown{})
			whole := x.feed(s)
			complete := x.complete
			want := whole + x.end()
			if got := pieces(newExtractor(simple, &shown{}), s[:i], s[i:j], s[j:]); got != want {
				t.Errorf("split at %d and %d: %q, want %q", i, j, got, want)
			}
			if !utf8.ValidString(want) {
				t.Errorf("shows invalid text %q", want)
			}
			if f, ok := parseAnswer(s + responseEnd); simple != nil && complete && ok && f["text"] != want {
				t.Errorf("shows %q, parser finds %q", want, f["text"])
			}
		}
	})
}

func TestValidText(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{"äöü€😀": "äöü€😀", "a\xffb\xc3": "a\uFFFDb\uFFFD", "\x00": "\uFFFD", "\xe2\x82": "\uFFFD\uFFFD"} {
		for i := range len(s) + 1 {
			var u utf8Reader
			if got := u.next(s[:i], false) + u.next(s[i:], false) + u.next("", true); got != want {
				t.Errorf("%q cut at %d: %q, want %q", s, i, got, want)
			}
		}
	}
}

func TestPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []string
		begin := time.Now()
		p := &pacer{emit: func(s string) { got = append(got, time.Since(begin).String()+" "+s) }}
		p.add("a")
		p.add("b")
		p.add("")
		p.add("c")
		<-p.C
		p.due()
		time.Sleep(20 * time.Millisecond)
		p.add("d")
		p.due() // the end
		time.Sleep(time.Second)
		p.add("e")
		if diff := cmp.Diff([]string{"0s a", "50ms bc", "70ms d", "1.07s e"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestMentions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"Ada?": true, "@ada": true, "Adas": false, "canada": false, "canada, ada": true, "ada_x": false, "": false, "ÄAda": false} {
		if got := mentions(text, "Ada"); got != want {
			t.Errorf("mentions(%q) = %v", text, got)
		}
	}
	if mentions("x", "") || !mentions("hi Big Bird!", "big bird") {
		t.Error("names of none or two words")
	}
}

func TestAnswerFields(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		"<response><answer>yes</answer></response>":                   "yes",
		"<answer>yes</answer><text>t</text>":                          "yes",
		"<response><answer>yes</answer><text>cut":                     "yes",
		"<response><answer>yes</answer><text>whole</text></response>": "yes",
	} {
		if a := answerOf(answer, newExtractor(nil, &shown{})); a.Fields["answer"] != want {
			t.Errorf("%q has fields %v", answer, a.Fields)
		}
	}
}
