package hosttest

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"testing"

	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/runtime/core"
)

// key is what the mounted server asks for.
const key = "k"

// guest is the mounted server as clients of the host see it.
type guest struct {
	elizatest.Client
	server *elizatest.Server
	host   string // its address
}

// on is the guest in another test.
func (g *guest) on(t *testing.T) *guest {
	on := *g
	on.T = t
	return &on
}

// use does what clients do.
func (g *guest) use() {
	t := g.T
	t.Helper()
	if a := g.Get("/api/runtime/hello").Want(200); a.Body["message"] != "Hello World!" {
		t.Errorf("hello: %s", a.Raw)
	}
	g.Get("/api/nope").WantError(404, core.CodeNotFound)
	g.Get("/api/agents/x").WantError(400, core.CodeInvalidID)
	elizatest.Client{T: t, Base: g.Base}.Get("/api/agents").WantError(401, core.CodeUnauthorized)
	if a := g.Get("/socket.io/?EIO=4&transport=polling").Want(200); !strings.HasPrefix(string(a.Raw), `0{"sid"`) {
		t.Errorf("handshake: %s", a.Raw)
	}
	of := g.Client
	of.Header = http.Header{"X-Api-Key": {key}, "Origin": {"https://app.example"}}
	for _, path := range []string{"/api/runtime/hello", "/api/nope", "/socket.io/?EIO=4&transport=polling"} {
		if allowed := of.Get(path).Header["Access-Control-Allow-Origin"]; len(allowed) != 1 || allowed[0] != "https://app.example" {
			t.Errorf("%s: the host lets in https://app.example, the answer %q", path, allowed)
		}
	}

	agent, user, channel := g.server.Agent("Ada"), core.NewUUID(), core.NewUUID()
	sock := elizatest.Dial(t, g.Base, map[string]any{"apiKey": key}, nil)
	sock.Emit("1", map[string]any{"channelId": channel})
	sock.Wait("channel_joined", nil)
	if a := g.Say(channel, user, agent, "hello", "http").Want(201); !strings.Contains(string(a.Raw), "You said: hello") {
		t.Errorf("no answer: %s", a.Raw)
	}
	if a := g.Say(channel, user, agent, "hello", "sse").Want(200); !strings.Contains(string(a.Raw), "event: done") {
		t.Errorf("stream: %s", a.Raw)
	}
	sock.WaitCount("messageComplete", 2)
	sock.Close()
	g.upload(channel)
}

// upload sends a file and fetches it again.
func (g *guest) upload(channel core.UUID) {
	g.T.Helper()
	const content = "what a client of the host sends"
	kind, body := form(g.T, content)
	client := g.Client
	client.Header = http.Header{"Content-Type": {kind}, "X-Api-Key": {key}}
	url, _ := client.Do("POST", "/api/media/channels/"+string(channel)+"/upload-media", bytes.NewReader(body)).Want(200).Data()["url"].(string)
	if a := (elizatest.Client{T: g.T, Base: "http://" + g.host}).Get(url).Want(200); string(a.Raw) != content {
		g.T.Errorf("the file at %s is %s", url, a.Raw)
	}
}

// share asks on one connection the server first, with a body that it reads, and the host then.
func (g *guest) share(before string) {
	kind, body := form(g.T, "x")
	path := strings.TrimPrefix(g.Base, "http://"+g.host) + "/api/media/channels/" + string(core.NewUUID()) + "/upload-media"
	first := strings.Replace(send("POST", path, string(body), "X-Api-Key: "+key, "Content-Type: "+kind), "Connection: close\r\n", "", 1)
	for _, page := range []string{ask("GET", "/page"), send("POST", "/echo", "more"), ask("GET", "/events")} {
		was := talk(g.T, before, []Step{{Send: page}})
		both := talk(g.T, g.host, []Step{{first, `"success":true`}, {Send: page}})
		if !strings.HasSuffix(both, was) {
			g.T.Errorf("the host alone answers\n%s\nand after the server\n%s", was, both)
		}
	}
}

// form is a form with a text in a file, and its type.
func form(t testing.TB, content string) (kind string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="a.txt"`}, "Content-Type": {"text/plain"}})
	if err == nil {
		_, err = part.Write([]byte(content))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.Bytes()
}
