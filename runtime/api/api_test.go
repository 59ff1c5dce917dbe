package api_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/runtime/api"
)

// spoken are the names of events in the sources of the gateway: those a socket can send, and those it gets.
func spoken(t *testing.T) (heard, said []string) {
	t.Helper()
	files, err := filepath.Glob("../../messaging/gateway*.go")
	if err != nil {
		t.Fatal(err)
	}
	in, out := map[string]bool{}, map[string]bool{}
	note := func(into map[string]bool, e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if name, err := strconv.Unquote(lit.Value); err == nil {
				into[name] = true
			}
		}
	}
	for _, name := range append(files, "../../messaging/wire_events.go") {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr: // s.On("…"), g.emit(s, "…"), s.EmitVolatile("…")
				sel, ok := n.Fun.(*ast.SelectorExpr)
				if !ok || len(n.Args) == 0 {
					break
				}
				switch sel.Sel.Name {
				case "On":
					note(in, n.Args[0])
				case "Emit", "EmitVolatile":
					note(out, n.Args[0])
				case "emit":
					note(out, n.Args[1])
				}
			case *ast.CompositeLit: // frame{"…"}, []frame{{"…"}}
				if id, ok := n.Type.(*ast.Ident); ok && id.Name == "frame" && len(n.Elts) > 0 {
					note(out, n.Elts[0])
				}
				if list, ok := n.Type.(*ast.ArrayType); ok && len(n.Elts) > 0 {
					if id, ok := list.Elt.(*ast.Ident); ok && id.Name == "frame" {
						for _, e := range n.Elts {
							if one, ok := e.(*ast.CompositeLit); ok && len(one.Elts) > 0 {
								note(out, one.Elts[0])
							}
						}
					}
				}
			}
			return true
		})
	}
	return slices.Sorted(maps.Keys(in)), slices.Sorted(maps.Keys(out))
}

func TestTheDescriptionHasEveryEventAndNoOther(t *testing.T) {
	t.Parallel()
	heard, said := spoken(t)
	if len(heard) < 6 || len(said) < 15 {
		t.Fatalf("the sources name %q and %q: they are not read as they are written", heard, said)
	}
	text, err := api.Description{}.AsyncAPI()
	if err != nil {
		t.Fatal(err)
	}
	type ref struct {
		Ref string `json:"$ref"`
	}
	var doc struct {
		Channels   map[string]struct{ Messages map[string]ref }
		Operations map[string]struct {
			Action   string
			Messages []ref
		}
		Components struct {
			Messages map[string]struct {
				Name   string
				Packet string   `json:"x-packet"`
				Names  []string `json:"x-names"`
			}
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	names := map[string][]string{"receive": {}, "send": {}}
	used := map[string]bool{}
	for _, op := range doc.Operations {
		for _, r := range op.Messages {
			key := filepath.Base(r.Ref)
			m, known := doc.Components.Messages[key]
			if !known || doc.Channels["main"].Messages[key].Ref != "#/components/messages/"+key {
				t.Errorf("%s leads nowhere", r.Ref)
			}
			if m.Packet == "" && m.Names == nil {
				names[op.Action] = append(names[op.Action], m.Name)
			}
			used[key] = true
		}
	}
	for key := range doc.Components.Messages {
		if !used[key] {
			t.Errorf("%s is neither sent nor received", key)
		}
	}
	for _, list := range names {
		slices.Sort(list)
	}
	if d := cmp.Diff(heard, names["receive"]); d != "" {
		t.Errorf("events a socket can send (-the gateway +described):\n%s", d)
	}
	if d := cmp.Diff(said, slices.Compact(names["send"])); d != "" {
		t.Errorf("events a socket gets (-the gateway +described):\n%s", d)
	}
}
