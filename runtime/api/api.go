// Package api describes what the server speaks and serves the description: its HTTP API as OpenAPI 3.1
// (openapi.yaml), the events of its sockets as AsyncAPI 3.0 (asyncapi.yaml), and a page with both for people.
// Both files are written by hand, and the tests hold the server to them.
package api

import (
	_ "embed" // of the descriptions
	"fmt"
	"sync"

	"go.yaml.in/yaml/v4"

	"github.com/eliza-go/eliza/runtime/core"
)

//go:embed openapi.yaml
var openAPI []byte

//go:embed asyncapi.yaml
var asyncAPI []byte

// document is a description, decoded.
type document = map[string]any

// Description tells where the described server is and what it calls itself. The zero value is a server at the
// root of its host, of the version the files name. Safe for concurrent use.
type Description struct {
	PublicPath string // in front of every path; "" or /… without a slash at the end
	Version    string // of the server
}

// OpenAPI is the description of the HTTP API as JSON.
func (d Description) OpenAPI() ([]byte, error) {
	doc, err := decode(openAPI)
	if err != nil {
		return nil, err
	}
	delete(doc, "x-shared") // only for merging, and merged
	d.name(doc)
	at := d.PublicPath
	if at == "" {
		at = "/"
	}
	doc["servers"] = []any{document{"url": at, "description": "This server."}}
	return core.EncodeJSON(doc)
}

// AsyncAPI is the description of the socket events as JSON.
func (d Description) AsyncAPI() ([]byte, error) {
	doc, err := decode(asyncAPI)
	if err != nil {
		return nil, err
	}
	d.name(doc)
	if servers, ok := doc["servers"].(document); ok {
		for _, s := range servers {
			if s, ok := s.(document); ok {
				s["pathname"] = d.PublicPath + "/socket.io/"
			}
		}
	}
	return core.EncodeJSON(doc)
}

// name puts the server's version into a description.
func (d Description) name(doc document) {
	if info, ok := doc["info"].(document); ok && d.Version != "" {
		info["version"] = d.Version
	}
}

func decode(text []byte) (document, error) {
	var doc document
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("api: read description: %w", err)
	}
	return doc, nil
}

// made is something that is made once, when it is asked for first.
type made struct{ get func() ([]byte, error) }

func once(f func() ([]byte, error)) made { return made{sync.OnceValues(f)} }
