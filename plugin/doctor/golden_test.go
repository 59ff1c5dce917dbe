package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// goldenLines returns what the user says in one of the conversations in testdata.
func goldenLines(t *testing.T, name string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(data)) {
		if said, ok := strings.CutPrefix(line, "> "); ok {
			lines = append(lines, strings.TrimSuffix(said, "\n"))
		}
	}
	return lines
}

// The files hold whole conversations with the script that is shipped: a user's line after "> ", then the
// answer. -update writes the answers anew.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := NewConversation(DefaultScript(), 0, "Eliza")
			var got strings.Builder
			got.WriteString(c.Open() + "\n")
			for _, line := range goldenLines(t, name) {
				got.WriteString("> " + line + "\n" + c.Respond(line) + "\n")
			}
			if *update {
				if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("conversation (-want +got):\n%s", diff)
			}
		})
	}
}
