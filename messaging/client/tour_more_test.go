package client_test

import (
	"encoding/json"
	"io"
	"strings"
	"time"

	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/messaging/client"
	"github.com/eliza-go/eliza/runtime/core"
)

func (r *tour) sessions() {
	s, ctx := r.c.Sessions, r.ctx
	made := must(s.Create(ctx, client.NewSession{AgentID: r.agent, Timeouts: &client.Timeouts{TimeoutMinutes: 10}}))(r)
	if made.UserID != r.me || made.Timeouts.TimeoutMinutes != 10 || made.ExpiresAt == 0 {
		r.Errorf("session: %+v", made)
	}
	file := client.SessionFile{Type: "image", URL: "https://example.com/a.png", Size: 3}
	if a := must(s.Ask(ctx, made.ID, client.SessionMessage{Text: "hi", Attachments: []client.SessionFile{file}}))(r); !strings.HasPrefix(a.Text(), "You said: hi") || a.Message.Content != "hi" || a.Message.Seq != 1 {
		r.Errorf("answer: %+v", a)
	}
	if m := must(s.Send(ctx, made.ID, client.SessionMessage{Text: "ho"}))(r); m.Content != "ho" || m.ChannelID != made.ChannelID {
		r.Errorf("sent: %+v", m)
	}
	var last client.Event
	for e, err := range s.Stream(ctx, made.ID, client.SessionMessage{Text: "hu"}) {
		r.ok(err)
		last = e
	}
	if done, ok := last.(*client.Done); !ok || done.Text != "You said: hu" {
		r.Errorf("the stream ended with %+v", last)
	}
	h := must(s.Messages(ctx, made.ID, time.Time{}, time.Time{}, 2))(r)
	if len(h.Messages) != 2 || !h.Messages[0].IsAgent || !h.HasMore || h.Cursors.Before == 0 {
		r.Errorf("history: %+v", h)
	}
	if v := must(s.Get(ctx, made.ID))(r); v.ID != made.ID || v.TimeRemaining == 0 {
		r.Errorf("session: %+v", v)
	}
	must(s.Renew(ctx, made.ID))(r)
	must(s.Heartbeat(ctx, made.ID))(r)
	if p := must(s.List(ctx, 5))(r); p.Total != 1 || len(p.Sessions) != 1 || p.Stats.Active != 1 {
		r.Errorf("sessions: %+v", p)
	}
	if h := must(s.Health(ctx))(r); h.ActiveSessions != 1 {
		r.Errorf("health: %+v", h)
	}
	if v := must(s.SetTimeouts(ctx, made.ID, client.Timeouts{AutoRenew: new(false)}))(r); *v.Timeouts.AutoRenew {
		r.Errorf("session: %+v", v)
	}
	r.ok(s.Delete(ctx, made.ID))
	if _, err := s.Get(ctx, made.ID); core.CodeOf(err) != core.CodeSessionNotFound {
		r.Errorf("a closed session: %v", err)
	}
}

func (r *tour) jobs() {
	j, ctx := r.c.Jobs, r.ctx
	made := must(j.Create(ctx, client.NewJob{Content: "what?", Timeout: 20 * time.Second}))(r)
	var job *client.Job
	elizatest.Eventually(r.T, "the job is completed", func() bool {
		job = must(j.Get(ctx, made.ID))(r)
		return job.Status == "completed"
	})
	if job.Result == nil || job.Result.Message.Content != "You said: what?" || job.UserID != r.me {
		r.Errorf("job: %+v", job)
	}
	if p := must(j.List(ctx, "completed", 5))(r); p.Filtered != 1 || len(p.Jobs) != 1 {
		r.Errorf("jobs: %+v", p)
	}
	if h := must(j.Health(ctx))(r); h.Counts["completed"] != 1 || h.Metrics.SuccessRate != 1 {
		r.Errorf("health: %+v", h)
	}
}

func (r *tour) knowledge() {
	m, ctx := r.c.Memory, r.ctx
	p := must(m.List(ctx, r.agent, client.MemoryQuery{ChannelID: r.channel, IncludeEmbedding: true, Page: client.Page{Limit: 2}}))(r)
	if len(p.Memories) != 2 || !p.HasMore || p.Memories[0].Content.Text == "" {
		r.Fatalf("memories: %+v", p)
	}
	id := p.Memories[0].ID
	if v := must(m.Update(ctx, r.agent, id, client.MemoryPatch{Content: &core.Content{Text: "changed"}}))(r); v.Content.Text != "changed" {
		r.Errorf("changed: %+v", v)
	}
	r.ok(m.Delete(ctx, r.agent, id))
	if p := must(m.ListRoom(ctx, r.agent, r.channel, client.MemoryQuery{Search: "hello"}))(r); len(p.Memories) == 0 {
		r.Errorf("memories of the room: %+v", p)
	}
	logs := must(r.c.Agents.Logs(ctx, r.agent, client.LogQuery{ExcludeTypes: []string{"action", "evaluator"}, Page: client.Page{Limit: 3}}))(r)
	if len(logs) != 3 || logs[0].Type == "" || logs[0].CreatedAt == 0 {
		r.Fatalf("logs: %+v", logs)
	}
	runs := must(r.c.Agents.Runs(ctx, r.agent, client.RunQuery{Status: "completed", Limit: 1}))(r)
	if len(runs.Runs) != 1 || !runs.HasMore || runs.Runs[0].StartedAt == 0 {
		r.Fatalf("runs: %+v", runs)
	}
	if d := must(r.c.Agents.Run(ctx, r.agent, runs.Runs[0].ID))(r); len(d.Events) == 0 || d.Summary.ID != runs.Runs[0].ID {
		r.Errorf("run: %+v", d)
	}
	r.ok(r.c.Agents.DeleteLog(ctx, r.agent, logs[0].ID))
	r.ok(m.DeleteRoom(ctx, r.agent, r.channel))
	must(m.DeleteAll(ctx, r.agent))(r)
}

func (r *tour) rooms() {
	m, ctx := r.c.Memory, r.ctx
	room := must(m.CreateRoom(ctx, r.agent, client.NewRoom{Name: "R", ServerID: "any text"}))(r)
	if v := must(m.Room(ctx, r.agent, room.ID))(r); v.Name != "R" || v.ServerID != "any text" || v.WorldName == "" {
		r.Errorf("room: %+v", v)
	}
	if l := must(m.Rooms(ctx, r.agent, client.Page{}))(r); len(l) < 2 {
		r.Errorf("rooms: %+v", l)
	}
	w := must(m.CreateWorld(ctx, r.agent, client.NewWorld{Name: "W", Metadata: map[string]any{"a": 1}}))(r)
	if v := must(m.UpdateWorld(ctx, r.agent, w.ID, client.WorldPatch{Name: "V", Settings: map[string]any{"b": 2}}))(r); v.Name != "V" || v.CreatedAt == 0 {
		r.Errorf("world: %+v", v)
	}
	if l := must(m.Worlds(ctx, r.agent, client.Page{}))(r); len(l) < 2 {
		r.Errorf("worlds: %+v", l)
	}
	server, stranger := core.NewUUID(), core.NewUUID()
	if g := must(m.CreateGroup(ctx, server, client.NewGroup{AgentIDs: []core.UUID{r.agent}}))(r); len(g.Rooms) != 1 || len(g.Failed) != 0 {
		r.Errorf("group: %+v", g)
	}
	if g := must(m.CreateGroup(ctx, server, client.NewGroup{AgentIDs: []core.UUID{r.agent, stranger}}))(r); len(g.Rooms) != 1 || len(g.Failed) != 1 || g.Failed[0].Code != core.CodeAgentNotFound {
		r.Errorf("group: %+v", g)
	}
	r.ok(m.ClearGroup(ctx, server))
	r.ok(m.DeleteGroup(ctx, server))
}

const wav = "RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data\x00\x00\x00\x00"

func recording() client.Upload {
	return client.Upload{Name: `a "b".wav`, Type: "audio/wav", Content: strings.NewReader(wav)}
}

func (r *tour) files() {
	ctx := r.ctx
	for _, f := range []*client.File{
		must(r.c.Media.Upload(ctx, r.channel, recording()))(r), must(r.c.Media.UploadToAgent(ctx, r.agent, recording()))(r),
	} {
		d := must(r.c.Media.Open(ctx, f.URL))(r)
		if b, err := io.ReadAll(d.Body); err != nil || string(b) != wav || d.Type != f.Type || f.Size != int64(len(wav)) || f.OriginalName != `a "b".wav` {
			r.Errorf("%+v of %+v: %q, %v", d, f, b, err)
		}
		r.ok(d.Body.Close())
	}
	if _, err := r.c.Media.Open(ctx, "/media/generated/"+string(r.agent)+"/none.png"); core.CodeOf(err) != core.CodeNotFound {
		r.Errorf("a file that is not there: %v", err)
	}
}

func (r *tour) audio() {
	a, ctx := r.c.Audio, r.ctx
	if text := must(a.Transcribe(ctx, r.agent, recording(), "en"))(r); text != "what was said" {
		r.Errorf("heard %q", text)
	}
	if h := must(a.Hear(ctx, r.agent, recording(), ""))(r); h.Transcription != "what was said" || h.Message.Text == "" {
		r.Errorf("heard %+v", h)
	}
	if s := must(a.ConverseByVoice(ctx, r.agent, recording(), client.Talk{Name: "Bob"}))(r); string(s.Audio) != "ID3You said: what was said" || s.Text == "" {
		r.Errorf("spoken: %+v", s)
	}
	for want, d := range map[string]*client.Download{
		"ID3You said: hi": must(a.Converse(ctx, r.agent, "hi", client.Talk{RoomID: "here"}))(r),
		"ID3hi":           must(a.Speak(ctx, r.agent, "hi", "deep"))(r),
		"ID3hello again":  must(a.SpeakMessage(ctx, r.agent, r.message, ""))(r),
	} {
		if b, err := io.ReadAll(d.Body); err != nil || string(b) != want || d.Type != "audio/mpeg" {
			r.Errorf("%s: %q, %v", d.Type, b, err)
		}
		r.ok(d.Body.Close())
	}
}

func (r *tour) server() {
	rt, sys, ctx := r.c.Runtime, r.c.System, r.ctx
	must(rt.Ping(ctx))(r)
	must(rt.Hello(ctx))(r)
	r.ok(rt.Live(ctx))
	if s := must(rt.Status(ctx))(r); s.AgentCount != 1 {
		r.Errorf("status: %+v", s)
	}
	if h := must(rt.Health(ctx))(r); h.Status != "OK" || h.Dependencies["agents"] != "healthy" {
		r.Errorf("health: %+v", h)
	}
	if h := must(rt.Ready(ctx))(r); h.AgentCount != 1 {
		r.Errorf("readiness: %+v", h)
	}
	l := must(rt.AddLogs(ctx, []client.ClientLog{{Level: "warn", Message: "m", Metadata: map[string]any{"a": 1}}}, client.ServerLogQuery{Level: "warn"}))(r)
	if n := len(l.Logs); n == 0 || l.Logs[n-1].Message != "m" || l.Logs[n-1].Level != 40 || len(l.Logs[n-1].Fields) == 0 {
		r.Errorf("log: %+v", l)
	}
	if l := must(rt.Logs(ctx, client.ServerLogQuery{Since: time.Now().Add(-time.Hour), Limit: 1}))(r); len(l.Logs) != 1 {
		r.Errorf("log: %+v", l)
	}
	r.ok(rt.ClearLogs(ctx))
	if v := must(sys.Version(ctx))(r); v.Version == "" {
		r.Errorf("version: %+v", v)
	}
	if c := must(sys.Config(ctx))(r); c.RequiresAuth {
		r.Errorf("config: %+v", c)
	}
	r.ok(sys.SetEnv(ctx, map[string]string{"A": "1", "B": "2"}))
	r.ok(sys.MergeEnv(ctx, map[string]string{"B": "3"}))
	if v := must(sys.Env(ctx))(r); len(v) != 2 || v["A"] != "1" || v["B"] != "3" {
		r.Errorf("env: %v", v)
	}
	for _, b := range []json.RawMessage{must(sys.OpenAPI(ctx))(r), must(sys.AsyncAPI(ctx))(r)} {
		if !json.Valid(b) {
			r.Errorf("a description is %.100s", b)
		}
	}
	if b := must(sys.Docs(ctx))(r); !strings.HasPrefix(string(b), "<!doctype html>") {
		r.Errorf("the page is %.100s", b)
	}
}
