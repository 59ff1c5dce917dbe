package eliza_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/audio"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/memory"
	"github.com/eliza-go/eliza/runtime/core"
)

// keeping is a memory service nothing is deleted from, and whose agents remember in capital letters.
type keeping struct{ memory.Service }

func (keeping) DeleteMemories(context.Context, core.UUID) (int64, error) {
	return 0, &core.Error{Code: core.CodeForbidden, Message: "Nothing is forgotten here"}
}

func (k keeping) For(agent core.UUID) core.Memories { return loud{k.Service.For(agent)} }

type loud struct{ core.Memories }

func (l loud) Record(ctx context.Context, memories []core.Memory, logs []core.Log) error {
	for i := range memories {
		memories[i].Content.Text += "!"
	}
	return l.Memories.Record(ctx, memories, logs)
}

// elsewhere is a media service that stores nothing.
type elsewhere struct{ media.Service }

func (elsewhere) Upload(_ context.Context, up media.Upload) (*media.File, error) {
	return &media.File{URL: "https://files.example.com/" + up.Name, Type: up.Type, Filename: up.Name, OriginalName: up.Name}, nil
}

// knowing is an audio service that need not listen.
type knowing struct{ audio.Service }

func (knowing) Transcribe(context.Context, core.UUID, audio.Recording) (string, error) {
	return "what you always say", nil
}

func TestServicesAreWrappedByAHost(t *testing.T) {
	t.Parallel()
	s := elizatest.Start(t, eliza.WithPlugins(elizatest.Echo().Plugin()),
		eliza.WrapMemory(func(m memory.Service) memory.Service { return keeping{m} }),
		eliza.WrapMedia(func(m media.Service) media.Service { return elsewhere{m} }),
		eliza.WrapAudio(func(a audio.Service) audio.Service { return knowing{a} }))
	agent, channel := s.Agent("Ada"), core.NewUUID()
	at := "/api/agents/" + string(agent)

	s.Say(channel, core.NewUUID(), agent, "hello", "http").Want(201)
	list, _ := s.Get(at + "/memories").Want(200).Data()["memories"].([]any)
	if len(list) != 2 {
		t.Fatalf("memories = %v", list)
	}
	for _, m := range list {
		if text := m.(map[string]any)["content"].(map[string]any)["text"].(string); text[len(text)-1] != '!' {
			t.Errorf("the agent remembers %q by another service", text)
		}
	}
	s.Delete(at+"/memories").WantError(403, core.CodeForbidden)

	send := func(path string) elizatest.Answer {
		kind, form := upload(t)
		c := s.Client
		c.Header = http.Header{"Content-Type": {kind}}
		return c.Do(http.MethodPost, path, form).Want(200)
	}
	if url := send("/api/media/agents/" + string(agent) + "/upload-media").Data()["url"]; url != "https://files.example.com/a.wav" {
		t.Errorf("uploaded to %v", url)
	}
	if text := send("/api/audio/" + string(agent) + "/transcriptions").Data()["text"]; text != "what you always say" {
		t.Errorf("transcribed %v", text)
	}
}
