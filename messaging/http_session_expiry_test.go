package messaging_test

import (
	"testing"
	"time"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestSessionExpires(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, method, path, body string }{
		{"read", "GET", "", ""},
		{"message", "POST", "/messages", `{"content":"late"}`},
		{"stream", "POST", "/messages", `{"content":"late","transport":"sse"}`},
		{"messages", "GET", "/messages", ""},
		{"renew", "POST", "/renew", ""},
		{"heartbeat", "POST", "/heartbeat", ""},
		{"timeout", "PATCH", "/timeout", `{"timeoutMinutes":60}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWeb(t, messaging.Options{})
			path, made := w.session(w.hire(echo), "")
			w.clock.advance(26 * time.Minute)
			w.ok(200, "GET", path, "").has(map[string]any{"isNearExpiration": true, "renewalCount": 0.0})
			w.ok(200, "GET", "/sessions/health", "").has(map[string]any{"expiringSoon": 1.0})
			w.clock.advance(4 * time.Minute)
			w.ok(200, "GET", "/sessions", "").has(map[string]any{"total": 0.0, "stats.expiredSessions": 1.0})
			w.do(test.method, path+test.path, test.body).wrong(410, core.CodeSessionExpired)
			w.do(test.method, path+test.path, test.body).wrong(404, core.CodeSessionNotFound)
			page, err := w.Messages(t.Context(), messaging.Page{ChannelID: core.UUID(made.str("channelId")), AfterSeq: -1, Limit: 1})
			if err != nil || len(page.Messages) != 0 {
				t.Errorf("messages = %+v, %v: what came too late was stored", page, err)
			}
		})
	}
}

func TestSessionIsRenewed(t *testing.T) {
	t.Parallel()
	w := newWeb(t, messaging.Options{})
	id := w.hire(echo)
	t.Run("by what happens in it", func(t *testing.T) {
		path, _ := w.session(id, `,"timeoutConfig":{"timeoutMinutes":10,"maxDurationMinutes":25}`)
		for i, step := range []struct {
			method, path, body string
			renewals, left     float64
		}{
			{"POST", "/messages", `{"content":"hi"}`, 1, 10},
			{"POST", "/heartbeat", "", 2, 10},
			{"POST", "/renew", "", 3, 7}, // the end is near
		} {
			w.clock.advance(6 * time.Minute)
			w.do(step.method, path+step.path, step.body)
			got := w.ok(200, "GET", path, "")
			if got.has(map[string]any{"renewalCount": step.renewals}); minutesLeft(t, got) != step.left {
				t.Errorf("step %d: %v minutes left, want %v", i, minutesLeft(t, got), step.left)
			}
		}
		a := w.do("POST", path+"/renew", "")
		a.wrong(400, core.CodeSessionRenewal)
		w.ok(200, "POST", path+"/heartbeat", "").has(map[string]any{"renewalCount": 3.0})
		w.ok(201, "POST", path+"/messages", `{"content":"hi"}`).has(map[string]any{"sessionStatus.wasRenewed": false, "sessionStatus.renewalCount": 3.0})
		w.clock.advance(7 * time.Minute)
		w.do("POST", path+"/renew", "").wrong(410, core.CodeSessionExpired)
	})
	t.Run("only when asked", func(t *testing.T) {
		path, _ := w.session(id, `,"timeoutConfig":{"timeoutMinutes":10,"autoRenew":false}`)
		w.clock.advance(4 * time.Minute)
		w.ok(201, "POST", path+"/messages", `{"content":"hi"}`).has(map[string]any{"sessionStatus.wasRenewed": false})
		beat := w.ok(200, "POST", path+"/heartbeat", "")
		if beat.has(map[string]any{"renewalCount": 0.0}); minutesLeft(t, beat) != 6 || beat.str("lastActivity") == beat.str("createdAt") {
			t.Errorf("after the heartbeat: %s", beat.text)
		}
		if a := w.ok(200, "POST", path+"/renew", ""); minutesLeft(t, a) != 10 || a.at("renewalCount") != 1.0 {
			t.Errorf("after the renewal: %s", a.text)
		}
		w.clock.advance(4 * time.Minute)
		if a := w.ok(200, "PATCH", path+"/timeout", `{"timeoutMinutes":20}`); minutesLeft(t, a) != 16 {
			t.Errorf("the change forgot the renewal: %s", a.text)
		}
	})
	t.Run("timeouts are changed", func(t *testing.T) {
		path, _ := w.session(id, "")
		a := w.ok(200, "PATCH", path+"/timeout", `{"timeoutMinutes":60,"autoRenew":false,"maxDurationMinutes":50,"warningThresholdMinutes":55}`)
		a.has(map[string]any{
			"timeoutConfig.timeoutMinutes": 60.0, "timeoutConfig.autoRenew": false, "timeoutConfig.maxDurationMinutes": 50.0,
			"timeoutConfig.warningThresholdMinutes": 55.0, "isNearExpiration": true,
		})
		if left := minutesLeft(t, a); left != 50 {
			t.Errorf("%v minutes left, want 50", left)
		}
	})
}

func TestSessionIsDeleted(t *testing.T) {
	t.Parallel()
	w := newWeb(t, messaging.Options{})
	id := w.hire(echo)
	path, made := w.session(id, "")
	a := w.ok(200, "DELETE", path, "")
	if a.has(map[string]any{"success": true}); a.str("message") != a.str("data.message") {
		t.Errorf("answer = %s", a.text)
	}
	w.do("GET", path, "").wrong(404, core.CodeSessionNotFound)
	if _, err := w.Channel(t.Context(), core.UUID(made.str("channelId"))); err != nil {
		t.Errorf("its channel: %v", err)
	}
	path, made = w.session(id, "")
	if err := w.DeleteChannel(t.Context(), core.UUID(made.str("channelId"))); err != nil {
		t.Fatal(err)
	}
	w.do("POST", path+"/messages", `{"content":"hi"}`).wrong(404, core.CodeSessionNotFound)
	path, _ = w.session(id, "")
	w.clock.advance(time.Hour)
	w.ok(200, "DELETE", path, "")
}

func TestExpiredSessionsAndJobsAreSwept(t *testing.T) {
	t.Parallel()
	w := newWeb(t, messaging.Options{Sessions: messaging.SessionOptions{Cleanup: time.Millisecond}})
	id := w.hire(echo)
	w.session(id, "")
	w.session(id, `,"timeoutConfig":{"timeoutMinutes":1440,"maxDurationMinutes":2880}`)
	job := w.job(id, "")
	w.clock.advance(time.Hour) // the job has not ended for an hour yet
	total := func() any { return w.ok(200, "GET", "/sessions", "").at("stats.totalSessions") }
	w.until("the sweep", func() bool { return total() == 1.0 })
	w.ok(200, "GET", job, "")
	w.clock.advance(time.Minute)
	w.until("the sweep of jobs", func() bool { return w.do("GET", job, "").status == 404 })
	if total() != 1.0 {
		t.Errorf("%v sessions are left, want 1", total())
	}
}
