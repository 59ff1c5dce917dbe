package audio_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/eliza-go/eliza/audio"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestConversation(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	isAudio(t, f.json(base+"/speech/conversation", `{"text":"hi"}`), "audio/mpeg", "ID3You said: hi")
	isAudio(t, f.json(base+"/speech/conversation", `{"text":"hi","roomId":"`+strings.ToUpper(room)+`","entityId":"bob","worldId":"w","userName":"Bob","name":"Robert",
		"attachments":[{"url":"/x.png","name":"x","type":"image"},"no object",7,null]}`), "audio/mpeg", "ID3You said: hi")
	fails(t, f.json(base+"/speech/conversation", `{"text":"hi","roomId":"`+strings.Repeat("x", 256)+`"}`), 400, "BAD_REQUEST")
	fails(t, f.json(base+"/speech/conversation", `{"text":"hi","attachments":"x"}`), 400, "BAD_REQUEST")

	want := []core.Turn{
		{
			Attempt: 1, ChannelID: "default-room-" + ada, ServerID: "direct", AuthorID: core.ForAgent(ada, "Anon"), ChannelType: "API", Source: "direct",
			Content: core.Content{Text: "hi", Source: "direct", ChannelType: "API"},
		},
		{
			Attempt: 1, ChannelID: room, ServerID: "w", AuthorID: core.ForAgent(ada, "bob"), AuthorName: "Robert", ChannelType: "API", Source: "direct",
			Content: core.Content{Text: "hi", Source: "direct", ChannelType: "API", Attachments: []core.Media{
				{URL: "/x.png", Title: "x", ContentType: "image", Extra: map[string]any{"name": "x", "type": "image"}},
			}},
		},
	}
	if d := cmp.Diff(want, f.brain.turns, cmpopts.IgnoreFields(core.Turn{}, "ID", "MessageID", "CreatedAt")); d != "" {
		t.Errorf("turns (-want +got):\n%s", d)
	}
	for _, turn := range f.brain.turns {
		if turn.ID == "" || turn.MessageID == "" || turn.CreatedAt == 0 {
			t.Errorf("turn without %+v", turn)
		}
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	ctx := core.WithIdentity(t.Context(), core.Identity{EntityID: other})
	if _, err := f.manager.Converse(ctx, ada, audio.Question{Text: "hi", EntityID: "bob"}); core.CodeOf(err) != core.CodeForbidden {
		t.Errorf("somebody else's entity: %v", err)
	}
	for _, entity := range [...]string{"", strings.ToUpper(string(other))} {
		reply, err := f.manager.Converse(ctx, ada, audio.Question{Text: "hi", EntityID: entity})
		if err != nil {
			t.Fatal(err)
		}
		if err := reply.Audio.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, turn := range f.brain.turns {
		if turn.AuthorID != core.ForAgent(ada, string(other)) {
			t.Errorf("author = %s", turn.AuthorID)
		}
	}
}

func TestSeveralReplies(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	var (
		committed int
		late      core.Out
	)
	f.brain.answer = func(ctx context.Context, turn *core.Turn, out core.Out) (core.Outcome, error) {
		out.Stream("nobody hears this")
		first := out.NextReply()
		id, err := out.Send(ctx, &core.Content{Text: "one"})
		if err != nil || id != first || out.NextReply() == first {
			t.Errorf("Send = %s, %v; announced %s, next %s", id, err, first, out.NextReply())
		}
		if _, err := out.Send(ctx, &core.Content{Actions: []string{"NONE"}}); err != nil {
			t.Error(err)
		}
		if err := errors.Join(out.Progress(ctx, core.NewUUID(), core.Content{Text: "working"}), out.Acting(ctx)); err != nil {
			t.Error(err)
		}
		late = out
		return core.Outcome{Reply: &core.Content{Text: "two"}, Commit: func(ctx context.Context) error {
			if core.InTransaction(ctx) || ctx.Err() != nil {
				t.Errorf("Commit with %v", ctx)
			}
			committed++
			return nil
		}}, nil
	}
	isAudio(t, f.json(base+"/speech/conversation", `{"text":"hi"}`), "audio/mpeg", "ID3one\n\ntwo")
	if committed != 1 {
		t.Errorf("committed %d times", committed)
	}
	if _, err := late.Send(t.Context(), &core.Content{Text: "late"}); err == nil {
		t.Error("a reply was taken after the end of the turn")
	}
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		outcome core.Outcome
		err     error
		code    string
	}{
		"ignored":      {outcome: core.Outcome{Reason: "ignored"}, code: "MODEL_ERROR"},
		"empty":        {outcome: core.Outcome{Reply: &core.Content{Text: " "}}, code: "MODEL_ERROR"},
		"failed":       {err: errors.New("no"), code: "PROCESSING_ERROR"},
		"model":        {err: &core.Error{Code: core.CodeModel, Message: "no"}, code: "MODEL_ERROR"},
		"not recorded": {outcome: core.Outcome{Reply: &core.Content{Text: "x"}, Commit: func(context.Context) error { return errors.New("no") }}, code: "PROCESSING_ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, nil)
			f.brain.answer = func(context.Context, *core.Turn, core.Out) (core.Outcome, error) { return c.outcome, c.err }
			fails(t, f.json(base+"/speech/conversation", `{"text":"hi"}`), 500, c.code)
		})
	}
}

func TestOneTurnOfARoomAtATime(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	synctest.Test(t, func(t *testing.T) {
		var (
			mu      sync.Mutex
			running = map[core.UUID]int{}
		)
		f.brain.answer = func(ctx context.Context, turn *core.Turn, _ core.Out) (core.Outcome, error) {
			mu.Lock()
			running[turn.ChannelID]++
			if running[turn.ChannelID] > 1 {
				t.Errorf("%d turns at once in %s", running[turn.ChannelID], turn.ChannelID)
			}
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			running[turn.ChannelID]--
			mu.Unlock()
			return core.Outcome{Reply: &core.Content{Text: "x"}}, nil
		}
		began := time.Now()
		var wg sync.WaitGroup
		ask := func(ctx context.Context, room string) error {
			reply, err := f.manager.Converse(ctx, ada, audio.Question{Text: "hi", RoomID: room})
			if err != nil {
				return err
			}
			return reply.Audio.Close()
		}
		for i := range 6 {
			wg.Go(func() {
				if err := ask(t.Context(), string(rune('a'+i%2))); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("took %v, want 3 s", took)
		}

		impatient, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		wg.Go(func() {
			if err := ask(t.Context(), "c"); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		if err := ask(impatient, "c"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a client that left while it waited: %v", err)
		}
		wg.Wait()

		refused := 0
		for range 101 {
			wg.Go(func() {
				if core.CodeOf(ask(t.Context(), "d")) == core.CodeRateLimit {
					mu.Lock()
					refused++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if refused != 1 {
			t.Errorf("%d of 101 were refused, want 1", refused)
		}
	})
}

func TestTurnTimeout(t *testing.T) {
	t.Parallel()
	f := setup(t, func(o *audio.Options, _ *audio.HandlerOptions) { o.TurnTimeout = time.Millisecond })
	f.brain.answer = func(ctx context.Context, _ *core.Turn, _ core.Out) (core.Outcome, error) {
		<-ctx.Done()
		return core.Outcome{}, ctx.Err()
	}
	fails(t, f.json(base+"/speech/conversation", `{"text":"hi"}`), 500, "PROCESSING_ERROR")
}

func TestRecordsOutliveTheClient(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	var recorded error = errors.New("not at all")
	f.brain.answer = func(context.Context, *core.Turn, core.Out) (core.Outcome, error) {
		cancel()
		return core.Outcome{Reply: &core.Content{Text: "x"}, Commit: func(ctx context.Context) error {
			recorded = ctx.Err()
			return recorded
		}}, nil
	}
	if _, err := f.manager.Converse(ctx, ada, audio.Question{Text: "hi"}); !errors.Is(err, context.Canceled) {
		t.Errorf("Converse = %v", err)
	}
	if recorded != nil {
		t.Errorf("recorded: %v", recorded)
	}
}

func FuzzConversation(f *testing.F) {
	f.Add(`{"text":"hi","roomId":"x","attachments":[{"url":1},{"name":"x"}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		s := setup(t, nil)
		rec := s.json(base+"/speech/conversation", body)
		if rec.Code >= 500 && rec.Code != 500 || rec.Code != 200 && !json.Valid(rec.Body.Bytes()) {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
	})
}
