package audio_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/audio"
	"github.com/eliza-go/eliza/runtime/core"
)

// Speech needs something that speaks and something that hears, and no server around it: here both are made up.
func Example() {
	service := audio.New(studio{}, audio.Options{})
	ctx, agent := context.Background(), core.NewUUID()

	text, err := service.Transcribe(ctx, agent, audio.Recording{Audio: strings.NewReader("(somebody sings)"), Name: "song.wav"})
	fmt.Println(text, err)

	// The same as routes, on a router of your own.
	e := echo.New()
	audio.NewHandler(service, audio.HandlerOptions{}).Routes(e.Group("/audio"))
	req := httptest.NewRequest(http.MethodPost, "/audio/"+string(agent)+"/speech/generate", strings.NewReader(`{"text":"la la"}`))
	req.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, req)
	fmt.Println(rec.Code, rec.Header().Get("Content-Type"), rec.Body.Len())
	// Output:
	// 16 bytes of song.wav <nil>
	// 200 audio/wav 44
}

// studio has one agent, whoever is asked for, with both models.
type studio struct{ core.BareRuntime }

// Runtime implements [audio.Agents].
func (s studio) Runtime(_ context.Context, id core.UUID) (core.Runtime, error) {
	s.ID = id
	return s, nil
}

func (studio) Models() core.Models {
	return core.Models{Transcriber: ear{}, Speaker: voice{}}
}

func (studio) Turn(context.Context, *core.Turn, core.Out) (core.Outcome, error) {
	return core.Outcome{}, core.ErrUnsupported
}

type ear struct{}

func (ear) Transcribe(_ context.Context, audio io.Reader, name, _ string) (string, error) {
	n, err := io.Copy(io.Discard, audio)
	return fmt.Sprintf("%d bytes of %s", n, name), err
}

type voice struct{}

func (voice) Speak(context.Context, string, string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(silence)), nil
}

// silence is a WAV file without a sound in it.
const silence = "RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data\x00\x00\x00\x00"
