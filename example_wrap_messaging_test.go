package eliza_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// polite refuses what nobody should have to read.
type polite struct{ messaging.Service }

func (p polite) Accept(ctx context.Context, n messaging.NewMessage) (*messaging.Accepted, error) {
	if strings.Contains(n.Content, "!!!") {
		return nil, core.BadRequest("Do not shout")
	}
	return p.Service.Accept(ctx, n)
}

// All messages pass one method, over whatever transport they come.
func ExampleWrapMessaging() {
	srv, done := newServer(eliza.WrapMessaging(func(s messaging.Service) messaging.Service { return polite{s} }))
	defer done()
	_, err := srv.Messaging().Accept(context.Background(), messaging.NewMessage{ChannelID: core.NewUUID(), AuthorID: core.NewUUID(), Content: "HELLO!!!"})
	fmt.Println(err)
	// Output: Do not shout
}
