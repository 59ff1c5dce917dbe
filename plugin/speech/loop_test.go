package speech_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eliza-go/eliza/plugin/speech"
)

// TestVoiceLoop has the real programs speak sentences and understand them again.
func TestVoiceLoop(t *testing.T) {
	t.Parallel()
	for _, name := range [...]string{"espeak-ng", "sox", "pocketsphinx_continuous", "ffmpeg"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed (Debian: espeak-ng, sox, libsox-fmt-mp3, pocketsphinx, pocketsphinx-en-us, ffmpeg)", name)
		}
	}
	sentences := []string{"turn on the light", "turn off the light", "open the door", "what time is it"}
	grammar := filepath.Join(t.TempDir(), "it's a grammar.jsgf")
	if err := os.WriteFile(grammar, []byte("#JSGF V1.0;\ngrammar house;\npublic <order> = "+strings.Join(sentences, " | ")+";\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	opts := speech.Options{TranscribeCommand: `pocketsphinx_continuous -logfn /dev/null -jsgf "` + grammar + `" -infile`}
	if err := opts.Validate(); err != nil {
		t.Fatal(err)
	}
	m := models(t, opts)
	for _, want := range sentences {
		sound, err := speak(t.Context(), m, want, "alloy")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(sound, "RIFF") && sound[0] != 0xff && !strings.HasPrefix(sound, "ID3") {
			t.Errorf("neither WAV nor MP3: %.16q", sound)
		}
		for how, recording := range map[string]string{"as it is": sound, "WebM": recorded(t, sound, "webm"), "MP4": recorded(t, sound, "mp4")} {
			got, err := m.Transcriber.Transcribe(t.Context(), strings.NewReader(recording), "", "")
			if err != nil || got != want {
				t.Errorf("said %q, understood %q of it %s, %v", want, got, how, err)
			}
		}
	}
}

// recorded is a sound as browsers record it.
func recorded(t *testing.T, sound, format string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "recording."+format)
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-i", "pipe:0", name)
	cmd.Stdin = strings.NewReader(sound)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
