package client

import (
	"context"
	"encoding/json"

	"github.com/eliza-go/eliza/runtime/core"
)

// System are the calls on the server's version, settings and description.
type System struct{ c *Client }

// Version is what a server is and how long it runs.
type Version struct {
	Version     string   `json:"version"`
	Environment string   `json:"environment"`
	Timestamp   core.ISO `json:"timestamp"`
	Uptime      int64    `json:"uptime"` // seconds
}

// Config is what clients have to know.
type Config struct {
	RequiresAuth bool `json:"requiresAuth"` // users must log in
}

// Version returns the version.
func (s *System) Version(ctx context.Context) (*Version, error) {
	return whole[Version](ctx, s.c, get("api", "system", "version"))
}

// Config returns what clients have to know.
func (s *System) Config(ctx context.Context) (*Config, error) {
	return data[Config](ctx, s.c, get("api", "system", "config"))
}

// Env reads the variables in the server's env file. Only with the server's key, from its own machine, or for whom its
// host lets.
func (s *System) Env(ctx context.Context) (map[string]string, error) {
	v, err := data[map[string]string](ctx, s.c, get("api", "system", "env", "local"))
	if err != nil {
		return nil, err
	}
	return *v, nil
}

// SetEnv replaces all variables of the env file. It does not change the running server.
func (s *System) SetEnv(ctx context.Context, vars map[string]string) error {
	return s.setEnv(ctx, vars, false)
}

// MergeEnv replaces the variables that are named.
func (s *System) MergeEnv(ctx context.Context, vars map[string]string) error {
	return s.setEnv(ctx, vars, true)
}

func (s *System) setEnv(ctx context.Context, vars map[string]string, merge bool) error {
	r := post(struct {
		Content map[string]string `json:"content"`
		Merge   bool              `json:"merge"`
	}{vars, merge}, "api", "system", "env", "local")
	r.repeatable = true
	return s.c.none(ctx, r)
}

// OpenAPI is the description of the server's HTTP API.
func (s *System) OpenAPI(ctx context.Context) (json.RawMessage, error) {
	return s.c.raw(ctx, get("api", "openapi.json"))
}

// AsyncAPI is the description of the events of its sockets.
func (s *System) AsyncAPI(ctx context.Context) (json.RawMessage, error) {
	return s.c.raw(ctx, get("api", "asyncapi.json"))
}

// Docs is both as a page for people.
func (s *System) Docs(ctx context.Context) ([]byte, error) {
	r := get("api", "docs")
	r.accept = "text/html"
	return s.c.raw(ctx, r)
}
