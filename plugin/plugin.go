package plugin

import (
	"context"
	"encoding/json"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/runtime/core"
)

// Plugin is a value with optional fields: whatever is set is given to every agent that has the plugin. A
// Plugin is shared by all its agents and must not be changed once it was handed to a server; its functions
// are called concurrently.
type Plugin struct {
	Name, Description string
	Priority          int      // whose model wins: the highest; equal ones in registration order
	Dependencies      []string // names of plugins that come first
	Settings          []string // names of the settings it reads
	Init              func(ctx context.Context, rt core.Runtime) error
	Models            func(rt core.Runtime) (core.Models, error) // per agent, for keys may be the agent's own
	Actions           []Action
	Providers         []Provider
	Evaluators        []Evaluator
	Services          []Service
	Routes            []Route
	Migrations        []Migration // of its own tables; run by the server before it starts, see DatabaseOf
	Events            map[string][]func(ctx context.Context, rt core.Runtime, e core.Event) error
}

// Action is something an agent can decide to do.
type Action struct {
	Name, Description string
	Similes           []string        // other names a model may use
	Params            json.RawMessage // JSON schema of Call.Params; [Tool] makes it
	// Idempotent actions may run again after a crash. Before any other the turn is marked, and such a turn
	// is never repeated.
	Idempotent bool
	Timeout    time.Duration                                    // of one run, when it may take longer than the loop gives any action
	Validate   func(ctx context.Context, c *Call) (bool, error) // nil = always offered
	Run        func(ctx context.Context, c *Call) (Result, error)
}

// Result is what an action did. Values are merged into the state of later actions.
type Result struct {
	Text   string
	Values map[string]any
	Data   map[string]any
}

// Provider adds facts to the state a prompt is made from.
type Provider struct {
	Name, Description string
	Dynamic           bool // only when the model or the loop asks for it by name
	Private           bool // never listed, only by name
	Position          int  // order of its text among the others'
	Get               func(ctx context.Context, c *Call) (Data, error)
}

// Data is what a provider gives. Values are keys for templates.
type Data struct {
	Text   string
	Values map[string]any
	Data   map[string]any
}

// Evaluator looks at a finished turn, off its critical path. Of two with one name that of the plugin with the
// higher priority counts, so a host can put its own in the place of a built-in one.
type Evaluator struct {
	Name, Description string
	AlwaysRun         bool // also when the agent did not answer
	Validate          func(ctx context.Context, c *Call) (bool, error)
	Run               func(ctx context.Context, c *Call) (Result, error)
}

// Service is something long-lived an agent owns, found by Type through [core.Runtime.Service]. An agent
// with one is built when the server starts, not on first need.
type Service struct {
	Type  string
	Start func(ctx context.Context, rt core.Runtime) (any, error)
	Stop  func(ctx context.Context, service any) error
}

// Call is what plugin code gets in a turn. Fields that make no sense where it is called are nil.
type Call struct {
	Runtime core.Runtime
	Turn    *core.Turn
	Memory  *core.Memory // the message in the agent's own records
	Room    core.Room
	State   *State
	Params  json.RawMessage
	Reply   func(ctx context.Context, c core.Content) error

	Recent     []core.Memory // the conversation up to now, oldest first, Memory included
	History    int           // how many earlier messages Recent holds at most
	People     []core.Entity // who takes part in the room
	Actions    []Action      // those of the agent that are valid here
	Providers  []Provider    // all of the agent's
	Evaluators []Evaluator   // all of the agent's
	Clock      core.Clock    // the server's; nil is time.Now
	// Generate asks the agent's text model on behalf of this turn.
	Generate func(ctx context.Context, p Prompt) (Answer, error)
}

// Prompt is a question to the agent's text model, made from a template and the state of a call.
type Prompt struct {
	Type, Purpose string         // TEXT_LARGE and reply when empty
	Name          string         // of the template: a character may override it, and the loop has texts for its own
	Template      string         // the text when neither has one
	Values        map[string]any // keys for the template, besides those of the state and before them
	Stream        bool           // show the answer's text to the client as it comes: the action replies with it afterwards
}

// Answer is what a text model said.
type Answer struct {
	Thought, Text string            // Text is the inside of <text>, or the whole answer when it has no tags
	Fields        map[string]string // every element of the answer, by name
	// Items are the elements inside an element, by its name: each with its own elements, or with its text
	// under "" when it has none. Those of <text> and <thought> are no items.
	Items map[string][]map[string]string
}

// State is what a prompt is made from.
type State struct {
	Text   string          // the providers' texts, in order
	Values map[string]any  // keys of templates
	Data   map[string]Data // by provider name
}

// Route is an HTTP route of a plugin. Path begins with a slash, may hold :name segments and end in /*.
type Route struct {
	Method, Path string // Method STATIC serves Dir
	Name         string // of a panel: a public GET route with a name
	Public       bool   // GET and HEAD need no key
	Multipart    bool   // takes a file: the upload limit instead of the JSON limit
	Handler      func(c echo.Context, rt core.Runtime) error
	Dir          string
}
