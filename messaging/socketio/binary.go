package socketio

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// placeholder stands in the JSON of a packet for an attachment.
type placeholder struct {
	Placeholder bool `json:"_placeholder"`
	Num         int  `json:"num"`
}

// strip replaces the []byte values in args by placeholders and returns the attachments. Only arguments
// and the values of map[string]any and []any are looked at; args itself is left as it is.
func strip(args []any) ([]any, [][]byte) {
	var bin [][]byte
	out, changed := stripSlice(args, &bin)
	if !changed {
		return args, nil
	}
	return out, bin
}

func stripSlice(in []any, bin *[][]byte) (out []any, changed bool) {
	for i, v := range in {
		w, ok := stripValue(v, bin)
		if !ok {
			continue
		}
		if !changed {
			out, changed = slices.Clone(in), true
		}
		out[i] = w
	}
	return out, changed
}

func stripValue(v any, bin *[][]byte) (w any, changed bool) {
	switch v := v.(type) {
	case []byte:
		if v == nil {
			return nil, false
		}
		*bin = append(*bin, v)
		return placeholder{true, len(*bin) - 1}, true
	case []any:
		return stripSlice(v, bin)
	case map[string]any:
		var out map[string]any
		for _, k := range slices.Sorted(maps.Keys(v)) { // the order in which they are encoded
			if w, ok := stripValue(v[k], bin); ok {
				if out == nil {
					out = maps.Clone(v)
				}
				out[k] = w
			}
		}
		return out, out != nil
	}
	return nil, false
}

// fill puts attachments in the places of their placeholders, changing v.
func fill(v any, bin [][]byte) (any, error) {
	var err error
	switch v := v.(type) {
	case []any:
		for i := range v {
			if v[i], err = fill(v[i], bin); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		if v["_placeholder"] == true {
			num, ok := v["num"].(json.Number)
			if n, err := num.Int64(); ok && err == nil && n >= 0 && n < int64(len(bin)) {
				return bin[n], nil
			}
			return nil, errPacket
		}
		for k := range v {
			if v[k], err = fill(v[k], bin); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// decodeValue decodes without loss: numbers stay as they were written.
func decodeValue(raw json.RawMessage) (v any, err error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	err = dec.Decode(&v)
	return v, err
}

// marshal encodes v as clients of the protocol do, without escaping HTML.
func marshal(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}
