package main

import (
	"embed"
	"html/template"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

//go:embed status.html
var statusHTML embed.FS

// statusPlugin gives every agent a panel that shows what it runs on and what it last talked about.
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

// status is what the page shows.
type status struct {
	Name, Bio string
	Plugins   []string
	Models    []string
	Memories  int
	More      bool
	Last      time.Time // the latest message, zero when there is none
}

const counted = 1000 // memories that are counted

func newStatus(c echo.Context, rt core.Runtime) (*status, error) {
	ch := rt.Character()
	s := &status{Name: ch.Name, Bio: ch.Bio.First(), Plugins: ch.Plugins, Models: modelNames(rt.Models())}
	records := rt.Memories()
	if records == nil {
		return s, nil
	}
	latest, err := records.List(c.Request().Context(), core.MemoryQuery{Table: core.TableMessages, Limit: counted})
	if err != nil {
		return nil, err
	}
	s.Memories, s.More = len(latest), len(latest) == counted
	if len(latest) > 0 {
		s.Last = latest[0].CreatedAt.Time()
	}
	return s, nil
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
