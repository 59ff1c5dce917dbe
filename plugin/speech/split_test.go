package speech_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/plugin/speech"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	shell, _ := exec.LookPath("sh")
	for line, want := range map[string][]string{
		"":                             nil,
		" \t\n":                        nil,
		"a":                            {"a"},
		"  a  b\tc\nd ":                {"a", "b", "c", "d"},
		"'a b' \"c d\"":                {"a b", "c d"},
		`a\ b`:                         {"a b"},
		`''`:                           {""},
		`a '' "" b`:                    {"a", "", "", "b"},
		`a'b'"c"\d`:                    {"abcd"},
		`'a\b' "a\b" a\b`:              {`a\b`, `a\b`, "ab"},
		`"a\"b\\c\$d\` + "`" + `e"`:    {"a\"b\\c$d`e"},
		"a\\\nb \"c\\\nd\" 'e\\\nf'":   {"ab", "cd", "e\\\nf"},
		`a#b`:                          {"a#b"},
		`\| \& \; \< \> \( \) \$ \#`:   {"|", "&", ";", "<", ">", "(", ")", "$", "#"},
		`'|&;<>()$` + "`" + `#' "|&;"`: {"|&;<>()$`#", "|&;"},
		`--model=/a/ü.bin -x "日本 語"`:   {"--model=/a/ü.bin", "-x", "日本 語"},
	} {
		got, err := speech.Split(line)
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("Split(%q): %v (-want +got):\n%s", line, err, d)
		}
		if shell == "" || len(want) == 0 {
			continue
		}
		// A real shell agrees; white space at the ends of lines apart, which ends its commands.
		out, err := exec.CommandContext(t.Context(), shell, "-c", `printf '%s\0' `+strings.TrimSpace(strings.ReplaceAll(line, "c\nd", "c d"))).Output()
		if d := cmp.Diff(strings.Join(want, "\x00")+"\x00", string(out)); err != nil || d != "" {
			t.Errorf("a shell splits %q: %v (-ours +its):\n%s", line, err, d)
		}
	}
	for _, line := range [...]string{
		"'", `"`, `a\`, `"a\`, `a 'b`, "a | b", "a > b", "a; b", "a &", "$HOME/a", "`a`", `"$a"`, "\"`a`\"", "(a)", "# a", "a #b", "a\x00b", "'a\x00b'", "\"\x00\"", "\\\x00",
	} {
		if got, err := speech.Split(line); err == nil || got != nil {
			t.Errorf("Split(%q) = %q, %v, want an error", line, got, err)
		}
	}
}

func quote(words []string) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString("'" + strings.ReplaceAll(w, "'", `'\''`) + "' ")
	}
	return b.String()
}

func FuzzSplit(f *testing.F) {
	f.Add(`whisper-cli -m "/a b/c.bin" -f`)
	f.Add(`a\ b 'c' "d\"" \`)
	f.Fuzz(func(t *testing.T, line string) {
		words, err := speech.Split(line)
		if err != nil {
			return
		}
		again, err := speech.Split(quote(words))
		if d := cmp.Diff(words, again); err != nil || d != "" {
			t.Errorf("%q: %v\n%s", line, err, d)
		}
		var size int
		for _, w := range words {
			size += len(w)
		}
		if size > len(line) {
			t.Errorf("%q became longer: %q", line, words)
		}
	})
}
