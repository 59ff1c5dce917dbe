package pieces

import (
	"bytes"
	"context"
	"encoding/binary"
	"strings"

	"github.com/eliza-go/eliza/audio"
	"github.com/eliza-go/eliza/runtime/core"
)

// Voice is an audio service that hears one sentence and says silence, whatever models agents have.
type Voice struct {
	Agents audio.Agents // who runs
}

// Running implements [audio.Service].
func (v Voice) Running(ctx context.Context, agent core.UUID) error {
	_, err := v.Agents.Runtime(ctx, agent)
	return err
}

// Transcribe implements [audio.Service].
func (v Voice) Transcribe(ctx context.Context, agent core.UUID, _ audio.Recording) (string, error) {
	return "a constant text", v.Running(ctx, agent)
}

// Speak implements [audio.Service].
func (v Voice) Speak(ctx context.Context, agent core.UUID, s audio.Speech) (*audio.Clip, error) {
	if err := v.Running(ctx, agent); err != nil {
		return nil, err
	}
	if strings.TrimSpace(s.Text) == "" && s.MessageID == "" {
		return nil, core.BadRequest("There is nothing to say")
	}
	return audio.NewClip(bytes.NewReader(silence()), "")
}

// Converse implements [audio.Service].
func (v Voice) Converse(ctx context.Context, agent core.UUID, q audio.Question) (*audio.Reply, error) {
	clip, err := v.Speak(ctx, agent, audio.Speech{Text: q.Text})
	if err != nil {
		return nil, err
	}
	return &audio.Reply{Text: "You said: " + q.Text, Audio: clip}, nil
}

// silence is a tenth of a second of it as a WAVE file: 8 kHz, 8 bit, one channel.
func silence() []byte {
	const rate, samples = 8000, 800
	var b bytes.Buffer
	for _, v := range []any{
		[]byte("RIFF"), uint32(36 + samples), []byte("WAVEfmt "), uint32(16), uint16(1), uint16(1), uint32(rate), uint32(rate), uint16(1), uint16(8),
		[]byte("data"), uint32(samples), bytes.Repeat([]byte{128}, samples),
	} {
		_ = binary.Write(&b, binary.LittleEndian, v) // a Buffer takes everything
	}
	return b.Bytes()
}
