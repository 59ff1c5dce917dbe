package eliza_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/runtime/core"
)

// movable is a clock that goes like the machine's, from another moment on, and can be moved.
type movable struct {
	ahead atomic.Int64 // of the machine's
}

func clockAt(t time.Time) *movable {
	c := &movable{}
	c.ahead.Store(int64(time.Until(t)))
	return c
}

func (c *movable) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *movable) move(d time.Duration) { c.ahead.Add(int64(d)) }

var long2001 = time.Date(2001, 3, 4, 5, 6, 7, 0, time.UTC)

// What looks like a moment: milliseconds since the epoch, of 2001 and after it, and days.
var moment = regexp.MustCompile(`\b(?:9[89]\d{10}|[1-3]\d{12})\b|\b\d{4}-\d\d-\d\dT\d\d:\d\d`)

// foreignMoments are the moments in a text that are not of 2001.
func foreignMoments(text string) []string {
	return slices.DeleteFunc(moment.FindAllString(text, -1), func(m string) bool {
		if ms, err := strconv.ParseInt(m, 10, 64); err == nil {
			return core.Millis(ms).Time().Year() == 2001
		}
		return strings.HasPrefix(m, "2001-")
	})
}

// wantOnly2001 looks at every column of every table that holds a moment.
func wantOnly2001(t *testing.T, s *eliza.Server, when string, seen map[string]bool) {
	t.Helper()
	err := s.WithTx(t.Context(), func(_ context.Context, tx *gorm.DB) error {
		var columns []struct{ Tab, Col string }
		err := tx.Raw(`SELECT t.name AS tab, c.name AS col FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table' AND (c.name LIKE '%\_at' ESCAPE '\'
			OR c.name IN ('last_activity', 'metadata', 'body', 'content', 'character', 'result', 'raw_message')) AND t.name NOT LIKE '%schema_version'`).Scan(&columns).Error
		for _, c := range columns {
			var values []string
			if err := tx.Raw(fmt.Sprintf(`SELECT CAST(%q AS TEXT) FROM %q WHERE %[1]q IS NOT NULL`, c.Col, c.Tab)).Scan(&values).Error; err != nil {
				return err
			}
			for _, v := range values {
				if v != "0" {
					seen[c.Tab+"."+c.Col] = true
				}
				if found := foreignMoments(v); len(found) > 0 {
					t.Errorf("%s: %s.%s holds %v", when, c.Tab, c.Col, found)
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A server on the clock of another year stores and answers nothing of this one, whatever is asked of it.
func TestEverythingGoesByTheHostsClock(t *testing.T) {
	t.Parallel()
	c := clockAt(long2001)
	r := newTour(t, operationPaths(t), 0, eliza.WithClock(c.now))
	r.each = func(operation string, answer []byte) {
		if found := foreignMoments(string(answer)); len(found) > 0 && !slices.Contains([]string{"getOpenAPI", "getAsyncAPI", "getDocs"}, operation) { // they have examples
			t.Errorf("%s answers %v", operation, found)
		}
	}
	seen := map[string]bool{}
	for _, part := range []struct {
		name string
		do   func()
	}{{"agents", r.agents}, {"servers", r.servers}, {"channels", r.channels}, {"talk", r.talk}, {"knowledge", r.knowledge}, {"operations", r.operations}} {
		part.do()
		wantOnly2001(t, r.Server.Server, part.name, seen)
	}
	for _, column := range []string{
		"agents.created_at", "agents.updated_at", "agents.started_at", "central_messages.created_at", "channel_events.created_at", "channels.last_at",
		"deliveries.created_at", "deliveries.ended_at", "entities.created_at", "jobs.expires_at", "memories.created_at", "agent_logs.created_at",
		"message_servers.created_at", "rooms.created_at", "worlds.created_at",
	} {
		if !seen[column] {
			t.Errorf("%s was not looked at", column)
		}
	}
}

// Sockets are told the time of the host too.
func TestSocketsAreToldTheHostsTime(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithClock(clockAt(long2001).now), eliza.WithPlugins(elizatest.Echo().Plugin()))
	agent, user, channel := s.Agent("Ada"), core.NewUUID(), core.NewUUID()
	sock := elizatest.Dial(t, s.Base, map[string]any{"entityId": user}, nil)
	told := map[string]map[string]any{"authenticated": sock.Wait("authenticated", nil)}
	sock.Emit("1", map[string]any{"channelId": channel})
	sock.Emit("2", map[string]any{
		"channelId": channel, "senderId": user, "serverId": core.DefaultServerID, "message": "hello", "metadata": map[string]any{"isDm": true, "targetUserId": agent},
	})
	told["messageBroadcast"] = sock.Wait("messageBroadcast", func(m map[string]any) bool { return m["senderId"] == string(agent) })
	for event, data := range told {
		text := fmt.Sprint(data)
		for name, v := range data {
			if ms, ok := v.(float64); ok {
				text += fmt.Sprintf(" %s=%.0f", name, ms)
			}
		}
		if found := foreignMoments(text); len(found) > 0 || !moment.MatchString(text) {
			t.Errorf("%s tells %v: %s", event, found, text)
		}
	}
}

func TestSessionsExpireByTheHostsClock(t *testing.T) {
	t.Parallel()
	c := clockAt(long2001)
	s := elizatest.Start(t, eliza.WithClock(c.now), eliza.WithPlugins(elizatest.Echo().Plugin()))
	id, _ := s.Post("/api/messaging/sessions", map[string]any{
		"agentId": s.Agent("Ada"), "userId": core.NewUUID(), "timeoutConfig": map[string]any{"timeoutMinutes": 30},
	}).Want(http.StatusCreated).Body["sessionId"].(string)
	path := "/api/messaging/sessions/" + id
	c.move(29 * time.Minute)
	s.Get(path).Want(http.StatusOK)
	c.move(2 * time.Minute)
	s.Get(path).WantError(http.StatusGone, core.CodeSessionExpired)
}

// Where the clock of a host jumps, back or ahead, a conversation goes on in its order.
func TestAClockThatJumpsChangesNoOrder(t *testing.T) {
	t.Parallel()
	c := clockAt(long2001)
	file := eliza.WithDatabase(filepath.Join(t.TempDir(), "eliza.db"))
	s := elizatest.Start(t, file, eliza.WithClock(c.now), eliza.WithPlugins(elizatest.Echo().Plugin()))
	agent, user, channel := s.Agent("Ada"), core.NewUUID(), core.NewUUID()
	for i, jump := range []time.Duration{0, -time.Second / 2, -24 * time.Hour, 100 * 24 * time.Hour, -30 * 24 * time.Hour, 0} {
		c.move(jump)
		s.Say(channel, user, agent, "number "+strconv.Itoa(i), "http").Want(http.StatusCreated)
	}
	list := s.Messages(channel)
	if len(list) != 12 {
		t.Fatalf("%d messages, want 12", len(list))
	}
	for i, m := range list {
		text := "number " + strconv.Itoa(i/2)
		if i%2 == 1 {
			text = "You said: " + text
		}
		if m["content"] != text {
			t.Errorf("message %d says %q, want %q", i, m["content"], text)
		}
		if i > 0 && (m["created_at"].(float64) < list[i-1]["created_at"].(float64) || m["seq"].(float64) <= list[i-1]["seq"].(float64)) {
			t.Errorf("message %d is before its predecessor: %v", i, m)
		}
	}
}
