package messaging_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

const infoFields = "sessionId channelId agentId userId createdAt lastActivity metadata expiresAt timeoutConfig renewalCount timeRemaining isNearExpiration"

// session makes a session of a new agent and returns its path.
func (w *web) session(agent core.UUID, more string) (string, *answered) {
	w.t.Helper()
	a := w.ok(201, "POST", "/sessions", fmt.Sprintf(`{"agentId":"%s","userId":"%s"%s}`, agent, user, more))
	return "/sessions/" + a.str("sessionId"), a
}

func minutesLeft(t *testing.T, a *answered) float64 {
	t.Helper()
	ms, ok := a.at("timeRemaining").(float64)
	if !ok {
		t.Fatalf("no timeRemaining in %s", a.text)
	}
	return time.Duration(ms * float64(time.Millisecond)).Round(time.Minute).Minutes()
}

func TestSessionIsMadeAndRead(t *testing.T) {
	t.Parallel()
	w := newWeb(t, messaging.Options{})
	id := w.hire(echo)
	path, made := w.session(id, `,"metadata":{"k":1}`)
	if diff := cmp.Diff(set("sessionId channelId agentId userId createdAt metadata expiresAt timeoutConfig"), keys(made.body)); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	made.has(map[string]any{
		"agentId": string(id), "userId": string(user), "metadata.k": 1.0, "timeoutConfig.timeoutMinutes": 30.0, "timeoutConfig.autoRenew": true,
		"timeoutConfig.maxDurationMinutes": 720.0, "timeoutConfig.warningThresholdMinutes": 5.0,
	})
	ch, err := w.Channel(t.Context(), core.UUID(made.str("channelId")))
	if err != nil || ch.Name != "session-"+made.str("sessionId") || ch.Type != messaging.TypeDM || ch.ServerID != core.DefaultServerID {
		t.Errorf("channel = %+v, %v", ch, err)
	}
	people, err := w.Participants(t.Context(), ch.ID)
	if diff := cmp.Diff([]core.UUID{user, id}, people); err != nil || diff != "" {
		t.Errorf("participants (-want +got):\n%s%v", diff, err)
	}
	check := func() {
		t.Helper()
		got := w.ok(200, "GET", path, "")
		if diff := cmp.Diff(set(infoFields), keys(got.body)); diff != "" {
			t.Errorf("fields (-want +got):\n%s", diff)
		}
		got.has(map[string]any{"renewalCount": 0.0, "isNearExpiration": false, "expiresAt": made.str("expiresAt"), "metadata.k": 1.0})
		w.ok(200, "GET", "/sessions/"+strings.ToUpper(made.str("sessionId"))+"/", "")
		if left := minutesLeft(t, got); left != 30 {
			t.Errorf("%v minutes left, want 30", left)
		}
	}
	check()
	w.restart()
	check()
	list := w.ok(200, "GET", "/sessions", "")
	list.has(map[string]any{"total": 1.0, "stats.totalSessions": 1.0, "stats.activeSessions": 1.0, "stats.expiredSessions": 0.0})
	if diff := cmp.Diff(set(infoFields), keys(list.list("sessions")[0])); diff != "" {
		t.Errorf("fields in the list (-want +got):\n%s", diff)
	}
	w.ok(200, "GET", "/sessions/health", "").has(map[string]any{"status": "healthy", "activeSessions": 1.0, "expiringSoon": 0.0})
}

func TestSessionRequestsThatAreWrong(t *testing.T) {
	t.Parallel()
	w := newWeb(t, messaging.Options{})
	id := w.hire(echo)
	path, _ := w.session(id, "")
	big := strings.Repeat("x", 11<<10)
	make := func(agent, more string) string {
		return fmt.Sprintf(`{"agentId":"%s","userId":"%s"%s}`, agent, user, more)
	}
	for _, test := range []struct {
		name, method, path, body string
		status                   int
		code                     core.Code
	}{
		{"no agent", "POST", "/sessions", `{"userId":"` + string(user) + `"}`, 400, core.CodeValidation},
		{"no user", "POST", "/sessions", `{"agentId":"` + string(id) + `"}`, 400, core.CodeValidation},
		{"agent is no id", "POST", "/sessions", make("x", ""), 400, core.CodeValidation},
		{"no JSON", "POST", "/sessions", `{`, 400, core.CodeValidation},
		{"metadata too large", "POST", "/sessions", make(string(id), `,"metadata":{"k":"`+big+`"}`), 400, core.CodeValidation},
		{"timeout is no number", "POST", "/sessions", make(string(id), `,"timeoutConfig":{"timeoutMinutes":"5"}`), 400, core.CodeValidation},
		{"agent unknown", "POST", "/sessions", make(string(core.NewUUID()), ""), 404, core.CodeAgentNotFound},
		{"no such session", "GET", "/sessions/" + string(core.NewUUID()), "", 404, core.CodeSessionNotFound},
		{"session is no id", "GET", "/sessions/any", "", 404, core.CodeSessionNotFound},
		{"message to none", "POST", "/sessions/any/messages", `{"content":"hi"}`, 404, core.CodeSessionNotFound},
		{"messages of none", "GET", "/sessions/any/messages", "", 404, core.CodeSessionNotFound},
		{"renew none", "POST", "/sessions/any/renew", "", 404, core.CodeSessionNotFound},
		{"heartbeat of none", "POST", "/sessions/any/heartbeat", "", 404, core.CodeSessionNotFound},
		{"timeout of none", "PATCH", "/sessions/any/timeout", `{}`, 404, core.CodeSessionNotFound},
		{"delete none", "DELETE", "/sessions/any", "", 404, core.CodeSessionNotFound},
		{"no content", "POST", path + "/messages", `{}`, 400, core.CodeValidation},
		{"blank content", "POST", path + "/messages", `{"content":" "}`, 400, core.CodeValidation},
		{"content too long", "POST", path + "/messages", `{"content":"` + strings.Repeat("é", 4001) + `"}`, 400, core.CodeValidation},
		{"content is no text", "POST", path + "/messages", `{"content":1}`, 400, core.CodeValidation},
		{"message metadata too large", "POST", path + "/messages", `{"content":"a","metadata":{"k":"` + big + `"}}`, 400, core.CodeValidation},
		{"transport unknown", "POST", path + "/messages", `{"content":"a","transport":"pigeon"}`, 400, core.CodeValidation},
		{"attachment without url", "POST", path + "/messages", `{"content":"a","attachments":[{"type":"image"}]}`, 400, core.CodeValidation},
		{"before is no time", "GET", path + "/messages?before=x", "", 400, core.CodeValidation},
		{"timeout too short", "PATCH", path + "/timeout", `{"timeoutMinutes":4}`, 400, core.CodeValidation},
		{"timeout too long", "PATCH", path + "/timeout", `{"timeoutMinutes":1441}`, 400, core.CodeValidation},
		{"duration too long", "PATCH", path + "/timeout", `{"maxDurationMinutes":2881}`, 400, core.CodeValidation},
		{"warning too short", "PATCH", path + "/timeout", `{"warningThresholdMinutes":0}`, 400, core.CodeValidation},
		{"autoRenew is no bool", "PATCH", path + "/timeout", `{"autoRenew":"yes"}`, 400, core.CodeValidation},
	} {
		a := w.do(test.method, test.path, test.body)
		if a.wrong(test.status, test.code); a.at("error.timestamp") == nil {
			t.Errorf("%s: no timestamp in %s", test.name, a.text)
		}
	}
	if got := w.ok(200, "GET", path, ""); got.at("renewalCount") != 0.0 {
		t.Errorf("what was refused renewed the session: %s", got.text)
	}
}

func TestSessionTimeoutsAreClampedAndOverridden(t *testing.T) {
	t.Parallel()
	w := newWeb(t, messaging.Options{Sessions: messaging.SessionOptions{Timeout: 20 * time.Minute, MaxTimeout: 2 * time.Hour, Warning: 2 * time.Hour}})
	plain, set := w.hire(echo), w.hire(echo)
	w.settings(set, map[string]string{
		"SESSION_TIMEOUT_MINUTES": "40", "SESSION_AUTO_RENEW": "false", "SESSION_MAX_DURATION_MINUTES": "many", "SESSION_WARNING_THRESHOLD_MINUTES": "0",
	})
	for _, test := range []struct {
		agent                      core.UUID
		asked                      string
		timeout, duration, warning float64
		renew                      bool
	}{
		{plain, `{}`, 20, 720, 60, true},
		{plain, `{"timeoutMinutes":1,"maxDurationMinutes":1e99,"warningThresholdMinutes":-1e99,"autoRenew":false}`, 5, 2880, 1, false},
		{plain, `{"timeoutMinutes":9999,"maxDurationMinutes":-3}`, 120, 5, 60, true},
		{set, `{}`, 40, 720, 1, false},
		{set, `{"timeoutMinutes":41,"autoRenew":true}`, 41, 720, 1, true},
	} {
		_, a := w.session(test.agent, `,"timeoutConfig":`+test.asked)
		a.has(map[string]any{
			"timeoutConfig.timeoutMinutes": test.timeout, "timeoutConfig.maxDurationMinutes": test.duration,
			"timeoutConfig.warningThresholdMinutes": test.warning, "timeoutConfig.autoRenew": test.renew,
		})
	}
}

func TestSessionMessages(t *testing.T) {
	t.Parallel()
	w := newWeb(t, messaging.Options{})
	id := w.hire(func(ctx context.Context, turn *core.Turn, out core.Out) (core.Outcome, error) {
		switch turn.Content.Text {
		case "nothing":
			return core.Outcome{}, nil
		case "fail":
			return core.Outcome{}, errors.New("no")
		}
		return core.Outcome{Reply: &core.Content{Text: "re: " + turn.Content.Text, Thought: "hm", Actions: []string{"REPLY"}}}, nil
	})
	path, made := w.session(id, `,"metadata":{"from":"session","agentId":"mine"}`)
	a := w.ok(201, "POST", path+"/messages", `{"content":"hi","transport":"http","metadata":{"x":1,"sessionId":"other"},"attachments":[{"type":"image","url":"/a.png","mimeType":"image/png","name":"a"}]}`)
	a.has(map[string]any{
		"success": true, "content": "hi", "authorId": string(user), "userMessage.content": "hi", "userMessage.authorId": string(user), "userMessage.source_type": "user",
		"userMessage.channel_id": made.str("channelId"), "metadata.x": 1.0, "metadata.from": "session", "metadata.agentId": string(id),
		"metadata.sessionId": made.str("sessionId"), "agentResponse.text": "re: hi", "agentResponse.thought": "hm",
		"sessionStatus.renewalCount": 1.0, "sessionStatus.wasRenewed": true, "sessionStatus.isNearExpiration": false,
	})
	if a.str("createdAt") != a.str("userMessage.createdAt") || a.str("id") != a.str("userMessage.id") || len(a.list("metadata.attachments")) != 1 {
		t.Errorf("answer = %s", a.text)
	}
	data := a.body["data"]
	delete(a.body, "data")
	if diff := cmp.Diff(any(a.body), data); diff != "" {
		t.Errorf("data differs (-flat +data):\n%s", diff)
	}
	w.ok(201, "POST", path+"/messages", `{"content":"nothing","mode":"sync"}`).has(map[string]any{"agentResponse": nil, "sessionStatus.renewalCount": 2.0})
	if a := w.ok(201, "POST", path+"/messages", `{"content":"by socket"}`); keys(a.body)["agentResponse"] {
		t.Errorf("an answer nobody waited for: %s", a.text)
	}
	w.until("the answer by socket", func() bool { return strings.Contains(w.do("GET", path+"/messages", "").text, "re: by socket") })
	stream := w.ok(200, "POST", path+"/messages", `{"content":"live","transport":"sse"}`)
	for _, part := range []string{"event: user_message\n", "event: message\n", "event: done\n", `"text":"re: live"`} {
		if !strings.Contains(stream.text, part) {
			t.Errorf("no %q in the stream:\n%s", part, stream.text)
		}
	}
	if stream := w.ok(200, "POST", path+"/messages", `{"content":"fail","mode":"stream"}`); !strings.Contains(stream.text, "event: error\n") {
		t.Errorf("no error in the stream:\n%s", stream.text)
	}
	w.restart()
	var got []string
	for _, m := range w.ok(200, "GET", path+"/messages?limit=100", "").list("messages") {
		m := m.(map[string]any)
		if diff := cmp.Diff(set("id content authorId isAgent createdAt metadata"), keys(m)); diff != "" {
			t.Errorf("fields of a message (-want +got):\n%s", diff)
		}
		got = append(got, fmt.Sprint(m["content"], " ", m["isAgent"]))
	}
	want := []string{"fail false", "re: live true", "live false", "re: by socket true", "by socket false", "nothing false", "re: hi true", "hi false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestSessionMessageWaitsNotForever(t *testing.T) {
	t.Parallel()
	w := newWeb(t, messaging.Options{})
	w.wait = 10 * time.Millisecond
	free := make(chan struct{})
	defer close(free)
	path, _ := w.session(w.hire(func(context.Context, *core.Turn, core.Out) (core.Outcome, error) { <-free; return core.Outcome{}, nil }), "")
	w.do("POST", path+"/messages", `{"content":"hi","transport":"http"}`).wrong(504, core.CodeTimeout)
}

// interrupted is a service whose store stops reading when the time is over, and does not say why.
type interrupted struct{ messaging.Service }

func (interrupted) Wait(ctx context.Context, _, _ core.UUID, _ int64) (*messaging.Answer, error) {
	<-ctx.Done()
	return nil, errors.New("interrupted")
}

func TestAReadCutByTheEndOfTheWaitIsATimeout(t *testing.T) {
	t.Parallel()
	w := newWeb(t, messaging.Options{})
	w.wait, w.svc = time.Millisecond, interrupted{w.Manager}
	path, _ := w.session(w.hire(echo), "")
	w.do("POST", path+"/messages", `{"content":"hi","transport":"http"}`).wrong(504, core.CodeTimeout)
	w.do("POST", "/channels/"+string(core.NewUUID())+"/messages",
		`{"content":"hi","transport":"http","author_id":"`+string(user)+`","server_id":"`+string(core.DefaultServerID)+`"}`).wrong(504, core.CodeTimeout)
}

func TestSessionPages(t *testing.T) {
	t.Parallel()
	w := newWeb(t, messaging.Options{})
	path, made := w.session(w.hire(echo), "")
	var at []int64
	for i := range 6 {
		a, err := w.Accept(t.Context(), messaging.NewMessage{ChannelID: core.UUID(made.str("channelId")), AuthorID: user, Content: fmt.Sprint(i), Undeliver: true})
		if err != nil {
			t.Fatal(err)
		}
		at = append(at, int64(a.Message.CreatedAt))
	}
	for _, test := range []struct {
		query string
		want  string
		more  bool
	}{
		{"limit=2", "54", true},
		{"limit=6", "543210", false},
		{fmt.Sprintf("limit=2&before=%d", at[3]), "21", true},
		{fmt.Sprintf("limit=2&before=%d", at[2]), "10", false},
		{fmt.Sprintf("limit=2&after=%d", at[1]), "32", true},
		{fmt.Sprintf("limit=2&after=%d", at[3]), "54", false},
		{fmt.Sprintf("limit=2&after=%d&before=%d", at[0], at[5]), "43", true},
		{fmt.Sprintf("after=%d", at[5]), "", false},
	} {
		a := w.ok(200, "GET", path+"/messages?"+test.query, "")
		got := ""
		list := a.list("messages")
		for _, m := range list {
			got += m.(map[string]any)["content"].(string)
		}
		if got != test.want || a.at("hasMore") != test.more {
			t.Errorf("%s: %q, more %v, want %q, %v", test.query, got, a.at("hasMore"), test.want, test.more)
		}
		if test.want == "" {
			if a.at("cursors") != nil {
				t.Errorf("%s: cursors of nothing: %s", test.query, a.text)
			}
			continue
		}
		first, last := int(test.want[0]-'0'), int(test.want[len(test.want)-1]-'0')
		a.has(map[string]any{"cursors.after": float64(at[first]), "cursors.before": float64(at[last])})
	}
}

// sessionsDown is a store that cannot keep sessions or take messages.
type sessionsDown struct{ messaging.Store }

var errDisk = errors.New("secret detail of the disk")

func (sessionsDown) CreateSession(context.Context, messaging.Session, messaging.NewChannel) error {
	return errDisk
}

func (sessionsDown) Accept(context.Context, messaging.NewMessage, int) (*messaging.Accepted, error) {
	return nil, errDisk
}

func TestSessionStoreFails(t *testing.T) {
	t.Parallel()
	w := newWeb(t, messaging.Options{})
	id := w.hire(echo)
	path, _ := w.session(id, "")
	w.over(func(inner messaging.Store) messaging.Store { return sessionsDown{inner} })
	for _, a := range []*answered{
		w.do("POST", "/sessions", fmt.Sprintf(`{"agentId":"%s","userId":"%s"}`, id, user)),
		w.do("POST", path+"/messages", `{"content":"hi"}`),
		w.do("POST", path+"/messages", `{"content":"hi","transport":"sse"}`),
	} {
		code := core.CodeMessageSend
		if strings.Contains(a.text, "CREATION") {
			code = core.CodeSessionCreation
		}
		if a.wrong(500, code); strings.Contains(a.text, "secret") {
			t.Errorf("the cause is told: %s", a.text)
		}
	}
}

func TestSessionIsOnesOwn(t *testing.T) {
	t.Parallel()
	l := newLab(t, messaging.Options{})
	id := l.hire(echo)
	other := core.WithIdentity(t.Context(), core.Identity{EntityID: core.NewUUID()})
	_, err := l.CreateSession(other, messaging.NewSession{AgentID: id, UserID: user})
	errIs(t, err, messaging.ErrForbidden)
	s, err := l.CreateSession(t.Context(), messaging.NewSession{AgentID: id, UserID: user})
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.SessionMessage(other, s.ID, messaging.NewMessage{Content: "hi"})
	errIs(t, err, messaging.ErrForbidden)
	_, err = l.CreateJob(other, messaging.NewJob{AgentID: id, UserID: user, Content: "hi"})
	errIs(t, err, messaging.ErrForbidden)
}
