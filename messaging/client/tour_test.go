package client_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/apitest"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/messaging/client"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// uncovered are the operations no method is for: pages of the web client, and the transport sockets do not use.
var uncovered = []string{"getPage", "getRoot", "sendPackets"}

// tour calls every method of a client.
type tour struct {
	*testing.T
	s       *elizatest.Server
	c       *client.Client
	ctx     context.Context
	me      core.UUID
	agent   core.UUID
	channel core.UUID
	message core.UUID
}

// ok stops the tour at an error.
func (r *tour) ok(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// must is the result of a call.
func must[V any](v V, err error) func(*tour) V {
	return func(r *tour) V {
		r.Helper()
		r.ok(err)
		return v
	}
}

// asked is a plugin with routes, and models that hear and speak.
func asked() plugin.Plugin {
	say := func(c echo.Context, _ core.Runtime) error {
		return c.JSON(http.StatusOK, map[string]string{"said": c.Request().Method})
	}
	p := plugin.Plugin{Name: "asked", Models: func(core.Runtime) (core.Models, error) {
		return core.Models{Transcriber: voice{}, Speaker: voice{}}, nil
	}}
	for _, method := range methods {
		p.Routes = append(p.Routes, plugin.Route{Method: method, Path: "/a/page", Name: "Page", Public: true, Handler: say})
	}
	return p
}

var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}

type voice struct{}

func (voice) Transcribe(_ context.Context, audio io.Reader, _, _ string) (string, error) {
	_, err := io.Copy(io.Discard, audio)
	return "what was said", err
}

func (voice) Speak(_ context.Context, text, _ string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("ID3" + text)), nil
}

func TestEveryOperationHasAMethod(t *testing.T) {
	t.Parallel()
	d, err := apitest.Load()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin(), asked()), eliza.WithEnvFile(filepath.Join(dir, ".env")), eliza.WithStop(func() {}))
	var mu sync.Mutex
	taken := map[string]bool{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := d.Operation(r.Method, r.URL.EscapedPath())
		if r.URL.Path == "/socket.io/" && r.URL.Query().Get("transport") == "websocket" {
			id = "connectSocket"
		}
		mu.Lock()
		taken[id] = true
		mu.Unlock()
		s.Web.Config.Handler.ServeHTTP(w, r)
	}))
	defer web.Close()
	r := &tour{T: t, s: s, ctx: t.Context(), me: core.NewUUID()}
	r.c = elizatest.API(t, web.URL, client.WithEntity(r.me, "Bob"))
	r.agents()
	r.servers()
	r.channels()
	r.talk()
	r.sessions()
	r.jobs()
	r.knowledge()
	r.rooms()
	r.files()
	r.audio()
	r.server()
	r.end()
	mu.Lock()
	defer mu.Unlock()
	for _, id := range d.Operations() {
		if taken[id] == slices.Contains(uncovered, id) {
			t.Errorf("%s: covered is %v", id, taken[id])
		}
	}
	if taken[""] {
		t.Error("a method asks for something that is not described")
	}
}

func (r *tour) agents() {
	a, ctx := r.c.Agents, r.ctx
	made := must(a.Create(ctx, &core.Character{
		Name: "Ada", Bio: core.Bio{Single: true, Lines: []string{"counts"}}, Secrets: map[string]any{"K": "v"}, Style: core.Style{All: []string{"short"}},
		MessageExamples: [][]core.Example{{{Name: "a", Content: core.Content{Text: "b"}}}},
	}))(r)
	r.agent = made.ID
	if again := must(a.Create(ctx, &core.Character{Name: "Ada"}))(r); !again.Existing || again.ID != made.ID || made.Existing || made.Character.Name != "Ada" {
		r.Errorf("created %+v, then %+v", made, again)
	}
	if _, err := a.CreateFromFile(ctx, "nobody"); core.CodeOf(err) != core.CodeCreate {
		r.Errorf("a file that is not there: %v", err)
	}
	r.ok(a.Start(ctx, r.agent))
	if l := must(a.List(ctx, client.Page{Limit: 5}))(r); len(l) != 1 || l[0].Bio != "counts" || l[0].Status != "active" {
		r.Errorf("agents: %+v", l)
	}
	if v := must(a.Update(ctx, r.agent, map[string]any{"system": "s", "settings": map[string]any{"a": nil, "b": 1}}))(r); v.System != "s" {
		r.Errorf("updated: %+v", v)
	}
	if v := must(a.Get(ctx, r.agent))(r); v.ID != r.agent || !v.Enabled || v.CreatedAt == 0 || !v.Bio.Single {
		r.Errorf("agent: %+v", v)
	}
	panels := must(a.Panels(ctx, r.agent))(r)
	if len(panels) != 1 || panels[0].Name != "Page" {
		r.Fatalf("panels: %+v", panels)
	}
	page := must(r.c.Media.Open(ctx, panels[0].Path))(r)
	r.ok(page.Body.Close())
	for _, method := range methods {
		v := must(r.c.Plugins.Do(ctx, client.PluginRequest{Method: method, Agent: r.agent, Plugin: "asked", Route: "/a/page"}))(r)
		if b, err := io.ReadAll(v.Body); err != nil || string(b) != `{"said":"`+method+"\"}\n" {
			r.Errorf("%s: %s, %v", method, b, err)
		}
		r.ok(v.Body.Close())
	}
}

func (r *tour) servers() {
	s, ctx := r.c.Servers, r.ctx
	if id := must(s.Current(ctx))(r); id != core.DefaultServerID {
		r.Errorf("current = %s", id)
	}
	made := must(s.Create(ctx, client.NewServer{Name: "S", SourceType: "test", SourceID: "1", Metadata: map[string]any{"a": 1}}))(r)
	if l := must(s.List(ctx, 0))(r); len(l) != 2 || l[1].ID != made.ID || l[1].Name != "S" || l[1].CreatedAt == 0 {
		r.Errorf("servers: %+v", l)
	}
	if l := must(r.c.Runtime.DebugServers(ctx))(r); len(l) != 2 {
		r.Errorf("servers: %+v", l)
	}
	r.ok(s.AddAgent(ctx, made.ID, r.agent))
	if l := must(s.Agents(ctx, made.ID))(r); len(l) != 1 || l[0] != r.agent {
		r.Errorf("agents: %v", l)
	}
	if l := must(s.OfAgent(ctx, r.agent))(r); !slices.Contains(l, made.ID) {
		r.Errorf("servers of the agent: %v", l)
	}
	if l := must(s.Sync(ctx, made.ID, []client.SyncedChannel{{Name: "one", Type: client.TypeGroup, SourceID: "1"}}))(r); len(l) != 1 || l[0].Name != "one" {
		r.Errorf("synchronised: %+v", l)
	}
	if l := must(r.c.Channels.List(ctx, made.ID, client.Page{}))(r); len(l) != 1 || l[0].ServerID != made.ID {
		r.Errorf("channels: %+v", l)
	}
	r.ok(s.RemoveAgent(ctx, made.ID, r.agent))
	r.ok(s.Delete(ctx, made.ID))
}

func (r *tour) channels() {
	c, ctx := r.c.Channels, r.ctx
	made := must(c.Create(ctx, client.NewChannel{Name: "C", Type: client.TypeGroup, Participants: []core.UUID{r.me}, Topic: "t", Metadata: map[string]any{"a": 1}}))(r)
	if v := must(c.Get(ctx, made.ID))(r); v.Name != "C" || v.Topic != "t" || v.UpdatedAt.Time().IsZero() {
		r.Errorf("channel: %+v", v)
	}
	r.ok(c.AddAgent(ctx, made.ID, r.agent))
	if l := must(c.Participants(ctx, made.ID))(r); len(l) != 2 {
		r.Errorf("participants: %v", l)
	}
	if l := must(c.Agents(ctx, made.ID))(r); len(l) != 1 || l[0] != r.agent {
		r.Errorf("agents: %v", l)
	}
	if v := must(c.Update(ctx, made.ID, client.ChannelPatch{Name: new("D"), Participants: &[]core.UUID{r.agent}}))(r); v.Name != "D" || v.Topic != "t" {
		r.Errorf("updated: %+v", v)
	}
	r.ok(c.RemoveAgent(ctx, made.ID, r.agent))
	r.ok(c.Delete(ctx, made.ID))
	r.channel = must(c.Direct(ctx, r.me, r.agent))(r).ID
}

func (r *tour) talk() {
	m, ctx := r.c.Messaging, r.ctx
	hello := client.NewMessage{Channel: r.channel, Text: "hello", Attachments: []core.Media{{URL: "https://example.com/a.png"}}}
	answer := must(m.Ask(ctx, hello))(r)
	if r.message = answer.Message.ID; !strings.HasPrefix(answer.Text(), "You said: hello") || answer.Replies[0].AgentID != r.agent || answer.Message.Seq != 1 {
		r.Errorf("answer: %+v", answer)
	}
	if v := must(m.Send(ctx, client.NewMessage{Channel: r.channel, Text: "hello"}))(r); v.AuthorID != r.me || v.Metadata["user_display_name"] != "Bob" {
		r.Errorf("sent: %+v", v)
	}
	out := client.NewMessage{Channel: r.channel, Text: "hello", Source: "x"}
	must(m.Submit(ctx, client.Submission{NewMessage: out}))(r)
	first := must(m.Ingest(ctx, client.Submission{NewMessage: out, SourceID: "1"}))(r)
	if again := must(m.Ingest(ctx, client.Submission{NewMessage: out, SourceID: "1"}))(r); again != first {
		r.Errorf("taken twice: %s, %s", first, again)
	}
	out.Author, out.Raw = r.agent, map[string]any{"actionStatus": "executing"}
	doing := must(m.Progress(ctx, client.Submission{NewMessage: out}))(r)
	if v := must(m.UpdateProgress(ctx, doing.ID, client.ProgressPatch{Raw: map[string]any{"actionStatus": "completed"}}))(r); v.Raw["actionStatus"] != "completed" {
		r.Errorf("progress: %+v", v)
	}
	r.ok(m.Complete(ctx, r.channel, ""))
	if p := must(m.List(ctx, r.channel, client.MessageQuery{Limit: 3, Before: time.Now().Add(time.Hour)}))(r); len(p.Messages) != 3 || !p.HasMore || p.Seq == 0 {
		r.Errorf("newest: %+v", p)
	}
	if p := must(m.List(ctx, r.channel, client.MessageQuery{From: client.After(0)}))(r); p.Messages[0].ID != r.message || p.Messages[1].InReplyTo != r.message {
		r.Errorf("oldest: %+v", p.Messages[:2])
	}
	if p := must(m.Search(ctx, client.SearchQuery{Text: "hello", ChannelID: r.channel, From: time.Unix(0, 1)}))(r); p.Total < 3 {
		r.Errorf("found: %+v", p)
	}
	if v := must(m.Edit(ctx, r.message, "hello again"))(r); v.Content != "hello again" {
		r.Errorf("edited: %+v", v)
	}
	if v := must(m.Get(ctx, r.message))(r); v.Content != "hello again" {
		r.Errorf("message: %+v", v)
	}
	must(r.c.Channels.Title(ctx, r.channel, r.agent, 10, time.Time{}))(r)
	for e, err := range m.Follow(ctx, r.channel, client.After(0)) {
		r.ok(err)
		if e, ok := e.(*client.MessageBroadcast); !ok || e.ID != r.message {
			r.Errorf("the first event is %+v", e)
		}
		break
	}
	elizatest.Connected(r.T, r.c, client.SocketOptions{})
}

func (r *tour) end() {
	r.ok(r.c.Messaging.Delete(r.ctx, r.channel, r.message))
	r.ok(r.c.Messaging.Clear(r.ctx, r.channel))
	r.ok(r.c.Agents.Stop(r.ctx, r.agent))
	if done, err := r.c.Agents.Delete(r.ctx, r.agent); !done || err != nil {
		r.Errorf("deleted: %v, %v", done, err)
	}
	r.ok(r.c.Runtime.Stop(r.ctx))
}
