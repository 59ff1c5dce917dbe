package apitest

import (
	"bytes"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/eliza-go/eliza/runtime/api"
)

const eventsResource = "file:///asyncapi.json"

func (d *Document) loadEvents() error {
	text, err := api.Description{}.AsyncAPI()
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	d.events, _ = v.(map[string]any)
	d.names = map[string]string{}
	for key, m := range d.messages() {
		name, _ := m["name"].(string)
		d.names[name] = key
	}
	return d.schemas.AddResource(eventsResource, v)
}

// messages are the described events, by their keys in the description.
func (d *Document) messages() map[string]map[string]any {
	components, _ := d.events["components"].(map[string]any)
	messages, _ := components["messages"].(map[string]any)
	out := make(map[string]map[string]any, len(messages))
	for key, m := range messages {
		out[key], _ = m.(map[string]any)
	}
	return out
}

// payload is the schema of an event's payload.
func (d *Document) payload(key string) (*jsonschema.Schema, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.compile(eventsResource, "/components/messages/"+key+"/payload")
}

// Event compares an event a socket got with its description; what does not match is an error of the test.
func Event(t testing.TB, name string, data []byte) {
	t.Helper()
	d, err := Load()
	if err != nil {
		t.Errorf("the description cannot be used: %v", err)
		return
	}
	key := d.names[name]
	if key == "" {
		t.Errorf("the event %s is not described: %.300s", name, data)
		return
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Errorf("the event %s: %v", name, err)
		return
	}
	s, err := d.payload(key)
	if err == nil {
		err = s.Validate(v)
	}
	if err != nil {
		t.Errorf("the event %s is not as described: %v\n%.600s", name, err, data)
	}
	components, _ := d.events["components"].(map[string]any)
	for _, field := range unnamed(components, []any{d.messages()[key]["payload"]}, v, "") {
		t.Errorf("the event %s has a field nobody described: %s", name, field)
	}
}

// Examples compares the examples of events with their schemas and returns how many there are.
func Examples(t testing.TB) (n int) {
	t.Helper()
	d, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for key, m := range d.messages() {
		examples, _ := m["examples"].([]any)
		if len(examples) == 0 {
			t.Errorf("%s has no example", key)
		}
		s, err := d.payload(key)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range examples {
			e, _ := e.(map[string]any)
			if err := s.Validate(e["payload"]); err != nil {
				t.Errorf("an example of %s: %v", key, err)
			}
			n++
		}
	}
	return n
}
