package speech_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eliza-go/eliza/plugin/speech"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestOnlyWhatIsInstalled(t *testing.T) {
	for name, c := range map[string]struct {
		programs      []string
		command       string
		speaks, hears bool
		wrong         bool
	}{
		"nothing":             {},
		"speech":              {programs: []string{"espeak-ng"}, speaks: true},
		"a command":           {programs: []string{"sox", "hear"}, command: "hear -x", hears: true},
		"a command, no sox":   {programs: []string{"espeak-ng", "hear"}, command: "hear", speaks: true, wrong: true},
		"no such command":     {programs: []string{"sox"}, command: "hear", wrong: true},
		"command with a pipe": {programs: []string{"sox", "hear"}, command: "hear | hear", wrong: true},
		"blank command":       {programs: []string{"sox"}, command: " \n"},
	} {
		t.Run(name, func(t *testing.T) {
			scripts := map[string]string{}
			for _, p := range c.programs {
				scripts[p] = "exit 1"
			}
			install(t, scripts)
			opts := speech.Options{TranscribeCommand: c.command}
			m := models(t, opts)
			if (m.Speaker != nil) != c.speaks || (m.Transcriber != nil) != c.hears || m.Text != nil {
				t.Errorf("models = %+v", m)
			}
			if err := opts.Validate(); (err != nil) != c.wrong {
				t.Errorf("Validate() = %v", err)
			}
		})
	}
}

func TestSpeak(t *testing.T) {
	t.Run("wave without sox", func(t *testing.T) {
		install(t, map[string]string{"espeak-ng": espeak})
		m := models(t, speech.Options{Voice: "en-gb"})
		got, err := speak(t.Context(), m, "-hello [[w]] ü\x00", "")
		if want := wave("-hello [ [w]] ü|-b|1|--stdin|--stdout|-v|en-gb"); err != nil || got != want {
			t.Errorf("Speak = %q, %v, want %q", got, err, want)
		}
	})
	t.Run("mp3", func(t *testing.T) {
		install(t, map[string]string{"espeak-ng": espeak, "sox": `printf ID3 > "$9"; cat "$4" >> "$9"`})
		got, err := speak(t.Context(), models(t, speech.Options{}), "x", "")
		if want := "ID3" + wave("x|-b|1|--stdin|--stdout"); err != nil || got != want {
			t.Errorf("Speak = %q, %v, want %q", got, err, want)
		}
	})
	t.Run("sox without mp3", func(t *testing.T) {
		install(t, map[string]string{"espeak-ng": espeak, "sox": `echo no handler >&2; exit 2`})
		if got, err := speak(t.Context(), models(t, speech.Options{}), "x", ""); err != nil || !strings.HasPrefix(got, "RIFF") {
			t.Errorf("Speak = %q, %v", got, err)
		}
	})
	t.Run("a voice as a hint", func(t *testing.T) {
		install(t, map[string]string{"espeak-ng": `case "$*" in *alloy*) exit 0;; *broken*) exit 1;; esac
` + espeak})
		m := models(t, speech.Options{})
		for voice, want := range map[string]string{"en+f3": "|-v|en+f3", "alloy": "", "broken": "", "../x": "", "-h": "", "": "", strings.Repeat("x", 65): ""} {
			if got, err := speak(t.Context(), m, "x", voice); err != nil || got != wave("x|-b|1|--stdin|--stdout"+want) {
				t.Errorf("voice %q: Speak = %q, %v", voice, got, err)
			}
		}
	})
	t.Run("secrets stay here", func(t *testing.T) {
		t.Setenv("OPENAI_API_KEY", "secret")
		t.Setenv("LC_ALL", "C")
		install(t, map[string]string{"espeak-ng": espeak + `; printf "|$OPENAI_API_KEY|$LC_ALL"`})
		if got, err := speak(t.Context(), models(t, speech.Options{}), "x", ""); err != nil || !strings.HasSuffix(got, "--stdout||C") {
			t.Errorf("Speak = %q, %v", got, err)
		}
	})
}

func TestSpeakFailures(t *testing.T) {
	for name, script := range map[string]string{
		"fails":      "echo 'broken' >&2; exit 3",
		"no sound":   "exit 0",
		"no samples": "printf 'RIFF....WAVEdata....'",
		"no wave":    "echo hello",
		"cut header": "printf 'RIFF....WAVEfmt \\377\\377\\377\\377'",
	} {
		t.Run(name, func(t *testing.T) {
			install(t, map[string]string{"espeak-ng": script})
			if got, err := speak(t.Context(), models(t, speech.Options{}), "x", "en"); err == nil {
				t.Errorf("Speak = %q", got)
			}
		})
	}
	t.Run("endless", func(t *testing.T) {
		install(t, map[string]string{"espeak-ng": "cat /dev/zero"})
		if _, err := speak(t.Context(), models(t, speech.Options{}), "x", ""); core.CodeOf(err) != core.CodeBadRequest {
			t.Errorf("Speak = %v", err)
		}
	})
	t.Run("input nobody reads", func(t *testing.T) {
		install(t, map[string]string{"espeak-ng": strings.Replace(espeak, "cat\n", "", 1)})
		if got, err := speak(t.Context(), models(t, speech.Options{}), strings.Repeat("x", 1<<20), ""); err != nil || !strings.HasPrefix(got, "RIFF") {
			t.Errorf("Speak = %.80q, %v", got, err)
		}
	})
}

func TestTimeLimits(t *testing.T) {
	install(t, map[string]string{"espeak-ng": "sleep 1000 & sleep 1000", "sox": copyWave, "hear": "sleep 1000"})
	m := models(t, speech.Options{Timeout: 50 * time.Millisecond, TranscribeCommand: "hear"})
	began := time.Now()
	if _, err := speak(t.Context(), m, "x", ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Speak = %v", err)
	}
	if _, err := m.Transcriber.Transcribe(t.Context(), strings.NewReader(wave("xx")), "", ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Transcribe = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := speak(ctx, models(t, speech.Options{}), "x", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("Speak = %v", err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}

// copyWave takes a recording as it is.
const copyWave = `cp "$4" "${15}"`

func TestTranscribe(t *testing.T) {
	start := func(t *testing.T, script string) core.Models {
		t.Helper()
		install(t, map[string]string{"sox": copyWave, "hear": script})
		return models(t, speech.Options{TranscribeCommand: "hear 'two words' -f"})
	}
	t.Run("text", func(t *testing.T) {
		m := start(t, `printf '\n%s %s ' "$1" "$2"; cat "$3"; printf '\377\n'`)
		got, err := m.Transcriber.Transcribe(t.Context(), strings.NewReader(wave("samples")), "a.mp3", "en")
		if want := "two words -f RIFF"; err != nil || !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "samples\ufffd") {
			t.Errorf("Transcribe = %q, %v", got, err)
		}
	})
	t.Run("silence", func(t *testing.T) {
		m := start(t, "echo")
		if got, err := m.Transcriber.Transcribe(t.Context(), strings.NewReader(wave("xx")), "", ""); err != nil || got != "" {
			t.Errorf("Transcribe = %q, %v", got, err)
		}
	})
	for name, c := range map[string]struct {
		script, audio string
		code          core.Code
	}{
		"fails":       {"echo no >&2; exit 1", wave("xx"), core.CodeInternal},
		"endless":     {"cat /dev/zero", wave("xx"), core.CodeInternal},
		"playlist":    {"echo x", "#EXTM3U\nhttp://127.0.0.1/x.mp3\n", core.CodeInvalidFileType},
		"empty":       {"echo x", "", core.CodeInvalidFileType},
		"web's own":   {"echo x", "\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm", core.CodeInvalidFileType},
		"left behind": {"sleep 1000 >/dev/null 2>&1 & exit 1", wave("xx"), core.CodeInternal},
	} {
		t.Run(name, func(t *testing.T) {
			m := start(t, c.script)
			if got, err := m.Transcriber.Transcribe(t.Context(), strings.NewReader(c.audio), "", ""); err == nil || core.CodeOf(err) != c.code {
				t.Errorf("Transcribe = %q, %v", got, err)
			}
		})
	}
	t.Run("too large", func(t *testing.T) {
		m := start(t, "echo x")
		if _, err := m.Transcriber.Transcribe(t.Context(), io.LimitReader(zeros{}, 1<<30), "", ""); core.CodeOf(err) != core.CodeFileTooLarge {
			t.Errorf("Transcribe = %v", err)
		}
	})
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

func TestFormats(t *testing.T) {
	seen := filepath.Join(t.TempDir(), "seen")
	install(t, map[string]string{"sox": `echo "$2 $3" > ` + seen + `; exit 1`, "hear": "echo"})
	m := models(t, speech.Options{TranscribeCommand: "hear"})
	ogg := "OggS\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x13"
	for want, audio := range map[string]string{
		"wav": wave("xx"), "mp3": "\xff\xfb\x90\x00\x00\x00", "flac": "fLaC\x00\x00\x00\x22", "ogg": ogg + "\x01vorbis", "opus": ogg + "OpusHead",
		"aiff": "FORM\x00\x00\x00\x04AIFFCOMM",
	} {
		if _, err := m.Transcriber.Transcribe(t.Context(), strings.NewReader(audio), "", ""); core.CodeOf(err) != core.CodeInternal {
			t.Errorf("%s: %v", want, err)
		}
		if b, err := os.ReadFile(seen); err != nil || string(b) != "-t "+want+"\n" {
			t.Errorf("%s: sox was told %q, %v", want, b, err)
		}
	}
}

func TestFormatsOfBrowsers(t *testing.T) {
	seen := filepath.Join(t.TempDir(), "seen")
	webm := "\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm"
	install(t, map[string]string{"sox": "exit 1", "hear": "echo"})
	without := models(t, speech.Options{TranscribeCommand: "hear"})
	if _, err := without.Transcriber.Transcribe(t.Context(), strings.NewReader(webm), "", ""); core.CodeOf(err) != core.CodeInvalidFileType {
		t.Errorf("without ffmpeg: %v", err)
	}
	install(t, map[string]string{"sox": "exit 1", "hear": "echo", "ffmpeg": `echo "$6 $7" > ` + seen + `; exit 1`})
	m := models(t, speech.Options{TranscribeCommand: "hear"})
	for want, audio := range map[string]string{
		"matroska": webm, "mov": "\x00\x00\x00\x18ftypM4A \x00\x00\x02\x00isomiso2", "aac": "\xff\xf1\x50\x80\x00\x1f\xfc",
	} {
		if _, err := m.Transcriber.Transcribe(t.Context(), strings.NewReader(audio), "", ""); core.CodeOf(err) != core.CodeInternal {
			t.Errorf("%s: %v", want, err)
		}
		if b, err := os.ReadFile(seen); err != nil || string(b) != "-f "+want+"\n" {
			t.Errorf("%s: ffmpeg was told %q, %v", want, b, err)
		}
	}
	if _, err := m.Transcriber.Transcribe(t.Context(), strings.NewReader("what is this"), "", ""); core.CodeOf(err) != core.CodeInvalidFileType {
		t.Errorf("text: %v", err)
	}
}

func TestOneAtATime(t *testing.T) {
	lock := filepath.Join(t.TempDir(), "lock")
	install(t, map[string]string{"espeak-ng": "set -C; echo > " + lock + " || exit 1; sleep 0.02; rm " + lock + "\n" + espeak})
	m := models(t, speech.Options{MaxConcurrent: 1})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := speak(t.Context(), m, "x", ""); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
