package runtime_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/joho/godotenv"

	"github.com/eliza-go/eliza/runtime"
)

const envRoute = "/api/system/env/local"

// env is a handler with an env file, and what a test asks of it.
type env struct {
	*testing.T
	h    http.Handler
	path string
}

func newEnv(t *testing.T, text string) *env {
	t.Helper()
	e := &env{T: t, path: filepath.Join(t.TempDir(), ".env")}
	if text != "" {
		if err := os.WriteFile(e.path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	e.h = operated(t, runtime.HandlerOptions{EnvFile: e.path})
	return e
}

// ask sends a request, checks its status and returns the body.
func (e *env) ask(method, body string, want int) string {
	e.Helper()
	rec := serve(e.h, from(method, envRoute, body, "127.0.0.1:1", "localhost", nil))
	if rec.Code != want {
		e.Fatalf("%s %.100s = %d %s, want %d", method, body, rec.Code, rec.Body, want)
	}
	return rec.Body.String()
}

// post writes variables.
func (e *env) post(content any) {
	e.Helper()
	b, err := json.Marshal(map[string]any{"content": content})
	if err != nil {
		e.Fatal(err)
	}
	e.ask("POST", string(b), 200)
}

func (e *env) text() string {
	e.Helper()
	b, err := os.ReadFile(e.path)
	if err != nil {
		e.Fatal(err)
	}
	return string(b)
}

func (e *env) data() map[string]string {
	e.Helper()
	var out struct{ Data map[string]string }
	if err := json.Unmarshal([]byte(e.ask("GET", "", 200)), &out); err != nil {
		e.Fatal(err)
	}
	return out.Data
}

func TestTheEnvFile(t *testing.T) {
	t.Parallel()
	t.Run("is none at first", func(t *testing.T) {
		e := newEnv(t, "")
		if got := e.ask("GET", "", 200); got != `{"data":{},"success":true}` {
			t.Errorf("GET = %s", got)
		}
		if got := e.ask("POST", `{"content":{"A":"x"}}`, 200); got != `{"data":{"message":"Local env updated"},"message":"Local env updated","success":true}` {
			t.Errorf("POST = %s", got)
		}
		if got := e.ask("GET", "", 200); got != `{"A":"x","data":{"A":"x"},"success":true}` {
			t.Errorf("GET = %s", got)
		}
	})
	t.Run("takes simple values of every kind", func(t *testing.T) {
		e := newEnv(t, "OLD=1\n")
		e.ask("POST", `{"content":{"S":"a b","N":12345678901234567890,"F":1.50,"T":true,"Z":null,"_x1":"","success":"s","data":"d"}}`, 200)
		want := map[string]string{"S": "a b", "N": "12345678901234567890", "F": "1.50", "T": "true", "Z": "", "_x1": "", "success": "s", "data": "d"}
		if diff := cmp.Diff(want, e.data()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := e.ask("GET", "", 200); !strings.Contains(got, `"success":true`) {
			t.Errorf("a variable took the place of the envelope: %s", got)
		}
	})
	t.Run("keeps the others when asked to", func(t *testing.T) {
		e := newEnv(t, "# mine\nA=1\nB=2\n")
		e.ask("POST", `{"content":{"B":"3","C":"4"},"merge":true}`, 200)
		if got := e.text(); got != "# mine\nA=1\nB=3\nC=4\n" {
			t.Errorf("file = %q", got)
		}
		e.post(map[string]any{"C": "5"})
		if got := e.text(); got != "# mine\nC=5\n" {
			t.Errorf("file = %q", got)
		}
	})
	t.Run("keeps what clients cannot name", func(t *testing.T) {
		e := newEnv(t, "CHARACTER.EVA.KEY=x\nA=1\n")
		if diff := cmp.Diff(map[string]string{"A": "1"}, e.data()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		e.post(map[string]any{})
		if got := e.text(); got != "CHARACTER.EVA.KEY=x\n" {
			t.Errorf("file = %q", got)
		}
	})
	t.Run("holds every text", func(t *testing.T) {
		e := newEnv(t, "# c\n")
		values := map[string]string{
			"A": "one\nINJECTED=yes # \"quoted\" \\ 'x'", "B": "$A ${A} $(id) `id`", "C": "'", "D": `"`, "E": `\`, "F": "\r\n", "G": " padded ", "H": "#", "I": "ünïcödé 😀", "J": "'\"\\", "K": "'\\\"",
			"L": strings.Repeat("x", 32<<10),
		}
		e.post(values)
		if diff := cmp.Diff(values, e.data()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got, err := godotenv.Read(e.path); err != nil || cmp.Diff(values, got) != "" {
			t.Errorf("a program reads %v, %v", got, err)
		}
	})
	t.Run("is its owner's only", func(t *testing.T) {
		e := newEnv(t, "A=1\n")
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(e.path, link); err != nil {
			t.Fatal(err)
		}
		e.h = operated(t, runtime.HandlerOptions{EnvFile: link})
		e.post(map[string]any{"A": "2"})
		if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("the link became %v, %v", info.Mode(), err)
		}
		info, err := os.Stat(e.path)
		if err != nil || info.Mode() != 0o600 || e.text() != "A=2\n" {
			t.Errorf("file of mode %v, %v: %q", info.Mode(), err, e.text())
		}
		if list, err := os.ReadDir(filepath.Dir(e.path)); err != nil || len(list) != 1 {
			t.Errorf("left behind: %v, %v", list, err)
		}
	})
	t.Run("is written by one at a time", func(t *testing.T) {
		e := newEnv(t, "")
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				serve(e.h, from("POST", envRoute, fmt.Sprintf(`{"content":{"V%d":"x"},"merge":true}`, i), "127.0.0.1:1", "localhost", nil))
			})
		}
		wg.Wait()
		if got := e.data(); len(got) != 20 {
			t.Errorf("%d variables: %v", len(got), got)
		}
	})
}

func TestWhatTheEnvFileRefuses(t *testing.T) {
	t.Parallel()
	many := map[string]string{}
	for i := range 501 {
		many[fmt.Sprint("V", i)] = "x"
	}
	tooMany, err := json.Marshal(many)
	if err != nil {
		t.Fatal(err)
	}
	const file = "# c\nA=1\n"
	e := newEnv(t, file)
	for _, body := range []string{
		`{}`, `{"content":null}`, `{"content":"A=1"}`, `{"content":["A"]}`, `{"content":7}`, `{"content":{"A":{}}}`, `{"content":{"A":["x"]}}`, `{"content":{"":"x"}}`, `{"content":{"BAD NAME":"x"}}`,
		`{"content":{"A\nB":"x"}}`, `{"content":{"1A":"x"}}`, `{"content":{"A=B":"x"}}`, `{"content":{"A.B":"x"}}`, `{"content":{"Ä":"x"}}`, `{"content":{"A":"` + strings.Repeat("x", 32<<10+1) + `"}}`,
		`{"content":` + string(tooMany) + `}`, `{"content":{"#":"x"}}`, `{"content":{"export A":"x"}}`,
	} {
		if got := e.ask("POST", body, 400); !strings.Contains(got, `"code":"INVALID_INPUT"`) {
			t.Errorf("%.60s: %s", body, got)
		}
	}
	for _, body := range []string{`{`, `[]`, `{"content":{},"merge":"yes"}`} {
		e.ask("POST", body, 400)
	}
	if got := e.text(); got != file {
		t.Errorf("the file became %q", got)
	}
	broken := newEnv(t, "A='hunter2\nB=1\n")
	for _, got := range []string{broken.ask("GET", "", 409), broken.ask("POST", `{"content":{"A":"1"}}`, 409)} {
		if strings.Contains(got, "hunter2") {
			t.Errorf("the answer quotes the file: %s", got)
		}
	}
	none := env{T: t, h: operated(t, runtime.HandlerOptions{})}
	none.ask("GET", "", 404)
	none.ask("POST", `{"content":{}}`, 404)
	folder := env{T: t, h: operated(t, runtime.HandlerOptions{EnvFile: t.TempDir()})}
	folder.ask("GET", "", 500)
	missing := env{T: t, h: operated(t, runtime.HandlerOptions{EnvFile: filepath.Join(t.TempDir(), "no", ".env")})}
	missing.ask("GET", "", 200)
	missing.ask("POST", `{"content":{"A":"1"}}`, 500)
}
