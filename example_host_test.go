package eliza_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// running makes an agent and starts it.
func running(srv *eliza.Server, name string) core.UUID {
	ctx := context.Background()
	agent, _, err := srv.Agents().Create(ctx, &eliza.Character{Name: name, Bio: core.Bio{Lines: []string{"An example."}}})
	if err != nil {
		panic(err)
	}
	if err := srv.Agents().Start(ctx, agent.Character.ID); err != nil {
		panic(err)
	}
	return agent.Character.ID
}

// A message and a row of the program's own, both or neither. The message is broadcast and answered after the commit.
func ExampleServer_WithTx() {
	srv, done := newServer()
	defer done()
	ctx, user, channel := context.Background(), core.NewUUID(), core.NewUUID()

	book := func(seat int) error {
		return srv.WithTx(ctx, func(ctx context.Context, tx *gorm.DB) error {
			if err := tx.Exec("CREATE TABLE IF NOT EXISTS bookings (seat INTEGER)").Error; err != nil {
				return err
			}
			_, err := srv.Messaging().Accept(ctx, messaging.NewMessage{ // with this ctx it is part of the transaction
				ChannelID: channel, AuthorID: user, Content: fmt.Sprintf("booked seat %d", seat),
				Create: &messaging.NewChannel{ServerID: core.DefaultServerID, Name: "bookings", Participants: []core.UUID{user}},
			})
			if err != nil {
				return err
			}
			if seat > 100 {
				return errors.New("there is no such seat")
			}
			return tx.Exec("INSERT INTO bookings VALUES (?)", seat).Error
		})
	}
	fmt.Println(book(7))
	fmt.Println(book(700))
	page, err := srv.Messaging().Messages(ctx, messaging.Page{ChannelID: channel, AfterSeq: -1, Limit: 10})
	if err != nil {
		panic(err)
	}
	for _, m := range page.Messages {
		fmt.Println(m.Content)
	}
	// Output:
	// <nil>
	// there is no such seat
	// booked seat 7
}

// Who makes a request is the program's to say: by its session, a token, a certificate. An identity with an entity id
// can speak for itself only, over HTTP and sockets.
func ExampleWithAuthenticator() {
	users := map[string]core.UUID{"ada's token": core.StringToUUID("ada")}
	srv, done := newServer(eliza.WithAuthenticator(func(r *http.Request) (eliza.Identity, error) {
		id, known := users[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
		if !known {
			return eliza.Identity{}, &eliza.Error{Code: core.CodeUnauthorized, Message: "Who are you?"}
		}
		return eliza.Identity{EntityID: id}, nil
	}))
	defer done()

	for _, token := range []string{"ada's token", "nobody's token"} {
		req := httptest.NewRequest(http.MethodGet, "/api/agents", nil)
		req.Header.Set("Authorization", "Bearer "+token)
		rec := httptest.NewRecorder()
		srv.Handler().ServeHTTP(rec, req)
		fmt.Println(rec.Code)
	}
	// Output:
	// 200
	// 401
}

// A plugin is a value, with what it needs in its closures: no registry, no globals.
func ExampleWithPlugins() {
	stock := map[string]int{"apples": 3}
	shop := plugin.Plugin{Name: "shop", Actions: []plugin.Action{
		plugin.Tool("STOCK", "Tells how many of a thing there are", func(ctx context.Context, c *plugin.Call, in struct {
			Thing string `json:"thing" validate:"required"`
		},
		) (plugin.Result, error) {
			text := fmt.Sprintf("There are %d %s.", stock[in.Thing], in.Thing)
			return plugin.Result{Text: text}, c.Reply(ctx, core.Content{Text: text})
		}),
	}}
	model := elizatest.Model(func(_ context.Context, r core.TextRequest) (string, error) { // any model, which decides to use it
		return `<response><actions>STOCK</actions><params>{"STOCK":{"thing":"apples"}}</params></response>`, nil
	})
	srv, done := newServer(eliza.WithPlugins(shop, model.Plugin()))
	defer done()
	answer, err := srv.Ask(context.Background(), running(srv, "Ada"), core.NewUUID(), "How many apples are there?")
	if err != nil {
		panic(err)
	}
	fmt.Println(answer.Text())
	// Output: There are 3 apples.
}
