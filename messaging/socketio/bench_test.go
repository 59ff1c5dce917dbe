package socketio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/eliza-go/eliza/messaging/socketio"
)

type benchMessage struct {
	ID        string `json:"id"`
	SenderID  string `json:"senderId"`
	Text      string `json:"text"`
	ChannelID string `json:"channelId"`
	CreatedAt int64  `json:"createdAt"`
}

var example = benchMessage{
	"d5190b4b-c6a8-4477-9969-f18a751e9b40", "11111111-1111-4111-8111-111111111111",
	"You said: hello there", "cccccccc-cccc-4ccc-8ccc-cccccccccc01", 1795464863161,
}

func BenchmarkEncode(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := socketio.Encode("messageBroadcast", example); err != nil {
			b.Fatal(err)
		}
	}
}

// benchServer serves and returns how to open a connected socket whose frames are counted, not decoded.
func benchServer(b *testing.B, n int) (io *socketio.Server, received *atomic.Int64) {
	b.Helper()
	io = socketio.New(socketio.Options{QueuePackets: 4096, QueueBytes: 64 << 20})
	io.Of("/").OnConnect(func(s *socketio.Socket) { s.Join("room") })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	srv := &http.Server{Handler: io}
	var all sync.WaitGroup
	all.Go(func() { _ = srv.Serve(l) })
	received = new(atomic.Int64)
	conns := make([]net.Conn, n)
	for i := range conns {
		conns[i] = idleSocket(b, l.Addr().String())
		all.Go(func() { // counts bytes: a client's decoding is not what is measured
			buf := make([]byte, 64<<10)
			for {
				n, err := conns[i].Read(buf)
				if err != nil {
					return
				}
				received.Add(int64(n))
			}
		})
	}
	for io.Of("/").Count() < n {
		runtime.Gosched()
	}
	b.Cleanup(func() {
		for _, c := range conns {
			_ = c.Close()
		}
		if err := io.Shutdown(context.Background()); err != nil {
			b.Log(err)
		}
		_ = srv.Close()
		all.Wait()
	})
	return io, received
}

func idleSocket(tb testing.TB, addr string) net.Conn {
	tb.Helper()
	dialer := websocket.Dialer{ReadBufferSize: 256, WriteBufferSize: 256}
	c, res, err := dialer.Dial("ws://"+addr+"/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		tb.Fatal(err)
	}
	_ = res.Body.Close()
	if err := c.WriteMessage(websocket.TextMessage, []byte("40")); err != nil {
		tb.Fatal(err)
	}
	for range 2 {
		if _, err := readText(c); err != nil {
			tb.Fatal(err)
		}
	}
	_ = c.SetReadDeadline(time.Time{})
	return c.NetConn()
}

// BenchmarkBroadcast measures one event delivered to all sockets of a room: until the last byte is read.
func BenchmarkBroadcast(b *testing.B) {
	for _, n := range []int{10, 1000} {
		b.Run(fmt.Sprintf("sockets=%d", n), func(b *testing.B) {
			io, received := benchServer(b, n)
			room := io.Of("/").To("room")
			m, err := socketio.Encode("messageBroadcast", example)
			if err != nil {
				b.Fatal(err)
			}
			body, err := json.Marshal(example)
			if err != nil {
				b.Fatal(err)
			}
			size := int64(len(`42["messageBroadcast",]`) + len(body) + 4) // with the frame's header
			b.ReportAllocs()
			sent := int64(0)
			start := time.Now()
			for b.Loop() {
				room.Send(m)
				sent++
				for received.Load() < (sent-64)*size*int64(n) { // a queue full of 64 broadcasts is under way
					runtime.Gosched()
				}
			}
			for received.Load() < sent*size*int64(n) {
				runtime.Gosched()
			}
			b.ReportMetric(float64(sent)*float64(n)/time.Since(start).Seconds(), "deliveries/s")
		})
	}
}

// BenchmarkEcho measures one event and its acknowledgement.
func BenchmarkEcho(b *testing.B) {
	for _, transport := range []string{"websocket", "polling"} {
		b.Run(transport, func(b *testing.B) {
			t := &testing.T{}
			r := prepare(t, socketio.Options{}, namespaces)
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			srv := &http.Server{Handler: r.io}
			var served sync.WaitGroup
			served.Go(func() { _ = srv.Serve(l) })
			r.url = "http://" + l.Addr().String() + "/socket.io/"
			r.client = &http.Client{Transport: &http.Transport{}}
			defer func() {
				_ = r.io.Shutdown(context.Background())
				r.client.CloseIdleConnections()
				_ = srv.Close()
				served.Wait()
			}()
			var round func()
			if transport == "polling" {
				sid := r.open()
				r.post(sid, "40")
				r.get(sid)
				round = func() {
					r.post(sid, `421["mark"]`)
					r.get(sid)
				}
			} else {
				c, _, err := websocket.DefaultDialer.Dial(r.wsURL("EIO=4&transport=websocket"), nil)
				if err != nil {
					b.Fatal(err)
				}
				defer func() { _ = c.Close() }()
				_, _ = readText(c)
				_ = c.WriteMessage(websocket.TextMessage, []byte("40"))
				_, _ = readText(c)
				round = func() {
					_ = c.WriteMessage(websocket.TextMessage, []byte(`421["mark"]`))
					_, _ = readText(c)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				round()
			}
		})
	}
}

// BenchmarkIdle reports what one idle WebSocket costs the server: heap and stacks, and goroutines.
func BenchmarkIdle(b *testing.B) {
	const n = 2000
	io := socketio.New(socketio.Options{})
	io.Of("/").OnConnect(func(s *socketio.Socket) {
		s.Join("room")
		s.On("1", func(*socketio.Event) {})
		s.On("2", func(*socketio.Event) {})
		s.On("message", func(*socketio.Event) {})
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	srv := &http.Server{Handler: io}
	var served sync.WaitGroup
	served.Go(func() { _ = srv.Serve(l) })
	defer func() {
		_ = io.Shutdown(context.Background())
		_ = srv.Close()
		served.Wait()
	}()
	measure := func() (uint64, int) {
		for range 3 {
			runtime.GC()
		}
		time.Sleep(100 * time.Millisecond)
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse, runtime.NumGoroutine()
	}
	// The clients are kept as bare file descriptors' owners: what remains of them is small and counted too.
	before, goroutines := measure()
	conns := make([]net.Conn, n)
	for i := range conns {
		conns[i] = idleSocket(b, l.Addr().String())
	}
	after, more := measure()
	for b.Loop() {
	}
	b.ReportMetric(float64(after-before)/n, "B/socket")
	b.ReportMetric(float64(more-goroutines)/n, "goroutines/socket")
	for _, c := range conns {
		_ = c.Close()
	}
}
