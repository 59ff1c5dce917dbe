package eliza_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/audio"
	"github.com/eliza-go/eliza/runtime/core"
)

// metered counts what is spoken: speech costs money.
type metered struct {
	audio.Service
	spoken *int
}

func (m metered) Speak(ctx context.Context, agent core.UUID, s audio.Speech) (*audio.Clip, error) {
	*m.spoken += len(s.Text)
	return m.Service.Speak(ctx, agent, s)
}

// Speech and its recognition pass here, over HTTP.
func ExampleWrapAudio() {
	spoken := 0
	srv, done := newServer(eliza.WrapAudio(func(s audio.Service) audio.Service { return metered{s, &spoken} }))
	defer done()
	req := httptest.NewRequest(http.MethodPost, "/api/audio/"+string(running(srv, "Ada"))+"/speech/generate", strings.NewReader(`{"text":"hello"}`))
	req.Header.Set("Content-Type", "application/json")
	srv.Handler().ServeHTTP(httptest.NewRecorder(), req) // this agent has no voice, but it was asked
	fmt.Println(spoken)
	// Output: 5
}
