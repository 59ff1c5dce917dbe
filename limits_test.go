package eliza_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/runtime/core"
)

// decoded reads an answer's body as the client does.
func decoded(a elizatest.Answer) elizatest.Answer {
	_ = json.Unmarshal(a.Raw, &a.Body)
	return a
}

func TestSizesAreLimited(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t)
	agent, user, channel := s.Agent("Ada"), core.NewUUID(), core.NewUUID()
	said := s.Say(channel, user, agent, "hello", "http").Want(201).Data()["id"].(string)
	server := string(core.DefaultServerID)
	long := func(n int) string { return strings.Repeat("ä", n) }
	object := func(bytes int) map[string]any { return map[string]any{"k": strings.Repeat("x", bytes)} }
	message := func(extra map[string]any) map[string]any {
		m := map[string]any{"channel_id": someID, "server_id": server, "author_id": someID, "content": "x"}
		for k, v := range extra {
			m[k] = v
		}
		return m
	}
	people := make([]core.UUID, 1001)
	for i := range people {
		people[i] = core.NewUUID()
	}
	for _, tc := range []struct {
		name, method, path string
		body               map[string]any
		code               core.Code
	}{
		{"content of a message", "POST", "/messaging/submit", message(map[string]any{"content": long(100_001)}), "BAD_REQUEST"},
		{"content of a posted message", "POST", "/messaging/channels/" + someID + "/messages", message(map[string]any{"content": long(100_001)}), "BAD_REQUEST"},
		{"content of an edit", "PATCH", "/messaging/messages/" + said, map[string]any{"content": long(100_001)}, "BAD_REQUEST"},
		{"content of an edited action", "PATCH", "/messaging/action/" + said, map[string]any{"content": long(100_001)}, "BAD_REQUEST"},
		{"source of an edited action", "PATCH", "/messaging/action/" + said, map[string]any{"source_type": long(256)}, "BAD_REQUEST"},
		{"metadata of a message", "POST", "/messaging/submit", message(map[string]any{"metadata": object(64 << 10)}), "BAD_REQUEST"},
		{"attachments of a message", "POST", "/messaging/channels/" + someID + "/messages", message(map[string]any{"attachments": []any{object(64 << 10)}}), "BAD_REQUEST"},
		{"raw message", "POST", "/messaging/submit", message(map[string]any{"raw_message": object(256 << 10)}), "BAD_REQUEST"},
		{"source type of a message", "POST", "/messaging/submit", message(map[string]any{"source_type": long(256)}), "BAD_REQUEST"},
		{"author's name", "POST", "/messaging/ingest-external", message(map[string]any{"author_display_name": long(256)}), "BAD_REQUEST"},
		{"name of a channel", "POST", "/messaging/channels", map[string]any{"server_id": server, "name": long(256)}, "BAD_REQUEST"},
		{"new name of a channel", "PATCH", "/messaging/channels/" + string(channel), map[string]any{"name": long(256)}, "BAD_REQUEST"},
		{"metadata of a channel", "POST", "/messaging/channels", map[string]any{"server_id": server, "name": "x", "metadata": object(64 << 10)}, "BAD_REQUEST"},
		{"new metadata of a channel", "PATCH", "/messaging/channels/" + string(channel), map[string]any{"metadata": object(64 << 10)}, "BAD_REQUEST"},
		{"participants", "POST", "/messaging/central-channels", map[string]any{"server_id": server, "name": "x", "participantCentralUserIds": people}, "BAD_REQUEST"},
		{"new participants", "PATCH", "/messaging/channels/" + string(channel), map[string]any{"participantCentralUserIds": people}, "BAD_REQUEST"},
		{"name of a server", "POST", "/messaging/servers", map[string]any{"name": long(256), "sourceType": "x"}, "BAD_REQUEST"},
		{"metadata of a server", "POST", "/messaging/servers", map[string]any{"name": "x", "sourceType": "x", "metadata": object(64 << 10)}, "BAD_REQUEST"},
		{"name of a synced channel", "POST", "/messaging/servers/" + server + "/sync-channels", map[string]any{"channels": []any{map[string]any{"name": long(256)}}}, "BAD_REQUEST"},
		{"synced channels", "POST", "/messaging/servers/" + server + "/sync-channels", map[string]any{"channels": make([]struct{}, 501)}, "BAD_REQUEST"},
		{"name of an agent", "POST", "/agents", map[string]any{"characterJson": map[string]any{"name": long(256), "bio": "x"}}, "CREATE_ERROR"},
		{"new name of an agent", "PATCH", "/agents/" + string(agent), map[string]any{"name": long(256)}, "BAD_REQUEST"},
		{"log entry", "POST", "/runtime/logs", map[string]any{"logs": []any{map[string]any{"message": long(4096)}}}, "BAD_REQUEST"},
		{"log entries", "POST", "/runtime/logs", map[string]any{"logs": make([]struct{}, 101)}, "BAD_REQUEST"},
		{"search", "POST", "/messaging/messages/search", map[string]any{"query": long(1001)}, "BAD_REQUEST"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			refused(t, s, func(c elizatest.Client) { c.Do(tc.method, "/api"+tc.path, tc.body).WantError(400, tc.code) })
		})
	}
	t.Run("the largest are taken", func(t *testing.T) {
		s.Post("/api/messaging/submit", message(map[string]any{
			"content": long(100_000), "metadata": object(63 << 10), "raw_message": object(255 << 10), "source_type": strings.Repeat("x", 255),
		})).Want(201)
		s.Post("/api/messaging/channels", map[string]any{"server_id": server, "name": long(255), "participantCentralUserIds": people[:1000]}).Want(201)
	})
}

func TestWhatIsTakenCanBeReadBack(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t)
	agent, user := s.Agent("Ada"), core.NewUUID()
	for name, meta := range map[string]string{
		"a huge number": `{"n":123456789012345678901234567890,"e":1e999999}`, "duplicate keys": `{"a":1,"a":2}`, "a NUL": `{"a\u0000b":"c\u0000d"}`,
		"invalid UTF-8": "{\"a\":\"\xff\xfe\"}", "half a surrogate": `{"a":"\ud800"}`, "nested": `{"a":` + strings.Repeat("[", 60) + strings.Repeat("]", 60) + `}`,
		"an empty key": `{"":""}`, "names of ours": `{"isDm":[],"targetUserId":{},"attachments":7,"user_display_name":[],"agentName":1,"channelType":{}}`,
	} {
		t.Run(name, func(t *testing.T) {
			channel := core.NewUUID()
			body := fmt.Sprintf(`{"author_id":%q,"server_id":%q,"content":"x\u0000y","metadata":%s,"raw_message":%s,"transport":"http"}`, user, core.DefaultServerID, meta, meta)
			c := s.Client
			c.T = t
			c.Post("/api/messaging/channels/"+string(channel)+"/messages", body).Want(201)
			if said := c.Messages(channel); len(said) != 1 || said[0]["content"] != "xy" {
				t.Errorf("stored: %v", said)
			}
			if a := c.Get("/api/messaging/channels/" + string(channel) + "/details").Want(200); strings.Contains(string(a.Raw), "\x00") {
				t.Errorf("details: %s", a.Raw)
			}
			c.Post("/api/messaging/channels/"+string(channel)+"/agents", map[string]any{"agentId": agent}).Want(201)
			body = strings.Replace(body, `"content":"x`, `"content":"again x`, 1)
			if a := c.Post("/api/messaging/channels/"+string(channel)+"/messages", body).Want(201); a.Body["agentResponse"] == nil {
				t.Errorf("no answer: %s", a.Raw)
			}
			for _, part := range []string{"memories", "logs", "rooms"} {
				c.Get("/api/agents/" + string(agent) + "/" + part).Want(200)
			}
			c.Post("/api/messaging/servers", `{"name":"x\u0000y","sourceType":"z","metadata":`+meta+`}`).Want(201)
			a := c.Post("/api/agents", `{"characterJson":{"name":"B\u0000ob `+name+`","bio":"x\u0000","settings":{"s":`+meta+`}}}`).Want(201)
			if a := c.Get("/api/agents/" + a.Data()["id"].(string)).Want(200); strings.Contains(string(a.Raw), `B\u0000`) {
				t.Errorf("stored with NUL: %s", a.Raw)
			}
			c.Get("/api/agents").Want(200)
			c.Get("/api/messaging/central-servers").Want(200)
		})
	}
	t.Run("nested without end", func(t *testing.T) {
		refused(t, s, func(c elizatest.Client) {
			for _, depth := range []int{1000, 9990} {
				deep := strings.Repeat("[", depth) + strings.Repeat("]", depth)
				c.Post("/api/messaging/submit", fmt.Sprintf(`{"channel_id":%q,"author_id":%q,"server_id":%q,"content":"x","metadata":{"a":%s}}`, someID, user, core.DefaultServerID, deep)).
					WantError(400, core.CodeBadRequest)
				c.Post("/api/agents", `{"characterJson":{"name":"deep","bio":"x","settings":{"a":`+deep+`}}}`).WantError(400, core.CodeBadRequest)
			}
		})
	})
}

func TestListsAreBounded(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t)
	user, channel := core.NewUUID(), core.NewUUID()
	for i := range 60 {
		s.Say(channel, user, someID, fmt.Sprint(i), "").Want(201)
	}
	path := "/api/messaging/channels/" + string(channel) + "/messages"
	for query, want := range map[string]int{
		"": 50, "?limit=abc": 50, "?limit=-1": 50, "?limit=0": 50, "?limit=1.5": 50, "?limit=": 50, "?limit=7": 7, "?limit=1001": 60,
		"?limit=99999999999999999999999": 60, "?limit=1e3": 50, "?before=2000-01-01": 0, "?after=2000-01-01T00:00:00.000Z&limit=1000": 60,
		"?before=0": 50, "?after=99999999999999": 0, "?afterSeq=1000": 0, "?afterSeq=9223372036854775807": 0,
	} {
		t.Run("messages"+query, func(t *testing.T) {
			if list, _ := s.Get(path + query).Want(200).Data()["messages"].([]any); len(list) != want {
				t.Errorf("%d messages, want %d", len(list), want)
			}
		})
	}
	for _, bad := range []string{"before=yesterday", "after=1.5", "before=2000-13-01", "afterSeq=x", "afterSeq=-1", "before=99999999999999999999", "after=%00"} {
		t.Run("messages?"+bad, func(t *testing.T) { s.Get(path+"?"+bad).WantError(400, core.CodeBadRequest) })
	}
	for _, path := range []string{
		"/api/agents?limit=x&offset=-5", "/api/agents?offset=99999999999999999999", "/api/messaging/central-servers?limit=-3",
		"/api/messaging/central-servers/" + string(core.DefaultServerID) + "/channels?limit=0&offset=1e9", "/api/runtime/logs?limit=x&level=%F0%9F%98%80&agentName=%00",
		"/api/runtime/logs?limit=99999999999999999999&since=-1", "/api/agents?limit=1;drop", "/api/agents?%zz",
	} {
		t.Run(path, func(t *testing.T) { s.Get(path).Want(200) })
	}
	for name, body := range map[string]string{
		"limit": `{"query":"1","limit":99999}`, "negative": `{"query":"1","limit":-1}`, "page": `{"query":"%","page":9223372036854775807}`,
		"offset": `{"query":"_","offset":9223372036854775807}`, "reversed times": `{"query":"1","from":9223372036854775807,"to":-9223372036854775808}`,
	} {
		t.Run("search by "+name, func(t *testing.T) {
			a := s.Post("/api/messaging/messages/search", body)
			if a.Status != 400 {
				a.Want(200)
			}
		})
	}
}

func TestMethodsAndPathsNobodyServes(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t)
	agent := string(s.Agent("Ada"))
	for _, path := range []string{
		"/api", "/api/", "/api/nope", "/api/agents/" + agent + "/nope", "/api/agents/" + agent + "/start/x", "/api/messaging", "/api/messaging/nope",
		"/api/runtime", "/api/runtime/nope", "/api/system", "/api/tee", "/api/agents/" + agent + "/x/y/z", "/api//agents", "/api/%2e%2e/health",
		"/api/messaging/channels/" + someID, "/api/messaging/channels/" + someID + "/messages/" + someID + "/x",
	} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "BREW"} {
			if method == "PATCH" && strings.HasSuffix(path, "channels/"+someID) || method == "DELETE" && strings.HasSuffix(path, "channels/"+someID) {
				continue
			}
			t.Run(method+" "+path, func(t *testing.T) {
				c := s.Client
				c.T = t
				c.Do(method, path, nil).WantError(404, core.CodeNotFound)
			})
		}
	}
	for _, route := range []string{
		"PUT /api/agents", "DELETE /api/agents", "PUT /api/agents/" + agent, "GET /api/agents/" + agent + "/start", "POST /api/runtime/ping", "DELETE /api/runtime/ping",
		"GET /api/messaging/submit", "PATCH /api/messaging/servers", "PUT /api/messaging/channels/" + someID + "/messages", "BREW /api/agents/" + agent,
	} {
		t.Run(route, func(t *testing.T) {
			method, path, _ := strings.Cut(route, " ")
			s.Do(method, path, nil).WantError(404, core.CodeNotFound)
		})
	}
	t.Run("a trailing slash is the same path", func(t *testing.T) {
		for _, path := range []string{"/api/agents", "/api/agents/" + agent, "/api/messaging/central-servers", "/api/runtime/hello", "/healthz"} {
			a, b := s.Get(path).Want(200), s.Get(path+"/").Want(200)
			if path != "/healthz" && string(a.Raw) != string(b.Raw) {
				t.Errorf("%s: %s, with a slash %s", path, a.Raw, b.Raw)
			}
		}
	})
	t.Run("HEAD is GET without a body", func(t *testing.T) {
		for path, status := range map[string]int{"/api/agents": 200, "/api/agents/" + agent: 200, "/api/agents/x": 400, "/api/agents/" + someID: 404, "/api/nope": 404, "/health": 200, "/nope": 404} {
			get, head := s.Get(path).Want(status), s.Do(http.MethodHead, path, nil).Want(status)
			if len(head.Raw) != 0 || path != "/health" && head.Header.Get("Content-Length") != get.Header.Get("Content-Length") {
				t.Errorf("HEAD %s: %q, length %s, GET %s", path, head.Raw, head.Header.Get("Content-Length"), get.Header.Get("Content-Length"))
			}
		}
	})
	t.Run("an address too long", func(t *testing.T) {
		s.Get("/api/agents?x="+strings.Repeat("x", 8<<10)).WantError(400, core.CodeBadRequest)
		s.Get("/api/agents/"+strings.Repeat("x", 8<<10)).WantError(400, core.CodeBadRequest)
		s.Get("/api/agents?x=" + strings.Repeat("x", 8000)).Want(200)
	})
	t.Run("a bad percent-encoding", func(t *testing.T) {
		if a := raw(t, s, strings.NewReader("GET /api/agents/%zz HTTP/1.1\r\nHost: x\r\n\r\n")); a.Status != 400 {
			t.Errorf("status = %d", a.Status)
		}
		s.Get("/api/agents/%2f").WantError(400, core.CodeInvalidID)
	})
	t.Run("a body that stops coming is not waited for without end", func(t *testing.T) {
		if testing.Short() {
			t.Skip("takes half a minute")
		}
		t.Parallel()
		began := time.Now()
		a := raw(t, s, strings.NewReader("POST /api/messaging/servers HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"))
		a.WantError(400, core.CodeBadRequest)
		if took := time.Since(began); took > 19*time.Second {
			t.Errorf("took %v", took)
		}
	})
}
