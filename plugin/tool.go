package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/eliza-go/eliza/runtime/core"
)

// Tool makes an action with typed parameters from a function. T is a struct, or a map with texts as keys;
// Action.Params is its JSON schema:
//
//   - a field's name is that of encoding/json, `desc:"…"` describes it for the model;
//   - a field is required unless it is a pointer or has omitempty or omitzero; `validate:"required"` makes
//     such a one required nevertheless;
//   - `enum:"a,b,c"` lists the values of a field, or of the members of an array;
//   - structs, slices and maps may nest, and a type may contain itself.
//
// Parameters are checked before fn is called: a missing or wrong one is a [core.BadRequest] that names it.
// Unknown ones are ignored. Tool panics when T has fields no JSON value fits, which is a mistake in the
// program.
func Tool[T any](name, description string, fn func(ctx context.Context, c *Call, in T) (Result, error)) Action {
	if fn == nil {
		panic("plugin: tool " + name + " has no function")
	}
	s, params, err := parameters(reflect.TypeFor[T]())
	if err != nil {
		panic(fmt.Sprintf("plugin: tool %s: %v", name, err))
	}
	return Action{
		Name:        name,
		Description: description,
		Params:      params,
		Run: func(ctx context.Context, c *Call) (Result, error) {
			var in T
			if err := s.decode(c.Params, &in); err != nil {
				return Result{}, err
			}
			return fn(ctx, c, in)
		},
	}
}

// parameters is the schema of an action's parameters, for checking and in writing.
func parameters(t reflect.Type) (*schema, json.RawMessage, error) {
	s, err := schemaOf(t, map[reflect.Type]*schema{})
	if err != nil {
		return nil, nil, err
	}
	if s.kind != kindObject {
		return nil, nil, fmt.Errorf("parameters must be a struct or a map, not %s", t)
	}
	raw, err := core.EncodeJSON(s.document(map[*schema]bool{}))
	return s, raw, err
}

// decode checks raw and reads it into v.
func (s *schema) decode(raw json.RawMessage, v any) error {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		raw = json.RawMessage("{}")
	}
	var all map[string]any
	if !json.Valid(raw) || core.DecodeJSON(raw, &all) != nil {
		return core.BadRequest("Invalid parameters: expected an object")
	}
	if err := s.check(all, ""); err != nil {
		return err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && e.Field != "" {
			return core.BadRequest("Invalid parameter: " + e.Field + " must not be a " + e.Value).Wrap(err)
		}
		return core.BadRequest("Invalid parameters").Wrap(err)
	}
	return nil
}
