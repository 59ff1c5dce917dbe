package apitest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/eliza-go/eliza/runtime/api"
)

// Document is the description, read and checked.
type Document struct {
	Spec *openapi3.T

	raw     map[string]any // the same as plain JSON
	router  *echo.Router
	echo    *echo.Echo
	ops     map[string]*operation // by method and pattern
	mu      sync.Mutex
	schemas *jsonschema.Compiler
	ready   map[string]*jsonschema.Schema // by place
	events  map[string]any                // the description of socket events
	names   map[string]string             // of its messages, by the names of events
}

// operation is one method of one described path.
type operation struct {
	item   *openapi3.PathItem
	spec   *openapi3.Operation
	method string
	path   string // as described
	place  string // of the operation in the document
}

// Load reads the description as it is served; once for all tests of a process.
var Load = sync.OnceValues(load)

func load() (*Document, error) {
	text, err := api.Description{}.OpenAPI()
	if err != nil {
		return nil, err
	}
	d := &Document{ops: map[string]*operation{}, echo: echo.New(), schemas: jsonschema.NewCompiler(), ready: map[string]*jsonschema.Schema{}}
	if d.Spec, err = openapi3.NewLoader().LoadFromData(text); err != nil {
		return nil, err
	}
	if err := d.Spec.Validate(context.Background()); err != nil {
		return nil, err
	}
	raw, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	d.raw, _ = raw.(map[string]any)
	d.schemas.AssertFormat()
	if err := d.loadEvents(); err != nil {
		return nil, err
	}
	if err := d.schemas.AddResource(resource, raw); err != nil {
		return nil, err
	}
	d.router = d.echo.Router()
	for path, item := range d.Spec.Paths.Map() {
		for method, op := range item.Operations() {
			pattern := Pattern(path, item)
			d.router.Add(method, pattern, func(echo.Context) error { return nil })
			d.ops[method+" "+pattern] = &operation{item, op, method, path, "/paths/" + escape(path) + "/" + strings.ToLower(method)}
		}
	}
	return d, nil
}

// resource names the document for the compiler of schemas.
const resource = "file:///openapi.json"

// Pattern is a described path as Echo's router writes it.
func Pattern(path string, item *openapi3.PathItem) string {
	if p, ok := item.Extensions["x-pattern"].(string); ok {
		return p
	}
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// find is the operation of a request, and the parameters in its path.
func (d *Document) find(method, path string) (*operation, map[string]string) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	c := d.echo.NewContext(nil, nil)
	d.router.Find(method, path, c)
	op := d.ops[method+" "+c.Path()]
	if op == nil {
		return nil, nil
	}
	params := map[string]string{}
	for i, name := range c.ParamNames() {
		params[name] = c.ParamValues()[i]
	}
	return op, params
}

// locate follows the references on the way to a place, but for those of schemas, and returns where it really is
// and what is there; nil when there is nothing.
func (d *Document) locate(place string) (string, any) {
	var v any = d.raw
	at, rest := "", strings.Split(strings.TrimPrefix(place, "/"), "/")
	for i, part := range rest {
		m, _ := v.(map[string]any)
		v = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
		at += "/" + part
		if m, ok := v.(map[string]any); ok {
			if ref, ok := m["$ref"].(string); ok && !strings.HasPrefix(ref, "#/components/schemas/") {
				return d.locate(strings.Join(append([]string{ref[1:]}, rest[i+1:]...), "/"))
			}
		}
	}
	return at, v
}

// schema is the compiled schema at a place.
func (d *Document) schema(place string) (*jsonschema.Schema, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.compile(resource, place)
}

// compile needs the lock.
func (d *Document) compile(resource, place string) (*jsonschema.Schema, error) {
	if s := d.ready[resource+place]; s != nil {
		return s, nil
	}
	s, err := d.schemas.Compile(resource + "#" + (&url.URL{Fragment: place}).EscapedFragment())
	if err != nil {
		return nil, fmt.Errorf("the schema at %s: %w", place, err)
	}
	d.ready[resource+place] = s
	return s, nil
}

func escape(part string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(part) }
