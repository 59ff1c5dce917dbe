package messaging_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	router "github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/apitest"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// clock is the time of day, moved forward by hand.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// web is a lab whose routes are asked by HTTP.
type web struct {
	*lab
	clock *clock
	wait  time.Duration     // of requests for agents
	svc   messaging.Service // that is served; the lab's own when nil
}

func newWeb(t testing.TB, opts messaging.Options) *web {
	w := &web{clock: &clock{}}
	opts.Now = w.clock.now
	w.lab = newLab(t, opts)
	return w
}

// restart ends the process and begins another.
func (w *web) restart() {
	w.t.Helper()
	w.close(expired())
	w.open()
	w.start()
}

// answered is an answer; its body may be read field by field.
type answered struct {
	t      testing.TB
	status int
	text   string
	body   map[string]any
}

// do sends a request, with a JSON body when there is one.
func (w *web) do(method, path, body string) *answered {
	w.t.Helper()
	e := router.New()
	svc := w.svc
	if svc == nil {
		svc = w.Manager
	}
	messaging.NewHandler(svc, messaging.HandlerOptions{Logger: quiet(), Now: w.clock.now, Wait: w.wait}).Routes(e.Group(""))
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		req.Header.Set(router.HeaderContentType, "application/json")
	}
	rec := httptest.NewRecorder()
	apitest.Mounted(w.t, e, "", "/api/messaging").ServeHTTP(rec, req)
	a := &answered{t: w.t, status: rec.Code, text: rec.Body.String()}
	if strings.HasPrefix(rec.Header().Get(router.HeaderContentType), "application/json") {
		if err := json.Unmarshal(rec.Body.Bytes(), &a.body); err != nil {
			w.t.Fatalf("%s %s: %v in %q", method, path, err, a.text)
		}
	}
	return a
}

// ok is do for a request that must succeed.
func (w *web) ok(status int, method, path, body string) *answered {
	w.t.Helper()
	a := w.do(method, path, body)
	if a.status != status {
		w.t.Fatalf("%s %s = %d %s, want %d", method, path, a.status, a.text, status)
	}
	return a
}

// at is the value under a path of keys, nil when there is none.
func (a *answered) at(path string) any {
	var v any = a.body
	for key := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

func (a *answered) str(path string) string {
	a.t.Helper()
	s, ok := a.at(path).(string)
	if !ok {
		a.t.Fatalf("no text %s in %s", path, a.text)
	}
	return s
}

func (a *answered) list(path string) []any {
	a.t.Helper()
	l, ok := a.at(path).([]any)
	if !ok {
		a.t.Fatalf("no list %s in %s", path, a.text)
	}
	return l
}

// has compares values under paths.
func (a *answered) has(want map[string]any) {
	a.t.Helper()
	for path, v := range want {
		if got := a.at(path); got != v {
			a.t.Errorf("%s = %v, want %v, in %s", path, got, v, a.text)
		}
	}
}

// wrong is an answer that must be an error.
func (a *answered) wrong(status int, code core.Code) {
	a.t.Helper()
	if a.status != status || a.at("error.code") != string(code) || a.at("success") != false {
		a.t.Errorf("%d %s, want %d %s", a.status, a.text, status, code)
	}
}

// keys are those of an object.
func keys(v any) map[string]bool {
	out := map[string]bool{}
	m, _ := v.(map[string]any)
	for k := range m {
		out[k] = true
	}
	return out
}

func set(names string) map[string]bool {
	out := map[string]bool{}
	for _, n := range strings.Fields(names) {
		out[n] = true
	}
	return out
}

// until repeats a question until its answer is good.
func (w *web) until(what string, ask func() bool) {
	w.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for !ask() {
		select {
		case <-tick.C:
		case <-limit:
			w.t.Fatalf("waited in vain for %s", what)
		}
	}
}
