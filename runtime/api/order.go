package api

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v4"
)

// object is a mapping of a description, its keys in the order they are written in. nil is an empty one.
type object struct {
	keys []string
	vals map[string]any
}

func (o *object) get(key string) any {
	if o == nil {
		return nil
	}
	return o.vals[key]
}

// obj, list and text are what is under a key, empty when it is something else.
func (o *object) obj(key string) *object { v, _ := o.get(key).(*object); return v }
func (o *object) list(key string) []any  { v, _ := o.get(key).([]any); return v }
func (o *object) text(key string) string { v, _ := o.get(key).(string); return v }

// names are the keys.
func (o *object) names() []string {
	if o == nil {
		return nil
	}
	return o.keys
}

func (o *object) set(key string, v any) {
	if _, known := o.vals[key]; !known {
		o.keys = append(o.keys, key)
	}
	o.vals[key] = v
}

// ordered reads a description with the order of its keys.
func ordered(text []byte) (*object, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("api: read description: %w", err)
	}
	v, err := value(&doc)
	if err != nil {
		return nil, fmt.Errorf("api: read description: %w", err)
	}
	o, _ := v.(*object)
	return o, nil
}

func value(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.DocumentNode:
		return value(n.Content[0])
	case yaml.AliasNode:
		return value(n.Alias)
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, c := range n.Content {
			var err error
			if list[i], err = value(c); err != nil {
				return nil, err
			}
		}
		return list, nil
	case yaml.MappingNode:
		return mapping(n)
	}
	var v any
	return v, n.Decode(&v)
}

// mapping reads a mapping. What is merged into it comes first and gives way to its own.
func mapping(n *yaml.Node) (*object, error) {
	o := &object{vals: map[string]any{}}
	for own := range 2 {
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, val := n.Content[i], n.Content[i+1]
			if merged := key.Value == "<<"; merged == (own == 1) {
				continue
			}
			v, err := value(val)
			if err != nil {
				return nil, err
			}
			if own == 1 {
				o.set(key.Value, v)
				continue
			}
			from, several := v.([]any)
			if !several {
				from = []any{v}
			}
			for _, f := range slices.Backward(from) { // the first of several wins
				f, _ := f.(*object)
				for _, k := range f.names() {
					o.set(k, f.vals[k])
				}
			}
		}
	}
	return o, nil
}
