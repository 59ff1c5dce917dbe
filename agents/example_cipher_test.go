package agents_test

import (
	"fmt"
	"strings"

	"github.com/eliza-go/eliza/agents"
)

// Secrets of characters are stored encrypted.
func ExampleCipher() {
	c, err := agents.NewCipher("a salt of your own", true)
	if err != nil {
		panic(err)
	}
	stored := c.Encrypt("hunter2")
	fmt.Println(strings.Contains(stored, "hunter2"), c.Decrypt(stored))
	// Output: false hunter2
}
