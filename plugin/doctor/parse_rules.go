package doctor

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// pattern reads the elements of a decomposition.
func (p *parser) pattern(n int, text string) error {
	p.rule = nil
	if p.key == nil {
		return errors.New("a pattern without a keyword")
	}
	pat, err := p.elements(strings.Fields(text))
	if err != nil {
		return err
	}
	if len(pat) == 0 {
		return errors.New("an empty pattern")
	}
	p.key.rules = append(p.key.rules, p.newRule(n, pat))
	return nil
}

func (p *parser) elements(fields []string) (pattern, error) {
	var pat pattern
	for i := 0; i < len(fields); i++ {
		f := strings.ToLower(fields[i])
		var e element
		switch {
		case f[0] == '@':
			if e.set = p.classes[f[1:]]; e.set == nil {
				return nil, fmt.Errorf("no class %q above this line", f)
			}
		case f[0] == '[':
			n, set, err := alternatives(fields[i:])
			if err != nil {
				return nil, err
			}
			e.set = set
			i += n - 1
		default:
			n, err := strconv.Atoi(f)
			switch {
			case err != nil:
				e.word = f
			case n == 0:
				e.any = true
			case n < 0 || n > maxElements:
				return nil, fmt.Errorf("%d words are too many or too few", n)
			default:
				e.count = n
			}
		}
		if pat = append(pat, e); len(pat) > maxElements {
			return nil, errors.New("a pattern is too long")
		}
	}
	return pat, nil
}

// alternatives reads [a b c] and returns how many fields that were.
func alternatives(fields []string) (int, map[string]bool, error) {
	set := map[string]bool{}
	for i, f := range fields {
		if i == 0 {
			f = f[1:]
		}
		f, last := strings.CutSuffix(f, "]")
		if f != "" {
			set[strings.ToLower(f)] = true
		}
		if last {
			if len(set) == 0 {
				break
			}
			return i + 1, set, nil
		}
	}
	return 0, nil, errors.New("[ needs words and a ]")
}

// reply reads a reassembly.
func (p *parser) reply(n int, text string) error {
	if p.rule == nil {
		return errors.New("a reply without a pattern")
	}
	r := reply{}
	var to string
	switch {
	case text == "":
		return errors.New("an empty reply")
	case text == "!newkey":
		r.kind = sayNewKey
	case text[0] == '=':
		r.kind, to = sayLink, text[1:]
	case strings.HasPrefix(text, "!pre "):
		i := strings.LastIndex(text, " =")
		if i < len("!pre ") {
			return errors.New("!pre needs a message and =keyword")
		}
		r.kind, to, text = sayRewrite, text[i+2:], text[len("!pre "):i]
	case text[0] == '!':
		return fmt.Errorf("unknown reply %q", text)
	}
	if r.kind == sayText || r.kind == sayRewrite {
		var err error
		if r.parts, err = parts(text, len(p.rule.pattern)); err != nil {
			return err
		}
		if r.kind == sayText && strings.TrimSpace(text) == "" {
			return errors.New("an empty reply")
		}
	}
	list, i := p.rule, len(p.rule.replies)
	p.rule.replies = append(p.rule.replies, r)
	if r.kind == sayLink || r.kind == sayRewrite {
		p.links = append(p.links, link{n, strings.ToLower(strings.TrimSpace(to)), func(k *keyword) { list.replies[i].to = k }})
	}
	return nil
}

// parts splits a reassembly at its components and names.
func parts(text string, components int) ([]part, error) {
	var out []part
	for text != "" {
		if len(out) > maxParts {
			return nil, errors.New("a reply has too many components")
		}
		i := strings.IndexAny(text, "({")
		if i < 0 {
			return append(out, part{text: text}), nil
		}
		if i > 0 {
			out = append(out, part{text: text[:i]})
		}
		text = text[i:]
		if rest, ok := strings.CutPrefix(text, "{agent}"); ok {
			out, text = append(out, part{agent: true}), rest
			continue
		}
		end := strings.IndexByte(text, ')')
		if text[0] != '(' || end < 0 {
			return nil, errors.New("only (number) and {agent} may stand in a reply")
		}
		n, err := strconv.Atoi(text[1:end])
		if err != nil || n < 1 || n > components {
			return nil, fmt.Errorf("no component %s in the pattern", text[:end+1])
		}
		out, text = append(out, part{component: n}), text[end+1:]
	}
	return out, nil
}
