package speech

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os/exec"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

// Options tunes the plugin. The zero value is ready to use.
type Options struct {
	// TranscribeCommand is a command line, split by [Split], that is run with the path of a WAV file, 16 kHz,
	// 16 bits, mono, as its last argument. Its standard output is the text. No transcription when "".
	TranscribeCommand string
	Voice             string        // of espeak-ng; its own default when ""
	Timeout           time.Duration // of one speech or transcription; 2 minutes when 0
	MaxConcurrent     int           // speeches and transcriptions at one time; 2 when 0
	TempDir           string        // the system's own when ""
	Logger            *slog.Logger  // slog.Default() when nil
}

// Validate tells what is wrong with the command for transcription: it cannot be split, or it or sox is not
// installed. An empty one is fine.
func (o Options) Validate() error {
	_, err := o.command()
	return err
}

// command splits the command for transcription and finds its program. It is nil when there is none.
func (o Options) command() ([]string, error) {
	words, err := Split(o.TranscribeCommand)
	if err != nil || len(words) == 0 {
		return nil, err
	}
	if words[0], err = exec.LookPath(words[0]); err != nil {
		return nil, fmt.Errorf("speech: find the command for transcription: %w", err)
	}
	if find("sox") == "" {
		return nil, errors.New("speech: transcription needs sox")
	}
	return words, nil
}

// find is the path of a program, "" when it is not installed.
func find(name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	return path
}

// Plugin offers what the programs found on PATH now can do: speech with espeak-ng, as MP3 when sox is there
// too, and transcription with sox and a command, of WebM, MP4 and AAC too when ffmpeg is there. Its priority is low, so any other plugin's models win. A
// command that [Options.Validate] refuses is reported to the log and not used.
func Plugin(opts Options) plugin.Plugin {
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	sox := find("sox")
	r := &runner{timeout: cmp.Or(opts.Timeout, 2*time.Minute), dir: opts.TempDir, sem: semaphore.NewWeighted(int64(cmp.Or(opts.MaxConcurrent, 2)))}
	var models core.Models
	if espeak := find("espeak-ng"); espeak != "" {
		models.Speaker = &speaker{runner: r, espeak: espeak, sox: sox, voice: opts.Voice}
	}
	command, err := opts.command()
	if err != nil {
		opts.Logger.Warn("no local transcription", "component", "speech", "err", err)
	}
	if command != nil {
		models.Transcriber = &transcriber{runner: r, sox: sox, ffmpeg: find("ffmpeg"), command: command}
	}
	return plugin.Plugin{
		Name:        "speech",
		Description: "Speech and transcription by programs on this machine",
		Priority:    math.MinInt + 1,
		Models:      func(core.Runtime) (core.Models, error) { return models, nil },
	}
}
