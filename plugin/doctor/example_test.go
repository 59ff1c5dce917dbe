package doctor_test

import (
	"context"
	"fmt"

	"github.com/eliza-go/eliza/plugin/doctor"
	"github.com/eliza-go/eliza/runtime/core"
)

func ExampleConversation() {
	c := doctor.NewConversation(doctor.DefaultScript(), 0, "Eliza")
	fmt.Println(c.Respond("Hello!"))
	fmt.Println(c.Respond("I am afraid of my boss."))
	fmt.Println(c.Respond("Perhaps I should look for something else."))
	// Output:
	// Hello. Where shall we start today?
	// You are afraid of your boss. Since when?
	// What would help you to decide?
}

func ExampleModel() {
	m := doctor.NewModel(doctor.Options{})
	request := core.TextRequest{Messages: []core.ChatMessage{{Role: "user", Text: "My mother takes care of me"}}}
	for delta, err := range m.Generate(context.Background(), request) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Print(delta.Text)
	}
	// Output:
	// What kind of person is your mother?
}

// A host can give the model a script of its own.
func ExampleParse() {
	script, err := doctor.Parse([]byte(`
none
> Tell me about the weather.
key rain snow 1
? 0 [rain snow] 0
> Do you like the (2)?
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(doctor.NewConversation(script, 0, "").Respond("It will rain tomorrow"))
	// Output:
	// Do you like the rain?
}
