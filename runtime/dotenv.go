package runtime

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/joho/godotenv"
)

// isEnvName tells whether clients may name a variable so.
func isEnvName(s string) bool { return isKeptName(s) && !strings.Contains(s, ".") }

// isKeptName tells whether a variable may be named so in a file, where clients leave it alone.
func isKeptName(s string) bool {
	return s != "" && s[0] != '.' && (s[0] < '0' || s[0] > '9') && only(s, "_.")
}

// only tells whether a text has ASCII letters, digits and the given characters only.
func only(s, others string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune(others, r)
	})
}

// editEnv returns the text of an env file that has the variables have, changed so that it has exactly the
// variables want. Comments, order and lines that need no change are kept where that is possible: what is
// returned has been parsed again.
func editEnv(text string, have, want map[string]string) (string, error) {
	lines := splitEnv(strings.ReplaceAll(text, "\r\n", "\n"))
	for _, e := range [...]envEdit{{lines, true}, {lines, false}, {}} {
		out := e.apply(have, want)
		if strings.Contains(text, "\r\n") {
			out = strings.ReplaceAll(out, "\n", "\r\n")
		}
		if got, err := godotenv.Unmarshal(out); err == nil && maps.Equal(got, want) {
			return out, nil
		}
	}
	return "", errors.New("runtime: variables that no env file can hold")
}

// envLine is one statement of an env file, or a line that is none and has no name.
type envLine struct {
	text      string // with its end
	statement bool
	export    string // "export " or nothing
	name      string
	comment   string // behind the value, with the space before it
}

// splitEnv cuts a text into lines; a value in quotes may make a line of several.
func splitEnv(text string) []envLine {
	var lines []envLine
	for len(text) > 0 {
		n := lineEnd(text, 0)
		l := envLine{text: text[:n]}
		if t := strings.TrimSpace(l.text); t != "" && t[0] != '#' {
			l, n = splitStatement(text, n)
		}
		lines, text = append(lines, l), text[n:]
	}
	return lines
}

// splitStatement reads the statement that text begins with, whose first line has n bytes, and returns how
// many bytes the whole has.
func splitStatement(text string, n int) (envLine, int) {
	l := envLine{text: text[:n], statement: true}
	eq := strings.IndexAny(l.text, "=:")
	if eq < 0 {
		return l, n
	}
	l.name = strings.TrimSpace(text[:eq])
	if rest, ok := strings.CutPrefix(l.name, "export"); ok && strings.TrimLeft(rest, " \t") != rest {
		l.export, l.name = "export ", strings.TrimLeft(rest, " \t")
	}
	at := eq + 1 + len(text[eq+1:]) - len(strings.TrimLeft(text[eq+1:], " \t\v\f\r"))
	find, first := strings.LastIndexByte, 1
	if at < len(text) && (text[at] == '"' || text[at] == '\'') {
		end := at + 1
		for end < len(text) && (text[end] != text[at] || text[end-1] == '\\') {
			end++
		}
		n = lineEnd(text, min(end, len(text)))
		l.text = text[:n]
		at, find, first = min(end+1, n), strings.IndexByte, 0
	}
	if tail := strings.TrimRight(text[at:n], " \t\r\n"); tail != "" {
		if i := find(tail, '#'); i >= first && (i == 0 || tail[i-1] == ' ' || tail[i-1] == '\t') {
			l.comment = " " + tail[i:]
		}
	}
	return l, n
}

// lineEnd is where the line ends that has position at.
func lineEnd(text string, at int) int {
	if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(text)
}

// envEdit is one way to edit the lines of a file.
type envEdit struct {
	lines []envLine
	keep  bool // the lines of variables that do not change, as far as they do not use others
}

// apply puts new values in the place of the last ones of their names, and new names at the end.
func (e envEdit) apply(have, want map[string]string) string {
	last := map[string]int{}
	for i, l := range e.lines {
		if l.statement {
			last[l.name] = i
		}
	}
	var out strings.Builder
	begin := func() {
		if s := out.String(); s != "" && !strings.HasSuffix(s, "\n") {
			out.WriteByte('\n')
		}
	}
	for i, l := range e.lines {
		value, wanted := want[l.name]
		switch {
		case !l.statement:
			begin()
			out.WriteString(l.text)
		case !wanted || last[l.name] != i:
		case e.keep && have[l.name] == value && !strings.Contains(l.text, "$"):
			begin()
			out.WriteString(l.text)
		default:
			begin()
			out.WriteString(l.export + l.name + "=" + quoteBefore(value, l.comment) + l.comment + "\n")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if _, there := last[name]; !there {
			begin()
			out.WriteString(name + "=" + quoteEnv(want[name]) + "\n")
		}
	}
	return out.String()
}

// quoteBefore is quoteEnv for a value with a comment behind it: without quotes a value is never empty there,
// and reaches to the last mark of a comment.
func quoteBefore(v, comment string) string {
	if q := quoteEnv(v); comment == "" || q != v || v != "" && strings.LastIndexByte(comment, '#') == 1 {
		return q
	}
	return "'" + v + "'"
}

// quoteEnv writes a value so that it is read back as it is and begins nothing new.
func quoteEnv(v string) string {
	switch {
	case only(v, "_./:@%+,=-"):
		return v
	case !strings.ContainsAny(v, "'\r\n") && !strings.HasSuffix(v, `\`):
		return "'" + v + "'"
	}
	out := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "\n", `\n`, "\r", `\r`).Replace(v)
	// The parser takes a quote for escaped by the one character before it, and drops all quotes at the end of
	// a value: a backslash there wants a second quote, a quote something behind it that comes to nothing (no
	// variable can be named 0).
	switch {
	case strings.HasSuffix(v, `\`):
		return out + `""`
	case strings.HasSuffix(v, `"`):
		return out + `${0}"`
	}
	return out + `"`
}
