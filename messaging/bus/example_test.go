package bus_test

import (
	"context"
	"fmt"

	"github.com/eliza-go/eliza/messaging/bus"
)

// Parts of a program tell each other what has changed. Who needs to be sure reads the truth where it is kept.
func Example() {
	var notes bus.Memory
	cancel := notes.Subscribe("prices", func(note []byte) { fmt.Printf("%s has changed\n", note) })

	fmt.Println(notes.Publish(context.Background(), "prices", []byte("bread")))
	cancel()
	fmt.Println(notes.Publish(context.Background(), "prices", []byte("milk")))
	// Output:
	// bread has changed
	// <nil>
	// <nil>
}
