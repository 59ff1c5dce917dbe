package plugin

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// Kinds of JSON values, as in JSON schemas. The empty kind is any value.
const (
	kindObject  = "object"
	kindArray   = "array"
	kindString  = "string"
	kindInteger = "integer"
	kindNumber  = "number"
	kindBoolean = "boolean"
)

// schema says what JSON values a Go type takes. The schema of a recursive type refers to itself.
type schema struct {
	kind   string
	format string
	fields []schemaField // of a struct
	items  *schema       // of an array, or the values of a map
}

type schemaField struct {
	name, description string
	enum              []string
	required          bool
	*schema
}

var (
	timeType        = reflect.TypeFor[time.Time]()
	numberType      = reflect.TypeFor[json.Number]()
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// schemaOf makes the schema of a type. known holds the types begun before.
func schemaOf(t reflect.Type, known map[reflect.Type]*schema) (*schema, error) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if s := known[t]; s != nil {
		return s, nil
	}
	s := &schema{}
	known[t] = s
	var err error
	switch {
	case t == timeType:
		s.kind, s.format = kindString, "date-time"
		return s, nil
	case t == numberType:
		s.kind = kindNumber
		return s, nil
	case reflect.PointerTo(t).Implements(unmarshaler):
		return s, nil
	case reflect.PointerTo(t).Implements(textUnmarshaler):
		s.kind = kindString
		return s, nil
	}
	switch t.Kind() {
	case reflect.Struct:
		s.kind = kindObject
		s.fields, err = fieldsOf(t, known)
	case reflect.Map:
		s.kind = kindObject
		s.items, err = schemaOf(t.Elem(), known)
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 && t.Kind() == reflect.Slice {
			s.kind, s.format = kindString, "byte"
			break
		}
		s.kind = kindArray
		s.items, err = schemaOf(t.Elem(), known)
	case reflect.String:
		s.kind = kindString
	case reflect.Bool:
		s.kind = kindBoolean
	case reflect.Float32, reflect.Float64:
		s.kind = kindNumber
	case reflect.Interface:
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		s.kind = kindInteger
	default:
		err = fmt.Errorf("%s cannot be a parameter", t)
	}
	return s, err
}

// fieldsOf lists the fields of a struct as encoding/json sees them: those of embedded structs are its own,
// unless it has one of the same name.
func fieldsOf(t reflect.Type, known map[reflect.Type]*schema) ([]schemaField, error) {
	var own, embedded []schemaField
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Tag.Get("json") == "-" || !f.IsExported() && !f.Anonymous {
			continue
		}
		s, err := schemaOf(f.Type, known)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		if f.Anonymous && name == "" && s.kind == kindObject && s.items == nil {
			embedded = append(embedded, s.fields...)
			continue
		}
		if !f.IsExported() {
			continue
		}
		field := schemaField{name: name, description: f.Tag.Get("desc"), schema: s}
		if name == "" {
			field.name = f.Name
		}
		if e := f.Tag.Get("enum"); e != "" {
			field.enum = strings.Split(e, ",")
		}
		if hasOption(options, "string") {
			field.schema = &schema{kind: kindString}
		}
		optional := f.Type.Kind() == reflect.Pointer || hasOption(options, "omitempty") || hasOption(options, "omitzero")
		field.required = !optional || hasOption(f.Tag.Get("validate"), "required")
		own = append(own, field)
	}
	for _, f := range embedded {
		if _, taken := fieldNamed(own, f.name); !taken {
			own = append(own, f)
		}
	}
	return own, nil
}

func fieldNamed(fields []schemaField, name string) (schemaField, bool) {
	for _, f := range fields {
		if f.name == name {
			return f, true
		}
	}
	return schemaField{}, false
}

func hasOption(list, option string) bool {
	for o := range strings.SplitSeq(list, ",") {
		if o == option {
			return true
		}
	}
	return false
}

// document is the schema as it is shown to a model. Inside itself a type is shown as a plain object.
func (s *schema) document(inside map[*schema]bool) map[string]any {
	doc := map[string]any{}
	if s.kind != "" {
		doc["type"] = s.kind
	}
	if s.format != "" {
		doc["format"] = s.format
	}
	if inside[s] {
		return doc
	}
	inside[s] = true
	defer delete(inside, s)
	switch {
	case s.kind == kindArray:
		doc["items"] = s.items.document(inside)
	case s.items != nil:
		doc["additionalProperties"] = s.items.document(inside)
	case s.kind == kindObject:
		properties, required := map[string]any{}, []string{}
		for _, f := range s.fields {
			properties[f.name] = f.document(inside)
			if f.required {
				required = append(required, f.name)
			}
		}
		doc["properties"] = properties
		if len(required) > 0 {
			doc["required"] = required
		}
	}
	return doc
}

func (f schemaField) document(inside map[*schema]bool) map[string]any {
	doc := f.schema.document(inside)
	if f.description != "" {
		doc["description"] = f.description
	}
	if len(f.enum) == 0 {
		return doc
	}
	target := doc
	if f.kind == kindArray && f.items != nil {
		if items, ok := doc["items"].(map[string]any); ok {
			target = items
		}
	}
	values := make([]any, len(f.enum))
	for i, v := range f.enum {
		values[i] = v
		if target["type"] == kindInteger || target["type"] == kindNumber {
			values[i] = json.Number(v)
		}
	}
	target["enum"] = values
	return doc
}

// check tells, by an error for the model, why a decoded value does not fit. path names the value.
func (s *schema) check(v any, path string) error {
	switch {
	case s.kind == "":
		return nil
	case kindOf(v) != s.kind && !(s.kind == kindNumber && kindOf(v) == kindInteger):
		return core.BadRequest("Invalid parameter: " + path + " must be of type " + s.kind)
	}
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			if item == nil {
				continue
			}
			if err := s.items.check(item, fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	case map[string]any:
		if s.items != nil {
			for key, item := range v {
				if item == nil {
					continue
				}
				if err := s.items.check(item, within(path, key)); err != nil {
					return err
				}
			}
		}
		for _, f := range s.fields {
			if err := f.check(v[f.name], within(path, f.name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f schemaField) check(v any, path string) error {
	if v == nil {
		if f.required {
			return core.BadRequest("Missing required parameter: " + path)
		}
		return nil
	}
	if err := f.schema.check(v, path); err != nil || len(f.enum) == 0 {
		return err
	}
	values, ok := v.([]any)
	if !ok {
		values = []any{v}
	}
	for _, one := range values {
		if !f.allows(one) {
			return core.BadRequest("Invalid parameter: " + path + " must be one of " + strings.Join(f.enum, ", "))
		}
	}
	return nil
}

func (f schemaField) allows(v any) bool {
	text := fmt.Sprint(v)
	for _, e := range f.enum {
		if e == text {
			return true
		}
	}
	return false
}

func within(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func kindOf(v any) string {
	switch v := v.(type) {
	case string:
		return kindString
	case bool:
		return kindBoolean
	case []any:
		return kindArray
	case map[string]any:
		return kindObject
	case json.Number:
		if _, ok := new(big.Int).SetString(v.String(), 10); ok {
			return kindInteger
		}
		return kindNumber
	}
	return ""
}
