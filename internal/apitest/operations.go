package apitest

import (
	"cmp"
	"maps"
	"slices"
)

// Operation is the id of the operation a request is for: that of the main one when its path is an alias, "" when the
// description has none.
func (d *Document) Operation(method, path string) string {
	op, _ := d.find(method, path)
	if op == nil {
		return ""
	}
	of, _ := op.spec.Extensions["x-alias-of"].(string)
	return cmp.Or(of, op.spec.OperationID)
}

// Operations are the ids of all operations but for aliases.
func (d *Document) Operations() []string {
	ids := map[string]bool{}
	for _, op := range d.ops {
		if op.spec.Extensions["x-alias-of"] == nil {
			ids[op.spec.OperationID] = true
		}
	}
	return slices.Sorted(maps.Keys(ids))
}
