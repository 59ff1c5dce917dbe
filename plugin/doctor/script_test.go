package doctor

import (
	"strings"
	"testing"
	"unicode"
)

func TestParseErrors(t *testing.T) {
	t.Parallel()
	const none = "none\n> N.\n"
	tests := []struct{ name, script, want string }{
		{"empty", "", "it needs none"},
		{"not text", "none\n> \xff", "not UTF-8"},
		{"too long", none + strings.Repeat("#", maxScript), "too long"},
		{"unknown statement", none + "foo", `line 3: unknown statement "foo"`},
		{"reply without a pattern", none + "key a\n> A", "line 4: a reply without a pattern"},
		{"pattern without a keyword", none + "? 0", "line 3: a pattern without a keyword"},
		{"pattern after a stock reply", none + "? 0\n> A", "line 3: a pattern without a keyword"},
		{"pattern without replies", none + "key a\n? 0", "line 4: no replies"},
		{"stock without replies", "none", "line 1: no replies"},
		{"second stock", none + "none", "line 3: second none"},
		{"stock with arguments", "none 1", "takes no arguments"},
		{"stock that repeats", "none\n> (1)", "must be plain text"},
		{"stock that links", "none\n> =a\nkey a\n? 0\n> A", "must be plain text"},
		{"empty pattern", none + "key a\n?", "an empty pattern"},
		{"long pattern", none + "key a\n? " + strings.Repeat("0 ", maxElements+1), "too long"},
		{"large count", none + "key a\n? 33", "too many"},
		{"negative count", none + "key a\n? -1", "too few"},
		{"empty reply", none + "key a\n? 0\n>", "an empty reply"},
		{"unknown class", none + "key a\n? @b", "no class"},
		{"empty class", none + "@b", "a class needs"},
		{"open alternatives", none + "key a\n? [a b", "[ needs"},
		{"no alternatives", none + "key a\n? [ ]", "[ needs"},
		{"component outside", none + "key a\n? 0 a\n> (3)", "no component (3)"},
		{"many components", none + "key a\n? 0\n> " + strings.Repeat("(1)", maxParts+2), "too many components"},
		{"component zero", none + "key a\n? 0\n> (0)", "no component (0)"},
		{"open component", none + "key a\n? 0\n> (1", "only (number)"},
		{"unknown variable", none + "key a\n? 0\n> {b}", "only (number)"},
		{"unknown target", none + "key a\n? 0\n> =b", `line 5: no keyword "b"`},
		{"unknown link", none + "key a => b", `line 3: no keyword "b"`},
		{"two links", none + "key a => b c", "=> needs one keyword"},
		{"link to a mere word", none + "key a => b\nkey b = c", "without rules"},
		{"unknown command", none + "key a\n? 0\n> !foo", "unknown reply"},
		{"pre without a target", none + "key a\n? 0\n> !pre foo", "!pre needs"},
		{"keyword without a word", none + "key 3", "a keyword needs a word"},
		{"second keyword", none + "key a = b\nkey a = c", "second keyword"},
		{"keyword without anything", none + "key a", "does nothing"},
		{"empty swap", none + "key a =", "= needs"},
		{"rank", none + "key a 1001", "out of range"},
		{"second memory", none + "key a = b\nmemory a\n? 0\n> A\nmemory a", "second memory"},
		{"memory of nothing", none + "memory", "memory needs"},
		{"memory of an unknown keyword", none + "memory a", "does not exist"},
		{"memory each zeroth", none + "memory a 0", "memory needs"},
		{"agree without =", none + "agree a b", "agree needs ="},
		{"agree of unequal length", none + "agree a b = c", "as many words"},
		{"agree with a wildcard", none + "agree 0 = c", "no wildcards"},
		{"agree at the end of nothing", none + "agree $ = c", "as many words"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := Parse([]byte(tt.script)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Parse = %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// What is said must be well-formed, ours alone and never twice the same. That links lead somewhere and
// components exist is what Parse checks.
func TestShippedScript(t *testing.T) {
	t.Parallel()
	s := DefaultScript()
	words := map[*keyword]bool{}
	for _, k := range s.keys {
		if k.spoken() {
			words[k] = true
		}
	}
	if len(words) < 40 {
		t.Errorf("%d keywords", len(words))
	}
	seen := map[string]int{}
	for _, r := range s.rules {
		for i := range r.replies {
			reply := &r.replies[i]
			if reply.kind != sayText {
				if reply.kind != sayNewKey && reply.to == nil {
					t.Errorf("line %d: a link leads nowhere", r.line)
				}
				continue
			}
			var b strings.Builder
			for _, p := range reply.parts {
				b.WriteString(p.text)
				if p.component > 0 {
					b.WriteString("#")
				}
				if p.component > len(r.pattern) {
					t.Errorf("line %d: no component %d", r.line, p.component)
				}
			}
			text := b.String()
			if line, twice := seen[text]; twice {
				t.Errorf("lines %d and %d: %q", line, r.line, text)
			}
			seen[text] = r.line
			checkSentence(t, r.line, text)
		}
	}
}

func checkSentence(t *testing.T, line int, text string) {
	t.Helper()
	if first := []rune(text)[0]; first != '#' && !unicode.IsUpper(first) {
		t.Errorf("line %d: %q does not begin with a capital", line, text)
	}
	if !strings.ContainsAny(text[len(text)-1:], ".?!") {
		t.Errorf("line %d: %q does not end with a mark", line, text)
	}
}

// Each rule of the shipped script can be reached by matching: no earlier one of the same keyword is equal.
func TestShippedPatternsDiffer(t *testing.T) {
	t.Parallel()
	s := DefaultScript()
	for word, k := range s.keys {
		for i, r := range k.rules {
			if i+1 < len(k.rules) && len(r.pattern) == 1 && r.pattern[0].any {
				t.Errorf("keyword %q: the rules after line %d are never reached", word, r.line)
			}
		}
	}
}

func TestStopWordsAreSorted(t *testing.T) {
	t.Parallel()
	for i := 1; i < len(stopWords); i++ {
		if stopWords[i-1] >= stopWords[i] {
			t.Errorf("%q before %q", stopWords[i-1], stopWords[i])
		}
	}
}
