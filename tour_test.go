package eliza_test

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/apitest"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// tour goes through the API by the ids of its operations. The description says where they are; of several paths of
// one operation each tour takes another.
type tour struct {
	*elizatest.Server
	paths map[string][]string // and methods, by operation; the main one first
	turn  int
	vars  map[string]string // for {…} in paths, queries and bodies
	taken map[string]bool   // operations that were tried
	each  func(operation string, answer []byte)
}

var variable = regexp.MustCompile(`\{(\w+)\}`)

func (r *tour) fill(text string) string {
	return variable.ReplaceAllStringFunc(text, func(v string) string { return cmp.Or(r.vars[strings.Trim(v, "{}")], v) })
}

// do asks an operation, which must succeed, and keeps parts of the answer: name=path/in/body.
func (r *tour) do(operation, query, body string, keep ...string) {
	r.T.Helper()
	r.taken[operation] = true
	all := r.paths[operation]
	if len(all) == 0 {
		r.T.Fatalf("no operation %s is described", operation)
	}
	method, path, _ := strings.Cut(all[r.turn%len(all)], " ")
	path = r.fill(path + query)
	var a elizatest.Answer
	switch {
	case body == "file":
		kind, form := upload(r.T)
		c := r.Client
		c.Header = http.Header{"Content-Type": {kind}}
		a = c.Do(method, path, form)
	case body == "":
		a = r.Do(method, path, nil)
	default:
		a = r.Do(method, path, r.fill(body))
	}
	if a.Status >= 300 {
		r.T.Fatalf("%s: %s %s = %d %s", operation, method, path, a.Status, a.Raw)
	}
	if r.each != nil {
		r.each(operation, a.Raw)
	}
	for _, k := range keep {
		name, at, _ := strings.Cut(k, "=")
		var v any = a.Body
		for part := range strings.SplitSeq(at, "/") {
			switch x := v.(type) {
			case map[string]any:
				v = x[part]
			case []any:
				v = x[0]
			}
		}
		if r.vars[name], _ = v.(string); r.vars[name] == "" {
			r.T.Fatalf("%s: no %s in %s", operation, at, a.Raw)
		}
	}
}

// upload is a form with a short recording.
func upload(t testing.TB) (kind string, body io.Reader) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	p, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="a.wav"`}, "Content-Type": {"audio/wav"}})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(p, "RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data\x00\x00\x00\x00")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), &b
}

// voice hears and speaks.
type voice struct{}

func (voice) Transcribe(_ context.Context, audio io.Reader, _, _ string) (string, error) {
	_, err := io.Copy(io.Discard, audio)
	return "what was said", err
}

func (voice) Speak(_ context.Context, text, _ string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("ID3" + text)), nil
}

// asked is a plugin with a route of every method, a page, and models that hear and speak.
func asked() plugin.Plugin {
	say := func(c echo.Context, _ core.Runtime) error {
		return c.JSON(http.StatusOK, map[string]string{"said": "this"})
	}
	p := plugin.Plugin{Name: "asked", Models: func(core.Runtime) (core.Models, error) {
		return core.Models{Transcriber: voice{}, Speaker: voice{}}, nil
	}}
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		p.Routes = append(p.Routes, plugin.Route{Method: method, Path: "/page", Name: "Page", Public: true, Handler: say})
	}
	return p
}

// TestEveryOperationSucceeds tries every operation that is described, under each of its paths, so that all
// answers were compared with the description at least once.
func TestEveryOperationSucceeds(t *testing.T) {
	t.Parallel()
	paths := operationPaths(t)
	most := 0
	for _, all := range paths {
		most = max(most, len(all))
	}
	for turn := range most {
		t.Run("by path "+strconv.Itoa(turn+1), func(t *testing.T) {
			t.Parallel()
			r := newTour(t, paths, turn)
			for _, part := range []func(){r.agents, r.servers, r.channels, r.talk, r.knowledge, r.operations, r.end} {
				part()
			}
			r.taken["followChannel"] = true // does not end by itself: TestAChannelIsFollowedByServerSentEvents
			for id := range paths {
				if !r.taken[id] && !strings.HasPrefix(paths[id][0], "GET /socket.io") && !strings.HasPrefix(paths[id][0], "POST /socket.io") {
					t.Errorf("%s was not tried", id)
				}
			}
		})
	}
}

func newTour(t *testing.T, paths map[string][]string, turn int, opts ...eliza.Option) *tour {
	return &tour{
		Server: elizatest.Start(t, append([]eliza.Option{
			eliza.WithPlugins(elizatest.Echo().Plugin(), asked()), eliza.WithEnvFile(filepath.Join(t.TempDir(), ".env")), eliza.WithStop(func() {}),
		}, opts...)...),
		paths: paths, turn: turn, taken: map[string]bool{}, vars: map[string]string{
			"me": string(core.NewUUID()), "you": string(core.NewUUID()), "new": string(core.NewUUID()), "default": string(core.DefaultServerID),
			"pluginName": "asked", "route": "page",
		},
	}
}

// operationPaths are the methods and paths of every operation that is described, the main one first.
func operationPaths(t *testing.T) map[string][]string {
	d, err := apitest.Load()
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string][]string{}
	for path, item := range d.Spec.Paths.Map() {
		for method, op := range item.Operations() {
			of, alias := op.Extensions["x-alias-of"].(string)
			if id := cmp.Or(of, op.OperationID); alias {
				paths[id] = append(paths[id], method+" "+path)
			} else {
				paths[id] = append([]string{method + " " + path}, paths[id]...)
			}
		}
	}
	for _, all := range paths {
		slices.Sort(all[1:])
	}
	return paths
}

func (r *tour) agents() {
	r.do("createAgent", "", `{"characterJson":{"name":"Ada","bio":"counts","secrets":{"K":"v"},"messageExamples":[[{"name":"a","content":{"text":"b"}}]]}}`, "agentId=data/id")
	r.do("createAgent", "", `{"agent":{"name":"Ada","bio":["counts"]}}`)
	r.do("startAgent", "", "")
	r.do("listAgents", "?limit=5", "")
	r.do("updateAgent", "", `{"system":"s","settings":{"a":null,"b":{"c":1}}}`)
	r.do("getAgent", "", "")
	r.do("listPanels", "", "")
	for _, id := range []string{"getPluginRoute", "postPluginRoute", "putPluginRoute", "patchPluginRoute", "deletePluginRoute"} {
		r.do(id, "?agentId={agentId}", "")
	}
}

func (r *tour) servers() {
	r.do("getCurrentServer", "", "", "serverId=data/messageServerId")
	r.do("createServer", "", `{"name":"S","sourceType":"test","sourceId":"1","metadata":{"a":1}}`, "serverId=data/server/id")
	r.do("listServers", "", "")
	r.do("debugServers", "", "")
	r.do("addServerAgent", "", `{"agentId":"{agentId}"}`)
	r.do("listServerAgents", "", "")
	r.do("listAgentServers", "", "")
	r.do("syncChannels", "", `{"channels":[{"name":"one","type":"GROUP","sourceId":"1"}]}`)
	r.do("listChannels", "", "", "channelId=data/channels/0/id")
	r.do("removeServerAgent", "", "")
	r.do("deleteServer", "", "")
}

func (r *tour) channels() {
	r.vars["serverId"] = r.vars["default"]
	r.do("createChannel", "", `{"name":"C","server_id":"{default}","participantCentralUserIds":["{me}"],"type":"GROUP","topic":"t","metadata":{"a":1}}`, "channelId=data/channel/id")
	r.do("getChannel", "", "")
	r.do("listParticipants", "", "")
	r.do("addChannelAgent", "", `{"agentId":"{agentId}"}`)
	r.do("listChannelAgents", "", "")
	r.do("updateChannel", "", `{"name":"D","metadata":{"b":2}}`)
	r.do("removeChannelAgent", "", "")
	r.do("deleteChannel", "", "")
	r.do("findDirectChannel", "?currentUserId={me}&targetUserId={agentId}", "", "channelId=data/id")
}

func (r *tour) talk() {
	const said = `"author_id":"{me}","server_id":"{default}","content":"hello"`
	r.do("postMessage", "", `{`+said+`,"transport":"http","attachments":[{"url":"https://example.com/a.png"}]}`, "messageId=data/id")
	r.do("postMessage", "", `{`+said+`,"transport":"sse"}`)
	r.do("postMessage", "", `{`+said+`}`)
	r.do("submitMessage", "", `{`+said+`,"channel_id":"{channelId}","messageId":"{new}"}`)
	r.do("submitMessage", "", `{`+said+`,"channel_id":"{channelId}","messageId":"{new}"}`)
	r.do("ingestMessage", "", `{`+said+`,"channel_id":"{channelId}","author_display_name":"Bob","source_type":"x","source_id":"1"}`)
	r.do("createAction", "", `{"author_id":"{agentId}","server_id":"{default}","content":"working","channel_id":"{channelId}","raw_message":{"actionStatus":"executing"}}`, "id=data/id")
	r.do("updateAction", "", `{"raw_message":{"actionStatus":"completed"}}`)
	r.do("completeMessage", "", `{"channel_id":"{channelId}","server_id":"{default}"}`)
	r.do("listMessages", "?limit=3", "")
	r.do("listMessages", "?afterSeq=0", "")
	r.do("searchMessages", "", `{"query":"hello","channelId":"{channelId}"}`)
	r.do("getMessage", "", "")
	r.do("updateMessage", "", `{"content":"hello again"}`)
	r.do("generateTitle", "?limit=10", `{"agentId":"{agentId}"}`)

	r.do("createSession", "", `{"agentId":"{agentId}","userId":"{me}","timeoutConfig":{"timeoutMinutes":10}}`, "sessionId=sessionId")
	r.do("postSessionMessage", "", `{"content":"hi","transport":"http","attachments":[{"type":"image","url":"https://example.com/a.png"}]}`)
	r.do("postSessionMessage", "", `{"content":"hi","mode":"stream"}`)
	r.do("listSessionMessages", "", "")
	for _, id := range []string{"getSession", "renewSession", "touchSession", "listSessions", "getSessionsHealth"} {
		r.do(id, "", "")
	}
	r.do("updateSessionTimeout", "", `{"autoRenew":false}`)
	r.do("deleteSession", "", "")

	r.do("createJob", "", `{"userId":"{me}","content":"what?"}`, "jobId=jobId")
	elizatest.Eventually(r.T, "the job is completed", func() bool { return r.Get(r.fill("/api/messaging/jobs/{jobId}")).Body["status"] == "completed" })
	r.do("getJob", "", "")
	r.do("listJobs", "", "")
	r.do("getJobsHealth", "", "")
}

func (r *tour) knowledge() {
	r.do("listRooms", "", "", "roomId=data/rooms/0/id")
	r.do("listMemories", "?includeEmbedding=true", "", "memoryId=data/memories/0/id")
	r.do("updateMemory", "", `{"content":{"text":"changed"}}`)
	r.do("deleteMemory", "", "")
	r.do("createRoom", "", `{"name":"R","serverId":"any text"}`, "roomId=data/id")
	r.do("getRoom", "", "")
	r.do("listRoomMemories", "", "")
	r.do("deleteRoomMemories", "", "")
	r.do("deleteMemories", "", "")
	r.do("listAgentLogs", "?limit=100&excludeTypes=a,b", "", "logId=data/0/id")
	r.do("listRuns", "?status=completed", "", "runId=data/runs/0/runId")
	r.do("getRun", "", "")
	r.do("deleteAgentLog", "", "")
	r.do("createWorld", "", `{"name":"W","metadata":{"a":1}}`, "worldId=data/world/id")
	r.do("updateWorld", "", `{"name":"V","settings":{"b":2}}`)
	r.do("listWorlds", "?agentId={agentId}", "")
	r.vars["serverId"] = r.vars["new"]
	r.do("createGroup", "", `{"agentIds":["{agentId}"]}`)
	r.do("createGroup", "", `{"agentIds":["{agentId}","{me}"]}`) // in part
	r.do("clearGroup", "", "")
	r.do("deleteGroup", "", "")
}

func (r *tour) operations() {
	r.do("uploadToAgent", "", "file", "filename=filename")
	r.do("getAgentFile", "", "")
	r.do("uploadToChannel", "", "file", "filename=filename")
	r.do("getChannelFile", "", "")
	r.taken["getGeneratedFile"] = true // agents make them
	r.do("transcribe", "", "file")
	r.do("hearAudioMessage", "", "file")
	r.do("converseByVoice", "", "file")
	r.do("converse", "", "file")
	r.do("converse", "", `{"text":"hi"}`)
	r.do("generateSpeech", "", `{"text":"hi"}`)
	r.do("synthesizeAudioMessage", "", `{"messageId":"{messageId}"}`)
	r.do("submitServerLogs", "", `{"logs":[{"level":"warn","message":"m"}]}`)
	for _, id := range []string{
		"ping", "hello", "getStatus", "getHealth", "listServerLogs", "clearServerLogs", "getVersion", "getConfig", "getLiveness", "getReadiness",
		"getOpenAPI", "getAsyncAPI", "getDocs",
	} {
		r.do(id, "", "")
	}
	r.do("setEnv", "", `{"content":{"A":"1","B":true,"C":null}}`)
	r.do("getEnv", "", "")
	r.do("getPage", "?agentId={agentId}", "")
	r.taken["getRoot"] = true // there is no client
}

func (r *tour) end() {
	r.do("deleteMessage", "", "")
	r.do("clearChannel", "", "")
	r.do("stopAgent", "", "")
	r.do("deleteAgent", "", "")
	r.do("stopServer", "", "")
}
