package main

import (
	"context"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"os"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

//go:embed site
var files embed.FS

// about is a page for a frame. html/template escapes what the character says.
var about = template.Must(template.New("about").Parse(`<!doctype html><title>{{.Name}}</title>
<link rel="stylesheet" href="files/style.css"><h1>{{.Name}}</h1>{{range .Bio.Lines}}<p>{{.}}</p>{{end}}
`))

// site is what the plugin's routes need.
type site struct {
	dir string // of the files
	ask func(ctx context.Context, agent, user eliza.UUID, text string) (*messaging.Answer, error)
}

// unpack puts the files, which the program holds, where STATIC routes serve from: a folder.
func (s *site) unpack() error {
	inside, err := fs.Sub(files, "site")
	if err != nil {
		return err
	}
	if err := os.RemoveAll(s.dir); err != nil {
		return err
	}
	return os.CopyFS(s.dir, inside)
}

// plugin is what agents get. The routes answer below /api/agents/ID/plugins/site, and shorter ones.
func (s *site) plugin() plugin.Plugin {
	return plugin.Plugin{Name: "site", Description: "Pages about an agent", Routes: []plugin.Route{
		{Method: http.MethodGet, Path: "/about", Name: "About", Public: true, Handler: s.about}, // with a name: a panel
		{Method: plugin.MethodStatic, Path: "/files/*", Dir: s.dir, Public: true},
		{Method: http.MethodGet, Path: "/models", Handler: s.models},
		{Method: http.MethodPost, Path: "/questions/:who", Handler: s.question},
	}}
}

// about needs no key, so it shows only what everybody may know.
func (s *site) about(c echo.Context, rt core.Runtime) error {
	c.Response().Header().Set(echo.HeaderContentType, echo.MIMETextHTMLCharsetUTF8)
	return about.Execute(c.Response(), rt.Character())
}

func (s *site) models(c echo.Context, rt core.Runtime) error {
	m := rt.Models()
	return c.JSON(http.StatusOK, map[string]bool{"text": m.Text != nil, "speech": m.Speaker != nil, "images": m.Imager != nil})
}

// question asks the agent on behalf of somebody, whose conversation with it is kept.
func (s *site) question(c echo.Context, rt core.Runtime) error {
	question := c.FormValue("question")
	if question == "" {
		return core.BadRequest("question is missing") // in the envelope of all errors
	}
	answer, err := s.ask(c.Request().Context(), rt.AgentID(), core.StringToUUID("visitor "+c.Param("who")), question)
	if err != nil {
		return err
	}
	return c.String(http.StatusOK, answer.Text()+"\n")
}
