package socketio_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/eliza-go/eliza/messaging/socketio"
)

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
	srv := httptest.NewServer(io) // or http.Handle("/socket.io/", io)
	defer srv.Close()
	defer func() { _ = io.Shutdown(context.Background()) }()

	// What socket.io-client does, frame by frame.
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
		fmt.Println(sidPattern.ReplaceAllString(string(data), `"sid":"…"`))
	}
	// Output:
	// 0{"sid":"…","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}
	// 40{"sid":"…"}
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
