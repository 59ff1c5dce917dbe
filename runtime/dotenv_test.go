package runtime

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/joho/godotenv"
)

func TestEditEnvKeepsWhatPeopleWrote(t *testing.T) {
	t.Parallel()
	const file = "# my settings\n\nexport A=1 # first\nB = two words\nKEY: \"quoted\" # a # b\n\n  # middle\nMULTI='one\ntwo'\nC=last"
	for _, tc := range []struct {
		name, text string
		change     map[string]string
		drop       []string
		want       string
	}{
		{"nothing changes", file, nil, nil, file},
		{"another value", file, map[string]string{"A": "2"}, nil, strings.Replace(file, "export A=1 # first", "export A=2 # first", 1)},
		{"a value that wants quotes", file, map[string]string{"A": "a b"}, nil, strings.Replace(file, "A=1 # first", "A='a b' # first", 1)},
		{"an empty value", file, map[string]string{"A": ""}, nil, strings.Replace(file, "A=1 # first", "A='' # first", 1)},
		{"quoted before", file, map[string]string{"KEY": "x"}, nil, strings.Replace(file, "KEY: \"quoted\" # a # b", "KEY='x' # a # b", 1)},
		{"of two lines before", file, map[string]string{"MULTI": "x\ny"}, nil, strings.Replace(file, "'one\ntwo'", `"x\ny"`, 1)},
		{"one less", file, nil, []string{"MULTI"}, strings.Replace(file, "MULTI='one\ntwo'\n", "", 1)},
		{"new ones", file, map[string]string{"Z": "1", "Y": ""}, nil, file + "\nY=\nZ=1\n"},
		{"twice the same", "A=1\n# c\nA=2\n", map[string]string{"A": "3"}, nil, "# c\nA=3\n"},
		{"one that uses another", "A=1\nB=${A}0\n", map[string]string{"A": "2"}, nil, "A=2\nB=10\n"},
		{"line ends of Windows", "A=1\r\n# c\r\nB=2\r\n", map[string]string{"A": "9"}, nil, "A=9\r\n# c\r\nB=2\r\n"},
		{"a new file", "", map[string]string{"A": "1"}, nil, "A=1\n"},
		{"all gone", "# c\nA=1\n", nil, []string{"A"}, "# c\n"},
		{"a line that is nothing", "A=1\nnonsense", map[string]string{"A": "2"}, nil, "A=2\n"},
	} {
		have, err := godotenv.Unmarshal(tc.text)
		if err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		want := maps.Clone(have)
		maps.DeleteFunc(want, func(name, _ string) bool { return !isEnvName(name) })
		maps.Copy(want, tc.change)
		for _, name := range tc.drop {
			delete(want, name)
		}
		got, err := editEnv(tc.text, have, want)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestQuoteEnv(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"": "", "plain": "plain", "http://x:1/y?": "'http://x:1/y?'", "a b": "'a b'", "#": "'#'", "$A": "'$A'", `a"b`: `'a"b'`, "it's": `"it's"`,
		"a\nb": `"a\nb"`, `it's $5`: `"it's \$5"`, `back\`: `"back\\""`, "'\"": `"'\"${0}"`, " ": "' '", "ä": "'ä'",
	} {
		if got := quoteEnv(value); got != want {
			t.Errorf("%q is written %s, want %s", value, got, want)
		}
	}
}

func FuzzQuoteEnv(f *testing.F) {
	for _, s := range []string{
		"", " ", "'", `"`, `\`, `\\`, `\"`, `"\`, "$", "${A}", `\$A`, `\\$A`, "$(x)", "a\nINJECTED=1", "\r\n", "\r", "#", " # x", "'\"", "\"'\n", `'\n`, "\\\n", "\\\n$", "'\\\"", "\u0085\u00a0", "'\n\\",
		`export A=1`, "'${0}\"", "'\"\"", "\"\n\"", `\\\\"`, "\n\\\\",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		line := quoteBefore(value, " # a # b")
		got, err := godotenv.Unmarshal("# c\nA0=x\nK=" + line + " # a # b\nZ=end\n")
		if diff := cmp.Diff(map[string]string{"A0": "x", "K": value, "Z": "end"}, got); err != nil || diff != "" {
			t.Errorf("%q is written %s: %v (-want +got):\n%s", value, line, err, diff)
		}
		if strings.ContainsAny(line, "\r\n") {
			t.Errorf("%q is written on several lines: %q", value, line)
		}
	})
}

func FuzzEditEnv(f *testing.F) {
	f.Add("# c\nexport A=1 # x\nB: 'two\nlines' # y\nC=${A}\n", "A", "v", "N", "it's\n")
	f.Add("A=1\rB=2", "A", "1", "B", "")
	f.Add("A=\"x\" B=2\nA", "A", "x", "D.E", "1")
	f.Add("0=x\nA.B=1\n=\n", "A", "'\"", "C", "2")
	f.Fuzz(func(t *testing.T, text, name1, value1, name2, value2 string) {
		have, err := godotenv.Unmarshal(text)
		if err != nil {
			return
		}
		want := map[string]string{}
		for name, v := range have {
			if isKeptName(name) {
				want[name] = v
			}
		}
		for name, v := range map[string]string{name1: value1, name2: value2} {
			if isEnvName(name) {
				want[name] = v
			}
		}
		out, err := editEnv(text, have, want)
		if err != nil {
			t.Fatalf("%q to %q: %v", text, want, err)
		}
		if got, err := godotenv.Unmarshal(out); err != nil || !maps.Equal(got, want) {
			t.Fatalf("%q became %q: %q, %v, want %q", text, out, got, err, want)
		}
	})
}
