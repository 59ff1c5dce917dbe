package client

import (
	"context"
	"net/http"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// Agents are the calls on characters and their life cycle.
type Agents struct{ c *Client }

// AgentSummary is an agent in a list.
type AgentSummary struct {
	ID     core.UUID `json:"id"`
	Name   string    `json:"name"`
	Bio    string    `json:"bio"`    // its first line
	Status string    `json:"status"` // active or inactive
}

// Agent is a character and its state. Secrets are encrypted.
type Agent struct {
	core.Character
	Enabled   bool        `json:"enabled"`
	Status    string      `json:"status"` // active or inactive
	CreatedAt core.Millis `json:"createdAt"`
	UpdatedAt core.Millis `json:"updatedAt"`
}

// CreatedAgent is what came of [Agents.Create].
type CreatedAgent struct {
	ID        core.UUID      `json:"id"`
	Character core.Character `json:"character"` // as it is stored
	Existing  bool           `json:"existing"`  // it was there before; nothing was changed
}

// Panel is a page a plugin of an agent's has.
type Panel struct {
	Name string `json:"name"`
	Path string `json:"path"` // relative to the server's host
}

// List returns active agents first, then by name.
func (a *Agents) List(ctx context.Context, p Page) ([]AgentSummary, error) {
	v, err := data[struct {
		Agents []AgentSummary `json:"agents"`
	}](ctx, a.c, get("api", "agents").with(p.query()))
	if err != nil {
		return nil, err
	}
	return v.Agents, nil
}

// Get returns an agent.
func (a *Agents) Get(ctx context.Context, id core.UUID) (*Agent, error) {
	return data[Agent](ctx, a.c, get("api", "agents", string(id)))
}

// Create stores an agent of a character; it is not started. Without an id the character gets the one its name
// leads to. One that exists is left as it is.
func (a *Agents) Create(ctx context.Context, character *core.Character) (*CreatedAgent, error) {
	body := struct {
		Character *core.Character `json:"characterJson"`
	}{character}
	return data[CreatedAgent](ctx, a.c, post(body, "api", "agents"))
}

// CreateFromFile is Create with a character in the server's folder of them, by the file's name.
func (a *Agents) CreateFromFile(ctx context.Context, name string) (*CreatedAgent, error) {
	body := struct {
		Path string `json:"characterPath"`
	}{name}
	return data[CreatedAgent](ctx, a.c, post(body, "api", "agents"))
}

// Update replaces the fields of a character that are named in changes; settings and secrets are merged, and nil in
// them deletes a key. It returns the agent as it is then.
func (a *Agents) Update(ctx context.Context, id core.UUID, changes map[string]any) (*Agent, error) {
	return data[Agent](ctx, a.c, patch(changes, "api", "agents", string(id)))
}

// Delete removes an agent with all under it. It says false when the server goes on with that in the background.
func (a *Agents) Delete(ctx context.Context, id core.UUID) (done bool, err error) {
	status, err := a.c.status(ctx, remove("api", "agents", string(id)))
	return status == http.StatusNoContent, err
}

// Start makes an agent active, for good. No error when it is.
func (a *Agents) Start(ctx context.Context, id core.UUID) error {
	r := post(nil, "api", "agents", string(id), "start")
	r.repeatable = true
	return a.c.none(ctx, r)
}

// Stop lets an agent's turns end and makes it inactive. [core.CodeNotFound] when it does not run.
func (a *Agents) Stop(ctx context.Context, id core.UUID) error {
	return a.c.none(ctx, post(nil, "api", "agents", string(id), "stop"))
}

// Panels lists the pages of a running agent's plugins.
func (a *Agents) Panels(ctx context.Context, id core.UUID) ([]Panel, error) {
	return list[Panel](ctx, a.c, get("api", "agents", string(id), "panels"))
}

// list is data of an array.
func list[T any](ctx context.Context, c *Client, r request) ([]T, error) {
	v, err := data[[]T](ctx, c, r)
	if err != nil {
		return nil, err
	}
	return *v, nil
}

// LogQuery selects entries of an agent's log. The zero value is the newest ones.
type LogQuery struct {
	RoomID       core.UUID // or the id of its channel
	Type         string
	ExcludeTypes []string
	From, To     time.Time
	Page
}

// Logs lists what an agent did, newest first.
func (a *Agents) Logs(ctx context.Context, id core.UUID, q LogQuery) ([]core.Log, error) {
	p := params(q.query()).id("roomId", q.RoomID).text("type", q.Type).moment("from", q.From).moment("to", q.To)
	if len(q.ExcludeTypes) > 0 {
		p["excludeTypes"] = q.ExcludeTypes
	}
	return list[core.Log](ctx, a.c, get("api", "agents", string(id), "logs").with(p.values()))
}

// DeleteLog deletes an entry of an agent's log. One that is unknown counts as deleted.
func (a *Agents) DeleteLog(ctx context.Context, id, entry core.UUID) error {
	return a.c.none(ctx, remove("api", "agents", string(id), "logs", string(entry)))
}
