package socketio_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/eliza-go/eliza/messaging/socketio"
)

// A server with one event beside other routes of net/http, and what socket.io-client says to it.
func Example() {
	io := socketio.New(socketio.Options{})
	io.Of("/").OnConnect(func(s *socketio.Socket) {
		s.On("greet", func(e *socketio.Event) {
			var name string
			if err := e.Decode(0, &name); err != nil {
				_ = s.Emit("problem", "who?")
				return
			}
			_ = s.Emit("greeting", "Hello, "+name+"!")
		})
	})
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io)
	srv := httptest.NewServer(mux)
	defer srv.Close()
	defer io.Shutdown(context.Background())

	// The client: io(url), then emit("greet", "Ada").
	url := "ws" + strings.TrimPrefix(srv.URL, "http") + "/socket.io/?EIO=4&transport=websocket"
	c, _, err := websocket.DefaultDialer.Dial(url, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()
	for _, packet := range []string{"", "40", `42["greet","Ada"]`} {
		if packet != "" {
			_ = c.WriteMessage(websocket.TextMessage, []byte(packet))
		}
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, data, err := c.ReadMessage()
		if err != nil {
			fmt.Println(err)
			return
		}
		if kind, _, named := strings.Cut(string(data), "{"); named {
			data = []byte(kind) // the handshake, and the welcome: ids and settings
		}
		fmt.Println(string(data))
	}
	// Output:
	// 0
	// 40
	// 42["greeting","Hello, Ada!"]
}

func ExampleNamespace_Use() {
	io := socketio.New(socketio.Options{})
	io.Of("/").Use(func(s *socketio.Socket) error {
		if s.Handshake().Request.Header.Get("X-Api-Key") != "secret" {
			return &socketio.ConnectError{Message: "Invalid or missing API Key"}
		}
		return nil
	})
	fmt.Println(io.Of("/").Name())
	// Output: /
}

func ExampleNamespace_OnRoom() {
	io := socketio.New(socketio.Options{})
	io.Of("/").OnRoom(func(room string, occupied bool) {
		// Watch what happens in the room only while somebody is there to be told.
		fmt.Println(room, occupied)
	})
	fmt.Println(io.Of("/").Has("news"))
	// Output: false
}
