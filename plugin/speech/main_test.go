package speech_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"go.uber.org/goleak"

	"github.com/eliza-go/eliza/plugin/speech"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// agent is a runtime of which only the id matters.
type agent struct{ core.BareRuntime }

func (agent) Turn(context.Context, *core.Turn, core.Out) (core.Outcome, error) {
	return core.Outcome{}, core.ErrUnsupported
}

// install makes the named shell scripts the only programs there are, besides those of the system.
func install(t *testing.T, scripts map[string]string) (bin string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the stand-ins for the programs are shell scripts")
	}
	bin = t.TempDir()
	for _, tool := range [...]string{"cat", "sleep", "cp", "rm"} {
		for _, dir := range [...]string{"/bin", "/usr/bin"} {
			if os.Symlink(filepath.Join(dir, tool), filepath.Join(bin, tool)) == nil {
				break
			}
		}
	}
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	return bin
}

// models are what the plugin offers, with a folder for its files that must be empty in the end.
func models(t *testing.T, opts speech.Options) core.Models {
	t.Helper()
	opts.TempDir, opts.Logger = t.TempDir(), slog.New(slog.DiscardHandler)
	t.Cleanup(func() {
		left, err := os.ReadDir(opts.TempDir)
		if err != nil || len(left) != 0 {
			t.Errorf("temporary files left: %v, %v", left, err)
		}
	})
	m, err := speech.Plugin(opts).Models(agent{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func speak(ctx context.Context, m core.Models, text, voice string) (string, error) {
	r, err := m.Speaker.Speak(ctx, text, voice)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(r)
	return string(b), errors.Join(err, r.Close())
}

// wave is a WAV file with samples, or what else is put into it.
func wave(samples string) string {
	n := uint32(len(samples))
	b := append([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, 36+n)...)
	b = append(b, "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00data"...)
	return string(binary.LittleEndian.AppendUint32(b, n)) + samples
}

// espeak writes its input and arguments after a header with false lengths.
const espeak = `printf 'RIFF\044\360\377\177WAVEfmt \020\000\000\000\001\000\001\000\200\076\000\000\000\175\000\000\002\000\020\000data\000\360\377\177'
cat
printf '|%s' "$@"`
