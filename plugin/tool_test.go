package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

func ExampleTool() {
	type order struct {
		City string   `json:"city" desc:"where to, as a name"`
		Size string   `json:"size,omitempty" enum:"small,large"`
		Tags []string `json:"tags,omitempty"`
	}
	tool := plugin.Tool("SEND", "Sends a parcel.", func(_ context.Context, _ *plugin.Call, in order) (plugin.Result, error) {
		return plugin.Result{Text: "sent to " + in.City}, nil
	})
	fmt.Println(string(tool.Params))

	r, err := tool.Run(context.Background(), &plugin.Call{Params: json.RawMessage(`{"city":"Rome","tags":["fragile"]}`)})
	fmt.Println(r.Text, err)
	_, err = tool.Run(context.Background(), &plugin.Call{Params: json.RawMessage(`{"size":"huge"}`)})
	fmt.Println(err)
	// Output:
	// {"properties":{"city":{"description":"where to, as a name","type":"string"},"size":{"enum":["small","large"],"type":"string"},"tags":{"items":{"type":"string"},"type":"array"}},"required":["city"],"type":"object"}
	// sent to Rome <nil>
	// Missing required parameter: city
}

type base struct {
	ID   string `json:"id"`
	Note string `json:"note,omitempty"`
}

type tree struct {
	Name     string           `json:"name"`
	Children []tree           `json:"children,omitempty"`
	Parent   *tree            `json:"parent"`
	ByName   map[string]*tree `json:"byName,omitempty"`
}

type everything struct {
	base
	Note     *string           `json:"note"`
	Count    int               `json:"count" enum:"1,2,3"`
	Small    uint8             `json:"small,omitempty"`
	Ratio    float64           `json:"ratio,omitzero"`
	On       bool              `json:"on,omitempty"`
	When     time.Time         `json:"when,omitzero"`
	Agent    *core.UUID        `json:"agent" validate:"required" desc:"who"`
	Labels   map[string]string `json:"labels,omitempty"`
	Colours  []string          `json:"colours,omitempty" enum:"red,blue"`
	Place    *struct{ X, Y int }
	Any      any             `json:"any,omitempty"`
	Raw      json.RawMessage `json:"raw,omitempty"`
	Bytes    []byte          `json:"bytes,omitempty"`
	Text     int             `json:"text,omitempty,string"`
	Number   json.Number     `json:"number,omitempty"`
	Skipped  string          `json:"-"`
	internal string
	Tree     *tree `json:"tree"`
}

func TestToolSchema(t *testing.T) {
	t.Parallel()
	action := plugin.Tool("X", "", func(context.Context, *plugin.Call, everything) (plugin.Result, error) { return plugin.Result{}, nil })
	const want = `{"type":"object","required":["count","agent","id"],"properties":{
		"id":{"type":"string"},"note":{"type":"string"},"count":{"type":"integer","enum":[1,2,3]},"small":{"type":"integer"},
		"ratio":{"type":"number"},"on":{"type":"boolean"},"when":{"type":"string","format":"date-time"},
		"agent":{"type":"string","description":"who"},"labels":{"type":"object","additionalProperties":{"type":"string"}},
		"colours":{"type":"array","items":{"type":"string","enum":["red","blue"]}},
		"Place":{"type":"object","required":["X","Y"],"properties":{"X":{"type":"integer"},"Y":{"type":"integer"}}},
		"any":{},"raw":{},"bytes":{"type":"string","format":"byte"},"text":{"type":"string"},"number":{"type":"number"},
		"tree":{"type":"object","required":["name"],"properties":{"name":{"type":"string"},"parent":{"type":"object"},
			"children":{"type":"array","items":{"type":"object"}},"byName":{"type":"object","additionalProperties":{"type":"object"}}}}}}`
	var a, b any
	if err := errors.Join(json.Unmarshal([]byte(want), &a), json.Unmarshal(action.Params, &b)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(a, b); d != "" {
		t.Errorf("schema differs (-want +got):\n%s", d)
	}
}

func TestToolParameters(t *testing.T) {
	t.Parallel()
	var last everything
	action := plugin.Tool("X", "", func(_ context.Context, _ *plugin.Call, in everything) (plugin.Result, error) {
		last = in
		return plugin.Result{Text: "ran"}, nil
	})
	const ok = `"id":"i","count":2,"agent":"` + string(ada) + `"`
	for _, tt := range []struct{ params, want string }{
		{`{` + ok + `}`, ""},
		{`{` + ok + `,"unknown":{"a":[1]},"note":null,"tree":{"name":"a","children":[{"name":"b"}]},"ratio":1,"text":"5","Place":{"X":1,"Y":2}}`, ""},
		{``, "Missing required parameter: count"},
		{`null`, "Missing required parameter: count"},
		{`{"count":1,"agent":"x"}`, "Missing required parameter: id"},
		{`{"id":"i","count":1,"agent":null}`, "Missing required parameter: agent"},
		{`[]`, "Invalid parameters: expected an object"},
		{`"x"`, "Invalid parameters: expected an object"},
		{`{`, "Invalid parameters: expected an object"},
		{`{} x`, "Invalid parameters: expected an object"},
		{`{"id":"i","agent":"x","count":"two"}`, "Invalid parameter: count must be of type integer"},
		{`{"id":"i","agent":"x","count":1.5}`, "Invalid parameter: count must be of type integer"},
		{`{"id":"i","agent":"x","count":4}`, "Invalid parameter: count must be one of 1, 2, 3"},
		{`{` + ok + `,"small":300}`, "Invalid parameter: small must not be a number 300"},
		{`{` + ok + `,"labels":{"a":1}}`, "Invalid parameter: labels.a must be of type string"},
		{`{` + ok + `,"colours":["red","green"]}`, "Invalid parameter: colours must be one of red, blue"},
		{`{` + ok + `,"colours":"red"}`, "Invalid parameter: colours must be of type array"},
		{`{` + ok + `,"Place":{"X":1}}`, "Missing required parameter: Place.Y"},
		{`{` + ok + `,"tree":{"name":"a","children":[{"name":"b"},{"name":3}]}}`, "Invalid parameter: tree.children[1].name must be of type string"},
		{`{` + ok + `,"tree":{"name":"a","parent":{"parent":{}}}}`, "Missing required parameter: tree.parent.name"},
		{`{` + ok + `,"when":"yesterday"}`, "Invalid parameters"},
	} {
		r, err := action.Run(t.Context(), &plugin.Call{Params: json.RawMessage(tt.params)})
		switch e, isOurs := errors.AsType[*core.Error](err); {
		case tt.want == "" && (err != nil || r.Text != "ran"):
			t.Errorf("Run(%s) = %q, %v", tt.params, r.Text, err)
		case tt.want != "" && (!isOurs || e.Code != core.CodeBadRequest || e.Message != tt.want):
			t.Errorf("Run(%s) = %v, want %s", tt.params, err, tt.want)
		}
	}
	if last.ID != "i" || last.Count != 2 || last.Text != 5 || last.Tree.Children[0].Name != "b" || last.Place.Y != 2 || last.internal != "" {
		t.Errorf("decoded %+v", last)
	}
}

func TestToolMistakes(t *testing.T) {
	t.Parallel()
	mistakes := map[string]func(){
		"no function": func() { plugin.Tool[struct{}]("X", "", nil) },
		"channel": func() {
			plugin.Tool("X", "", func(context.Context, *plugin.Call, struct{ C chan int }) (plugin.Result, error) {
				return plugin.Result{}, nil
			})
		},
		"no object": func() {
			plugin.Tool("X", "", func(context.Context, *plugin.Call, []string) (plugin.Result, error) { return plugin.Result{}, nil })
		},
	}
	for name, f := range mistakes {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}
