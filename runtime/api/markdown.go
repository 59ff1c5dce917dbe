package api

import (
	"html"
	"html/template"
	"regexp"
	"strings"
)

var (
	codeSpan = regexp.MustCompile("`([^`]+)`")
	boldSpan = regexp.MustCompile(`\*\*([^*]+)\*\*`)
)

// inline is a text with the marks for code and emphasis the descriptions use.
func inline(text string) string {
	text = codeSpan.ReplaceAllString(html.EscapeString(text), "<code>$1</code>")
	return boldSpan.ReplaceAllString(text, "<strong>$1</strong>")
}

// prose is a text of paragraphs, lists and tables as HTML.
func prose(text string) template.HTML {
	var b strings.Builder
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		lines := strings.Split(block, "\n")
		switch {
		case strings.TrimSpace(block) == "":
		case strings.HasPrefix(lines[0], "- "):
			b.WriteString("<ul>")
			for item := range strings.SplitSeq(strings.TrimPrefix(block, "- "), "\n- ") {
				b.WriteString("<li>" + inline(strings.ReplaceAll(item, "\n", " ")) + "</li>")
			}
			b.WriteString("</ul>")
		case strings.HasPrefix(lines[0], "|"):
			b.WriteString(table(lines))
		default:
			b.WriteString("<p>" + inline(strings.ReplaceAll(block, "\n", " ")) + "</p>")
		}
	}
	return template.HTML(b.String()) // every piece of the text was escaped
}

// table is a table whose first line is its head and whose second draws a line.
func table(lines []string) string {
	var b strings.Builder
	b.WriteString("<table>")
	for i, line := range lines {
		cell := "td"
		switch i {
		case 0:
			cell = "th"
		case 1:
			continue
		}
		b.WriteString("<tr>")
		for text := range strings.SplitSeq(strings.Trim(line, "| "), " | ") {
			b.WriteString("<" + cell + ">" + inline(strings.TrimSpace(text)) + "</" + cell + ">")
		}
		b.WriteString("</tr>")
	}
	b.WriteString("</table>")
	return b.String()
}
