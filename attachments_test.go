package eliza_test

import (
	"bytes"
	"context"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// painter is an agent's plugin that answers with a file it wrote into the folder of generated files.
func painter(dir string) plugin.Plugin {
	return plugin.Plugin{Name: "painter", Actions: []plugin.Action{
		plugin.Tool("PAINT", "Paints a picture", func(ctx context.Context, c *plugin.Call, _ struct{}) (plugin.Result, error) {
			path := filepath.Join(dir, string(c.Runtime.AgentID()), "a b.png")
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				return plugin.Result{}, err
			}
			if err := os.WriteFile(path, []byte("a picture"), 0o600); err != nil {
				return plugin.Result{}, err
			}
			return plugin.Result{}, c.Reply(ctx, core.Content{Text: "Here it is", Attachments: []core.Media{{ID: "1", URL: path, ContentType: "image"}}})
		}),
	}}
}

func paints(context.Context, core.TextRequest) (string, error) {
	return "<response><thought>paint</thought><actions>PAINT</actions><text></text></response>", nil
}

// No answer and no event names a place on this machine: a file of ours has its address everywhere, below the
// path the server is mounted at, and there it is.
func TestAttachmentsHavePublicAddresses(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "/host/eliza"} {
		for _, transport := range []string{"http", "sse", "websocket"} {
			t.Run(transport+" at "+prefix+"/", func(t *testing.T) {
				t.Parallel()
				dirs := media.DataDirs(t.TempDir())
				s := elizatest.Start(t, eliza.WithPublicPath(prefix), eliza.WithFiles(dirs), eliza.WithPlugins(painter(dirs.Generated), elizatest.Model(paints).Plugin()))
				agent, user, channel := s.Agent("Ada"), core.NewUUID(), core.NewUUID()
				sock := elizatest.Dial(t, s.Base, map[string]any{"entityId": user}, nil)
				sock.Emit("1", map[string]any{"channelId": channel})
				sock.Wait("channel_joined", nil)
				answers := map[string]string{"the answer": string(s.Say(channel, user, agent, "Paint me something", transport).Raw)}
				sock.Wait("messageComplete", nil)

				for _, path := range []string{"/api/messaging/channels/" + string(channel) + "/messages", "/api/agents/" + string(agent) + "/memories", "/api/memory/" + string(agent) + "/rooms/" + string(channel) + "/memories"} {
					answers[path] = string(s.Get(path).Want(200).Raw)
				}
				answers["the room"] = encoded(t, sock.Events())
				url := prefix + "/media/generated/" + string(agent) + "/a%20b.png"
				for where, text := range answers {
					if strings.Contains(text, dirs.Generated) {
						t.Errorf("%s names a place on this machine: %s", where, text)
					}
					if !strings.Contains(text, `"`+url+`"`) && !(where == "the answer" && transport == "websocket") {
						t.Errorf("%s does not have the address %s: %s", where, url, text)
					}
				}
				if a := s.Get(strings.TrimPrefix(url, prefix)).Want(200); string(a.Raw) != "a picture" {
					t.Errorf("%s = %q", url, a.Raw)
				}
			})
		}
	}
}

// What comes from outside with a place on this machine is treated alike, whichever way it comes.
func TestAttachmentsOfClientsHavePublicAddresses(t *testing.T) {
	t.Parallel()
	dirs := media.DataDirs(t.TempDir())
	s := elizatest.Start(t, eliza.WithPublicPath("/host"), eliza.WithFiles(dirs), eliza.WithPlugins(elizatest.Echo().Plugin()))
	agent, channel := s.Agent("Ada"), core.NewUUID()
	s.Say(channel, core.NewUUID(), agent, "hello", "http").Want(201)
	sock := elizatest.Dial(t, s.Base, nil, nil)
	sock.Emit("1", map[string]any{"channelId": channel})
	sock.Wait("channel_joined", nil)

	list := []any{map[string]any{"url": filepath.Join(dirs.Generated, string(agent), "x.png")}, map[string]any{"url": "https://elsewhere.example/y.png"}, "no object"}
	base := map[string]any{"channel_id": channel, "server_id": core.DefaultServerID, "author_id": agent, "content": "look", "source_type": "agent_response"}
	with := func(more map[string]any) map[string]any {
		out := map[string]any{}
		for _, m := range []map[string]any{base, more} {
			for k, v := range m {
				out[k] = v
			}
		}
		return out
	}
	raw := map[string]any{"text": "look", "attachments": list}
	s.Post("/api/messaging/submit", with(map[string]any{"raw_message": raw})).Want(201)
	s.Post("/api/messaging/submit", with(map[string]any{"raw_message": map[string]any{}, "metadata": map[string]any{"attachments": list}})).Want(201)
	action := s.Post("/api/messaging/action", with(map[string]any{"raw_message": raw})).Want(201).Data()["id"].(string)
	s.Patch("/api/messaging/action/"+action, with(map[string]any{"raw_message": raw, "metadata": map[string]any{"attachments": list}})).Want(200)
	sock.Emit("2", map[string]any{"channelId": channel, "senderId": core.NewUUID(), "serverId": core.DefaultServerID, "message": "look", "attachments": list})
	sock.WaitCount("messageBroadcast", 5)

	answers := map[string]string{
		"the history": string(s.Get("/api/messaging/channels/" + string(channel) + "/messages").Want(200).Raw),
		"one message": string(s.Get("/api/messaging/messages/" + action).Want(200).Raw),
		"the room":    encoded(t, sock.Events()),
	}
	for where, text := range answers {
		if strings.Contains(text, dirs.Generated) {
			t.Errorf("%s names a place on this machine: %s", where, text)
		}
		if !strings.Contains(text, `"/host/media/generated/`+string(agent)+`/x.png"`) || !strings.Contains(text, `"https://elsewhere.example/y.png"`) {
			t.Errorf("%s lost an address: %s", where, text)
		}
	}
}

// An upload answers with the address that a message then carries, and that a browser finds the file at.
func TestUploadsBelowAPrefix(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithPublicPath("/host/eliza"), eliza.WithPlugins(elizatest.Echo().Plugin()))
	mux := http.NewServeMux()
	mux.Handle("/host/eliza/", http.StripPrefix("/host/eliza", s.Handler()))
	g := guest(t, s, mux, "/host/eliza")
	agent, channel := g.Agent("Ada"), core.NewUUID()
	for _, path := range []string{"/api/media/agents/" + string(agent), "/api/media/channels/" + string(channel), "/api/messaging/channels/" + string(channel)} {
		body, kind := form(t, "note.txt", "text/plain", "some words")
		up := g.Client
		up.Header = http.Header{"Content-Type": {kind}}
		url, _ := up.Post(path+"/upload-media", body).Want(200).Data()["url"].(string)
		if !strings.HasPrefix(url, "/host/eliza/media/uploads/") {
			t.Errorf("%s: url = %q, want it below the prefix", path, url)
			continue
		}
		if a := (elizatest.Client{T: t, Base: g.Web.URL}).Get(url).Want(200); string(a.Raw) != "some words" {
			t.Errorf("%s = %q", url, a.Raw)
		}
		sent := g.Post("/api/messaging/channels/"+string(channel)+"/messages", map[string]any{
			"author_id": core.NewUUID(), "server_id": core.DefaultServerID, "content": "read this", "transport": "http",
			"attachments": []any{map[string]any{"id": "1", "url": url, "contentType": "document"}},
			"metadata":    map[string]any{"isDm": true, "targetUserId": agent},
		}).Want(201)
		if !strings.Contains(string(sent.Raw), `"`+url+`"`) {
			t.Errorf("the message lost the address %s: %s", url, sent.Raw)
		}
	}
}

// form is a multipart form with one file, and its type.
func form(t *testing.T, name, kind, content string) (*bytes.Buffer, string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="` + name + `"`}, "Content-Type": {kind},
	})
	if err == nil {
		_, err = part.Write([]byte(content))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return &b, w.FormDataContentType()
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
