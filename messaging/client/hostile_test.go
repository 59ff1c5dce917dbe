package client_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/messaging/client"
	"github.com/eliza-go/eliza/runtime/core"
)

const welcome = `0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`

// actor plays a server: play gets the n-th connection, counted from 1, whose peer has asked to connect already.
func actor(t *testing.T, open string, play func(n int, ws *websocket.Conn)) *client.Client {
	t.Helper()
	var n atomic.Int32
	var work sync.WaitGroup
	up := websocket.Upgrader{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		work.Add(1)
		defer work.Done()
		ws, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer ws.Close()
		say(ws, open)
		if _, _, err := ws.ReadMessage(); err == nil {
			play(int(n.Add(1)), ws)
		}
	}))
	t.Cleanup(func() {
		web.Close()
		work.Wait()
	})
	return elizatest.API(t, web.URL)
}

func say(ws *websocket.Conn, frames ...string) {
	for _, f := range frames {
		_ = ws.WriteMessage(websocket.TextMessage, []byte(f))
	}
}

// hear reads until the peer leaves.
func hear(ws *websocket.Conn) {
	for {
		if _, _, err := ws.ReadMessage(); err != nil {
			return
		}
	}
}

func TestAServerThatFallsSilentIsLeft(t *testing.T) {
	t.Parallel()
	c := actor(t, `0{"pingInterval":300,"pingTimeout":200}`, func(n int, ws *websocket.Conn) {
		say(ws, `40{"sid":"b"}`)
		if n == 1 {
			hear(ws)
			return
		}
		work := time.NewTicker(40 * time.Millisecond)
		defer work.Stop()
		for range 20 { // longer than a silence
			<-work.C
			say(ws, "2")
		}
		say(ws, `42["hello",1]`)
		hear(ws)
	})
	sock := elizatest.Connected(t, c, client.SocketOptions{})
	if e, all := elizatest.Until[*client.Unknown](t, sock, nil); e.Name != "hello" || string(e.Data) != "1" || !strings.HasPrefix(kindsOf(all), "Disconnected Connected ") {
		t.Errorf("got %s", kindsOf(all))
	}
}

func TestServersThatDoNotAgree(t *testing.T) {
	t.Parallel()
	for _, open := range []string{
		"", "x", "0", "0{}", "0[]", `40{"sid":"x"}`, `0{"pingInterval":-1,"pingTimeout":1}`, `0{"pingInterval":9223372036854775807,"pingTimeout":9223372036854775807}`,
		`0{"pingInterval":1e30,"pingTimeout":1}`,
	} {
		c := actor(t, open, func(_ int, ws *websocket.Conn) { hear(ws) })
		if s, err := c.Dial(t.Context(), client.SocketOptions{}); err == nil {
			t.Errorf("%q is taken", open)
			_ = s.Close()
		}
	}
	c := actor(t, welcome, func(_ int, ws *websocket.Conn) { hear(ws) })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := c.Dial(ctx, client.SocketOptions{}); ctx.Err() == nil || err == nil {
		t.Errorf("a server that never consents: %v", err)
	}
}

func TestFramesThatBreakTheProtocol(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "4", "49", "42", "42{}", "42[]", "42[1]", `42["a"`, "43[]", "439999999999999999999999[]", "41", "1", "42" + strings.Repeat("[", 100_000)} {
		c := actor(t, welcome, func(n int, ws *websocket.Conn) {
			say(ws, `40{"sid":"b"}`)
			if n == 1 {
				say(ws, bad)
			} else {
				say(ws, "3", "6", `42/other,["a"]`, `451-["a",{"_placeholder":true,"num":0}]`, `437["nobody waits"]`, `42["messageBroadcast",{"id":1}]`, `42["channel_joined"]`, `42["hello"]`)
			}
			hear(ws)
		})
		sock := elizatest.Connected(t, c, client.SocketOptions{})
		if e, all := elizatest.Until[*client.Unknown](t, sock, nil); e.Name != "hello" || e.Data != nil || kindsOf(all) != "Disconnected Connected Unknown" {
			t.Errorf("after %.50q: %s, %+v", bad, kindsOf(all), e)
		}
	}
}

func TestAServerThatNeverTellsOfAJoin(t *testing.T) {
	t.Parallel()
	var joins atomic.Int32
	c := actor(t, welcome, func(_ int, ws *websocket.Conn) {
		say(ws, `40{"sid":"b"}`)
		for {
			_, b, err := ws.ReadMessage()
			if err != nil {
				return
			}
			id, _, ok := strings.Cut(strings.TrimPrefix(string(b), "42"), "[")
			if joins.Add(1); ok {
				say(ws, "43"+id+"[{}]")
			}
		}
	})
	sock := elizatest.Connected(t, c, client.SocketOptions{})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := sock.Join(ctx, client.Join{Channel: core.NewUUID()}); err == nil || joins.Load() > 100 {
		t.Errorf("%d joins, %v", joins.Load(), err)
	}
}

func TestHolesAreFilled(t *testing.T) {
	t.Parallel()
	id := string(core.NewUUID())
	event := func(seq string) string {
		return `["messageDeleted",{"channelId":"` + id + `","roomId":"` + id + `","messageId":"` + id + `","seq":` + seq + `}]`
	}
	joined := `42["channel_joined",{"channelId":"` + id + `","seq":`
	c := actor(t, welcome, func(_ int, ws *websocket.Conn) {
		say(ws, `40{"sid":"b"}`)
		for n := 0; ; n++ {
			_, b, err := ws.ReadMessage()
			if err != nil {
				return
			}
			ack, _, _ := strings.Cut(strings.TrimPrefix(string(b), "42"), "[")
			switch n {
			case 0: // the first join: some comes before the answer
				say(ws, "42"+event("7"), "42"+event("8"), joined+`7}]`, "43"+ack+"[{}]", "42"+event("9"), "42"+event("9"), "42"+event("12"), "42"+event("13"))
			case 1: // it is left
				say(ws, "43"+ack+"[{}]")
			case 2:
				if !strings.Contains(string(b), `"afterSeq":9`) {
					t.Errorf("joined again with %s", b)
				}
				say(ws, "42"+event("12"), joined+`12,"missed":[{"event":"messageDeleted","data":`+strings.TrimSuffix(strings.TrimPrefix(event("11"), `["messageDeleted",`), "]")+`}]}]`, "43"+ack+"[{}]", "42"+event("13"))
			}
		}
	})
	sock := elizatest.Connected(t, c, client.SocketOptions{})
	if j := elizatest.Joined(t, sock, core.UUID(id), client.Position{}); j == nil {
		t.Fatal("not joined")
	}
	var seqs []int64
	for e, err := range sock.Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		seqs = append(seqs, e.(*client.MessageDeleted).Seq)
		if seqs[len(seqs)-1] == 13 {
			break
		}
	}
	if len(seqs) != 4 || seqs[0] != 8 || seqs[1] != 9 || seqs[2] != 11 {
		t.Errorf("told %v", seqs)
	}
}
