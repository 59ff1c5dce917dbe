package eliza_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/messaging/client"
	"github.com/eliza-go/eliza/runtime/core"
)

// numbered are the events of a socket that are changes of a channel, by name and payload.
func numbered(events []elizatest.Event) (out []map[string]any) {
	for _, e := range events {
		if seq, ok := e.Data["seq"].(float64); ok && seq > 0 && e.Name != "channel_joined" && e.Name != "room_joined" && e.Name != "messageAck" {
			out = append(out, map[string]any{"event": e.Name, "data": e.Data})
		}
	}
	return out
}

// changes makes each kind of change in a channel and returns how many there were.
func changes(t *testing.T, s *elizatest.Server, channel, agent core.UUID) int {
	t.Helper()
	user := core.NewUUID()
	first, _ := s.Say(channel, user, agent, "one", "http").Want(201).Data()["id"].(string)
	second, _ := s.Say(channel, user, agent, "two", "http").Want(201).Data()["id"].(string)
	s.Patch("/api/messaging/messages/"+second, map[string]any{"content": "changed"}).Want(200)
	s.Delete("/api/messaging/channels/" + string(channel) + "/messages/" + first).Want(204)
	return 3 + 3 + 1 + 1 // each message has its answer and its completion
}

func join(t *testing.T, s *elizatest.Server, payload map[string]any) (*elizatest.Socket, map[string]any) {
	t.Helper()
	sock := elizatest.Dial(t, s.Base, nil, nil)
	sock.Emit("1", payload)
	return sock, sock.Wait("channel_joined", nil)
}

func TestASocketThatComesBackGetsWhatItMissed(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin()))
	agent, channel := s.Agent("Ada"), core.NewUUID()
	changes(t, s, channel, agent)

	stayed, answer := join(t, s, map[string]any{"channelId": channel})
	head := answer["seq"].(float64)
	n := changes(t, s, channel, agent)
	stayed.Wait("messageDeleted", nil)

	back, answer := join(t, s, map[string]any{"channelId": channel, "afterSeq": head})
	missed, _ := answer["missed"].([]any)
	want := numbered(stayed.Events())
	// What was deleted since is not told again, its deletion is.
	var left []any
	for _, e := range want {
		if d := e["data"].(map[string]any); d["messageId"] != deletedID(want) && d["id"] != deletedID(want) || e["event"] == "messageDeleted" {
			left = append(left, e)
		}
	}
	var heard []any
	for _, e := range missed {
		if e := e.(map[string]any); e["event"] != "controlMessage" {
			heard = append(heard, e)
		}
	}
	if answer["seq"] != head+float64(n) || answer["gap"] != nil {
		t.Errorf("joined with seq %v, gap %v, want %v", answer["seq"], answer["gap"], head+float64(n))
	}
	if diff := cmp.Diff(editedAway(left), heard); diff != "" {
		t.Errorf("missed (-room +answer): %s", diff)
	}
	s.Say(channel, core.NewUUID(), agent, "three", "http").Want(201)
	complete := func(e map[string]any) bool { return e["seq"] == head+float64(n)+3 }
	back.Wait("messageComplete", complete)
	stayed.Wait("messageComplete", complete)
	if diff := cmp.Diff(numbered(stayed.Events())[n:], numbered(back.Events())); diff != "" {
		t.Errorf("live (-stayed +back): %s", diff)
	}
}

func deletedID(events []map[string]any) any {
	for _, e := range events {
		if e["event"] == "messageDeleted" {
			return e["data"].(map[string]any)["messageId"]
		}
	}
	return nil
}

// editedAway gives a message that was edited later its present text: it is told as it is now.
func editedAway(events []any) []any {
	now := map[any]map[string]any{}
	for _, e := range events {
		if d := e.(map[string]any)["data"].(map[string]any); d["updatedAt"] != nil {
			now[d["id"]] = d
		}
	}
	for i, e := range events {
		d := e.(map[string]any)["data"].(map[string]any)
		if changed := now[d["id"]]; changed != nil && d["updatedAt"] == nil {
			d = maps.Clone(d)
			d["text"] = changed["text"]
			events[i] = map[string]any{"event": "messageBroadcast", "data": d}
		}
	}
	return events
}

func TestSocketsThatComeAndGoMissNothing(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithRateLimits(eliza.Limit{}, eliza.Limit{}, eliza.Limit{}))
	channel, user := core.NewUUID(), core.NewUUID()
	body := fmt.Sprintf(`{"channel_id":%q,"server_id":%q,"author_id":%q,"content":"x"}`, channel, core.DefaultServerID, user)
	s.Post("/api/messaging/submit", body).Want(201)
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	for range 4 {
		work.Go(func() {
			for ctx.Err() == nil {
				if _, err := post(s.Base+"/api/messaging/submit", "application/json", strings.NewReader(body)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	last := 0.0
	for range 12 {
		sock, answer := join(t, s, map[string]any{"channelId": channel, "afterSeq": last})
		if answer["gap"] != nil { // it was away for too long
			last = answer["seq"].(float64)
			sock.Close()
			continue
		}
		sock.WaitCount("messageComplete", 5)
		sock.Close()
		var seqs []float64
		for _, m := range answer["missed"].([]any) {
			if seq, ok := m.(map[string]any)["data"].(map[string]any)["seq"].(float64); ok {
				seqs = append(seqs, seq)
			}
		}
		if n := len(seqs); n > 0 && seqs[n-1] != answer["seq"] {
			t.Errorf("missed up to %v, joined at %v", seqs[n-1], answer["seq"])
		}
		for _, e := range numbered(sock.Events()) {
			seqs = append(seqs, e["data"].(map[string]any)["seq"].(float64))
		}
		for _, seq := range seqs {
			if last++; seq != last {
				t.Fatalf("number %v came where %v was due", seq, last)
			}
		}
	}
}

func TestTooMuchToTellIsAGap(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t)
	channel := core.NewUUID()
	for i := range 260 { // and as many completions
		s.Post("/api/messaging/submit", map[string]any{"channel_id": channel, "server_id": core.DefaultServerID, "author_id": channel, "content": fmt.Sprint(i)}).Want(201)
	}
	for after, gap := range map[int]bool{0: true, 10: true, 300: false, 520: false, 521: true} {
		_, answer := join(t, s, map[string]any{"channelId": channel, "afterSeq": after})
		missed, told := answer["missed"].([]any)
		if (answer["gap"] == true) != gap || told == gap || !gap && len(missed) != 520-after || answer["seq"] != 520.0 {
			t.Errorf("after %d: %d missed, gap %v, seq %v", after, len(missed), answer["gap"], answer["seq"])
		}
	}
}

func TestASocketLeavesAChannel(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin()))
	c, agent, channel := s.API(client.WithEntity(core.NewUUID(), "")), s.Agent("Ada"), core.NewUUID()
	leaves, stays := elizatest.Connected(t, c, client.SocketOptions{}), elizatest.Connected(t, c, client.SocketOptions{})
	elizatest.Joined(t, leaves, channel, client.Position{})
	elizatest.Joined(t, stays, channel, client.Position{})
	if err := leaves.Leave(t.Context(), channel); err != nil {
		t.Fatal(err)
	}
	say := func(text string) {
		t.Helper()
		if _, err := c.Messaging.Ask(t.Context(), client.NewMessage{Channel: channel, Agent: agent, Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	say("hello")
	elizatest.Until[*client.MessageComplete](t, stays, nil)
	head := elizatest.Joined(t, leaves, channel, client.Position{}).Seq
	say("again")
	if _, all := elizatest.Until[*client.MessageComplete](t, leaves, nil); all[0].(*client.MessageBroadcast).Seq != head+1 {
		t.Errorf("it still got %+v", all)
	}
}

// follow reads a channel's events until stop returns true or the stream ends.
func follow(t *testing.T, url string, header http.Header, stop func(event, data string) bool) (lines []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(req.Header, header)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s = %d %s", url, res.StatusCode, res.Header)
	}
	event := ""
	for in := bufio.NewScanner(res.Body); in.Scan(); {
		line := in.Text()
		if line == "" || line[0] == ':' {
			continue
		}
		lines = append(lines, line)
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			event = name
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok && stop(event, data) {
			break
		}
	}
	return lines
}

func TestAChannelIsFollowedByServerSentEvents(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin()))
	agent, channel := s.Agent("Ada"), core.NewUUID()
	n := changes(t, s, channel, agent)
	at := s.Base + "/api/messaging/central-channels/" + string(channel) + "/events"
	deleted := func(event, _ string) bool { return event == "messageDeleted" }

	all := follow(t, at+"?afterSeq=0", nil, deleted)
	last := ""
	for _, l := range all {
		if id, ok := strings.CutPrefix(l, "id: "); ok {
			last = id
		}
	}
	if last != fmt.Sprint(n) {
		t.Errorf("the last number is %s, want %d:\n%s", last, n, strings.Join(all, "\n"))
	}
	some := follow(t, strings.Replace(at, "central-channels", "channels", 1), http.Header{"Last-Event-Id": {"6"}}, deleted)
	if len(some) >= len(all) || some[len(some)-1] != all[len(all)-1] {
		t.Errorf("after 6:\n%s\nof\n%s", strings.Join(some, "\n"), strings.Join(all, "\n"))
	}
	gap := follow(t, at+"?afterSeq=77", nil, func(event, data string) bool {
		var v struct{ Seq int }
		if json.Unmarshal([]byte(data), &v) != nil || event != "gap" || v.Seq != n {
			t.Errorf("%s %s, want a gap before %d", event, data, n)
		}
		return true
	})
	if len(gap) != 2 {
		t.Errorf("%q", gap)
	}

	began := make(chan struct{})
	var live []string
	var work sync.WaitGroup
	work.Go(func() {
		live = follow(t, at, nil, func(event, _ string) bool {
			if event == "messageBroadcast" {
				select {
				case <-began:
				default:
					close(began)
				}
			}
			return false // until the channel is gone
		})
	})
	elizatest.Eventually(t, "the stream has begun", func() bool {
		s.Say(channel, core.NewUUID(), agent, "hello", "http").Want(201)
		select {
		case <-began:
			return true
		default:
			return false
		}
	})
	s.Delete("/api/messaging/channels/" + string(channel)).Want(204)
	work.Wait()
	if len(live) < 2 || live[len(live)-2] != "event: channelDeleted" {
		t.Errorf("the stream ended with %q", live[max(0, len(live)-4):])
	}

	s.Get("/api/messaging/channels/"+string(channel)+"/events").WantError(404, core.CodeChannelNotFound)
	s.Get("/api/messaging/channels/x/events").WantError(400, core.CodeInvalidID)
	s.Get("/api/messaging/channels/"+string(channel)+"/events?afterSeq=-1").WantError(400, core.CodeBadRequest)
}

// busy is a messaging service where something is said whenever somebody learns of a gap.
type busy struct{ messaging.Service }

func (b busy) Watch(ctx context.Context, channel core.UUID, after int64, fn func(messaging.Event)) (func(), error) {
	cancel, err := b.Service.Watch(ctx, channel, after, fn)
	if errors.Is(err, messaging.ErrGap) {
		_, said := b.Accept(ctx, messaging.NewMessage{ChannelID: channel, AuthorID: core.NewUUID(), Content: "just now"})
		err = errors.Join(err, said)
		if said == nil {
			err = messaging.ErrGap
		}
	}
	return cancel, err
}

func TestAGapEndsWhereTheChannelIsHeard(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WrapMessaging(func(m messaging.Service) messaging.Service { return busy{m} }))
	channel := core.NewUUID()
	if _, err := s.Messaging().CreateChannel(t.Context(), messaging.NewChannel{ID: channel, ServerID: core.DefaultServerID, Name: "busy"}); err != nil {
		t.Fatal(err)
	}
	head := func() float64 {
		c, err := s.Messaging().Channel(t.Context(), channel)
		if err != nil {
			t.Fatal(err)
		}
		return float64(c.Head)
	}
	_, answer := join(t, s, map[string]any{"channelId": channel, "afterSeq": 77})
	if answer["gap"] != true || answer["seq"] != head() {
		t.Errorf("a socket is told of a gap until %v, the channel is at %v", answer["seq"], head())
	}
	follow(t, s.Base+"/api/messaging/channels/"+string(channel)+"/events?afterSeq=77", nil, func(event, data string) bool {
		var v struct{ Seq float64 }
		if json.Unmarshal([]byte(data), &v) != nil || event != "gap" || v.Seq != head() {
			t.Errorf("a stream is told %s %s, the channel is at %v", event, data, head())
		}
		return true
	})
}
