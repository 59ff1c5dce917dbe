package main

import (
	"embed"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

//go:embed status.html
var statusHTML embed.FS

// statusPlugin gives every agent a panel that shows what it runs on and how busy it is.
func statusPlugin() plugin.Plugin {
	page := template.Must(template.ParseFS(statusHTML, "status.html"))
	return plugin.Plugin{
		Name: "status", Description: "A page with an agent's state",
		Routes: []plugin.Route{{Method: http.MethodGet, Path: "/status", Name: "Status", Public: true, Handler: func(c echo.Context, rt core.Runtime) error {
			view, err := newStatus(c, rt)
			if err != nil {
				return err
			}
			c.Response().Header().Set(echo.HeaderContentType, echo.MIMETextHTMLCharsetUTF8)
			return page.Execute(c.Response(), view)
		}}},
	}
}

// status is what the page shows. Nobody needs a key to see it, so it tells nothing of what was said to whom.
type status struct {
	Name, Bio string
	Plugins   []string
	Models    []string
	Channels  []counted
	Memories  []counted
	Turns     []turn
}

// counted is how many of a kind there are.
type counted struct {
	Kind string
	N    int
	More bool
}

// turn is an answer of the agent.
type turn struct {
	At      time.Time
	Where   string // kind of channel
	Actions []string
}

const (
	maxCounted = 1000 // of a kind
	lastTurns  = 5
)

func newStatus(c echo.Context, rt core.Runtime) (*status, error) {
	ch := rt.Character()
	s := &status{Name: ch.Name, Bio: ch.Bio.First(), Plugins: ch.Plugins, Models: modelNames(rt.Models())}
	records := rt.Memories()
	if records == nil {
		return s, nil
	}
	ctx := c.Request().Context()
	rooms, err := records.Rooms(ctx, maxCounted)
	if err != nil {
		return nil, err
	}
	where := map[core.UUID]string{}
	for _, r := range rooms {
		if r.Type != "SELF" { // its own
			where[r.ID] = strings.ToLower(strings.ReplaceAll(r.Type, "_", " "))
		}
	}
	s.Channels = kinds(where)
	for _, table := range []string{core.TableMessages, core.TableFacts, core.TableDocuments} {
		found, err := records.List(ctx, core.MemoryQuery{Table: table, Limit: maxCounted})
		if err != nil {
			return nil, err
		}
		s.Memories = append(s.Memories, counted{table, len(found), len(found) == maxCounted})
		for _, m := range found {
			if table == core.TableMessages && m.EntityID == rt.AgentID() && m.Content.Text != "" && len(s.Turns) < lastTurns {
				s.Turns = append(s.Turns, turn{m.CreatedAt.Time(), where[m.RoomID], m.Content.Actions})
			}
		}
	}
	return s, nil
}

// kinds counts channels by their kind, in the order of their names.
func kinds(where map[core.UUID]string) (out []counted) {
	n := map[string]int{}
	for _, kind := range where {
		n[kind]++
	}
	for _, kind := range slices.Sorted(maps.Keys(n)) {
		out = append(out, counted{Kind: kind, N: n[kind]})
	}
	return out
}

func modelNames(m core.Models) []string {
	var names []string
	for _, model := range []struct {
		name  string
		there bool
	}{
		{"text", m.Text != nil},
		{"embeddings", m.Embedder != nil},
		{"transcription", m.Transcriber != nil},
		{"speech", m.Speaker != nil},
		{"image description", m.Describer != nil},
		{"images", m.Imager != nil},
	} {
		if model.there {
			names = append(names, model.name)
		}
	}
	return names
}
