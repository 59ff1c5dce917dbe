package doctor

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxScript   = 1 << 20
	maxElements = 32
	maxParts    = 64 // pieces of a reply
	maxRank     = 1000
)

// parser reads a script line by line. Links are resolved at the end, for they may point forward.
type parser struct {
	script  *Script
	classes map[string]map[string]bool
	key     *keyword // takes the next pattern
	rule    *rule    // takes the next reply
	links   []link
	recall  string
	keys    []*keyword
}

// link is a keyword or a reply that waits for the keyword it names.
type link struct {
	line int
	name string
	set  func(*keyword)
}

// Parse reads a script. The format has one statement a line, empty lines and lines beginning with # aside:
//
//	@family mother father      a word class
//	break but                  words that end a clause like a comma
//	agree i are = i am         mends grammar after words were swapped; _ keeps a word, $ is the clause's end
//	opening | blank | none     stock replies follow: first words, for a message without words, without keywords
//	key my = your 2            a keyword, what replaces it as it is read (optional), its rank (default 0)
//	key hi hey -1 => hello     several words, and the keyword whose rules they use
//	? 0 your 0 @family 0       a pattern: 0 is any number of words, 3 is three words, [a b] one of these
//	> Is your (4) (5)?         a reply: (4) is what the fourth element matched, {agent} the agent's name
//	> =what                    … go on with the rules of another keyword
//	> !pre you are (3) =i      … the same, on a rewritten message
//	> !newkey                  … take the next keyword instead
//	memory my 2                patterns and replies follow that are stored when that keyword is the highest,
//	                           and brought out at each second message without keywords
//
// A keyword of negative rank does not hold the clause it stands in: a later clause with another keyword is
// preferred. Errors name the line.
func Parse(data []byte) (*Script, error) {
	if len(data) > maxScript {
		return nil, errors.New("doctor: script is too long")
	}
	if !utf8.Valid(data) {
		return nil, errors.New("doctor: script is not UTF-8")
	}
	p := &parser{
		script:  &Script{keys: map[string]*keyword{}, agree: map[string][]agreement{}, breaks: map[string]bool{}},
		classes: map[string]map[string]bool{},
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if err := p.line(n, line); err != nil {
			return nil, fmt.Errorf("doctor: script line %d: %w", n, err)
		}
	}
	if err := p.finish(); err != nil {
		return nil, err
	}
	return p.script, nil
}

func (p *parser) line(n int, line string) error {
	switch line[0] {
	case '?':
		return p.pattern(n, line[1:])
	case '>':
		return p.reply(n, strings.TrimSpace(line[1:]))
	}
	p.key, p.rule = nil, nil
	fields := strings.Fields(line)
	args := fields[1:]
	switch fields[0] {
	case "key":
		return p.keyword(n, args)
	case "agree":
		return p.agree(args)
	case "memory":
		return p.memory(args)
	case "opening", "blank", "none":
		return p.stock(n, fields[0], args)
	case "break":
		for _, w := range args {
			p.script.breaks[strings.ToLower(w)] = true
		}
		return nil
	}
	if name, ok := strings.CutPrefix(fields[0], "@"); ok {
		return p.class(name, args)
	}
	return fmt.Errorf("unknown statement %q", fields[0])
}

func (p *parser) class(name string, words []string) error {
	if name == "" || len(words) == 0 {
		return errors.New("a class needs a name and words")
	}
	if p.classes[name] == nil {
		p.classes[name] = map[string]bool{}
	}
	for _, w := range words {
		p.classes[name][strings.ToLower(w)] = true
	}
	return nil
}

func (p *parser) stock(n int, name string, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no arguments", name)
	}
	at := map[string]**rule{"opening": &p.script.opening, "blank": &p.script.blank, "none": &p.script.none}[name]
	if *at != nil {
		return fmt.Errorf("second %s", name)
	}
	*at = p.newRule(n, pattern{{any: true}})
	return nil
}

func (p *parser) newRule(n int, pat pattern) *rule {
	p.rule = &rule{id: len(p.script.rules), line: n, pattern: pat}
	p.script.rules = append(p.script.rules, p.rule)
	return p.rule
}

// keyword reads: word… [= word…] [rank] [=> word].
func (p *parser) keyword(n int, args []string) error {
	k := &keyword{}
	if i := slices.Index(args, "=>"); i >= 0 {
		if len(args) != i+2 {
			return errors.New("=> needs one keyword")
		}
		p.links = append(p.links, link{n, strings.ToLower(args[i+1]), func(to *keyword) { k.link = to }})
		args = args[:i]
	}
	if len(args) > 0 {
		if rank, err := strconv.Atoi(args[len(args)-1]); err == nil {
			if rank < -maxRank || rank > maxRank {
				return fmt.Errorf("rank %d is out of range", rank)
			}
			k.rank, args = rank, args[:len(args)-1]
		}
	}
	if i := slices.Index(args, "="); i >= 0 {
		for _, w := range args[i+1:] {
			k.swap = append(k.swap, strings.ToLower(w))
		}
		if len(k.swap) == 0 || len(k.swap) > maxElements {
			return errors.New("= needs a few words")
		}
		args = args[:i]
	}
	if len(args) == 0 {
		return errors.New("a keyword needs a word")
	}
	for _, w := range args {
		w = strings.ToLower(w)
		if p.script.keys[w] != nil {
			return fmt.Errorf("second keyword %q", w)
		}
		p.script.keys[w] = k
	}
	k.word, p.key = strings.ToLower(args[0]), k
	p.keys = append(p.keys, k)
	return nil
}

// memory reads: keyword [n].
func (p *parser) memory(args []string) error {
	if p.script.memory != nil {
		return errors.New("second memory")
	}
	every := 1
	if len(args) == 2 {
		var err error
		if every, err = strconv.Atoi(args[1]); err != nil || every < 1 || every > maxRank {
			return errors.New("memory needs a keyword and a number")
		}
	} else if len(args) != 1 {
		return errors.New("memory needs a keyword")
	}
	p.recall, p.script.every = strings.ToLower(args[0]), every
	p.key = &keyword{word: "memory"}
	p.script.memory = p.key
	return nil
}

// agree reads: pattern… [$] = word….
func (p *parser) agree(args []string) error {
	i := slices.Index(args, "=")
	if i < 1 {
		return errors.New("agree needs =")
	}
	from, to := args[:i], slices.Clone(args[i+1:])
	a := agreement{atEnd: from[len(from)-1] == "$"}
	if a.atEnd {
		from = from[:len(from)-1]
	}
	pat, err := p.elements(from)
	if err != nil {
		return err
	}
	if len(pat) == 0 || len(to) != len(pat) {
		return errors.New("agree needs as many words after = as before")
	}
	for i := range to {
		if pat[i].any || pat[i].count > 0 {
			return errors.New("agree takes no wildcards")
		}
		if to[i] = strings.ToLower(to[i]); to[i] == "_" {
			to[i] = ""
		}
	}
	a.from, a.to = pat, to
	for _, w := range pat[0].words() {
		p.script.agree[w] = append(p.script.agree[w], a)
	}
	return nil
}

// words returns what a non-wildcard element matches.
func (e *element) words() []string {
	if e.set == nil {
		return []string{e.word}
	}
	return slices.Collect(maps.Keys(e.set))
}

func (p *parser) finish() error {
	for _, l := range p.links {
		to := p.script.keys[l.name]
		if to == nil {
			return fmt.Errorf("doctor: script line %d: no keyword %q", l.line, l.name)
		}
		l.set(to)
	}
	if p.recall != "" {
		if p.script.recall = p.script.keys[p.recall]; p.script.recall == nil {
			return fmt.Errorf("doctor: script: memory of a keyword %q that does not exist", p.recall)
		}
	}
	for _, k := range p.keys {
		if !k.spoken() && k.swap == nil {
			return fmt.Errorf("doctor: script: keyword %q does nothing", k.word)
		}
		if k.link != nil && !k.link.spoken() {
			return fmt.Errorf("doctor: script: keyword %q leads to one without rules", k.word)
		}
	}
	for _, r := range p.script.rules {
		if len(r.replies) == 0 {
			return fmt.Errorf("doctor: script line %d: no replies", r.line)
		}
	}
	return p.script.stockComplete()
}

// stockComplete checks that there is something to say in every case.
func (s *Script) stockComplete() error {
	if s.none == nil {
		return errors.New("doctor: script: it needs none")
	}
	if s.opening == nil {
		s.opening = s.none
	}
	if s.blank == nil {
		s.blank = s.none
	}
	for _, r := range []*rule{s.none, s.opening, s.blank} {
		for i := range r.replies {
			if r.replies[i].kind != sayText || !r.replies[i].possible([]span{{}}) {
				return errors.New("doctor: script: stock replies must be plain text")
			}
		}
	}
	return nil
}
