package ratelimit_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
	"go.uber.org/goleak"

	"github.com/eliza-go/eliza/internal/ratelimit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a time that only moves when it is told to.
type clock struct{ ns atomic.Int64 }

func (c *clock) now() time.Time            { return time.Unix(1_700_000_000, c.ns.Load()) }
func (c *clock) forward(d time.Duration)   { c.ns.Add(int64(d)) }
func (c *clock) memory() *ratelimit.Memory { return ratelimit.NewMemory(0, c.now) }

var names = []string{"RateLimit-Policy", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After"}

// answer is the status of a request and its headers about limits.
type answer struct {
	Status  int
	Headers string
	Body    string
}

func ask(h http.Handler, method, path, peer string, forwarded ...string) answer {
	req := httptest.NewRequest(method, path, nil)
	req.RemoteAddr = peer
	req.Header["X-Forwarded-For"] = forwarded
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	var values []string
	for _, n := range names {
		values = append(values, rec.Header().Get(n))
	}
	return answer{rec.Code, strings.Join(values, " "), rec.Body.String()}
}

// served has /general, /file and /upload below one group, and /health.
func served(l *ratelimit.Limiter) *echo.Echo {
	e := echo.New()
	ok := func(c echo.Context) error { return c.String(200, "ok") }
	general := ratelimit.Class{Name: "general", Requests: 4, Window: 15 * time.Minute}
	file := ratelimit.Class{Name: "file", Requests: 2, Window: 5 * time.Minute, Details: "file operations"}
	g := e.Group("", l.Middleware(general))
	for _, method := range []string{"GET", "OPTIONS"} {
		g.Add(method, "/general", ok)
		g.Add(method, "/file", ok, l.Middleware(file))
		g.Add(method, "/file/too", ok, l.Middleware(file))
	}
	e.GET("/health", ok, l.Middleware(ratelimit.Class{Name: "health", Requests: 1, Window: time.Minute, Plain: true, Public: true}))
	e.GET("/off", ok, l.Middleware(ratelimit.Class{Name: "off", Requests: 0, Window: time.Minute}), l.Middleware(ratelimit.Class{Name: "off2", Requests: 1}))
	return e
}

func TestLimits(t *testing.T) {
	t.Parallel()
	const me, other = "203.0.113.1:5000", "203.0.113.2:5000"
	const refused = `{"success":false,"error":{"code":"RATE_LIMIT_EXCEEDED","message":"Too many requests. Please try again later."}}`
	var at clock
	e := served(ratelimit.New(at.memory(), ratelimit.Options{Now: at.now}))
	for i, step := range []struct {
		wait         time.Duration
		method, path string
		peer         string
		want         answer
	}{
		{0, "GET", "/general", me, answer{200, "4;w=900 4 3 900 ", "ok"}},
		{1500 * time.Millisecond, "GET", "/general", "203.0.113.1:6000", answer{200, "4;w=900 4 2 899 ", "ok"}},
		{0, "OPTIONS", "/general", me, answer{200, "    ", "ok"}},
		{0, "GET", "/file", me, answer{200, "2;w=300 2 1 300 ", "ok"}},
		{100 * time.Second, "GET", "/file/too", me, answer{200, "2;w=300 2 0 200 ", "ok"}},
		{0, "GET", "/general", me, answer{429, "4;w=900 4 0 799 799", refused}},
		{0, "GET", "/file", me, answer{429, "4;w=900 4 0 799 799", refused}},
		{0, "GET", "/nope", me, answer{429, "4;w=900 4 0 799 799", refused}}, // what nobody serves counts too
		{0, "GET", "/general", other, answer{200, "4;w=900 4 3 900 ", "ok"}},
		{0, "GET", "/file", other, answer{200, "2;w=300 2 1 300 ", "ok"}},
		{0, "GET", "/file", other, answer{200, "2;w=300 2 0 300 ", "ok"}},
		{0, "GET", "/file", other, answer{429, "2;w=300 2 0 300 300", strings.Replace(refused, `"}}`, `","details":"file operations"}}`, 1)}},
		{0, "GET", "/off", me, answer{200, "    ", "ok"}},
		{798*time.Second + 499*time.Millisecond, "GET", "/general", me, answer{429, "4;w=900 4 0 1 1", refused}},
		{time.Millisecond, "GET", "/general", me, answer{200, "4;w=900 4 3 900 ", "ok"}},
		{0, "GET", "/file", me, answer{200, "2;w=300 2 1 300 ", "ok"}},
		{0, "GET", "/health", me, answer{200, "1;w=60 1 0 60 ", "ok"}},
		{0, "GET", "/health", me, answer{429, "1;w=60 1 0 60 60", "Too many requests. Please try again later."}},
	} {
		at.forward(step.wait)
		got := ask(e, step.method, step.path, step.peer)
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Fatalf("step %d, %s %s (-want +got):\n%s", i, step.method, step.path, diff)
		}
	}
	for _, peer := range []string{"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "10.0.0.1:1", "192.168.7.7:1", "172.31.0.1:1", "[fd00::1]:1", "[::ffff:127.0.0.1]:1"} {
		for range 3 {
			if got := ask(e, "GET", "/health", peer); got.Status != 200 || got.Headers != "    " {
				t.Errorf("health for %s = %v", peer, got)
			}
		}
	}
}

func TestClient(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}
	for _, tc := range []struct {
		peer      string
		forwarded []string
		want      string
	}{
		{"203.0.113.1:1", nil, "203.0.113.1"},
		{"203.0.113.1:1", []string{"198.51.100.1"}, "203.0.113.1"}, // nobody we trust says so
		{"10.1.1.1:1", nil, "10.1.1.1"},
		{"10.1.1.1:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"10.1.1.1:1", []string{"6.6.6.6, 198.51.100.1"}, "198.51.100.1"}, // the client wrote the first one
		{"10.1.1.1:1", []string{"6.6.6.6", "198.51.100.1,10.2.2.2"}, "198.51.100.1"},
		{"10.1.1.1:1", []string{"6.6.6.6, 198.51.100.1:4711 , 10.2.2.2:80"}, "198.51.100.1"},
		{"10.1.1.1:1", []string{"10.3.3.3, 10.2.2.2"}, "10.3.3.3"},
		{"10.1.1.1:1", []string{"6.6.6.6, nonsense, 10.2.2.2"}, "10.2.2.2"},
		{"10.1.1.1:1", []string{""}, "10.1.1.1"},
		{"10.1.1.1:1", []string{"unknown"}, "10.1.1.1"},
		{"[::ffff:10.1.1.1]:1", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"[2001:db8:1::5]:1", []string{"[2001:db8:2::1]:99"}, "2001:db8:2::1"},
		{"[2001:db8:1::5]:1", []string{"[2001:db8:2::1]"}, "2001:db8:2::1"},
		{"[fe80::1%eth0]:1", nil, "fe80::1"},
		{"@", []string{"198.51.100.1"}, "invalid IP"},
	} {
		r := &http.Request{RemoteAddr: tc.peer, Header: http.Header{"X-Forwarded-For": tc.forwarded}}
		if got := ratelimit.Client(r, proxies).String(); got != tc.want {
			t.Errorf("%s %q: %s, want %s", tc.peer, tc.forwarded, got, tc.want)
		}
	}
}

func TestBuckets(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		a, b   string
		shared bool
	}{
		{"203.0.113.1:1", "203.0.113.1:2", true},
		{"203.0.113.1:1", "203.0.113.2:1", false},
		{"203.0.113.1:1", "[::ffff:203.0.113.1]:1", true},
		{"[2001:db8::1]:1", "[2001:db8::ffff:2]:1", true},
		{"[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false},
		{"[fe80::1%a]:1", "[fe80::2%b]:1", true},
		{"@", "", true},
	} {
		var at clock
		e := served(ratelimit.New(at.memory(), ratelimit.Options{Now: at.now}))
		for range 5 {
			ask(e, "GET", "/general", tc.a)
		}
		if got := ask(e, "GET", "/general", tc.b).Status == 429; got != tc.shared {
			t.Errorf("%s and %s share a bucket: %v", tc.a, tc.b, got)
		}
	}
}

type broken struct{ ratelimit.Store }

func (broken) Take(context.Context, string, int, time.Duration) (int, time.Time, error) {
	return 0, time.Time{}, errors.New("no store")
}

func TestABrokenStoreLetsEverybodyThrough(t *testing.T) {
	t.Parallel()
	var at clock
	var log strings.Builder
	e := served(ratelimit.New(broken{}, ratelimit.Options{Now: at.now, Logger: slog.New(slog.NewTextHandler(&log, nil))}))
	for range 10 {
		if got := ask(e, "GET", "/general", "203.0.113.1:1"); got.Status != 200 || got.Headers != "    " {
			t.Errorf("answer = %v", got)
		}
	}
	if n := strings.Count(log.String(), "no store"); n != 1 {
		t.Errorf("%d lines in the log:\n%s", n, log.String())
	}
	at.forward(2 * time.Second)
	ask(e, "GET", "/general", "203.0.113.1:1")
	if n := strings.Count(log.String(), "no store"); n != 2 {
		t.Errorf("%d lines in the log later:\n%s", n, log.String())
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	var at clock
	m := at.memory()
	take := func(key string, window time.Duration) int {
		n, _, err := m.Take(t.Context(), key, 1000, window)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for i := range 80_000 {
		take(fmt.Sprint("short ", i), time.Minute)
	}
	at.forward(time.Minute)
	for i := range 80_000 {
		take(fmt.Sprint("long ", i), time.Hour)
	}
	for i := range 80_000 { // what has ended made room for these
		if n := take(fmt.Sprint("long ", i), time.Hour); n != 2 {
			t.Fatalf("client %d was forgotten: %d", i, n)
		}
	}
	at.forward(time.Second)
	for i := range 200_000 {
		take(fmt.Sprint("flood ", i), time.Hour)
	}
	if n := m.Len(); n > ratelimit.DefaultClients || n < ratelimit.DefaultClients*9/10 {
		t.Errorf("%d windows are kept", n)
	}
	if n := take("flood 199999", time.Hour); n != 2 {
		t.Errorf("the newest client was forgotten: %d", n)
	}
}

func TestMemoryCountsEveryRequestOnce(t *testing.T) {
	t.Parallel()
	var at clock
	m := at.memory()
	var wg sync.WaitGroup
	var let atomic.Int64
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if n, _, _ := m.Take(context.Background(), "k", 1000, time.Minute); n <= 1000 {
					let.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if n := let.Load(); n != 1000 {
		t.Errorf("%d requests were let through", n)
	}
}

func FuzzForwardedFor(f *testing.F) {
	f.Add("1.2.3.4, [::1]:80,, x, 10.0.0.1")
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, value string) {
		r := &http.Request{RemoteAddr: "10.0.0.1:1", Header: http.Header{"X-Forwarded-For": {value}}}
		if !ratelimit.Client(r, proxies).IsValid() {
			t.Errorf("%q made a client without address", value)
		}
	})
}

func BenchmarkTake(b *testing.B) {
	m := ratelimit.NewMemory(0, nil)
	b.ReportAllocs()
	for b.Loop() {
		_, _, _ = m.Take(b.Context(), "general|203.0.113.1", 1000, time.Minute)
	}
}
