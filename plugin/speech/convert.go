package speech

import (
	"bytes"
	"io"
	"os"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"github.com/eliza-go/eliza/runtime/core"
)

// conversion makes the recording in a file one that transcription takes. The format is named to the program,
// for a file of another kind could make it open further ones.
func (t *transcriber) conversion(raw, wave string) (program, error) {
	found, err := mimetype.DetectFile(raw)
	if err != nil {
		return program{}, err
	}
	format, err := soxFormat(found, raw)
	if err != nil {
		return program{}, err
	}
	if format != "" {
		return program{path: t.sox, env: plainEnv(), args: []string{
			"-V1", "-t", format, raw, "-t", "wav", "-e", "signed-integer", "-b", "16", "-r", "16000", "-c", "1", wave, "trim", "0", maxSeconds,
		}}, nil
	}
	if format = ffmpegFormat(found); format != "" && t.ffmpeg != "" {
		return program{path: t.ffmpeg, env: plainEnv(), args: []string{
			"-nostdin", "-v", "error", "-protocol_whitelist", "file", "-f", format, "-i", raw, "-vn", "-t", maxSeconds, "-c:a", "pcm_s16le", "-ar", "16000", "-ac", "1", "-f", "wav", wave,
		}}, nil
	}
	details := "use WAV, MP3, FLAC or Ogg"
	if format != "" {
		details += "; WebM, MP4 and AAC need ffmpeg on the server"
	}
	return program{}, &core.Error{Code: core.CodeInvalidFileType, Message: "This audio format cannot be transcribed here", Details: details}
}

// soxFormat is what sox calls the format of a file, "" when it does not know it.
func soxFormat(found *mimetype.MIME, name string) (string, error) {
	for format, name := range map[string]string{
		"wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "aiff": "audio/aiff", "au": "audio/basic",
	} {
		if found.Is(name) {
			return format, nil
		}
	}
	if found.Is("audio/ogg") || found.Is("application/ogg") {
		return oggFormat(name)
	}
	return "", nil
}

// ffmpegFormat is what ffmpeg calls the formats browsers record in, "" for any other.
func ffmpegFormat(found *mimetype.MIME) string {
	for m := found; m != nil; m = m.Parent() {
		switch name, _, _ := strings.Cut(m.String(), ";"); name {
		case "video/webm", "audio/webm", "video/x-matroska":
			return "matroska"
		case "video/mp4", "audio/mp4", "audio/x-m4a", "video/quicktime":
			return "mov"
		case "audio/aac":
			return "aac"
		}
	}
	return ""
}

// oggFormat tells what is inside an Ogg file.
func oggFormat(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	start, err := io.ReadAll(io.LimitReader(f, 256))
	if err != nil {
		return "", err
	}
	if bytes.Contains(start, []byte("OpusHead")) {
		return "opus", nil
	}
	return "ogg", nil
}
