package api

import (
	"bytes"
	_ "embed" // of the template
	"encoding/json"
	"html/template"
	"slices"
	"strings"
)

//go:embed page.html
var pageHTML string

// view is what the page shows.
type view struct {
	Title, Version, At string
	Intro, Sockets     template.HTML
	Groups             []group
	Schemas            []named
	Sent, Received     []event // by the server
	EventSchemas       []named
}

// group are the operations of one tag.
type group struct {
	ID, Name   string
	Text       template.HTML
	Operations []operation
}

// operation is a method of a path.
type operation struct {
	ID, Method, Path, Summary string
	Text                      template.HTML
	Aliases                   []string
	Public                    bool // needs no key
	Parameters                []field
	Bodies                    []content
	Answers                   []answer
}

// answer is a status and what comes with it.
type answer struct {
	Status string
	Text   template.HTML
	Bodies []content
}

// content is a body of one type.
type content struct {
	Kind  string
	Shape shape
}

// named is a schema by its name.
type named struct {
	ID, Name string
	Shape    shape
}

// event is a message of the sockets.
type event struct {
	ID, Name, Title string
	Text            template.HTML
	Shape           shape
	Example         string
}

// page is both descriptions as a page for people.
func (d Description) page() ([]byte, error) {
	web, err := ordered(openAPI)
	if err != nil {
		return nil, err
	}
	sockets, err := ordered(asyncAPI)
	if err != nil {
		return nil, err
	}
	info := web.obj("info")
	v := view{
		Title: info.text("title"), Version: d.Version, At: d.PublicPath, Intro: prose(info.text("description")),
		Sockets: prose(sockets.obj("info").text("description")), Groups: groups(web),
		Schemas: shapes{web, "schema-"}.all(), EventSchemas: shapes{sockets, "event-schema-"}.all(),
	}
	if v.Version == "" {
		v.Version = info.text("version")
	}
	v.Sent, v.Received = events(sockets)
	t, err := template.New("page").Funcs(template.FuncMap{"lower": strings.ToLower}).Parse(pageHTML)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, v); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// refusal is the form of errors.
const refusal = "#/components/schemas/Error"

// groups sorts the operations under their tags. Aliases are told where the main operation is.
func groups(doc *object) []group {
	r := shapes{doc, "schema-"}
	var all []group
	for _, t := range doc.list("tags") {
		t, _ := t.(*object)
		name := t.text("name")
		all = append(all, group{ID: "group-" + slug(name), Name: name, Text: prose(t.text("description"))})
	}
	aliases := map[string][]string{}
	paths := doc.obj("paths")
	each := func(f func(path, method string, item, op *object)) {
		for _, path := range paths.names() {
			item := paths.obj(path)
			for _, method := range []string{"get", "post", "put", "patch", "delete"} {
				if op := item.obj(method); op != nil {
					f(path, strings.ToUpper(method), item, op)
				}
			}
		}
	}
	each(func(path, _ string, _, op *object) {
		if of := op.text("x-alias-of"); of != "" {
			aliases[of] = append(aliases[of], path)
		}
	})
	each(func(path, method string, item, op *object) {
		if op.text("x-alias-of") != "" || len(op.list("tags")) == 0 {
			return
		}
		i := slices.IndexFunc(all, func(g group) bool { return g.Name == op.list("tags")[0] })
		if i < 0 {
			return
		}
		o := operation{
			ID: op.text("operationId"), Method: method, Path: path, Summary: op.text("summary"), Text: prose(op.text("description")),
			Aliases: aliases[op.text("operationId")], Bodies: r.contents(r.follow(op.get("requestBody"))),
		}
		o.Public = slices.Contains(op.names(), "security") && !slices.ContainsFunc(op.list("security"), func(s any) bool { s2, _ := s.(*object); return len(s2.names()) > 0 })
		for _, p := range append(slices.Clone(item.list("parameters")), op.list("parameters")...) {
			o.Parameters = append(o.Parameters, r.parameter(r.follow(p)))
		}
		answers := op.obj("responses")
		for _, status := range slices.Sorted(slices.Values(answers.names())) {
			a := r.follow(answers.get(status))
			shown := answer{Status: status, Text: prose(a.text("description"))}
			if a.obj("content").obj("application/json").obj("schema").text("$ref") != refusal {
				shown.Bodies = r.contents(a) // errors have one form, which is told once
			}
			o.Answers = append(o.Answers, shown)
		}
		all[i].Operations = append(all[i].Operations, o)
	})
	return all
}

// events are the messages of the sockets, by who sends them.
func events(doc *object) (sent, received []event) {
	r := shapes{doc, "event-schema-"}
	messages := doc.obj("components").obj("messages")
	fromServer := map[string]bool{}
	ops := doc.obj("operations")
	for _, name := range ops.names() {
		for _, m := range ops.obj(name).list("messages") {
			m, _ := m.(*object)
			ref := m.text("$ref")
			fromServer[ref[strings.LastIndex(ref, "/")+1:]] = ops.obj(name).text("action") == "send"
		}
	}
	for _, key := range messages.names() {
		m := messages.obj(key)
		e := event{ID: "event-" + key, Name: m.text("name"), Title: m.text("title"), Text: prose(m.text("summary") + "\n\n" + m.text("x-packet")), Shape: r.shape(m.get("payload"))}
		for _, x := range m.list("examples") {
			x, _ := x.(*object)
			if b, err := json.MarshalIndent(x.get("payload"), "", "  "); err == nil && len(b) > 2 {
				e.Example = string(b)
			}
		}
		if fromServer[key] {
			sent = append(sent, e)
		} else {
			received = append(received, e)
		}
	}
	return sent, received
}

func slug(name string) string { return strings.ReplaceAll(strings.ToLower(name), " ", "-") }
