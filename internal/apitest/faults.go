package apitest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// faults is what does not match in an exchange.
func (e *exchange) faults() (faults []string) {
	d, _ := Load() // was loaded before
	op, params := d.find(e.method, e.path)
	if op == nil {
		if e.answer.status < 300 {
			return []string{"no such path or method is described"}
		}
		return nil
	}
	c := check{doc: d, op: op, exchange: e, input: &openapi3filter.RequestValidationInput{
		Request: e.request, PathParams: params, QueryParams: e.request.URL.Query(),
		Route:   &routers.Route{Spec: d.Spec, Path: op.path, PathItem: op.item, Method: op.method, Operation: op.spec},
		Options: &openapi3filter.Options{IncludeResponseStatus: true, ExcludeResponseBody: true},
	}}
	if e.answer.status < 300 {
		c.parameters()
		c.requestBody()
	}
	c.response()
	return c.found
}

// check compares one exchange with its operation.
type check struct {
	*exchange
	doc   *Document
	op    *operation
	input *openapi3filter.RequestValidationInput
	found []string
}

func (c *check) fault(format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf(format, args...))
}

// parameters compares those a client must get right: x-lenient ones are never refused.
func (c *check) parameters() {
	for _, p := range append(slices.Clone(c.op.item.Parameters), c.op.spec.Parameters...) {
		if lenient, _ := p.Value.Extensions["x-lenient"].(bool); lenient {
			continue
		}
		if p.Value.In == openapi3.ParameterInPath && c.input.PathParams["*"] != "" {
			continue // the path goes on in its own way
		}
		if p.Value.In == openapi3.ParameterInQuery && c.input.QueryParams.Get(p.Value.Name) == "" && !p.Value.Required {
			continue // counts as absent
		}
		if err := openapi3filter.ValidateParameter(context.Background(), c.input, p.Value); err != nil {
			c.fault("the request: %v", err)
		}
	}
}

func (c *check) requestBody() {
	if c.op.spec.RequestBody == nil || c.exchange.body != nil && c.exchange.body.more {
		return
	}
	sent := bytes.TrimSpace(c.sent())
	described := c.op.spec.RequestBody.Value
	kind, params, _ := mime.ParseMediaType(c.request.Header.Get("Content-Type"))
	if len(sent) == 0 {
		if described.Required {
			c.fault("the request has no body")
			return
		}
		sent, kind = []byte("{}"), "application/json" // counts as that
	}
	place, found := c.content(c.op.place+"/requestBody", described.Content, kind)
	switch {
	case !found:
		c.fault("the request has a body of type %q", kind)
	case place == "":
	case kind == "multipart/form-data":
		c.form(place, sent, params["boundary"])
	case strings.HasSuffix(kind, "json"):
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(sent))
		if err != nil {
			c.fault("the request's body is no JSON: %v", err)
			return
		}
		if m, ok := v.(map[string]any); ok {
			maps.DeleteFunc(m, func(_ string, v any) bool { return v == nil }) // counts as absent
		}
		c.value("the request's body", place, v)
	}
}

// content finds the schema of a media type; "" when there is none.
func (c *check) content(at string, all openapi3.Content, kind string) (place string, found bool) {
	class, _, _ := strings.Cut(kind, "/")
	for _, name := range [...]string{kind, class + "/*", "*/*"} {
		if m := all[name]; m != nil {
			if m.Schema == nil {
				return "", true
			}
			return at + "/content/" + escape(name) + "/schema", true
		}
	}
	return "", false
}

// form compares the names of a form's parts.
func (c *check) form(place string, sent []byte, boundary string) {
	_, v := c.doc.locate(place)
	schema, _ := v.(map[string]any)
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	parts := multipart.NewReader(bytes.NewReader(sent), boundary)
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			c.fault("the request's form: %v", err)
			return
		}
		if part.FileName() != "" && properties[part.FormName()] == nil {
			c.fault("the request's form: a file %q is not described", part.FormName())
		}
		required = slices.DeleteFunc(slices.Clone(required), func(name any) bool { return name == part.FormName() })
	}
	if len(required) > 0 {
		c.fault("the request's form: no %v", required)
	}
}

func (c *check) response() {
	a := c.answer
	header := a.sent
	if header == nil {
		header = a.Header()
	}
	input := &openapi3filter.ResponseValidationInput{RequestValidationInput: c.input, Status: a.status, Header: header, Options: c.input.Options}
	if err := openapi3filter.ValidateResponse(context.Background(), input); err != nil {
		c.fault("%v", err)
		return
	}
	if c.method == http.MethodHead || a.failed {
		return
	}
	status := strconv.Itoa(a.status)
	described := c.op.spec.Responses.Value(status)
	if described == nil {
		status, described = "default", c.op.spec.Responses.Default()
	}
	if described == nil || status == "default" {
		return
	}
	kind, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	if len(described.Value.Content) == 0 {
		if a.body.Len() > 0 && kind == "application/json" {
			c.fault("the answer has a body")
		}
		return
	}
	place, found := c.content(c.op.place+"/responses/"+status, described.Value.Content, kind)
	switch {
	case !found:
		c.fault("the answer is of type %q", kind)
	case place == "", a.more:
	case kind == "text/event-stream":
		c.stream(a.body.String())
	case kind == "application/json":
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.body.Bytes()))
		if err != nil {
			c.fault("the answer is no JSON: %v", err)
			return
		}
		c.closed("the answer", place, v)
	}
}

// streamed are the schemas of the data of server-sent events.
var streamed = map[string]string{
	"user_message": "BusMessage", "chunk": "StreamChunk", "message": "StreamedMessage", "done": "StreamDone", "error": "StreamError",
	"gap": "StreamGap",
}

// stream compares the events of a stream, but for one that was cut.
func (c *check) stream(text string) {
	blocks := strings.Split(text, "\n\n")
	for _, block := range blocks[:len(blocks)-1] {
		name, data := "", ""
		for line := range strings.SplitSeq(block, "\n") {
			field, value, _ := strings.Cut(line, ": ")
			switch field {
			case "event":
				name = value
			case "data":
				data = value
			}
		}
		if name == "" {
			continue
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(data))
		if key := c.doc.names[name]; err == nil && streamed[name] == "" && key != "" { // as a socket gets it
			s, err := c.doc.payload(key)
			if err == nil {
				err = s.Validate(v)
			}
			if err != nil {
				c.fault("the stream's event %s: %v", name, err)
			}
			continue
		}
		if err != nil || streamed[name] == "" {
			c.fault("the stream's event %q: %v", name, err)
			continue
		}
		c.closed("the stream's event "+name, "/components/schemas/"+streamed[name], v)
	}
}

// value compares a value with the schema at a place.
func (c *check) value(what, place string, v any) {
	at, _ := c.doc.locate(place)
	s, err := c.doc.schema(at)
	if err == nil {
		err = s.Validate(v)
	}
	if err != nil {
		c.fault("%s: %v", what, err)
	}
}

// closed is value, and compares the names of fields too.
func (c *check) closed(what, place string, v any) {
	c.value(what, place, v)
	_, schema := c.doc.locate(place)
	components, _ := c.doc.raw["components"].(map[string]any)
	for _, name := range unnamed(components, []any{schema}, v, "") {
		c.fault("%s has a field nobody described: %s", what, name)
	}
}
