package agents

import (
	"context"
	"encoding/json"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// Agent is a character and its wanted state: facts of the store, the same in every process.
type Agent struct {
	Character *core.Character // secrets as they are stored: encrypted
	Active    bool
	Version   int64 // raised by every change; a runtime that is older is renewed before its next turn
	CreatedAt core.Millis
	UpdatedAt core.Millis
}

// Summary is an agent in a list.
type Summary struct {
	ID            core.UUID `json:"id"`
	Name          string    `json:"name"`
	CharacterName string    `json:"characterName"`
	Bio           string    `json:"bio"`
	Status        string    `json:"status"`
}

// Service manages agents. [Manager] is the default; embed it to change single methods. Safe for
// concurrent use.
type Service interface {
	// List returns active agents first, then by name.
	List(ctx context.Context, limit, offset int) ([]Summary, error)
	Get(ctx context.Context, id core.UUID) (*Agent, error) // ErrNotFound when unknown
	// Create stores an agent, not started. One that exists is returned unchanged.
	Create(ctx context.Context, c *core.Character) (a *Agent, existed bool, err error)
	// Patch applies a partial document; a running agent takes it over, or is restarted when its plugins change.
	Patch(ctx context.Context, id core.UUID, patch json.RawMessage) (*Agent, error)
	// Delete ends and removes an agent with all under it. Repeating a cut deletion finishes it.
	Delete(ctx context.Context, id core.UUID) error
	Start(ctx context.Context, id core.UUID) error // no error when it runs already
	Stop(ctx context.Context, id core.UUID) error  // ErrNotRunning when it does not run
	// Runtime returns the running agent, built now when needed. ErrNotRunning when it is not active.
	Runtime(ctx context.Context, id core.UUID) (core.Runtime, error)
	Exists(ctx context.Context, id core.UUID) (bool, error)
	// Active lists active agents, in the order they were started.
	Active(ctx context.Context, limit int) ([]core.UUID, error)
	CountActive(ctx context.Context) (int, error)
}

// Runner is a [Service] that is closed by the server that has it: [Manager] is one, and so is what embeds a Manager.
type Runner interface {
	Service
	// Close ends what runs here, bounded by ctx. What is stored stays.
	Close(ctx context.Context) error
}

// Store is what a Manager needs of persistence.
type Store interface {
	Agent(ctx context.Context, id core.UUID) (*Agent, error) // ErrNotFound when unknown
	List(ctx context.Context, limit, offset int) ([]Summary, error)
	// Insert stores a new agent; an id that is taken has CodeConflict.
	Insert(ctx context.Context, a *Agent) error
	// Update replaces character and active state and raises the version, unless another version than
	// a.Version is stored (CodeConflict).
	Update(ctx context.Context, a *Agent) (*Agent, error)
	Delete(ctx context.Context, id core.UUID) error
	Active(ctx context.Context, limit int) ([]core.UUID, error)
	CountActive(ctx context.Context) (int, error)
}

// Factory builds the brain of an agent. Its character carries encrypted secrets.
type Factory func(ctx context.Context, c *core.Character) (core.Runtime, error)

// Errors of this package.
var (
	ErrNotFound   = &core.Error{Code: core.CodeNotFound, Message: "Agent not found"}
	ErrNotRunning = &core.Error{Code: core.CodeNotFound, Message: "Agent is not running"}

	errClosed = &core.Error{Code: core.CodeUnavailable, Message: "The server is shutting down", RetryAfter: time.Second}
)
