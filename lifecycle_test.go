package eliza_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/audio"
	"github.com/eliza-go/eliza/internal/apitest"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

// open makes a server on a file that a test opens more than once.
func open(t *testing.T, db string, opts ...eliza.Option) *eliza.Server {
	t.Helper()
	srv, err := eliza.NewServer(append([]eliza.Option{eliza.WithDatabase(db), eliza.WithLogger(elizatest.Quiet())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return srv
}

// served starts a server whose end is the test's own business.
func served(t *testing.T, srv *eliza.Server) *elizatest.Server {
	t.Helper()
	web := httptest.NewServer(apitest.Handler(t, srv.Handler()))
	t.Cleanup(web.Close)
	if err := srv.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	return &elizatest.Server{Server: srv, Client: elizatest.Client{T: t, Base: web.URL}, Web: web}
}

// answering is the factory of brains that say what they are told, and counts what it builds.
func answering(built *atomic.Int64) eliza.Option {
	return eliza.WithRuntimeFactory(func(_ context.Context, c *core.Character) (core.Runtime, error) {
		built.Add(1)
		return brain{core.BareRuntime{ID: c.ID, Char: c}, "answer"}, nil
	})
}

func TestEverythingSurvivesARestart(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "eliza.db")
	var built atomic.Int64
	first := elizatest.Start(t, eliza.WithDatabase(db), answering(&built))
	ada, bob, user, channel := first.Agent("Ada"), first.Agent("Bob"), core.NewUUID(), core.NewUUID()
	first.Post("/api/agents/"+string(bob)+"/stop", nil).Want(200)
	first.Say(channel, user, ada, "hello", "http").Want(201)
	paths := []string{
		"/api/agents", "/api/agents/" + string(ada), "/api/messaging/central-servers", "/api/messaging/central-servers/" + string(core.DefaultServerID) + "/channels",
		"/api/messaging/channels/" + string(channel) + "/messages", "/api/messaging/channels/" + string(channel) + "/details", "/api/messaging/servers/" + string(core.DefaultServerID) + "/agents",
	}
	before := make([]string, len(paths))
	for i, p := range paths {
		before[i] = string(first.Get(p).Want(200).Raw)
	}
	if err := first.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := elizatest.Start(t, eliza.WithDatabase(db), answering(&built))
	for i, p := range paths {
		if after := string(second.Get(p).Want(200).Raw); after != before[i] {
			t.Errorf("%s is\n%s\nand was\n%s", p, after, before[i])
		}
	}
	if a := second.Say(channel, user, ada, "again", "http").Want(201); a.Body["agentResponse"] == nil {
		t.Errorf("no answer: %s", a.Raw)
	}
}

func TestSessionsOutliveTheServerUnlessTold(t *testing.T) {
	t.Parallel()
	for _, forget := range []string{"true", "false", ""} {
		db := filepath.Join(t.TempDir(), "eliza.db")
		opts, err := eliza.FromEnvironment([]string{"CLEAR_SESSIONS_ON_SHUTDOWN=" + forget})
		if err != nil {
			t.Fatal(err)
		}
		opts = append(opts, eliza.WithDatabase(db), eliza.WithLogger(elizatest.Quiet()))
		first := elizatest.Start(t, opts...)
		id, _ := first.Post("/api/messaging/sessions", map[string]any{"agentId": first.Agent("Ada"), "userId": core.NewUUID()}).Want(201).Body["sessionId"].(string)
		if err := first.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := 200
		if forget == "true" {
			want = 404
		}
		elizatest.Start(t, opts...).Get("/api/messaging/sessions/" + id).Want(want)
	}
}

func TestServersLeaveNothingBehind(t *testing.T) { // not parallel: it counts what the process holds
	db := filepath.Join(t.TempDir(), "eliza.db")
	cycle := func(t *testing.T) {
		s := served(t, open(t, db, eliza.WithPlugins(elizatest.Echo().Plugin())))
		sock := elizatest.Dial(t, s.Base, nil, nil)
		sock.Emit("1", map[string]any{"channelId": someID})
		sock.Wait("channel_joined", nil)
		s.Say(core.NewUUID(), core.NewUUID(), s.Agent("Ada"), "hello", "http").Want(201)
		if err := s.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		sock.WaitClosed()
		http.DefaultClient.CloseIdleConnections()
	}
	t.Run("the first one", cycle)
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	for range 200 {
		t.Run("one more", cycle)
	}
	elizatest.Eventually(t, "no more goroutines than before", func() bool { return runtime.NumGoroutine() <= goroutines })
	elizatest.Eventually(t, "no more files than before", func() bool { return openFiles(t) <= files })
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("this system does not tell its open files")
	}
	return len(list)
}

func TestShutdownAtAnyTime(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "eliza.db")
	t.Run("without a start, and twice", func(t *testing.T) {
		srv := open(t, db)
		for range 2 {
			if err := srv.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if err := srv.Start(t.Context()); err == nil {
			t.Error("started after the end")
		}
	})
	t.Run("while it starts", func(t *testing.T) {
		for range 20 {
			srv := open(t, db)
			var wg sync.WaitGroup
			wg.Go(func() { _ = srv.Start(context.Background()) })
			wg.Go(func() { _ = srv.Shutdown(context.Background()) })
			wg.Go(func() { _ = srv.Shutdown(context.Background()) })
			wg.Wait()
		}
	})
	t.Run("with requests coming in", func(t *testing.T) {
		s := elizatest.Start(t, eliza.WithDatabase(db), eliza.WithPlugins(elizatest.Echo().Plugin()))
		agent := s.Agent("Ada")
		var wg sync.WaitGroup
		var served, refusals atomic.Int64
		for range 8 {
			wg.Go(func() {
				for refusals.Load() < 50 {
					for _, a := range []elizatest.Answer{s.Get("/api/agents"), s.Say(core.NewUUID(), core.NewUUID(), agent, "hello", "websocket"), s.Get("/health")} {
						switch a.Status {
						case 200, 201:
							served.Add(1)
						case 503:
							if a.WantError(503, core.CodeUnavailable); a.Header.Get("Retry-After") == "" {
								t.Error("no Retry-After")
							}
							refusals.Add(1)
						default:
							t.Errorf("status %d: %s", a.Status, a.Raw)
						}
					}
				}
			})
		}
		elizatest.Eventually(t, "some requests", func() bool { return served.Load() > 100 })
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		wg.Wait()
	})
}

func TestServeLimitsWhatComesBeforeARequest(t *testing.T) {
	t.Parallel()
	srv := open(t, filepath.Join(t.TempDir(), "eliza.db"))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ctx, ln) }()
	s := &elizatest.Server{Server: srv, Client: elizatest.Client{T: t, Base: "http://" + ln.Addr().String()}}
	s.Get("/api/agents").Want(200)
	s.Get("/api/agents?"+strings.Repeat("x", 9<<10)).WantError(400, core.CodeBadRequest)
	raw(t, s, strings.NewReader("GET / HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 64<<10)+"\r\n\r\n")).Want(431)
	raw(t, s, strings.NewReader("nonsense\r\n\r\n")).Want(400)
	s.Get("/api/agents").Want(200)
	stop()
	if err := <-ended; err != nil && !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve = %v", err)
	}
}

func TestTurnsUnderWayAreHandedBack(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "eliza.db")
	began := make(chan struct{}, 10)
	first := served(t, open(t, db, eliza.WithRuntimeFactory(func(_ context.Context, c *core.Character) (core.Runtime, error) {
		return waiting{core.BareRuntime{ID: c.ID, Char: c}, began}, nil
	})))
	agent, user := first.Agent("Ada"), core.NewUUID()
	channels := map[string]core.UUID{"websocket": core.NewUUID(), "http": core.NewUUID(), "sse": core.NewUUID()}
	var waiters sync.WaitGroup
	for transport, channel := range channels {
		waiters.Go(func() {
			a := first.Say(channel, user, agent, "hello", transport)
			switch transport {
			case "http":
				a.WantError(503, core.CodeUnavailable)
			case "sse":
				if text := string(a.Raw); strings.Count(text, "event: error") != 1 || strings.Contains(text, "event: done") {
					t.Errorf("stream: %s", text)
				}
			default:
				a.Want(201)
			}
		})
	}
	for range channels {
		<-began
	}
	now, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := first.Shutdown(now); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown = %v, want that turns were cut", err)
	}
	waiters.Wait()

	var built atomic.Int64
	c := elizatest.Start(t, eliza.WithDatabase(db), answering(&built))
	for transport, channel := range channels {
		elizatest.Eventually(t, "an answer to "+transport, func() bool { return len(c.Messages(channel)) > 1 })
		c.Say(channel, user, agent, "and now?", "http").Want(201)
		if said := c.Messages(channel); len(said) != 4 || said[1]["inReplyToRootMessageId"] != said[0]["id"] {
			t.Errorf("%s: %v", transport, said)
		}
	}
}

// waiting is a brain that thinks until it is told to stop.
type waiting struct {
	core.BareRuntime
	began chan<- struct{}
}

func (w waiting) Turn(ctx context.Context, _ *core.Turn, _ core.Out) (core.Outcome, error) {
	w.began <- struct{}{}
	<-ctx.Done()
	return core.Outcome{}, ctx.Err()
}

func TestOptionsThatAreWrongAreNamed(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "eliza.db")
	_, err := eliza.NewServer(
		eliza.WithDatabase(""), eliza.WithMaxBody(0), eliza.WithFiles(media.Dirs{Agents: "x"}), eliza.WithTurnTimeout(-1), eliza.WithInputControl("maybe"), eliza.WithPublicPath("x/"), eliza.WithCORSOrigins("nope"),
		eliza.WithAPICORSOrigins("https://*.example.com"), eliza.WithProduction(true), eliza.WithAgentToAgent(-1), eliza.WrapAgents(nil), eliza.WrapMessaging(nil),
		eliza.WrapMemory(nil), eliza.WrapMedia(nil), eliza.WrapAudio(nil),
	)
	for _, name := range []string{
		"WithDatabase", "WithMaxBody", "WithFiles", "WithTurnTimeout", "WithInputControl", "WithPublicPath", "WithCORSOrigins", "WithAPICORSOrigins", "WithSecretSalt", "WithAgentToAgent", "WrapAgents", "WrapMessaging",
		"WrapMemory", "WrapMedia", "WrapAudio",
	} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %v", name, err)
		}
	}
	for name, opt := range map[string]eliza.Option{
		"WithGorm":      eliza.WithGorm(nil, ""),
		"WithPlugins":   eliza.WithPlugins(plugin.Plugin{Name: "x", Routes: []plugin.Route{{Method: "GET", Path: "/api/agents/x"}}}),
		"WrapAgents":    eliza.WrapAgents(func(agents.Service) agents.Service { return nil }),
		"WrapMessaging": eliza.WrapMessaging(func(messaging.Service) messaging.Service { return nil }),
		"WrapMemory":    eliza.WrapMemory(func(memory.Service) memory.Service { return nil }),
		"WrapMedia":     eliza.WrapMedia(func(media.Service) media.Service { return nil }),
		"WrapAudio":     eliza.WrapAudio(func(audio.Service) audio.Service { return nil }),
	} {
		if _, err := eliza.NewServer(eliza.WithDatabase(db), eliza.WithLogger(elizatest.Quiet()), opt); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %v", name, err)
		}
	}
	srv := open(t, db) // and nothing holds the file
	if _, err := eliza.NewServer(eliza.WithDatabase(db), eliza.WithLogger(elizatest.Quiet())); err == nil || !strings.Contains(err.Error(), db) {
		t.Errorf("a second server on one file: %v", err)
	}
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestManyActiveAgentsDoNotSlowTheStart(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "eliza.db")
	store, err := storage.Open(t.Context(), db, storage.Options{Logger: elizatest.Quiet()})
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]core.UUID, 10_000)
	err = store.WithTx(t.Context(), func(ctx context.Context, _ *gorm.DB) error {
		for i := range ids {
			ids[i] = core.NewUUID()
			c := &core.Character{ID: ids[i], Name: "Agent " + strconv.Itoa(i), Bio: core.Bio{Lines: []string{"one of many"}}}
			if err := store.Agents().Insert(ctx, &agents.Agent{Character: c, Active: true, Version: 1, CreatedAt: core.Now(), UpdatedAt: core.Now()}); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	var built atomic.Int64
	began := time.Now()
	s := elizatest.Start(t, eliza.WithDatabase(db), answering(&built))
	if took := time.Since(began); took > 3*time.Second { // the budget is a tenth of it, on a machine of one's own
		t.Errorf("the start took %v", took)
	}
	if got := s.Get("/api/runtime/status").Want(200).Body["agentCount"]; got != 10_000.0 {
		t.Errorf("agentCount = %v", got)
	}
	if n := built.Load(); n != 0 {
		t.Errorf("%d agents were built at the start", n)
	}
	if a := s.Say(core.NewUUID(), core.NewUUID(), ids[7777], "hello", "http").Want(201); a.Body["agentResponse"] == nil {
		t.Errorf("no answer: %s", a.Raw)
	}
	if n := built.Load(); n != 1 {
		t.Errorf("%d agents were built for one message", n)
	}
}

// booking is a row of the host's.
type booking struct {
	ID   int `gorm:"primaryKey"`
	Note string
}

func TestATransactionOfTheHosts(t *testing.T) {
	t.Parallel()
	t.Run("in a file of ours", func(t *testing.T) {
		t.Parallel()
		transactionOfTheHosts(t)
	})
	t.Run("in the host's database", func(t *testing.T) {
		t.Parallel()
		transactionOfTheHosts(t, eliza.WithGorm(hostDatabase(t, 0), "eliza_"))
	})
	t.Run("with one connection", func(t *testing.T) {
		t.Parallel()
		transactionOfTheHosts(t, eliza.WithGorm(hostDatabase(t, 1), ""))
	})
}

func transactionOfTheHosts(t *testing.T, opts ...eliza.Option) {
	s := elizatest.Start(t, append(opts, eliza.WithPlugins(elizatest.Echo().Plugin()))...)
	agent, user, channel := s.Agent("Ada"), core.NewUUID(), core.NewUUID()
	message := messaging.NewMessage{
		ChannelID: channel, ServerID: core.DefaultServerID, AuthorID: user, Content: "booked",
		Create: &messaging.NewChannel{Name: "bookings", Type: messaging.TypeDM, Participants: []core.UUID{user, agent}},
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.WithTx(t.Context(), func(_ context.Context, tx *gorm.DB) error { return tx.AutoMigrate(&booking{}) }))
	rows := func() (n int64) {
		must(s.WithTx(t.Context(), func(_ context.Context, tx *gorm.DB) error { return tx.Model(&booking{}).Count(&n).Error }))
		return n
	}
	sock := elizatest.Dial(t, s.Base, nil, nil)
	sock.Emit("1", map[string]any{"channelId": channel})
	sock.Wait("channel_joined", nil)

	both := func(end func() error) error {
		return s.WithTx(t.Context(), func(ctx context.Context, tx *gorm.DB) error {
			if err := tx.Create(&booking{Note: "seat 7"}).Error; err != nil {
				return err
			}
			if _, err := s.Messaging().Accept(ctx, message); err != nil {
				return err
			}
			return end()
		})
	}
	no := errors.New("no")
	if err := both(func() error { return no }); !errors.Is(err, no) {
		t.Errorf("err = %v", err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Log("the panic became an error")
			}
		}()
		if err := both(func() error { panic("oh") }); err == nil {
			t.Error("a panic was no error")
		}
	}()
	if n := rows(); n != 0 || len(s.Messages(channel)) != 0 || len(sock.Named("messageBroadcast")) != 0 {
		t.Errorf("%d rows, %d messages, %d broadcasts of what never happened", n, len(s.Messages(channel)), len(sock.Named("messageBroadcast")))
	}
	early := 0
	must(both(func() error { early = len(sock.Named("messageBroadcast")); return nil }))
	sock.WaitCount("messageBroadcast", 2)
	sock.Wait("messageComplete", nil)
	if n := rows(); n != 1 || len(s.Messages(channel)) != 2 || early != 0 {
		t.Errorf("%d rows, %d messages, %d broadcasts before the commit", n, len(s.Messages(channel)), early)
	}
}
