package eliza_test

import (
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime"
	"github.com/eliza-go/eliza/runtime/core"
)

// told notes what an observer is told, and panics then if it is to.
type told struct {
	panics bool

	mu   sync.Mutex
	list []string
}

func (o *told) note(what ...string) {
	o.mu.Lock()
	o.list = append(o.list, strings.Join(what, " "))
	o.mu.Unlock()
	if o.panics {
		panic(what)
	}
}

func (o *told) heard(what string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, s := range o.list {
		if s == what {
			n++
		}
	}
	return n
}

func (o *told) observer() runtime.Observer {
	return runtime.Observer{
		Request: func(method string) func(string, int) {
			return func(route string, status int) { o.note("request", method, route, http.StatusText(status)) }
		},
		Limited:     func(limit string) { o.note("limited", limit) },
		SocketEvent: func(event string, _ time.Duration, err error) { o.note("event", event, string(core.CodeOf(err))) },
		Accepted:    func(bool) { o.note("accepted") },
		Turn:        func() func(string) { return func(status string) { o.note("turn", status) } },
		Did:         func(d core.Observation) { o.note("did", d.Kind, d.Name) },
		Wrote:       func(int, time.Duration) { o.note("wrote") },
	}
}

// An observer is told of everything, and what it does wrong is nobody else's trouble.
func TestAnObserverIsToldAndDoesNoHarm(t *testing.T) {
	t.Parallel()
	for name, panics := range map[string]bool{"that counts": false, "that panics": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &told{panics: panics}
			s := elizatest.Start(t, eliza.WithObserver(o.observer()), eliza.WithPlugins(counting(), elizatest.Model(counts).Plugin()))
			agent, user, channel := s.Agent("Ada"), core.NewUUID(), core.NewUUID()
			s.Say(channel, user, agent, "hello", "http").Want(http.StatusCreated)
			sock := elizatest.Dial(t, s.Base, map[string]any{"entityId": user}, nil)
			sock.Emit("1", map[string]any{"channelId": channel})
			sock.Wait("channel_joined", nil)
			for _, what := range []string{"request POST /api/messaging/channels/:channelId/messages Created", "event join INTERNAL_ERROR", "accepted", "turn responded", "did model TEXT_LARGE", "did action COUNT", "did evaluator LOOK"} {
				elizatest.Eventually(t, what, func() bool { return o.heard(what) == 1 })
			}
			if o.heard("wrote") == 0 {
				t.Error("nothing was written")
			}
		})
	}
}

// An observer half of whose functions return nothing is none the worse.
func TestAnObserverMayLeaveTheEndOut(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin()), eliza.WithObserver(runtime.Observer{
		Request: func(string) func(string, int) { return nil }, Turn: func() func(string) { return nil },
	}))
	s.Say(core.NewUUID(), core.NewUUID(), s.Agent("Ada"), "hello", "http").Want(http.StatusCreated)
}

func TestAnObserverMayRefuseAServer(t *testing.T) {
	t.Parallel()
	refusal := errors.New("no")
	for name, attach := range map[string]func(runtime.Gauges) error{"by an error": func(runtime.Gauges) error { return refusal }, "by a panic": func(runtime.Gauges) error { panic(refusal) }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "eliza.db")
			for range 2 { // nothing keeps the database
				_, err := eliza.NewServer(eliza.WithDatabase(path), eliza.WithLogger(elizatest.Quiet()), eliza.WithObserver(runtime.Observer{Attach: attach}))
				if !errors.Is(err, refusal) || !strings.HasPrefix(err.Error(), "eliza: WithObserver") {
					t.Errorf("NewServer: %v", err)
				}
			}
		})
	}
}

// What a host's own services do is not told; the rest is.
func TestAReplacedServiceIsNotObserved(t *testing.T) {
	t.Parallel()
	var gauges runtime.Gauges
	o := &told{}
	with := o.observer()
	with.Attach = func(g runtime.Gauges) error { gauges = g; return nil }
	own := elizatest.Start(t)
	s := elizatest.Start(t, eliza.WithObserver(with), eliza.WithMessaging(struct{ messaging.Service }{own.Messaging()}))
	s.Get("/api/server/ping").Want(http.StatusOK)
	if gauges.Deliveries != nil || gauges.Sockets() != 0 || o.heard("request GET /api/server/ping OK") != 1 {
		t.Errorf("told %v", o.list)
	}
}
