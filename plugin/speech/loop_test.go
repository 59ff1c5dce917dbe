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
	for _, name := range [...]string{"espeak-ng", "sox", "pocketsphinx_continuous"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed (Debian: espeak-ng, sox, libsox-fmt-mp3, pocketsphinx, pocketsphinx-en-us)", name)
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
		got, err := m.Transcriber.Transcribe(t.Context(), strings.NewReader(sound), "", "")
		if err != nil || got != want {
			t.Errorf("said %q, understood %q, %v", want, got, err)
		}
	}
}
