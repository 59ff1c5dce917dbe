package loop

import (
	"strconv"
	"strings"
	"sync"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	maxRendered  = 512 << 10 // bytes of one rendered text; what comes after is cut
	maxDepth     = 32        // of blocks in blocks; deeper ones are text
	maxTemplates = 256       // parsed ones that are kept
	maxKept      = 16 << 10  // bytes of a template that is kept
)

// template is a parsed prompt template, a small part of the Handlebars language: {{x}} and {{{x}}} are
// replaced by a value, unescaped; {{#if x}}…{{else}}…{{/if}}; {{#each x}}…{{/each}} with {{this}}, {{@index}}
// and the fields of the item. What is missing is empty. Every text is a template: what does not parse is
// kept as it stands.
type template struct{ nodes []node }

type nodeKind int

const (
	textNode nodeKind = iota
	valueNode
	ifNode
	eachNode
)

type node struct {
	kind            nodeKind
	text            string // textNode: itself, else: the path
	body, otherwise []node
}

// templates keeps parsed templates by their text. Safe for concurrent use.
type templates struct {
	mu     sync.Mutex
	parsed map[string]*template
}

func newTemplates() *templates { return &templates{parsed: map[string]*template{}} }

func (t *templates) render(text string, values map[string]any) string {
	t.mu.Lock()
	tpl := t.parsed[text]
	t.mu.Unlock()
	if tpl == nil {
		tpl = parseTemplate(text)
		t.keep(text, tpl)
	}
	return tpl.render(values)
}

func (t *templates) keep(text string, tpl *template) {
	if len(text) > maxKept {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.parsed) >= maxTemplates {
		clear(t.parsed)
	}
	t.parsed[text] = tpl
}

func parseTemplate(s string) *template {
	p := templateParser{src: s}
	nodes, _ := p.block(0, "")
	return &template{nodes}
}

type templateParser struct {
	src string
	pos int
}

// block reads nodes up to the end of the block it is in, and returns the tag that ended it: "else", the
// closing tag, or "" at the end of the text.
func (p *templateParser) block(depth int, of string) (nodes []node, end string) {
	text := func(s string) {
		if s != "" {
			nodes = append(nodes, node{kind: textNode, text: s})
		}
	}
	for {
		i := strings.Index(p.src[p.pos:], "{{")
		if i < 0 {
			text(p.src[p.pos:])
			p.pos = len(p.src)
			return nodes, ""
		}
		text(p.src[p.pos : p.pos+i])
		p.pos += i
		start := p.pos
		tag, ok := p.tag()
		switch {
		case !ok:
			text("{{")
			p.pos = start + 2
		case strings.HasPrefix(tag, "!"): // a comment
		case of != "" && (tag == "else" && of == "if" || tag == "/"+of):
			return nodes, tag
		case depth < maxDepth && strings.HasPrefix(tag, "#if "):
			n := node{kind: ifNode, text: strings.TrimSpace(tag[4:])}
			if n.body, end = p.block(depth+1, "if"); end == "else" {
				n.otherwise, _ = p.block(depth+1, "if")
			}
			nodes = append(nodes, n)
		case depth < maxDepth && strings.HasPrefix(tag, "#each "):
			n := node{kind: eachNode, text: strings.TrimSpace(tag[6:])}
			n.body, _ = p.block(depth+1, "each")
			nodes = append(nodes, n)
		case strings.HasPrefix(tag, "#") || strings.HasPrefix(tag, "/") || tag == "else":
			// a block we do not know, or an end without beginning: its body is rendered
		default:
			nodes = append(nodes, node{kind: valueNode, text: tag})
		}
	}
}

// tag reads {{…}} or {{{…}}} at the position.
func (p *templateParser) tag() (string, bool) {
	open, closing := "{{", "}}"
	if strings.HasPrefix(p.src[p.pos:], "{{{") {
		open, closing = "{{{", "}}}"
	}
	rest := p.src[p.pos+len(open):]
	i := strings.Index(rest, closing)
	if i < 0 || strings.Contains(rest[:i], "{{") {
		return "", false
	}
	p.pos += len(open) + i + len(closing)
	return strings.TrimSpace(rest[:i]), true
}

func (t *template) render(values map[string]any) string {
	r := renderer{root: values}
	r.nodes(t.nodes, scope{})
	return r.out.String()
}

type renderer struct {
	root map[string]any
	out  strings.Builder
	full bool
}

// scope is the item of the innermost {{#each}}.
type scope struct {
	in    bool
	this  any
	index int
}

func (r *renderer) write(s string) {
	if room := maxRendered - r.out.Len(); len(s) > room {
		s, r.full = clip(s, room), true
	}
	r.out.WriteString(s)
}

func (r *renderer) nodes(nodes []node, sc scope) {
	for i := range nodes {
		if r.full {
			return
		}
		n := &nodes[i]
		switch n.kind {
		case textNode:
			r.write(n.text)
		case valueNode:
			r.write(valueText(r.lookup(n.text, sc)))
		case ifNode:
			if truthy(r.lookup(n.text, sc)) {
				r.nodes(n.body, sc)
			} else {
				r.nodes(n.otherwise, sc)
			}
		case eachNode:
			for i, item := range items(r.lookup(n.text, sc)) {
				if r.full {
					return
				}
				r.nodes(n.body, scope{in: true, this: item, index: i})
			}
		}
	}
}

func (r *renderer) lookup(path string, sc scope) any {
	if sc.in {
		switch {
		case path == "this" || path == ".":
			return sc.this
		case path == "@index":
			return sc.index
		case strings.HasPrefix(path, "this."):
			return descend(sc.this, path[len("this."):])
		}
		if v := descend(sc.this, path); v != nil {
			return v
		}
	}
	if v, ok := r.root[path]; ok {
		return v
	}
	return descend(r.root, path)
}

// descend follows a path of names with dots.
func descend(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

func items(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case []string:
		out := make([]any, len(v))
		for i, s := range v {
			out[i] = s
		}
		return out
	case []map[string]any:
		out := make([]any, len(v))
		for i, m := range v {
			out[i] = m
		}
		return out
	}
	return nil
}

func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case int:
		return v != 0
	case []any, []string, []map[string]any:
		return len(items(v)) > 0
	}
	return valueText(v) != "0"
}

// valueText is a value as a template shows it: texts as they are, all else in its JSON form.
func valueText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case []string:
		return strings.Join(v, ", ")
	}
	b, err := core.EncodeJSON(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// clip returns at most n bytes of s, never part of a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}
