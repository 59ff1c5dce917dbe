package apitest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/eliza-go/eliza/internal/apitest"
)

func TestTheDescriptionIsValid(t *testing.T) {
	t.Parallel()
	d, err := apitest.Load() // parses and validates it
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(d.Spec.OpenAPI, "3.1.") {
		t.Errorf("version = %s", d.Spec.OpenAPI)
	}
	for path, item := range d.Spec.Paths.Map() {
		for method, op := range item.Operations() {
			if op.OperationID == "" || op.Summary == "" || op.Description == "" || len(op.Tags) != 1 {
				t.Errorf("%s %s lacks an id, a summary, a description or a tag", method, path)
			}
		}
	}
}

func TestExamplesOfEventsAreAsDescribed(t *testing.T) {
	t.Parallel()
	if n := apitest.Examples(t); n < 20 {
		t.Errorf("%d examples", n)
	}
}

// told is a test that keeps what it is told.
type told struct {
	testing.TB
	errors []string
}

func (t *told) Errorf(format string, args ...any) {
	t.errors = append(t.errors, fmt.Sprintf(format, args...))
}
func (t *told) Helper() {}

func TestWhatIsNotAsDescribedIsTold(t *testing.T) {
	t.Parallel()
	const channel = "/api/messaging/channels/cccccccc-cccc-4ccc-8ccc-cccccccccc01"
	for name, tc := range map[string]struct {
		method, path, body string
		status             int
		kind, answer       string
		want               string // "" = nothing
	}{
		"all is well":                   {"GET", "/api/runtime/ping", "", 200, "application/json; charset=utf-8", `{"pong":true,"timestamp":1}`, ""},
		"a slash at the end":            {"GET", "/api/runtime/ping/", "", 200, "application/json", `{"pong":true,"timestamp":1}`, ""},
		"a field nobody described":      {"GET", "/api/runtime/ping", "", 200, "application/json", `{"pong":true,"timestamp":1,"x":2}`, "/x"},
		"a field deep inside":           {"GET", "/api/agents", "", 200, "application/json", `{"success":true,"data":{"agents":[],"x":1}}`, "/data/x"},
		"a field that is missing":       {"GET", "/api/runtime/ping", "", 200, "application/json", `{"pong":true}`, "timestamp"},
		"a field of another type":       {"GET", "/api/runtime/ping", "", 200, "application/json", `{"pong":true,"timestamp":"now"}`, "got string"},
		"null where it may not be":      {"GET", "/api/agents", "", 200, "application/json", `{"success":true,"data":{"agents":null}}`, "got null"},
		"null where it may be":          {"POST", channel + "/generate-title", `{"agentId":"cccccccc-cccc-4ccc-8ccc-cccccccccc01"}`, 200, "application/json", `{"success":true,"data":{"title":null,"channelId":"cccccccc-cccc-4ccc-8ccc-cccccccccc01"}}`, ""},
		"a status nobody described":     {"GET", "/api/runtime/ping", "", 418, "application/json", `{}`, "status is not supported"},
		"a body of another type":        {"GET", "/api/runtime/ping", "", 200, "text/plain", `pong`, "text/plain"},
		"a code nobody described":       {"GET", "/api/runtime/ping", "", 401, "application/json", `{"success":false,"error":{"code":"NOPE","message":"m"}}`, "/error/code"},
		"a method nobody described":     {"BREW", "/api/runtime/ping", "", 200, "application/json", `{}`, "no such path or method"},
		"a parameter that is wrong":     {"GET", "/api/agents/worlds?agentId=x", "", 200, "application/json", `{"success":true,"data":{"worlds":[]}}`, "agentId"},
		"a lenient parameter":           {"GET", "/api/agents/worlds?limit=x", "", 200, "application/json", `{"success":true,"data":{"worlds":[]}}`, ""},
		"a request that is wrong":       {"POST", "/api/messaging/complete", `{"channel_id":7}`, 200, "application/json", `{"success":true,"message":"","data":{}}`, "channel_id"},
		"a wrong request, refused":      {"POST", "/api/messaging/complete", `{"channel_id":7}`, 400, "application/json", `{"success":false,"error":{"code":"INVALID_ID","message":"m"}}`, ""},
		"a request without body":        {"POST", "/api/messaging/complete", "", 200, "application/json", `{"success":true,"message":"","data":{}}`, "no body"},
		"null counts as absent":         {"POST", "/api/messaging/complete", `{"channel_id":"cccccccc-cccc-4ccc-8ccc-cccccccccc01","message_id":null}`, 200, "application/json", `{"success":true,"message":"","data":{}}`, ""},
		"a stream":                      {"POST", channel + "/messages", `{"author_id":"cccccccc-cccc-4ccc-8ccc-cccccccccc01","server_id":"cccccccc-cccc-4ccc-8ccc-cccccccccc01","content":"x"}`, 200, "text/event-stream", "event: error\ndata: {\"type\":\"error\",\"error\":\"e\"}\n\n", ""},
		"an event that is wrong":        {"POST", channel + "/messages", `{"author_id":"cccccccc-cccc-4ccc-8ccc-cccccccccc01","server_id":"cccccccc-cccc-4ccc-8ccc-cccccccccc01","content":"x"}`, 200, "text/event-stream", "event: error\ndata: {\"type\":\"error\"}\n\n", "stream's event error"},
		"a file, whatever it is":        {"GET", "/media/generated/cccccccc-cccc-4ccc-8ccc-cccccccccc01/a.svg", "", 200, "image/svg+xml", "<svg/>", ""},
		"a header that is wrong":        {"GET", "/api/runtime/ping", "", 429, "application/json", `{"success":false,"error":{"code":"RATE_LIMIT_EXCEEDED","message":"m"}}`, "Retry-After"},
		"what a plugin does is its own": {"POST", "/api/any/thing", "x", 299, "x/y", "z", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := &told{TB: t}
			h := apitest.Handler(seen, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("Content-Type", tc.kind)
				if tc.status == 429 {
					w.Header().Set("Retry-After", "soon")
				}
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.answer)
			}))
			req := httptest.NewRequest(tc.method, tc.path, strings.NewReader(tc.body))
			req.Header.Set("Content-Type", "application/json")
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, req)
			if rec.Body.String() != tc.answer || rec.Code != tc.status {
				t.Errorf("the answer became %d %s", rec.Code, rec.Body)
			}
			if got := strings.Join(seen.errors, "\n"); tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("told: %q, want %q", got, tc.want)
			}
		})
	}
}

func TestAnEventThatIsNotAsDescribedIsTold(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`{"subscribed":true,"message":"m"}`:       "",
		`{"subscribed":1,"message":"m"}`:          "got number",
		`{"subscribed":true,"message":"m","x":1}`: "/x",
	} {
		seen := &told{TB: t}
		apitest.Event(seen, "log_subscription_confirmed", []byte(data))
		if got := strings.Join(seen.errors, "\n"); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: told %q, want %q", data, got, want)
		}
	}
	seen := &told{TB: t}
	if apitest.Event(seen, "nope", []byte(`{}`)); len(seen.errors) != 1 {
		t.Errorf("an unknown event: %q", seen.errors)
	}
}
