package api

import (
	"encoding/json"
	"fmt"
	"html/template"
	"slices"
	"strings"
)

// shape is a schema for people: words that name its type, what is said about it, and its fields.
type shape struct {
	Words  []word
	Text   template.HTML
	Fields []field
}

// word is a piece of a type's name, perhaps a link.
type word struct{ Text, Link string }

// field is a named part of a shape, or a parameter.
type field struct {
	Name, Where string
	Required    bool
	Shape       shape
}

// shapes makes shapes of the schemas of a document; prefix is that of the anchors of those with names.
type shapes struct {
	doc    *object
	prefix string
}

// all are the document's schemas, by name.
func (r shapes) all() (list []named) {
	schemas := r.doc.obj("components").obj("schemas")
	for _, name := range schemas.names() {
		list = append(list, named{r.prefix + name, name, r.shape(schemas.get(name))})
	}
	return list
}

// follow returns what a reference leads to, or v itself.
func (r shapes) follow(v any) *object {
	o, _ := v.(*object)
	ref := o.text("$ref")
	if ref == "" {
		return o
	}
	at := r.doc
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		at = at.obj(part)
	}
	return at
}

// contents are the bodies of a request or an answer.
func (r shapes) contents(o *object) (list []content) {
	kinds := o.obj("content")
	for _, kind := range kinds.names() {
		list = append(list, content{kind, r.shape(kinds.obj(kind).get("schema"))})
	}
	return list
}

func (r shapes) parameter(p *object) field {
	f := field{Name: p.text("name"), Where: p.text("in"), Required: p.get("required") == true, Shape: r.shape(p.get("schema"))}
	if text := p.text("description"); text != "" {
		f.Shape.Text = prose(text) + f.Shape.Text
	}
	return f
}

func (r shapes) shape(v any) shape {
	o, ok := v.(*object)
	if !ok {
		return shape{Words: []word{{Text: "anything"}}}
	}
	s := shape{Words: r.words(o), Text: prose(strings.TrimSpace(o.text("description") + bounds(o)))}
	s.Fields = r.fields(o)
	if items := o.obj("items"); len(s.Fields) == 0 && items.text("$ref") == "" {
		s.Fields = r.fields(items) // of what a list holds
	}
	return s
}

// envelope is the schema whose fields are shown where it is used, instead of its name.
const envelope = "#/components/schemas/Success"

// words name the type of a schema.
func (r shapes) words(o *object) []word {
	if ref := o.text("$ref"); ref != "" {
		name := ref[strings.LastIndex(ref, "/")+1:]
		return []word{{name, "#" + r.prefix + name}}
	}
	if c, ok := o.vals["const"]; ok {
		return []word{{Text: literal(c)}}
	}
	var out []word
	join := func(with string, more []word) {
		if len(out) > 0 && len(more) > 0 {
			out = append(out, word{Text: with})
		}
		out = append(out, more...)
	}
	for _, part := range o.list("allOf") {
		if part, ok := part.(*object); ok && part.text("$ref") != "" && part.text("$ref") != envelope {
			join(" and ", r.words(part))
		}
	}
	if len(out) > 0 {
		if o.obj("properties") != nil {
			join(" and ", []word{{Text: "fields of its own"}})
		}
		return out
	}
	for _, key := range [...]string{"anyOf", "oneOf"} {
		for _, part := range o.list(key) {
			if part, ok := part.(*object); ok && !slices.Equal(part.names(), []string{"required"}) {
				join(" or ", r.words(part))
			}
		}
	}
	if len(out) > 0 {
		return out
	}
	if values := o.list("enum"); len(values) > 0 {
		for _, v := range values {
			join(" or ", []word{{Text: literal(v)}})
		}
		return out
	}
	types, several := o.get("type").([]any)
	if !several {
		types = []any{o.get("type")}
	}
	for _, t := range types {
		join(" or ", r.typed(o, t))
	}
	return out
}

func (r shapes) typed(o *object, t any) []word {
	switch t {
	case nil:
		if o.obj("properties") != nil || o.list("allOf") != nil {
			return []word{{Text: "object"}}
		}
		return []word{{Text: "anything"}}
	case "array":
		if items := o.obj("items"); len(items.names()) > 0 {
			return append([]word{{Text: "list of "}}, r.words(items)...)
		}
		return []word{{Text: "list"}}
	case "object":
		if more := o.obj("additionalProperties"); len(more.names()) > 0 && o.obj("properties") == nil {
			return append([]word{{Text: "map to "}}, r.words(more)...)
		}
	case "string":
		switch {
		case o.text("contentEncoding") != "":
			return []word{{Text: "string in " + o.text("contentEncoding")}}
		case o.text("contentMediaType") != "":
			return []word{{Text: "bytes"}}
		}
	}
	return []word{{Text: fmt.Sprint(t)}}
}

// fields are those a schema names itself, also in its unnamed parts.
func (r shapes) fields(o *object) (list []field) {
	for _, part := range o.list("allOf") {
		part, _ := part.(*object)
		if part.text("$ref") == envelope {
			part = r.follow(part)
		}
		for _, f := range r.fields(part) {
			list = put(list, f)
		}
	}
	properties := o.obj("properties")
	for _, name := range properties.names() {
		list = put(list, field{Name: name, Shape: r.shape(properties.get(name))})
	}
	for i := range list {
		list[i].Required = list[i].Required || slices.Contains(o.list("required"), any(list[i].Name))
	}
	return list
}

// put adds a field, or says more about one that is there.
func put(list []field, f field) []field {
	i := slices.IndexFunc(list, func(old field) bool { return old.Name == f.Name })
	if i < 0 {
		return append(list, f)
	}
	f.Required = f.Required || list[i].Required
	list[i] = f
	return list
}

// bounds says in words what else holds for a schema's values.
func bounds(o *object) string {
	var parts []string
	for _, b := range [...]struct{ key, text string }{
		{"minimum", "at least %v"},
		{"maximum", "at most %v"},
		{"minLength", "at least %v characters"},
		{"maxLength", "at most %v characters"},
		{"minItems", "at least %v entries"},
		{"maxItems", "at most %v entries"},
		{"maxProperties", "at most %v entries"},
	} {
		if v := o.get(b.key); v != nil && v != 0 {
			parts = append(parts, fmt.Sprintf(b.text, v))
		}
	}
	if v, ok := o.vals["default"]; ok {
		parts = append(parts, fmt.Sprintf("`%v` when absent", v))
	}
	if len(parts) == 0 {
		return ""
	}
	text := strings.Join(parts, ", ")
	return " " + strings.ToUpper(text[:1]) + text[1:] + "."
}

func literal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// MarshalJSON writes the fields in their order.
func (o *object) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, key := range o.names() {
		if i > 0 {
			out = append(out, ',')
		}
		k, err := json.Marshal(key)
		if err != nil {
			return nil, err
		}
		v, err := json.Marshal(o.vals[key])
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, k...), ':'), v...)
	}
	return append(out, '}'), nil
}
