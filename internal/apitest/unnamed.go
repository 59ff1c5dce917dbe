package apitest

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// unnamed lists the fields of a value that none of its schemas names, unless one of them says that there may be
// others. components is where the schemas' references lead.
func unnamed(components map[string]any, schemas []any, v any, at string) (names []string) {
	all := flat(components, schemas)
	switch v := v.(type) {
	case []any:
		var items []any
		for _, s := range all {
			items = append(items, s["items"])
		}
		for i, x := range v {
			names = append(names, unnamed(components, items, x, at+"/"+strconv.Itoa(i))...)
		}
	case map[string]any:
		named, open := map[string][]any{}, true
		var rest []any
		for _, s := range all {
			properties, _ := s["properties"].(map[string]any)
			for name, p := range properties {
				named[name] = append(named[name], p)
				open = false
			}
		}
		for _, s := range all {
			if more, ok := s["additionalProperties"]; ok && more != false {
				rest, open = append(rest, more), true
			}
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			switch {
			case named[name] != nil:
				names = append(names, unnamed(components, named[name], v[name], at+"/"+name)...)
			case open:
				names = append(names, unnamed(components, rest, v[name], at+"/"+name)...)
			default:
				names = append(names, at+"/"+name)
			}
		}
	}
	return names
}

// flat is schemas with all they refer to and are made of.
func flat(components map[string]any, schemas []any) (all []map[string]any) {
	named, _ := components["schemas"].(map[string]any)
	for _, s := range schemas {
		m, ok := s.(map[string]any)
		if !ok {
			continue
		}
		all = append(all, m)
		if ref, ok := m["$ref"].(string); ok {
			name := strings.TrimPrefix(ref, "#/components/schemas/")
			all = append(all, flat(components, []any{named[name]})...)
		}
		for _, key := range [...]string{"allOf", "anyOf", "oneOf"} {
			parts, _ := m[key].([]any)
			all = append(all, flat(components, parts)...)
		}
	}
	return all
}
