// Package socketio is a Socket.IO v5 server (Engine.IO v4, the protocol of socket.io-client 3 and 4) on
// net/http and gorilla/websocket. It needs nothing else and may be used alone.
//
// A [Server] is an [net/http.Handler]: mount it at the path the clients use, normally /socket.io/.
// Clients connect to a [Namespace] ("/" unless they ask for another), each connection is a [Socket], and
// sockets can be put into rooms, to which a [Broadcast] is sent.
//
//	io := socketio.New(socketio.Options{})
//	io.Of("/").OnConnect(func(s *socketio.Socket) {
//		s.On("join", func(e *socketio.Event) {
//			var room string
//			if e.Decode(0, &room) == nil {
//				s.Join(room)
//				io.Of("/").To(room).Except(s.ID()).Emit("joined", s.ID())
//			}
//		})
//	})
//	http.Handle("/socket.io/", io)
//
// # Transports
//
// WebSocket, HTTP long-polling and the upgrade from the second to the first. The upgrade neither loses nor
// reorders packets. A session lives in the process that opened it, so polling needs a load balancer that
// sends the requests of one client to one process; WebSocket does not.
//
// # Order
//
// What is sent to one socket arrives in the order of the calls that sent it; heartbeats alone may jump the
// queue. Events of one socket are handled one after another in the order they arrived: middleware first,
// then [Namespace.OnConnect], then the handlers, and [Socket.OnDisconnect] last. After that no function of
// the socket is called any more. A handler that blocks holds up its own socket, and, once 64 events
// wait for it, the reading of its connection; no other one. Acknowledgements of the client are taken in
// outside this order, so a handler may wait in [Socket.EmitWithAck] for its own client.
//
// # Slow readers
//
// Nothing here waits for a client: sending puts the packet into a bounded queue (256 packets, 4 MiB unless
// [Options] says otherwise) and returns. When it is full, volatile packets in it are dropped and counted;
// when that is not enough the connection is closed, a WebSocket with code 1013, and the client has
// to connect anew. A broadcast is encoded once, whatever the number of its receivers.
//
// # Lifetime
//
// New starts nothing. An idle WebSocket costs one goroutine and a few KiB, an idle polling session no
// goroutine besides its request; the writer of a connection lives while there is something to write, and one
// timer serves all heartbeats. [Server.Shutdown] closes every connection in a way that makes clients
// reconnect by themselves and waits for all goroutines, the handlers included. A panic in a handler is
// logged and does no further harm.
//
// # Hostile clients
//
// A packet that breaks the protocol closes the session of its sender. Messages are bounded in size, in
// attachments and in number waiting, text that is not UTF-8 is refused, and identifiers have 120 random
// bits. The server has no opinion on who may connect: [Options.Allow] and [Namespace.Use] are the places
// for it.
package socketio
