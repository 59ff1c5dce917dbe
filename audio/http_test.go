package audio_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"maps"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/audio"
	"github.com/eliza-go/eliza/internal/apitest"
	"github.com/eliza-go/eliza/runtime/core"
)

const base = "/" + string(ada)

func TestTranscriptions(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	rec := f.upload(base+"/transcriptions", map[string]string{"language": "en", "format": "wav"}, recording())
	want := map[string]any{"success": true, "text": "a.wav en RIFF", "data": map[string]any{"text": "a.wav en RIFF"}}
	if d := cmp.Diff(want, decode(t, rec)); rec.Code != 200 || d != "" {
		t.Errorf("%d (-want +got):\n%s", rec.Code, d)
	}
	rec = f.upload(base+"/transcriptions/", nil, file{"file", `C:\x\my.recording`, "Audio/WebM; codecs=opus", []byte("\x1aE\xdf\xa3webm")})
	if got := decode(t, rec)["text"]; got != "my.webm \x1aE\xdf\xa3" && !strings.HasPrefix(got.(string), "my.webm ") {
		t.Errorf("text = %q", got)
	}
	f.brain.models.Transcriber = hears(func(context.Context, io.Reader, string, string) (string, error) { return " \n", nil })
	if rec := f.upload(base+"/transcriptions", nil, recording()); rec.Code != 200 || decode(t, rec)["text"] != "" {
		t.Errorf("silence: %d %s", rec.Code, rec.Body)
	}
}

// A model may tell the format by the name of a file, and clients are wrong about theirs: a web client declares
// as WAV whatever its browser records.
func TestRecordingsAreNamedByTheirContent(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	webm := []byte("\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webmB\x87\x81\x04")
	mp4 := []byte("\x00\x00\x00\x1cftypisom\x00\x00\x02\x00isomiso2avc1mp41")
	for want, up := range map[string]file{
		"blob.webm":   {"file", "blob", "audio/wav", webm},
		"b.webm":      {"file", "b.wav", "audio/wav", webm},
		"b.weba":      {"file", "b.weba", "audio/wav", webm},
		"blob.m4a":    {"file", "blob", "audio/wav", mp4},
		"b.wav":       {"file", "b.mp3", "audio/mpeg", wav()},
		"b.ogg":       {"file", "b", "audio/webm", []byte("OggS\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x1e\x01vorbis")},
		"b.flac":      {"file", "b", "audio/wav", []byte("fLaC\x00\x00\x00\x22")},
		"b.mp3":       {"file", "b", "audio/wav", []byte("\xff\xfb\x90\x00\x00\x00")},
		"unknown.wav": {"file", "unknown", "audio/wav", []byte("whatever this is")},
	} {
		if got, _ := decode(t, f.upload(base+"/transcriptions", nil, up))["text"].(string); !strings.HasPrefix(got, want+" ") {
			t.Errorf("%s declared as %s: the model was told %.20q, want %s", up.name, up.mime, got, want)
		}
	}
}

func TestUploadRefusals(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	many := map[string]string{}
	for i := range 21 {
		many["f"+strconv.Itoa(i)] = "x"
	}
	html := []byte("<!DOCTYPE html><html><script>alert(1)</script></html>")
	for name, c := range map[string]struct {
		fields map[string]string
		files  []file
		status int
		code   string
	}{
		"no file":         {map[string]string{"a": "b"}, nil, 400, "INVALID_REQUEST"},
		"other field":     {nil, []file{{"audio", "a.wav", "audio/wav", wav()}}, 400, "BAD_REQUEST"},
		"two files":       {nil, []file{recording(), recording()}, 400, "BAD_REQUEST"},
		"image":           {nil, []file{{"file", "a.png", "image/png", []byte("\x89PNG\r\n\x1a\n")}}, 400, "INVALID_FILE_TYPE"},
		"video":           {nil, []file{{"file", "a.mp4", "video/mp4", wav()}}, 400, "INVALID_FILE_TYPE"},
		"no type":         {nil, []file{{"file", "a.wav", "", wav()}}, 400, "INVALID_FILE_TYPE"},
		"page as audio":   {nil, []file{{"file", "a.wav", "audio/wav", html}}, 400, "INVALID_FILE_TYPE"},
		"program":         {nil, []file{{"file", "a.wav", "audio/wav", append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 64)...)}}, 400, "INVALID_FILE_TYPE"},
		"script":          {nil, []file{{"file", "a.wav", "audio/wav", []byte("#!/bin/sh\nrm x\n")}}, 400, "INVALID_FILE_TYPE"},
		"too many fields": {many, []file{recording()}, 400, "BAD_REQUEST"},
		"big field":       {map[string]string{"a": strings.Repeat("x", 1<<20+1)}, []file{recording()}, 413, "PAYLOAD_TOO_LARGE"},
	} {
		fails(t, f.upload(base+"/transcriptions", c.fields, c.files...), c.status, c.code)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	fails(t, f.json(base+"/transcriptions", `{"file":"x"}`), 400, "INVALID_REQUEST")
	fails(t, f.send(base+"/transcriptions", "multipart/form-data", []byte("x")), 400, "BAD_REQUEST")
	fails(t, f.send(base+"/transcriptions", "multipart/form-data; boundary=x", []byte("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF")), 400, "BAD_REQUEST")
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	head, end, _ := bytes.Cut(func() []byte {
		_, body := form(t, nil, file{"file", "a.wav", "audio/wav", []byte("RIFF-cut-here-")})
		return body
	}(), []byte("-cut-here-"))
	boundary, _, _ := strings.Cut(string(head[2:]), "\r\n")
	stream := func(size int64) io.Reader {
		return io.MultiReader(bytes.NewReader(head), io.LimitReader(zeros{}, size), bytes.NewReader(end))
	}
	post := func(size, length int64) *httptest.ResponseRecorder {
		req := httptest.NewRequestWithContext(t.Context(), "POST", "/api/audio"+base+"/transcriptions", stream(size))
		req.Header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
		req.ContentLength = length
		rec := httptest.NewRecorder()
		apitest.Handler(t, f.web).ServeHTTP(rec, req)
		return rec
	}
	if rec := post(audio.MaxFile-4, -1); rec.Code != 200 {
		t.Errorf("50 MiB exactly: %d %s", rec.Code, rec.Body)
	}
	fails(t, post(audio.MaxFile-3, -1), 413, "FILE_TOO_LARGE")
	fails(t, post(audio.MaxFile*2, -1), 413, "FILE_TOO_LARGE")
	fails(t, post(0, audio.MaxFile*2), 413, "FILE_TOO_LARGE")
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func TestAgents(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	for _, path := range [...]string{"transcriptions", "speech", "audio-messages", "speech/conversation"} {
		fails(t, f.upload("/nope/"+path, nil, recording()), 400, "INVALID_ID")
		fails(t, f.upload("/"+string(other)+"/"+path, nil, recording()), 404, "NOT_FOUND")
	}
	for _, path := range [...]string{"speech/generate", "speech/conversation", "audio-messages/synthesize"} {
		fails(t, f.json("/nope/"+path, `{"text":"x"}`), 400, "INVALID_ID")
		fails(t, f.json("/"+string(other)+"/"+path, `{"text":"x"}`), 404, "NOT_FOUND")
		fails(t, f.json(base+"/"+path, `{}`), 400, "INVALID_REQUEST")
		fails(t, f.json(base+"/"+path, `{"text":" "}`), 400, "INVALID_REQUEST")
		fails(t, f.json(base+"/"+path, `{"text":1}`), 400, "BAD_REQUEST")
		fails(t, f.json(base+"/"+path, `[]`), 400, "BAD_REQUEST")
		fails(t, f.json(base+"/"+path, `{"text":"`+strings.Repeat("x", 100_001)+`"}`), 400, "BAD_REQUEST")
		fails(t, f.json(base+"/"+path, `{"text":"`+strings.Repeat("x", 2<<20)+`"}`), 413, "PAYLOAD_TOO_LARGE")
	}
	for _, path := range [...]string{"speech/generate", "audio-messages/synthesize"} {
		fails(t, f.upload(base+"/"+path, nil, recording()), 400, "INVALID_CONTENT_TYPE")
	}
}

func TestNoModels(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	f.brain.models = core.Models{}
	for _, path := range [...]string{"transcriptions", "speech", "audio-messages", "speech/conversation"} {
		fails(t, f.upload(base+"/"+path, nil, recording()), 500, "MODEL_ERROR")
	}
	for _, path := range [...]string{"speech/generate", "speech/conversation", "audio-messages/synthesize"} {
		fails(t, f.json(base+"/"+path, `{"text":"x"}`), 500, "MODEL_ERROR")
	}
	if len(f.brain.turns) != 0 {
		t.Error("the agent was asked though it cannot speak")
	}
}

func TestModelFailures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		code string
	}{
		"unknown":     {errors.New("secret"), "PROCESSING_ERROR"},
		"model":       {&core.Error{Code: core.CodeModel, Message: "no key"}, "MODEL_ERROR"},
		"own timeout": {context.DeadlineExceeded, "PROCESSING_ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, nil)
			f.brain.models.Transcriber = hears(func(context.Context, io.Reader, string, string) (string, error) { return "", c.err })
			f.brain.models.Speaker = speaks(func(context.Context, string, string) (io.ReadCloser, error) { return nil, c.err })
			for _, rec := range [...]*httptest.ResponseRecorder{
				f.upload(base+"/transcriptions", nil, recording()), f.json(base+"/speech/generate", `{"text":"x"}`), f.json(base+"/speech/conversation", `{"text":"x"}`),
			} {
				fails(t, rec, 500, c.code)
				if strings.Contains(rec.Body.String(), "secret") {
					t.Error("the cause reaches the client")
				}
			}
		})
	}
	t.Run("no audio", func(t *testing.T) {
		t.Parallel()
		f := setup(t, nil)
		f.brain.models.Speaker = speaks(func(context.Context, string, string) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("")), nil
		})
		fails(t, f.json(base+"/speech/generate", `{"text":"x"}`), 500, "MODEL_ERROR")
	})
	t.Run("broken off", func(t *testing.T) {
		t.Parallel()
		f := setup(t, nil)
		f.brain.models.Speaker = speaks(func(context.Context, string, string) (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(strings.NewReader("ID3"), broken{})), nil
		})
		fails(t, f.json(base+"/speech/generate", `{"text":"x"}`), 500, "PROCESSING_ERROR")
	})
	t.Run("endless", func(t *testing.T) {
		t.Parallel()
		f := setup(t, nil)
		f.brain.models.Speaker = speaks(func(context.Context, string, string) (io.ReadCloser, error) { return io.NopCloser(zeros{}), nil })
		fails(t, f.json(base+"/speech/generate", `{"text":"x"}`), 500, "PROCESSING_ERROR")
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestSpeech(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	for body, want := range map[string]string{
		`{"text":"hi"}`:                           "ID3hi",
		`{"text":"hi","voice":"v","speed":1.5}`:   "ID3hiv",
		`{"text":"hi","voice":{"a":1},"speed":0}`: "ID3hi",
	} {
		rec := f.json(base+"/speech/generate", body)
		isAudio(t, rec, "audio/mpeg", want)
	}
	isAudio(t, f.json(base+"/audio-messages/synthesize", `{"text":"hi"}`), "audio/mpeg", "ID3hi")
	isAudio(t, f.json(base+"/audio-messages/synthesize", `{"messageId":"`+strings.ToUpper(room)+`"}`), "audio/mpeg", "ID3a message")
	fails(t, f.json(base+"/audio-messages/synthesize", `{"messageId":"`+string(other)+`"}`), 404, "NOT_FOUND")
	fails(t, f.json(base+"/audio-messages/synthesize", `{"messageId":"x"}`), 400, "INVALID_ID")
	f.brain.models.Speaker = speaks(func(context.Context, string, string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(wav())), nil
	})
	isAudio(t, f.json(base+"/speech/generate", `{"text":"hi"}`), "audio/wav", string(wav()))
}

func isAudio(t *testing.T, rec *httptest.ResponseRecorder, mime, want string) {
	t.Helper()
	h := rec.Header()
	if rec.Code != 200 || h.Get("Content-Type") != mime || h.Get("Content-Length") != strconv.Itoa(len(want)) || rec.Body.String() != want {
		t.Errorf("%d %v %.80q, want %s %.80q", rec.Code, h, rec.Body, mime, want)
	}
}

func TestVoice(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	for _, path := range [...]string{"/speech", "/speech/conversation"} {
		rec := f.upload(base+path, map[string]string{"roomId": room, "userName": "Bob", "metadata": "{}"}, recording())
		answer := "You said: a.wav  RIFF"
		want := map[string]any{"success": true, "data": map[string]any{
			"text": answer, "transcription": "a.wav  RIFF", "format": "mp3", "audio": base64.StdEncoding.EncodeToString([]byte("ID3" + answer)),
		}}
		if d := cmp.Diff(want, decode(t, rec)); rec.Code != 200 || d != "" {
			t.Errorf("%d (-want +got):\n%s", rec.Code, d)
		}
		if got := rec.Header().Get("Content-Length"); got != strconv.Itoa(rec.Body.Len()) {
			t.Errorf("Content-Length = %s of %d", got, rec.Body.Len())
		}
	}
	if turn := f.brain.turns[1]; turn.ChannelID != room || turn.AuthorName != "Bob" {
		t.Errorf("turn = %+v", turn)
	}
	rec := f.upload(base+"/audio-messages", nil, recording())
	want := map[string]any{"success": true, "data": map[string]any{
		"transcription": "a.wav  RIFF", "message": map[string]any{"text": "a.wav  RIFF", "source": "direct"},
	}}
	if d := cmp.Diff(want, decode(t, rec)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}

	f.brain.models.Transcriber = hears(func(context.Context, io.Reader, string, string) (string, error) { return "", nil })
	silent := map[string]any{"text": "", "transcription": "", "format": "mp3", "audio": ""}
	if d := cmp.Diff(silent, decode(t, f.upload(base+"/speech", nil, recording()))["data"]); d != "" {
		t.Errorf("silence (-want +got):\n%s", d)
	}
	f.brain.models.Transcriber = hears(func(context.Context, io.Reader, string, string) (string, error) {
		return "a\x00b \"quoted\" <\u2028>", nil
	})
	f.brain.answer = func(context.Context, *core.Turn, core.Out) (core.Outcome, error) {
		return core.Outcome{Reply: &core.Content{Text: "x\x00y"}}, nil
	}
	got, _ := decode(t, f.upload(base+"/speech", nil, recording()))["data"].(map[string]any)
	if got["text"] != "x\x00y" || got["audio"] != base64.StdEncoding.EncodeToString([]byte("ID3x\x00y")) {
		t.Errorf("data = %q", got)
	}
}

func TestMiddleware(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	count := func(name string) []echo.MiddlewareFunc {
		return []echo.MiddlewareFunc{func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error {
				if seen[name]++; name == "upload" && seen["file"] != seen["all"] {
					t.Error("upload before file")
				}
				return next(c)
			}
		}}
	}
	f := setup(t, func(_ *audio.Options, h *audio.HandlerOptions) { h.File, h.Upload = count("file"), count("upload") })
	for _, path := range [...]string{"/transcriptions", "/audio-messages", "/speech", "/speech/conversation"} {
		seen["all"]++
		f.upload(base+path, nil, recording())
	}
	for _, path := range [...]string{"/speech/generate", "/speech/conversation", "/audio-messages/synthesize"} {
		seen["all"]++
		f.json(base+path, `{"text":"x"}`)
	}
	if want := map[string]int{"all": 7, "file": 7, "upload": 4}; !maps.Equal(seen, want) {
		t.Errorf("seen %v, want %v", seen, want)
	}
}

func FuzzUpload(f *testing.F) {
	f.Add([]byte("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF\r\n--x--"))
	f.Add([]byte("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x\r\n\r\n--x--"))
	f.Fuzz(func(t *testing.T, body []byte) {
		s := setup(t, nil)
		rec := s.send(base+"/transcriptions", "multipart/form-data; boundary=x", body)
		if rec.Code != 200 && rec.Code != 400 && rec.Code != 413 {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
		decode(t, rec)
	})
}
