package eliza_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestABadSocketEventIsRefused(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t)
	server := string(core.DefaultServerID)
	send := `"channelId":"` + someID + `","senderId":"` + someID + `","serverId":"` + server + `","message":"x"`
	for _, tc := range []struct {
		name, frame string
		code        core.Code
	}{
		{"join without payload", `42["1"]`, "BAD_REQUEST"},
		{"join with null", `42["1",null]`, "BAD_REQUEST"},
		{"join with an array", `42["1",[]]`, "BAD_REQUEST"},
		{"join with a text", `42["1","` + someID + `"]`, "BAD_REQUEST"},
		{"join with a number", `42["1",1]`, "BAD_REQUEST"},
		{"join without channel", `42["1",{}]`, "BAD_REQUEST"},
		{"join with null for a channel", `42["1",{"channelId":null}]`, "BAD_REQUEST"},
		{"join with a number for a channel", `42["1",{"channelId":1}]`, "BAD_REQUEST"},
		{"join with an object for a channel", `42["1",{"channelId":{}}]`, "BAD_REQUEST"},
		{"join with a bad channel", `42["1",{"channelId":"x"}]`, "INVALID_ID"},
		{"join with a bad agent", `42["1",{"channelId":"` + someID + `","agentId":"x"}]`, "INVALID_ID"},
		{"join with a bad entity", `42["1",{"channelId":"` + someID + `","entityId":"x"}]`, "INVALID_ID"},
		{"join with a bad server", `42["1",{"channelId":"` + someID + `","serverId":"x"}]`, "INVALID_ID"},
		{"join with wrong metadata", `42["1",{"channelId":"` + someID + `","metadata":[]}]`, "BAD_REQUEST"},
		{"numeric event name", `42[1,{}]`, "BAD_REQUEST"},
		{"send without payload", `42["2"]`, "BAD_REQUEST"},
		{"send with null", `42["2",null]`, "BAD_REQUEST"},
		{"send with an array", `42["2",[{}]]`, "BAD_REQUEST"},
		{"send without anything", `42["2",{}]`, "BAD_REQUEST"},
		{"send without text", `42["2",{` + send + `,"message":""}]`, "BAD_REQUEST"},
		{"send with spaces", `42["2",{` + send + `,"message":" \n"}]`, "BAD_REQUEST"},
		{"send with NULs", `42["2",{` + send + `,"message":"\u0000"}]`, "BAD_REQUEST"},
		{"send with a number", `42["2",{` + send + `,"message":1}]`, "BAD_REQUEST"},
		{"send with an object", `42["2",{` + send + `,"message":{}}]`, "BAD_REQUEST"},
		{"send with a bad channel", `42["2",{` + send + `,"channelId":"x"}]`, "INVALID_ID"},
		{"send with a bad sender", `42["2",{` + send + `,"senderId":"x"}]`, "INVALID_ID"},
		{"send with a bad server", `42["2",{` + send + `,"serverId":"x"}]`, "INVALID_ID"},
		{"send with a bad target", `42["2",{` + send + `,"targetUserId":"x"}]`, "INVALID_ID"},
		{"send to an unknown server", `42["2",{` + send + `,"serverId":"` + someID + `"}]`, "NOT_FOUND"},
		{"send with wrong metadata", `42["2",{` + send + `,"metadata":"x"}]`, "BAD_REQUEST"},
		{"send with wrong attachments", `42["2",{` + send + `,"attachments":{}}]`, "BAD_REQUEST"},
		{"send with too long a text", `42["2",{` + send + `,"message":"` + strings.Repeat("x", 100_001) + `"}]`, "BAD_REQUEST"},
		{"send with too long an id", `42["2",{` + send + `,"messageId":"` + strings.Repeat("x", 256) + `"}]`, "BAD_REQUEST"},
		{"send with too much metadata", `42["2",{` + send + `,"metadata":{"k":"` + strings.Repeat("x", 64<<10) + `"}}]`, "BAD_REQUEST"},
		{"send with too much", `42["2",{` + send + `,"k":"` + strings.Repeat("x", 300<<10) + `"}]`, "BAD_REQUEST"},
		{"send too deep", `42["2",{` + send + `,"metadata":{"a":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}}]`, "BAD_REQUEST"},
		{"generic without payload", `42["message"]`, "BAD_REQUEST"},
		{"generic with null", `42["message",null]`, "BAD_REQUEST"},
		{"generic with a text", `42["message","hello"]`, "BAD_REQUEST"},
		{"generic without type", `42["message",{"payload":{}}]`, "BAD_REQUEST"},
		{"generic of unknown type", `42["message",{"type":99,"payload":{}}]`, "BAD_REQUEST"},
		{"generic with a word for type", `42["message",{"type":"join","payload":{}}]`, "BAD_REQUEST"},
		{"generic with a list for type", `42["message",{"type":[1],"payload":{}}]`, "BAD_REQUEST"},
		{"generic join without payload", `42["message",{"type":1}]`, "BAD_REQUEST"},
		{"generic send with null", `42["message",{"type":2,"payload":null}]`, "BAD_REQUEST"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			refused(t, s, func(elizatest.Client) {
				sock := elizatest.Dial(t, s.Base, nil, nil)
				sock.Wait("connection_established", nil)
				sock.Frame(tc.frame)
				if e := sock.Wait("messageError", nil); e["code"] != string(tc.code) || e["error"] == "" {
					t.Errorf("messageError = %v, want %s", e, tc.code)
				}
				sock.Emit("1", map[string]any{"channelId": someID}) // it lives, and told the error once
				sock.Wait("channel_joined", nil)
				if n := len(sock.Named("messageError")); n != 1 {
					t.Errorf("%d errors", n)
				}
			})
		})
	}
	for name, frame := range map[string]string{
		"bad JSON": `42{`, "an object for an event": `42{}`, "an empty event": `42[]`, "a reserved name": `42["disconnect"]`, "an unknown packet": `48`, "an unknown engine packet": `9`,
		"a second connect": `40`, "another namespace": `42/admin,["1",{}]`, "a binary event without attachments": `450-["1",{}]`,
	} {
		t.Run("a socket is closed after "+name, func(t *testing.T) {
			refused(t, s, func(elizatest.Client) {
				sock := elizatest.Dial(t, s.Base, nil, nil)
				sock.Wait("connection_established", nil)
				sock.Frame(frame)
				sock.WaitClosed()
			})
		})
	}
	t.Run("an unknown event is ignored", func(t *testing.T) {
		refused(t, s, func(elizatest.Client) {
			sock := elizatest.Dial(t, s.Base, nil, nil)
			sock.Frame(`42["nosuch",{"a":1}]`)
			for _, f := range []string{`42["update_log_filters",[]]`, `42["subscribe_logs",7]`, `42["update_log_filters",{"level":{},"agentName":null}]`, `42["unsubscribe_logs"]`} {
				sock.Frame(f)
			}
			sock.Emit("1", map[string]any{"channelId": someID})
			sock.Wait("channel_joined", nil)
		})
	})
	t.Run("what is no text ends the connection", func(t *testing.T) {
		refused(t, s, func(elizatest.Client) {
			for _, size := range []int{10, 1_000_001} {
				conn, res, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.Base, "http")+"/socket.io/?EIO=4&transport=websocket", nil)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				_ = conn.WriteMessage(websocket.TextMessage, []byte("40"))
				_ = conn.WriteMessage(websocket.BinaryMessage, []byte(strings.Repeat("\xff", size)))
				for err == nil {
					_, _, err = conn.ReadMessage()
				}
				if size > 1_000_000 && !websocket.IsCloseError(err, websocket.CloseMessageTooBig) {
					t.Errorf("closed with %v", err)
				}
				_ = conn.Close()
			}
		})
	})
	t.Run("a socket is in so many channels at most", func(t *testing.T) {
		sock := elizatest.Dial(t, s.Base, nil, nil)
		for range 1001 {
			sock.Emit("1", map[string]any{"channelId": core.NewUUID()})
		}
		sock.WaitCount("channel_joined", 1000)
		sock.Wait("messageError", nil)
	})
}

func TestASocketIsSlowedDown(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithSocketRate(0.001))
	sock := elizatest.Dial(t, s.Base, nil, nil)
	for i := range 100 {
		sock.Emit("2", map[string]any{"channelId": someID, "senderId": someID, "serverId": core.DefaultServerID, "message": fmt.Sprint(i)})
	}
	for _, e := range sock.WaitCount("messageError", 40) {
		if e["code"] != "RATE_LIMIT_EXCEEDED" {
			t.Fatalf("messageError = %v", e)
		}
	}
	if n := len(s.Messages(someID)); n != 60 {
		t.Errorf("%d messages were stored, want the burst of 60", n)
	}
	other := elizatest.Dial(t, s.Base, nil, nil)
	other.Emit("1", map[string]any{"channelId": someID})
	other.Wait("channel_joined", nil)
}

// hostile is a messaging service of a host that does what it should not.
type hostile struct{ messaging.Service }

// Accept fails in the way the message asks for.
func (h hostile) Accept(ctx context.Context, m messaging.NewMessage) (*messaging.Accepted, error) {
	switch m.Content {
	case "panic":
		panic("the password is hunter2")
	case "nil map":
		m.Metadata = nil
		m.Metadata["x"] = 1
	case "nothing":
		return nil, nil
	case "secret":
		return nil, errors.New("dial postgres://user:hunter2@db.internal: refused")
	case "typed nil":
		return nil, (*core.Error)(nil)
	case "no code":
		return nil, &core.Error{Message: "hunter2"}
	case "canceled":
		return nil, context.Canceled
	case "http":
		return nil, echo.NewHTTPError(http.StatusForbidden, "hunter2")
	case "late":
		return nil, context.DeadlineExceeded
	case "full":
		return nil, &core.Error{Code: core.CodeStorageFull, Message: "No room", Err: errors.New("hunter2")}
	case "busy":
		return nil, &core.Error{Code: core.CodeRateLimit, Message: "Slow down", RetryAfter: 1}
	}
	return h.Service.Accept(ctx, m)
}

func TestAServiceThatMisbehavesEndsNothing(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WrapMessaging(func(m messaging.Service) messaging.Service { return hostile{m} }))
	payload := func(text string) map[string]any {
		return map[string]any{
			"channelId": someID, "senderId": someID, "serverId": core.DefaultServerID, "message": text,
			"channel_id": someID, "author_id": someID, "server_id": core.DefaultServerID, "content": text,
		}
	}
	for _, tc := range []struct {
		text   string
		status int
		code   core.Code
	}{
		{"panic", 500, "INTERNAL_ERROR"},
		{"nil map", 500, "INTERNAL_ERROR"},
		{"nothing", 500, "INTERNAL_ERROR"},
		{"secret", 500, "INTERNAL_ERROR"},
		{"typed nil", 500, "INTERNAL_ERROR"},
		{"no code", 500, "INTERNAL_ERROR"},
		{"canceled", 500, "INTERNAL_ERROR"},
		{"http", 403, "FORBIDDEN"},
		{"late", 504, "TIMEOUT"},
		{"full", 507, "INSUFFICIENT_STORAGE"},
		{"busy", 429, "RATE_LIMIT_EXCEEDED"},
	} {
		t.Run(tc.text, func(t *testing.T) {
			c := s.Client
			c.T = t
			for _, path := range []string{"/submit", "/action", "/ingest-external", "/channels/" + someID + "/messages"} {
				a := c.Post("/api/messaging"+path, payload(tc.text)).WantError(tc.status, tc.code)
				if strings.Contains(string(a.Raw), "hunter2") || strings.Contains(string(a.Raw), "goroutine") || strings.Contains(string(a.Raw), ".go:") {
					t.Errorf("told too much: %s", a.Raw)
				}
				if e := a.Body["error"].(map[string]any); tc.code == "INTERNAL_ERROR" && (e["details"] != a.Header.Get("X-Request-Id") || e["details"] == "") {
					t.Errorf("details = %v, want the request id %q", e["details"], a.Header.Get("X-Request-Id"))
				}
			}
			sock := elizatest.Dial(t, s.Base, nil, nil)
			sock.Emit("1", map[string]any{"channelId": someID})
			sock.Wait("channel_joined", nil)
			sock.Emit("2", payload(tc.text))
			if tc.text == "panic" || tc.text == "nil map" || tc.text == "nothing" || tc.text == "typed nil" {
				sock.Emit("1", map[string]any{"channelId": core.DefaultServerID})
				sock.WaitCount("channel_joined", 2)
				return
			}
			if e := sock.Wait("messageError", nil); strings.Contains(fmt.Sprint(e), "hunter2") {
				t.Errorf("told too much: %v", e)
			}
		})
	}
	s.Post("/api/messaging/submit", payload("fine")).Want(201)
}
