package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/eliza-go/eliza/runtime/core"
)

// awkward has what a log must not show, or cannot.
type awkward struct {
	Name     string
	Password string
	Inner    *awkward
}

type failing struct{}

func (failing) MarshalJSON() ([]byte, error) { return nil, errors.New("no") }

func TestNoSecretAndNothingLargeInTheLog(t *testing.T) {
	t.Parallel()
	logs := NewLogs(0)
	log := slog.New(logs.Handler(slog.LevelDebug))
	long := strings.Repeat("x", 1<<20)
	for name, attr := range map[string]slog.Attr{
		"its name":             slog.String("apiKey", "hunter2"),
		"its name with dashes": slog.String("X-API-Key", "hunter2"),
		"a group":              slog.Group("g", slog.String("auth_token", "hunter2")),
		"the name of a group":  slog.Group("secret", slog.String("x", "hunter2")),
		"a map":                slog.Any("m", map[string]any{"password": "hunter2"}),
		"a deep map":           slog.Any("m", map[string]any{"a": []any{map[string]any{"cookie": "hunter2"}}}),
		"a typed map":          slog.Any("m", map[string]string{"private_key": "hunter2"}),
		"headers":              slog.Any("headers", http.Header{"Authorization": {"Bearer hunter2"}}),
		"a struct":             slog.Any("s", awkward{Name: "x", Password: "hunter2"}),
		"a deep struct":        slog.Any("s", &awkward{Inner: &awkward{Password: "hunter2"}}),
		"a long text":          slog.String("t", long),
		"a long list":          slog.Any("t", []string{long}),
		"a long key":           slog.Any("t", map[string]any{"x": long}),
		"a failing value":      slog.Any("t", failing{}),
		"a function":           slog.Any("t", func() {}),
		"nil":                  slog.Any("t", nil),
	} {
		t.Run(name, func(t *testing.T) {
			log.Info("m", attr)
			found, _ := logs.Entries(Query{Limit: 1})
			b, err := json.Marshal(found)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(b), "hunter2") || len(b) > 20<<10 {
				t.Errorf("%d bytes: %.500s", len(b), b)
			}
		})
	}
}

func TestAnErrorIsLoggedWithItsCause(t *testing.T) {
	t.Parallel()
	logs := NewLogs(0)
	slog.New(logs.Handler(slog.LevelInfo)).Error("m", "err", fmt.Errorf("outer: %w", core.BadRequest("inner").Wrap(errors.New("cause"))), "plain", core.BadRequest("x").Wrap(errors.New("why")))
	found, _ := logs.Entries(Query{})
	if f := found[0].Fields; f["err"] != "outer: inner: cause" || f["plain"] != "x: why" {
		t.Errorf("fields = %v", f)
	}
}

func TestAnEntryIsACopy(t *testing.T) {
	t.Parallel()
	logs := NewLogs(0)
	list, m := []string{"before"}, map[string]any{"k": []any{"before"}}
	slog.New(logs.Handler(slog.LevelInfo)).Info("m", "list", list, "map", m)
	list[0], m["k"].([]any)[0] = "after", "after"
	found, _ := logs.Entries(Query{})
	if text := fmt.Sprint(found[0].Fields); strings.Contains(text, "after") {
		t.Errorf("fields = %s", text)
	}
}
