// Package client is the Go client of the server: a typed call for every operation of its HTTP API, and its sockets,
// which survive lost connections. It links neither the server nor its database: it needs gorilla/websocket and the words
// all packages share, in runtime/core.
//
// A [Client] knows a server, perhaps its key, and who speaks:
//
//	c, err := client.New("http://127.0.0.1:3000", client.WithAPIKey(key), client.WithEntity(me, "Bob"))
//
// Its fields are groups of calls, each call is a method that takes a context first:
//
//	agents, err := c.Agents.List(ctx, client.Page{})
//	channel, err := c.Channels.Direct(ctx, me, agents[0].ID)
//
// # Saying something
//
// There are three ways to get an answer, and the server does the same in all of them. [Messaging.Ask] waits for it,
// [Messaging.Stream] gives it piece by piece while it is made, and [Messaging.Send] only stores the message:
//
//	answer, err := c.Messaging.Ask(ctx, client.NewMessage{Channel: channel.ID, Text: "Good morning!"})
//	fmt.Println(answer.Text())
//
//	for e, err := range c.Messaging.Stream(ctx, client.NewMessage{Channel: channel.ID, Text: "And now?"}) {
//		if err != nil {
//			return err
//		}
//		if chunk, ok := e.(*client.StreamChunk); ok {
//			fmt.Print(chunk.Text)
//		}
//	}
//
// A message has an id before it is sent, so sending it again, by hand or by the client itself, stores it once.
//
// # What happens in a channel
//
// All changes of a channel have numbers without holes. A [Socket] in its room gets them in order, each once, whatever
// becomes of the connection; it goes on where it was, and says [Gap] where the server no longer knows:
//
//	s, err := c.Dial(ctx, client.SocketOptions{})
//	defer s.Close()
//	joined, err := s.Join(ctx, client.Join{Channel: channel.ID})
//	ack, err := s.Send(ctx, client.NewMessage{Channel: channel.ID, Text: "Hello"})
//	for e, err := range s.Events(ctx) {
//		switch e := e.(type) {
//		case *client.MessageBroadcast:
//			fmt.Println(e.SenderName, "says", e.Text)
//		case *client.MessageComplete:
//			return nil
//		}
//	}
//
// A program that keeps the last number it has seen, of an event or of a page of messages, joins with [After] of it and
// misses nothing between two runs. [Messaging.Follow] does the same for one channel over plain HTTP. Who only wants
// to know the server's log calls [Socket.SubscribeLogs].
//
// # Errors
//
// What the server refuses is a [core.Error], with the code of the contract and, where the server says so, the time to
// come back; [core.CodeOf] tells the code, and errors.Is matches by it:
//
//	if errors.Is(err, &core.Error{Code: core.CodeNotFound}) {
//
// Any other error is one of the network, wrapped, or that of the context.
//
// # Repeating
//
// A request that was refused with a time to come back (429, and 503 when once and twice are the same) is repeated after
// it, and one whose connection failed is when it is safe: reading, deleting, and sending messages that have an id. A
// deletion whose answer was lost may so end with [core.CodeNotFound]. [Retry] sets how often, and the context always
// has the last word. An answer that is read as a stream is not begun again by itself.
package client
