package eliza_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/runtime/core"
)

// stock is what a server holds, to see that refused input left nothing behind.
func stock(c elizatest.Client) string {
	c.T.Helper()
	return fmt.Sprintf("%s\n%s\n%s", c.Get("/api/agents").Want(200).Raw, c.Get("/api/messaging/central-servers").Want(200).Raw,
		c.Get("/api/messaging/central-servers/"+string(core.DefaultServerID)+"/channels").Want(200).Raw)
}

// refused runs fn and checks that it left nothing behind and that the next request is answered.
func refused(t *testing.T, s *elizatest.Server, fn func(c elizatest.Client)) {
	t.Helper()
	c := s.Client
	c.T = t
	before := stock(c)
	fn(c)
	if after := stock(c); after != before {
		t.Errorf("something was stored:\n%s\nbefore:\n%s", after, before)
	}
	c.Get("/api/runtime/ping").Want(200)
}

const someID = "11111111-2222-4333-8444-555555555555"

func TestABadIDIsRefusedWhereverItStands(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t)
	bad := []string{"x", "1", "null", "undefined", someID + "0", someID[:35], strings.ReplaceAll(someID, "-", "_"), "g" + someID[1:], "%00", "..", "'%20OR%201=1", strings.Repeat("a", 3000), "%F0%9F%98%80"}
	for _, route := range []string{
		"GET /api/agents/ID", "PATCH /api/agents/ID", "DELETE /api/agents/ID", "POST /api/agents/ID/start", "POST /api/agents/ID/stop",
		"GET /api/agents/ID/panels", "GET /api/agents/ID/logs", "DELETE /api/agents/ID/logs/" + someID, "GET /api/agents/ID/memories",
		"GET /api/agents/ID/rooms", "GET /api/memory/ID/memories", "GET /api/agents/worlds?agentId=ID", "GET /api/agents/ID/plugins/echo/x",
		"PATCH /api/messaging/action/ID", "DELETE /api/messaging/servers/ID", "DELETE /api/messaging/message-servers/ID",
		"POST /api/messaging/message-servers/ID/sync-channels", "GET /api/messaging/central-servers/ID/channels", "GET /api/messaging/servers/ID/agents",
		"POST /api/messaging/servers/ID/agents", "DELETE /api/messaging/servers/ID/agents/" + someID, "DELETE /api/messaging/servers/" + someID + "/agents/ID",
		"GET /api/messaging/agents/ID/servers", "GET /api/messaging/agents/ID/message-servers", "GET /api/messaging/central-channels/ID/details",
		"GET /api/messaging/channels/ID/participants", "PATCH /api/messaging/channels/ID", "DELETE /api/messaging/channels/ID",
		"GET /api/messaging/channels/ID/agents", "POST /api/messaging/channels/ID/agents", "DELETE /api/messaging/channels/ID/agents/" + someID,
		"DELETE /api/messaging/channels/" + someID + "/agents/ID", "POST /api/messaging/channels/ID/generate-title", "GET /api/messaging/channels/ID/messages",
		"POST /api/messaging/channels/ID/messages", "DELETE /api/messaging/channels/ID/messages", "DELETE /api/messaging/channels/ID/messages/" + someID,
		"DELETE /api/messaging/channels/" + someID + "/messages/ID", "GET /api/messaging/messages/ID", "PATCH /api/messaging/messages/ID",
		"GET /api/messaging/dm-channel?currentUserId=ID&targetUserId=" + someID, "GET /api/messaging/dm-channel?targetUserId=ID&currentUserId=" + someID,
		"GET /api/messaging/dm-channel?dmServerId=ID&targetUserId=" + someID + "&currentUserId=" + string(core.DefaultServerID),
		"GET /api/runtime/logs?agentId=ID", "GET /api/server/logs?agentId=ID",
	} {
		t.Run(route, func(t *testing.T) {
			refused(t, s, func(c elizatest.Client) {
				method, path, _ := strings.Cut(route, " ")
				var body any
				if method == "POST" || method == "PATCH" {
					body = "{}"
				}
				for _, id := range bad {
					c.Do(method, strings.ReplaceAll(path, "ID", id), body).WantError(400, core.CodeInvalidID)
				}
			})
		})
	}
}

func TestABadIDInABodyIsRefused(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t)
	agent := s.Agent("Ada")
	message := `"channel_id":"` + someID + `","server_id":"` + string(core.DefaultServerID) + `","author_id":"` + someID + `","content":"x"`
	channel := `"name":"x","server_id":"` + string(core.DefaultServerID) + `","participantCentralUserIds":["` + someID + `"]`
	for _, tc := range []struct{ method, path, valid, field string }{
		{"POST", "/submit", message, "channel_id"},
		{"POST", "/submit", message, "author_id"},
		{"POST", "/submit", message, "server_id"},
		{"POST", "/submit", message, "message_server_id"},
		{"POST", "/submit", message, "serverId"},
		{"POST", "/submit", message, "messageId"},
		{"POST", "/submit", message, "in_reply_to_message_id"},
		{"POST", "/action", message, "author_id"},
		{"POST", "/ingest-external", message, "author_id"},
		{"POST", "/channels/" + someID + "/messages", message, "author_id"},
		{"POST", "/channels/" + someID + "/messages", message, "messageServerId"},
		{"POST", "/channels/" + someID + "/messages", message, "messageId"},
		{"POST", "/complete", `"channel_id":"` + someID + `"`, "message_id"},
		{"POST", "/channels", channel, "server_id"},
		{"POST", "/central-channels", channel, "messageServerId"},
		{"POST", "/servers/" + string(core.DefaultServerID) + "/agents", `"agentId":"` + string(agent) + `"`, "agentId"},
		{"POST", "/messages/search", `"query":"x"`, "channelId"},
		{"POST", "/messages/search", `"query":"x"`, "authorId"},
		{"PATCH", "/action/" + someID, `"content":"x"`, "author_id"},
	} {
		t.Run(tc.method+" "+tc.path+" "+tc.field, func(t *testing.T) {
			refused(t, s, func(c elizatest.Client) {
				for _, bad := range []string{`"x"`, `1`, `true`, `[]`, `{}`, `["` + someID + `"]`, `"` + someID + ` "`, `"\u0000x"`} {
					c.Do(tc.method, "/api/messaging"+tc.path, "{"+tc.valid+`,"`+tc.field+`":`+bad+"}").WantError(400, core.CodeInvalidID)
				}
			})
		})
	}
	t.Run("participants", func(t *testing.T) {
		refused(t, s, func(c elizatest.Client) {
			for _, list := range []string{`["x"]`, `[""]`, `[null]`, `[1]`, `["` + someID + `",""]`} {
				body := "{" + channel + `,"participantCentralUserIds":` + list + "}"
				c.Post("/api/messaging/channels", body).WantError(400, core.CodeInvalidID)
				c.Post("/api/messaging/central-channels", body).WantError(400, core.CodeInvalidID)
			}
		})
	})
}

func TestABadBodyIsRefused(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t)
	agent, user, channel := s.Agent("Ada"), core.NewUUID(), core.NewUUID()
	id := s.Say(channel, user, agent, "hello", "http").Want(201).Data()["id"].(string)
	routes := []string{
		"POST /api/agents", "PATCH /api/agents/" + string(agent), "POST /api/messaging/submit", "POST /api/messaging/action", "POST /api/messaging/ingest-external",
		"POST /api/messaging/complete", "PATCH /api/messaging/action/" + id, "POST /api/messaging/servers", "POST /api/messaging/channels",
		"POST /api/messaging/central-channels", "PATCH /api/messaging/channels/" + string(channel), "POST /api/messaging/channels/" + string(channel) + "/agents",
		"POST /api/messaging/channels/" + string(channel) + "/messages", "POST /api/messaging/channels/" + string(channel) + "/generate-title",
		"POST /api/messaging/messages/search", "PATCH /api/messaging/messages/" + id, "POST /api/messaging/servers/" + string(core.DefaultServerID) + "/agents",
		"POST /api/messaging/message-servers/" + string(core.DefaultServerID) + "/sync-channels", "POST /api/runtime/logs", "POST /api/server/logs",
	}
	for name, body := range map[string]string{
		"cut": `{"a":`, "an array": `[{}]`, "null": `null`, "a number": `1`, "a string": `"x"`, "two objects": `{}{}`, "trailing text": `{} x`, "single quotes": `{'a':1}`,
		"deep arrays":  `{"metadata":{"a":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}}`,
		"deep objects": `{"settings":` + strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000) + `}`,
		"only opened":  strings.Repeat(`{"a":`, 100_000), "a NUL": "{\"a\":\x00}", "UTF-16": "{\x00\"\x00a\x00\"\x00", "a number too many": `{"a":01}`, "NaN": `{"a":NaN}`,
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, s, func(c elizatest.Client) {
				for _, route := range routes {
					method, path, _ := strings.Cut(route, " ")
					if a := c.Do(method, path, body); a.Status != 400 {
						t.Errorf("%s: %d", route, a.Status)
					} else {
						a.WantError(400, core.CodeBadRequest)
					}
				}
			})
		})
	}
	t.Run("of a type nobody reads", func(t *testing.T) {
		refused(t, s, func(c elizatest.Client) {
			for _, kind := range []string{"text/plain", "application/xml", "", "json", "application/json; =", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"} {
				c.Header = http.Header{"Content-Type": {kind}}
				for _, route := range routes {
					method, path, _ := strings.Cut(route, " ")
					c.Do(method, path, "{}").WantError(400, core.CodeInvalidContentType)
					c.Do(method, path, io.NopCloser(strings.NewReader("{}"))).WantError(400, core.CodeInvalidContentType) // chunked
				}
			}
		})
	})
	t.Run("none where one is needed", func(t *testing.T) {
		refused(t, s, func(c elizatest.Client) {
			for _, route := range routes {
				switch method, path, _ := strings.Cut(route, " "); {
				case path == "/api/agents":
					c.Do(method, path, nil).WantError(400, core.CodeCreate)
				case strings.HasSuffix(path, "logs"), method == "PATCH" && !strings.Contains(path, "/messages/"): // needs none
				default:
					c.Do(method, path, nil).WantError(400, core.CodeBadRequest)
				}
			}
		})
	})
}

func TestAFieldOfAnotherTypeIsRefused(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t)
	agent := s.Agent("Ada")
	message := `"channel_id":"` + someID + `","server_id":"` + string(core.DefaultServerID) + `","author_id":"` + someID + `","content":"x"`
	for _, tc := range []struct {
		method, path, body string
		code               core.Code
	}{
		{"POST", "/messaging/submit", message + `,"content":1`, "BAD_REQUEST"},
		{"POST", "/messaging/submit", message + `,"content":["x"]`, "BAD_REQUEST"},
		{"POST", "/messaging/submit", message + `,"content":""`, "BAD_REQUEST"},
		{"POST", "/messaging/submit", message + `,"content":" \n\u0000"`, "BAD_REQUEST"},
		{"POST", "/messaging/submit", strings.Replace(message, `"x"`, "null", 1), "BAD_REQUEST"},
		{"POST", "/messaging/submit", message + `,"metadata":[]`, "BAD_REQUEST"},
		{"POST", "/messaging/submit", message + `,"metadata":"x"`, "BAD_REQUEST"},
		{"POST", "/messaging/submit", message + `,"raw_message":"x"`, "BAD_REQUEST"},
		{"POST", "/messaging/submit", message + `,"source_type":{}`, "BAD_REQUEST"},
		{"POST", "/messaging/submit", strings.Replace(message, string(core.DefaultServerID), someID, 1), "CHANNEL_NOT_FOUND"},
		{"POST", "/messaging/channels/" + someID + "/messages", message + `,"transport":"pigeon"`, "BAD_REQUEST"},
		{"POST", "/messaging/channels/" + someID + "/messages", message + `,"transport":1`, "BAD_REQUEST"},
		{"POST", "/messaging/channels/" + someID + "/messages", message + `,"attachments":"x"`, "BAD_REQUEST"},
		{"POST", "/messaging/channels/" + someID + "/messages", strings.Replace(message, string(core.DefaultServerID), someID, 1), "NOT_FOUND"},
		{"POST", "/messaging/channels", `"name":1,"server_id":"` + string(core.DefaultServerID) + `"`, "BAD_REQUEST"},
		{"POST", "/messaging/channels", `"name":"x","type":"PARTY","server_id":"` + string(core.DefaultServerID) + `"`, "BAD_REQUEST"},
		{"POST", "/messaging/channels", `"name":"x"`, "BAD_REQUEST"},
		{"POST", "/messaging/channels", `"name":"x","server_id":"` + someID + `"`, "NOT_FOUND"},
		{"POST", "/messaging/central-channels", `"name":"x","participantCentralUserIds":{},"server_id":"` + string(core.DefaultServerID) + `"`, "BAD_REQUEST"},
		{"POST", "/messaging/servers", `"name":"x"`, "BAD_REQUEST"},
		{"POST", "/messaging/servers", `"name":"x","sourceType":1`, "BAD_REQUEST"},
		{"POST", "/messaging/servers/" + someID + "/agents", `"agentId":"` + string(agent) + `"`, "NOT_FOUND"},
		{"POST", "/messaging/servers/" + string(core.DefaultServerID) + "/agents", `"agentId":"` + someID + `"`, "AGENT_NOT_FOUND"},
		{"POST", "/messaging/servers/" + someID + "/sync-channels", `"channels":[]`, "NOT_FOUND"},
		{"POST", "/messaging/servers/" + string(core.DefaultServerID) + "/sync-channels", `"channels":[{"name":"x","type":"PARTY"}]`, "BAD_REQUEST"},
		{"POST", "/messaging/servers/" + string(core.DefaultServerID) + "/sync-channels", `"channels":[null]`, "BAD_REQUEST"},
		{"POST", "/messaging/messages/search", ``, "BAD_REQUEST"},
		{"POST", "/messaging/messages/search", `"query":"x","from":"yesterday"`, "BAD_REQUEST"},
		{"POST", "/messaging/messages/search", `"query":1`, "BAD_REQUEST"},
		{"POST", "/messaging/complete", ``, "BAD_REQUEST"},
		{"POST", "/messaging/complete", `"message_id":"` + someID + `"`, "NOT_FOUND"},
		{"PATCH", "/messaging/channels/" + someID, `"name":"x"`, "CHANNEL_NOT_FOUND"},
		{"PATCH", "/messaging/messages/" + someID, `"content":"x"`, "NOT_FOUND"},
		{"PATCH", "/messaging/action/" + someID, `"content":"x"`, "NOT_FOUND"},
		{"POST", "/messaging/channels/" + someID + "/agents", `"agentId":"` + string(agent) + `"`, "CHANNEL_NOT_FOUND"},
		{"POST", "/agents", `"characterJson":"x"`, "CREATE_ERROR"},
		{"POST", "/agents", `"characterJson":[]`, "CREATE_ERROR"},
		{"POST", "/agents", `"agent":1`, "CREATE_ERROR"},
		{"POST", "/agents", `"characterJson":{"name":"x"}`, "CREATE_ERROR"},
		{"POST", "/agents", `"characterJson":{"name":1,"bio":"x"}`, "CREATE_ERROR"},
		{"POST", "/agents", `"characterJson":{"name":"x","bio":1}`, "CREATE_ERROR"},
		{"POST", "/agents", `"characterJson":{"name":"x","bio":"y","id":"z"}`, "CREATE_ERROR"},
		{"POST", "/agents", `"characterJson":{"name":"x","bio":"y","settings":{"secrets":"plain"}}`, "CREATE_ERROR"},
		{"POST", "/agents", `"characterJson":{"name":"x","bio":"y","settings":{"secrets":{"deep":{"K":"plain"}}}}`, "CREATE_ERROR"},
		{"POST", "/agents", `"characterPath":1`, "BAD_REQUEST"},
		{"POST", "/agents", `"characterPath":"../../etc/passwd"`, "CREATE_ERROR"},
		{"POST", "/agents", `"characterPath":"/etc/passwd"`, "CREATE_ERROR"},
		{"POST", "/agents", `"characterPath":"http://127.0.0.1/x.json"`, "CREATE_ERROR"},
		{"PATCH", "/agents/" + string(agent), `"name":1`, "BAD_REQUEST"},
		{"PATCH", "/agents/" + string(agent), `"name":""`, "BAD_REQUEST"},
		{"PATCH", "/agents/" + string(agent), `"topics":"x"`, "BAD_REQUEST"},
		{"PATCH", "/agents/" + string(agent), `"settings":[]`, "BAD_REQUEST"},
		{"PATCH", "/agents/" + string(agent), `"settings":{"secrets":["plain"]}`, "BAD_REQUEST"},
		{"PATCH", "/agents/" + string(agent), `"id":"` + someID + `"`, "BAD_REQUEST"},
		{"PATCH", "/agents/" + string(agent), `"id":1`, "BAD_REQUEST"},
		{"PATCH", "/agents/" + someID, `"name":"x"`, "NOT_FOUND"},
		{"POST", "/runtime/logs", `"logs":{}`, "BAD_REQUEST"},
		{"POST", "/runtime/logs", `"logs":[1]`, "BAD_REQUEST"},
		{"POST", "/runtime/logs", `"since":{}`, "BAD_REQUEST"},
		{"POST", "/runtime/logs", `"since":"yesterday"`, "BAD_REQUEST"},
	} {
		t.Run(tc.method+" "+tc.path+" "+tc.body, func(t *testing.T) {
			refused(t, s, func(c elizatest.Client) {
				status := map[core.Code]int{"NOT_FOUND": 404, "CHANNEL_NOT_FOUND": 404, "AGENT_NOT_FOUND": 404}[tc.code]
				c.Do(tc.method, "/api"+tc.path, "{"+tc.body+"}").WantError(max(status, 400), tc.code)
			})
		})
	}
}

// raw sends bytes and returns the answer, which must arrive though the request is not read to its end.
func raw(t *testing.T, s *elizatest.Server, request io.Reader) elizatest.Answer {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.Base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.Copy(conn, request)
	}()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	a := elizatest.Answer{T: t, Status: res.StatusCode, Header: res.Header}
	a.Raw, _ = io.ReadAll(res.Body)
	_ = conn.Close()
	<-sent
	return decoded(a)
}

func TestABodyTooLargeIsToldSo(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithMaxBody(100<<10))
	for _, size := range []int{101 << 10, 1 << 20, 8 << 20} {
		for _, connection := range []string{"keep-alive", "close"} {
			for _, length := range []bool{true, false} {
				t.Run(fmt.Sprintf("%d bytes, %s, length %v", size, connection, length), func(t *testing.T) {
					refused(t, s, func(elizatest.Client) {
						body := `{"name":"` + strings.Repeat("x", size) + `","sourceType":"x"}`
						head := "POST /api/messaging/servers HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: " + connection + "\r\n"
						if length {
							head += fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body))
						} else {
							head += "Transfer-Encoding: chunked\r\n\r\n"
							body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
						}
						raw(t, s, strings.NewReader(head+body)).WantError(413, core.CodePayloadTooLarge)
					})
				})
			}
		}
	}
}
