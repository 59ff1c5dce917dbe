package client

import (
	"context"
	"net/http"

	"github.com/eliza-go/eliza/runtime/core"
)

// Audio are the calls on speech.
type Audio struct{ c *Client }

// Transcribe turns a recording into text, which is empty when nothing was said. The language is a hint, such as
// en, and may be empty.
func (a *Audio) Transcribe(ctx context.Context, agent core.UUID, recording Upload, language string) (string, error) {
	f, err := newForm(recording, map[string]string{"language": language})
	if err != nil {
		return "", err
	}
	v, err := data[struct {
		Text string `json:"text"`
	}](ctx, a.c, request{method: http.MethodPost, path: at("api", "audio", string(agent), "transcriptions"), stream: f})
	if err != nil {
		return "", err
	}
	return v.Text, nil
}

// Speak has a text spoken by an agent's model. The voice is a hint and may be empty.
func (a *Audio) Speak(ctx context.Context, agent core.UUID, text, voice string) (*Download, error) {
	return a.speech(ctx, map[string]any{"text": text, "voice": voice}, "api", "audio", string(agent), "speech", "generate")
}

// SpeakMessage has a message spoken that is in a channel the agent takes part in.
func (a *Audio) SpeakMessage(ctx context.Context, agent, message core.UUID, voice string) (*Download, error) {
	return a.speech(ctx, map[string]any{"messageId": message, "voice": voice}, "api", "audio", string(agent), "audio-messages", "synthesize")
}

func (a *Audio) speech(ctx context.Context, body any, path ...string) (*Download, error) {
	r := post(body, path...)
	r.accept = "audio/*"
	res, err := a.c.open(ctx, &r)
	if err != nil {
		return nil, err
	}
	return &Download{res.Header.Get("Content-Type"), res.ContentLength, res.Body}, nil
}

// Talk says who talks to an agent, and where. Every field may be empty; ids are any text.
type Talk struct {
	RoomID   string `json:"roomId,omitempty"`
	EntityID string `json:"entityId,omitempty"`
	WorldID  string `json:"worldId,omitempty"`
	Name     string `json:"name,omitempty"`
	Voice    string `json:"voice,omitempty"`
}

// Converse asks an agent something and returns its answer, spoken.
func (a *Audio) Converse(ctx context.Context, agent core.UUID, text string, t Talk) (*Download, error) {
	body := struct {
		Text string `json:"text"`
		Talk
	}{text, t}
	return a.speech(ctx, body, "api", "audio", string(agent), "speech", "conversation")
}

// Spoken is what an agent heard and said.
type Spoken struct {
	Transcription string `json:"transcription"`
	Text          string `json:"text"` // the answer, empty when nothing was said
	Audio         []byte `json:"audio"`
	Format        string `json:"format"` // of Audio, such as mp3
}

// ConverseByVoice is Converse with a recording.
func (a *Audio) ConverseByVoice(ctx context.Context, agent core.UUID, recording Upload, t Talk) (*Spoken, error) {
	f, err := newForm(recording, map[string]string{"roomId": t.RoomID, "entityId": t.EntityID, "worldId": t.WorldID, "name": t.Name, "voice": t.Voice})
	if err != nil {
		return nil, err
	}
	return data[Spoken](ctx, a.c, request{method: http.MethodPost, path: at("api", "audio", string(agent), "speech"), stream: f})
}

// Heard is a recording as the message it would be.
type Heard struct {
	Transcription string       `json:"transcription"`
	Message       core.Content `json:"message"`
}

// Hear transcribes a recording and returns the message it would be; nothing is sent.
func (a *Audio) Hear(ctx context.Context, agent core.UUID, recording Upload, language string) (*Heard, error) {
	f, err := newForm(recording, map[string]string{"language": language})
	if err != nil {
		return nil, err
	}
	return data[Heard](ctx, a.c, request{method: http.MethodPost, path: at("api", "audio", string(agent), "audio-messages"), stream: f})
}
