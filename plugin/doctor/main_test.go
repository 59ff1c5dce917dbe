package doctor

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "rewrite the files in testdata")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func parse(t testing.TB, script string) *Script {
	t.Helper()
	s, err := Parse([]byte(script))
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return s
}

// talk says each message and checks each answer.
func talk(t *testing.T, c *Conversation, lines ...string) {
	t.Helper()
	for i := 0; i+1 < len(lines); i += 2 {
		if got := c.Respond(lines[i]); got != lines[i+1] {
			t.Errorf("Respond(%q) = %q, want %q", lines[i], got, lines[i+1])
		}
	}
}
