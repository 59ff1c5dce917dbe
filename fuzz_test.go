package eliza_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/runtime/core"
)

// ask sends whatever a fuzzer made to one of the paths and checks the answer's form: never a 5xx, and every
// error the envelope.
func ask(t *testing.T, h http.Handler, method, path, body string) {
	t.Helper()
	u := &url.URL{Path: path}
	if p, query, ok := strings.Cut(path, "?"); ok {
		u = &url.URL{Path: p, RawQuery: query}
	}
	r := &http.Request{
		Method: method, URL: u, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: "x", Header: http.Header{"Content-Type": {"application/json"}},
		Body: http.NoBody, RemoteAddr: "192.0.2.1:1", RequestURI: u.RequestURI(),
	}
	if body != "" {
		r.Body, r.ContentLength = readCloser{strings.NewReader(body)}, int64(len(body))
	}
	w := recorder{header: http.Header{}}
	h.ServeHTTP(&w, r.WithContext(t.Context()))
	if w.status >= 500 {
		t.Fatalf("%s %q %q: %d %s", method, path, body, w.status, w.body.String())
	}
	var answer struct {
		Success *bool           `json:"success"`
		Error   json.RawMessage `json:"error"`
	}
	if w.status >= 400 && (json.Unmarshal([]byte(w.body.String()), &answer) != nil || answer.Success == nil || *answer.Success || len(answer.Error) == 0) {
		t.Fatalf("%s %q %q: %d without the envelope: %s", method, path, body, w.status, w.body.String())
	}
	if w.status < 300 && w.status != http.StatusNoContent && !json.Valid([]byte(w.body.String())) {
		t.Fatalf("%s %q %q: not JSON: %s", method, path, body, w.body.String())
	}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

type recorder struct {
	header http.Header
	status int
	body   strings.Builder
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) { r.status = status }

func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

// fuzzed is a server with something in it.
func fuzzed(f *testing.F) (h http.Handler, agent, channel, message string) {
	f.Helper()
	s := elizatest.Start(f, eliza.WithMaxBody(64<<10))
	a, c := s.Agent("Ada"), core.NewUUID()
	id, _ := s.Say(c, core.NewUUID(), a, "hello", "http").Want(201).Data()["id"].(string)
	s.Post("/api/agents/"+string(a)+"/stop", nil).Want(200) // no model is asked
	return s.Handler(), string(a), string(c), id
}

var bodies = []string{
	`{}`, `{"a":`, `[]`, `null`, `{"content":1}`, `{"metadata":{"a":[1e999,"\ud800"]}}`, "{\"\xff\":1}",
	`{"channel_id":"` + someID + `","server_id":"00000000-0000-0000-0000-000000000000","author_id":"` + someID + `","content":"x","metadata":{"isDm":true,"targetUserId":1,"attachments":[{"url":7}]},"raw_message":{"actions":"x","attachments":[1]}}`,
}

func FuzzMessageBodies(f *testing.F) {
	h, _, channel, message := fuzzed(f)
	for _, b := range bodies {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, path := range []string{"/submit", "/action", "/ingest-external", "/complete", "/channels/" + channel + "/messages", "/messages/search", "/servers", "/channels", "/servers/" + string(core.DefaultServerID) + "/sync-channels"} {
			ask(t, h, "POST", "/api/messaging"+path, body)
		}
		for _, path := range []string{"/action/" + message, "/messages/" + message, "/channels/" + channel} {
			ask(t, h, "PATCH", "/api/messaging"+path, body)
		}
		for _, path := range []string{"/channels/" + channel + "/messages?limit=5", "/channels/" + channel + "/details", "/messages/" + message, "/central-servers?limit=5"} {
			ask(t, h, "GET", "/api/messaging"+path, "")
		}
	})
}

func FuzzCreateAgent(f *testing.F) {
	h, _, _, _ := fuzzed(f)
	for _, b := range bodies {
		f.Add(b)
	}
	f.Add(`{"name":"x","bio":["y"],"settings":{"secrets":{"k":"v"}},"secrets":{"a":true},"knowledge":["k",{"path":"p","shared":true}],"style":{"all":["x"]},"plugins":["p"]}`)
	f.Add(`{"name":"x","bio":"y","messageExamples":[[{"name":"u","content":{"text":"t","attachments":[{"id":"1","url":"u"}],"actions":["a"]}}]],"templates":{"a":"b"}}`)
	f.Fuzz(func(t *testing.T, character string) {
		ask(t, h, "POST", "/api/agents", `{"characterJson":`+character+`}`)
		ask(t, h, "POST", "/api/agents", character)
		ask(t, h, "GET", "/api/agents?limit=5", "")
	})
}

func FuzzPatchAgent(f *testing.F) {
	h, agent, _, _ := fuzzed(f)
	for _, b := range bodies {
		f.Add(b)
	}
	f.Add(`{"name":"x","settings":{"a":{"b":null},"secrets":{"k":"v","gone":null}},"secrets":{"a":null},"bio":"z","style":{"chat":[]}}`)
	f.Fuzz(func(t *testing.T, patch string) {
		ask(t, h, "PATCH", "/api/agents/"+agent, patch)
		ask(t, h, "GET", "/api/agents/"+agent, "")
	})
}

func FuzzLogFilters(f *testing.F) {
	h, _, _, _ := fuzzed(f)
	f.Add("level=warn&limit=5&since=1", `{"level":"info","limit":"7","since":"2020-01-01","logs":[{"level":"x","message":"m","metadata":{"token":1}}]}`)
	f.Add("agentId=x&since=%zz", `{"since":{},"limit":1e9}`)
	f.Fuzz(func(t *testing.T, query, body string) {
		ask(t, h, "GET", "/api/runtime/logs?"+query, "")
		ask(t, h, "POST", "/api/server/logs?"+query, body)
	})
}

func FuzzIDsAndQueries(f *testing.F) {
	h, agent, channel, _ := fuzzed(f)
	f.Add(someID, "limit=1&before=2020&afterSeq=7")
	f.Add("..%2f", "offset=-1&after=\x00")
	f.Add("a/b", "agentId=x&currentUserId="+someID+"&targetUserId="+agent)
	f.Fuzz(func(t *testing.T, id, query string) {
		id = strings.ReplaceAll(id, "?", "")
		for _, path := range []string{
			"/agents/" + id, "/agents/" + id + "/logs", "/agents/" + agent + "/memories", "/agents/" + agent + "/rooms/" + id, "/memory/" + id + "/memories", "/messaging/channels/" + id + "/details",
			"/messaging/channels/" + channel + "/messages", "/messaging/messages/" + id, "/messaging/dm-channel", "/messaging/servers/" + id + "/agents", "/agents/worlds", "/" + id, "/runtime/logs", "/agents/" + agent + "/runs",
		} {
			ask(t, h, "GET", "/api"+path+"?"+query, "")
		}
		if id != agent && !strings.EqualFold(id, channel) {
			ask(t, h, "DELETE", "/api/messaging/channels/"+id, "")
			ask(t, h, "POST", "/api/agents/"+id+"/start", "")
		}
	})
}
