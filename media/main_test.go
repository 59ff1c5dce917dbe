package media_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io/fs"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"go.uber.org/goleak"

	"github.com/eliza-go/eliza/internal/apitest"
	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ada     core.UUID = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
	unknown core.UUID = "11111111-1111-4111-8111-111111111111"
	hall    core.UUID = "cccccccc-cccc-4ccc-8ccc-cccccccccc02" // a channel

	toAda  = "/api/media/agents/" + string(ada) + "/upload-media"
	toHall = "/api/media/channels/" + string(hall) + "/upload-media"
)

// known are the agents there are.
type known []core.UUID

func (k known) Exists(_ context.Context, id core.UUID) (bool, error) {
	for _, a := range k {
		if a == id {
			return true, nil
		}
	}
	return false, nil
}

// server is the package over folders of its own, behind HTTP.
type server struct {
	t      testing.TB
	dirs   media.Dirs
	folder *media.Folder
	svc    *media.Manager
	http   http.Handler
}

func start(t testing.TB, opts media.HandlerOptions) *server {
	t.Helper()
	s := &server{t: t, dirs: media.DataDirs(t.TempDir())}
	s.folder = media.NewFolder(s.dirs)
	s.serve(s.folder, opts)
	return s
}

func (s *server) serve(blobs media.Blobs, opts media.HandlerOptions) {
	opts.Logger = slog.New(slog.DiscardHandler)
	s.svc = media.New(blobs, media.Options{})
	e := echo.New()
	h := media.NewHandler(s.svc, known{ada}, opts)
	h.Routes(e.Group("/api/media"))
	h.MessagingRoutes(e.Group("/api/messaging"))
	h.FileRoutes(e.Group("/media"))
	s.http = apitest.Handler(s.t, e)
}

// part is one part of a form; a file when it has a file name.
type part struct {
	field, file, mime string
	data              []byte
}

func upload(file, mime string, data []byte) []part {
	return []part{{field: "file", file: file, mime: mime, data: data}}
}

// form encodes parts.
func form(t testing.TB, parts []part) (contentType string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		disposition := fmt.Sprintf(`form-data; name=%q`, p.field)
		if p.file != "" {
			disposition += `; filename="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(p.file) + `"`
		}
		h := textproto.MIMEHeader{"Content-Disposition": {disposition}}
		if p.mime != "" {
			h.Set("Content-Type", p.mime)
		}
		pw, err := w.CreatePart(h)
		check(t, err)
		_, err = pw.Write(p.data)
		check(t, err)
	}
	check(t, w.Close())
	return w.FormDataContentType(), b.Bytes()
}

// answer is what came back.
type answer struct {
	*httptest.ResponseRecorder
	body map[string]any
}

func (a answer) code() string {
	e, _ := a.body["error"].(map[string]any)
	code, _ := e["code"].(string)
	return code
}

func (s *server) post(path, contentType string, body []byte) answer {
	s.t.Helper()
	req := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	req.Header.Set("Content-Type", contentType)
	a := answer{ResponseRecorder: httptest.NewRecorder()}
	s.http.ServeHTTP(a, req)
	if err := json.Unmarshal(a.Body.Bytes(), &a.body); err != nil {
		s.t.Fatalf("POST %s: answer %q: %v", path, a.Body, err)
	}
	return a
}

func (s *server) send(path string, parts []part) answer {
	s.t.Helper()
	contentType, body := form(s.t, parts)
	return s.post(path, contentType, body)
}

// stores uploads what must be taken, and returns the answer's data.
func (s *server) stores(path string, parts []part) media.File {
	s.t.Helper()
	a := s.send(path, parts)
	if a.Code != http.StatusOK {
		s.t.Fatalf("POST %s = %d %s", path, a.Code, a.Body)
	}
	var got struct {
		Success bool       `json:"success"`
		Data    media.File `json:"data"`
		media.File
	}
	check(s.t, json.Unmarshal(a.Body.Bytes(), &got))
	if !got.Success || got.Data != got.File {
		s.t.Fatalf("POST %s: %s has not the fields in both places", path, a.Body)
	}
	return got.Data
}

// get fetches a path as it is written, with headers in pairs.
func (s *server) get(method, path string, headers ...string) answer {
	s.t.Helper()
	req := httptest.NewRequest(method, "/", nil)
	u, err := url.ParseRequestURI(path)
	check(s.t, err)
	req.URL = u
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	a := answer{ResponseRecorder: httptest.NewRecorder()}
	s.http.ServeHTTP(a, req)
	_ = json.Unmarshal(a.Body.Bytes(), &a.body)
	return a
}

// stored lists all files below the folders.
func (s *server) stored() (all []string) {
	s.t.Helper()
	root := filepath.Dir(filepath.Dir(s.dirs.Agents))
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, path)
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	return all
}

func (s *server) empty() {
	s.t.Helper()
	if left := s.stored(); len(left) > 0 {
		s.t.Errorf("left behind: %q", left)
	}
}

func dot() *image.Paletted {
	return image.NewPaletted(image.Rect(0, 0, 2, 2), color.Palette{color.Black, color.White})
}

func pngFile(t testing.TB) []byte {
	var b bytes.Buffer
	check(t, png.Encode(&b, dot()))
	return b.Bytes()
}

func gifFile(t testing.TB) []byte {
	var b bytes.Buffer
	check(t, gif.Encode(&b, dot(), nil))
	return b.Bytes()
}

// jpegFile is a picture with that many bytes of notes before its header.
func jpegFile(t testing.TB, notes int) []byte {
	var b bytes.Buffer
	check(t, jpeg.Encode(&b, dot(), nil))
	out := append([]byte{}, b.Bytes()[:2]...)
	for ; notes > 0; notes -= 60_000 {
		n := min(notes, 60_000) + 2
		out = append(out, 0xff, 0xe1, byte(n>>8), byte(n))
		out = append(out, bytes.Repeat([]byte("n"), n-2)...)
	}
	return append(out, b.Bytes()[2:]...)
}

func webpFile(chunk string) []byte {
	body := map[string]string{
		"VP8 ": "\x0a\x00\x00\x00\x30\x01\x00\x9d\x01\x2a\x01\x00\x01\x00\x00\x00",
		"VP8L": "\x08\x00\x00\x00\x2f\x00\x00\x00\x00\x00\x00\x00",
		"VP8X": "\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
	}[chunk]
	return []byte("RIFF" + string(rune(len(body)+8)) + "\x00\x00\x00WEBP" + chunk + body)
}

func wavFile() []byte {
	return append([]byte("RIFF\x28\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data\x04\x00\x00\x00"), 0, 0, 1, 0)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
