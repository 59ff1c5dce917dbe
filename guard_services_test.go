package eliza_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

// only calls end for the message that says so.
func only(text string, end func()) {
	if text == "end" {
		end()
	}
}

// Services a host has wrapped, and its callbacks.
type (
	badMessaging struct{ messaging.Service }
	badAgents    struct{ agents.Service }
	badMemory    struct{ memory.Service }
	badMemories  struct{ core.Memories }
	badMedia     struct{ media.Service }
)

func (badMessaging) Accept(context.Context, messaging.NewMessage) (*messaging.Accepted, error) {
	panic("hunter2")
}

func (badMessaging) Watch(context.Context, core.UUID, int64, func(messaging.Event)) (func(), error) {
	panic("hunter2")
}
func (badAgents) Active(context.Context, int) ([]core.UUID, error)         { panic("hunter2") }
func (badAgents) Runtime(context.Context, core.UUID) (core.Runtime, error) { panic("hunter2") }

func (m badMemory) For(agent core.UUID) core.Memories { return badMemories{m.Service.For(agent)} }
func (badMemories) Entities(context.Context, core.UUID) ([]core.Entity, error) {
	panic("hunter2")
}
func (badMemories) Record(context.Context, []core.Memory, []core.Log) error { panic("hunter2") }
func (badMedia) PublicURL(string) string                                    { panic("hunter2") }

func TestWrappedServicesEndNobody(t *testing.T) {
	t.Parallel()
	echoes := eliza.WithPlugins(elizatest.Echo().Plugin())
	t.Run("messaging", func(t *testing.T) {
		t.Parallel()
		s := elizatest.Start(t, echoes, eliza.WrapMessaging(func(svc messaging.Service) messaging.Service { return badMessaging{svc} }))
		agent := s.Agent("Ada")
		s.Say(core.NewUUID(), core.NewUUID(), agent, "hello", "http").WantError(500, core.CodeInternal)
		sock := elizatest.Dial(t, s.Base, nil, nil)
		for range 2 { // of one that could not be watched there is nothing left
			sock.Emit("1", map[string]any{"channelId": someID})
		}
		sock.Emit("2", map[string]any{"channelId": someID, "senderId": someID, "serverId": core.DefaultServerID, "message": "x"})
		for _, e := range sock.WaitCount("messageError", 3) {
			if e["code"] != "INTERNAL_ERROR" {
				t.Errorf("messageError = %v", e)
			}
		}
		s.Get("/api/agents").Want(200)
	})
	t.Run("agents", func(t *testing.T) {
		t.Parallel()
		service := plugin.Plugin{Name: "served", Services: []plugin.Service{{Type: "x", Start: func(context.Context, core.Runtime) (any, error) { return 1, nil }}}}
		s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin(), service), eliza.WrapAgents(func(svc agents.Service) agents.Service { return badAgents{svc} }))
		agent, channel := s.Agent("Ada"), core.NewUUID()
		s.Say(channel, core.NewUUID(), agent, "hello", "http").Want(201)
		if said := s.Messages(channel); len(said) != 1 {
			t.Errorf("messages: %v", said)
		}
		s.Get("/healthz").Want(200)
	})
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		s := elizatest.Start(t, echoes, eliza.WrapMemory(func(svc memory.Service) memory.Service { return badMemory{svc} }))
		unhurt(t, s)
	})
	t.Run("media", func(t *testing.T) {
		t.Parallel()
		attaches := plugin.Plugin{Name: "attaches", Priority: 3, Actions: []plugin.Action{{Name: "X", Run: func(ctx context.Context, c *plugin.Call) (plugin.Result, error) {
			return plugin.Result{}, c.Reply(ctx, core.Content{Text: "x", Attachments: []core.Media{{ID: "1", URL: "/somewhere"}}})
		}}}}
		model := elizatest.Model(func(context.Context, core.TextRequest) (string, error) {
			return "<response><actions>X</actions></response>", nil
		})
		s := elizatest.Start(t, eliza.WithPlugins(model.Plugin(), attaches), eliza.WrapMedia(func(svc media.Service) media.Service { return badMedia{svc} }))
		channel := core.NewUUID()
		s.Say(channel, core.NewUUID(), s.Agent("Ada"), "hello", "http").Want(201)
		s.Get("/healthz").Want(200)
	})
	t.Run("a request to stop", func(t *testing.T) {
		t.Parallel()
		s := elizatest.Start(t, echoes, eliza.WithStop(func() { panic("hunter2") }))
		s.Post("/api/runtime/stop", nil).Want(200)
		unhurt(t, s)
	})
	t.Run("an operator", func(t *testing.T) {
		t.Parallel()
		s := elizatest.Start(t, echoes, eliza.WithOperator(func(*http.Request) bool { panic("hunter2") }))
		s.Post("/api/runtime/stop", nil).WantError(500, core.CodeInternal)
		unhurt(t, s)
	})
}

// ending ends the goroutine in whatever a request makes a server ask of it.
type ending struct{ end func() }

func (e ending) Read([]byte) (int, error) { e.end(); return 0, io.EOF }
func (e ending) Close() error             { return nil }

func (e ending) Speak(_ context.Context, text, _ string) (io.ReadCloser, error) {
	only(text, e.end)
	return e, nil // which ends when it is read
}

func (e ending) Transcribe(context.Context, io.Reader, string, string) (string, error) {
	e.end()
	return "", nil
}

func (e ending) Open(string) (fs.File, error) { e.end(); return nil, nil }

// endingBlobs are [media.Blobs].
type endingBlobs struct{ ending }

func (b endingBlobs) Save(context.Context, media.Kind, core.UUID, string, io.Reader) (int64, error) {
	b.end()
	return 0, nil
}

func (b endingBlobs) Open(context.Context, media.Kind, core.UUID, string) (*media.Blob, error) {
	b.end()
	return nil, nil
}
func (b endingBlobs) Delete(context.Context, media.Kind, core.UUID) error { b.end(); return nil }

func TestWhatRequestsAskForEndsNobodyElse(t *testing.T) {
	t.Parallel()
	for kind, end := range ends {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			e := ending{end}
			models := plugin.Plugin{Name: "bad", Models: func(core.Runtime) (core.Models, error) { return core.Models{Speaker: e, Transcriber: e}, nil }}
			s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin(), models), eliza.WithBlobs(endingBlobs{e}), eliza.WithUI(e))
			agent := string(s.Agent("Ada"))
			for range 2 { // lanes and temporary files are given back
				s.Post("/api/audio/"+agent+"/speech/generate", map[string]any{"text": "hello"}).WantError(500, core.CodeProcessing)
				s.Post("/api/audio/"+agent+"/speech/generate", map[string]any{"text": "end"}).WantError(500, core.CodeProcessing)
				s.Post("/api/audio/"+agent+"/speech/conversation", map[string]any{"text": "hello"}).WantError(500, core.CodeProcessing)
			}
			s.Get("/media/uploads/agents/"+agent+"/0123456789abcdef0123456789abcdef.png").WantError(500, core.CodeInternal)
			s.Get("/app.js").WantError(500, core.CodeInternal)
			s.Delete("/api/agents/"+agent).WantError(500, core.CodeDelete)
			unhurt(t, s)
		})
	}
}

// badStore is a host's store for messages that ends its goroutine, the first few times a method is called.
type badStore struct {
	storage.Store
	m *badMessages
}

func (s badStore) Messaging() messaging.Store { return s.m }

type badMessages struct {
	messaging.Store
	at   string
	end  func()
	left atomic.Int32
}

func (m *badMessages) maybe(at string) {
	if m.at == at && m.left.Add(-1) >= 0 {
		m.end()
	}
}

func (m *badMessages) Claim(ctx context.Context, owner string, lease time.Duration, lanes []messaging.Lane, limit int) ([]messaging.Delivery, error) {
	m.maybe("Claim")
	return m.Store.Claim(ctx, owner, lease, lanes, limit)
}

func (m *badMessages) Due(ctx context.Context, perAgent, limit int) ([]messaging.Lane, error) {
	m.maybe("Due")
	return m.Store.Due(ctx, perAgent, limit)
}

func (m *badMessages) Reap(ctx context.Context, ttl time.Duration, lost int) ([]messaging.Ended, error) {
	m.maybe("Reap")
	return m.Store.Reap(ctx, ttl, lost)
}

func (m *badMessages) Finish(ctx context.Context, d *messaging.Delivery, e messaging.Ending) (*messaging.Ended, error) {
	m.maybe("Finish")
	return m.Store.Finish(ctx, d, e)
}

func (m *badMessages) Events(ctx context.Context, channel core.UUID, after int64, limit int) (messaging.Kept, error) {
	m.maybe("Events")
	return m.Store.Events(ctx, channel, after, limit)
}

func TestStoresOfAHostEndNobody(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"Claim", "Due", "Reap", "Finish", "Events"} {
		for kind, end := range ends {
			t.Run(at+" "+kind, func(t *testing.T) {
				t.Parallel()
				db, err := storage.Open(t.Context(), filepath.Join(t.TempDir(), "eliza.db"), storage.Options{Logger: elizatest.Quiet()})
				if err != nil {
					t.Fatal(err)
				}
				store := badStore{db, &badMessages{Store: db.Messaging(), at: at, end: end}}
				store.m.left.Store(2)
				s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin()), eliza.WithStore(store))
				t.Cleanup(func() { _ = s.Shutdown(context.Background()); _ = db.Close() })
				agent, channel := s.Agent("Ada"), core.NewUUID()
				s.Say(channel, core.NewUUID(), agent, "hello", "websocket").Want(201)
				elizatest.Eventually(t, "an answer after the failures", func() bool { return len(s.Messages(channel)) == 2 })
				for store.m.at == "Events" && store.m.left.Load() > 0 { // who waits for an answer has to watch
					s.Say(channel, core.NewUUID(), agent, "hello", "http").WantError(500, core.CodeInternal)
				}
				answered(t, s, core.NewUUID(), agent)
			})
		}
	}
}

func TestTransactionsOfAHostEndNobody(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin()))
	agent, channel := s.Agent("Ada"), core.NewUUID()
	for kind, end := range ends {
		err := core.Guard(func() error {
			return s.WithTx(t.Context(), func(context.Context, *gorm.DB) error { end(); return nil })
		})
		if err == nil {
			t.Errorf("%s: no error", kind)
		}
		ran := false
		err = core.Guard(func() error {
			return s.WithTx(t.Context(), func(ctx context.Context, _ *gorm.DB) error {
				core.AfterCommit(ctx, end)
				if _, err := s.Messaging().Accept(ctx, messaging.NewMessage{
					ChannelID: channel, ServerID: core.DefaultServerID, AuthorID: agent, Content: kind,
					Create: &messaging.NewChannel{Name: "x", Type: messaging.TypeGroup, Participants: []core.UUID{agent}},
				}); err != nil {
					return err
				}
				core.AfterCommit(ctx, func() { ran = true })
				return nil
			})
		})
		if _, panicked := errors.AsType[*core.PanicError](err); !panicked || !ran {
			t.Errorf("%s after the commit: %v, later ones ran: %v", kind, err, ran)
		}
	}
	if n := len(s.Messages(channel)); n != len(slices.Collect(maps.Keys(ends))) {
		t.Errorf("%d messages", n)
	}
	unhurt(t, s)
}
