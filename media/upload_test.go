package media_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestUploads(t *testing.T) {
	t.Parallel()
	s := start(t, media.HandlerOptions{})
	picture := pngFile(t)
	for path, prefix := range map[string]string{
		toAda:        "/media/uploads/agents/" + string(ada) + "/",
		toHall + "/": "/media/uploads/channels/" + string(hall) + "/",
		"/api/messaging/channels/" + strings.ToUpper(string(hall)) + "/upload-media": "/media/uploads/channels/" + string(hall) + "/",
		"/api/messaging/central-channels/" + string(hall) + "/upload-media":          "/media/uploads/channels/" + string(hall) + "/",
	} {
		f := s.stores(path, []part{
			{field: "file", file: `C:\pictures\dot.PNG`, mime: "Image/PNG; q=1", data: picture}, {field: "metadata", data: []byte("{}")}, {field: "contentType", data: []byte("image/png")},
		})
		if !regexp.MustCompile(`^\d{13}-[a-z2-7]{26}\.png$`).MatchString(f.Filename) {
			t.Errorf("%s: filename %q", path, f.Filename)
		}
		want := media.File{URL: prefix + f.Filename, Type: "image/png", Filename: f.Filename, OriginalName: "dot.PNG", Size: int64(len(picture))}
		if f != want {
			t.Errorf("%s: got %+v, want %+v", path, f, want)
		}
		if got := s.get(http.MethodGet, f.URL); got.Code != 200 || !bytes.Equal(got.Body.Bytes(), picture) {
			t.Errorf("%s: fetched %d, %d bytes", f.URL, got.Code, got.Body.Len())
		}
	}
	if n := len(s.stored()); n != 4 {
		t.Errorf("%d files stored, want 4", n)
	}
}

func TestAcceptedTypes(t *testing.T) {
	t.Parallel()
	s := start(t, media.HandlerOptions{})
	mp4 := []byte("\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2")
	webm := []byte("\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm")
	for _, row := range []struct {
		name, mime, ext, is string
		data                []byte
	}{
		{"a.mp3", "audio/mpeg", ".mp3", "audio/mpeg", []byte("ID3\x03\x00\x00\x00\x00\x00\x00")},
		{"a", "audio/mp3", ".mp3", "audio/mp3", []byte("\xff\xfb\x90\x00")},
		{"a.wav", "audio/wav", ".wav", "audio/wav", wavFile()},
		{"a.exe", "audio/x-wav", ".wav", "audio/x-wav", wavFile()},
		{"a.mp3", "audio/wave", ".wav", "audio/wave", wavFile()},
		{"a.opus", "audio/ogg", ".opus", "audio/ogg", []byte("OggS\x00\x02")},
		{"a.txt", "audio/ogg", ".ogg", "audio/ogg", []byte("OggS\x00\x02")},
		{"a.weba", "audio/webm;codecs=opus", ".weba", "audio/webm", webm},
		{"a.weba", "video/webm", ".webm", "video/webm", webm},
		{"a.mp4", "audio/mp4", ".mp4", "audio/mp4", mp4},
		{"a", "audio/mp4", ".m4a", "audio/mp4", mp4},
		{"a.m4a", "video/mp4", ".mp4", "video/mp4", mp4},
		{"a.aac", "audio/aac", ".aac", "audio/aac", []byte("\xff\xf1\x50\x80")},
		{"a.flac", "audio/flac", ".flac", "audio/flac", []byte("fLaC\x00\x00\x00\x22")},
		{"a.jpeg", "image/jpeg", ".jpeg", "image/jpeg", jpegFile(t, 0)},
		{"a.html", "image/jpeg", ".jpg", "image/jpeg", jpegFile(t, 5_000_000)},
		{"a.jpg", "image/jpeg", ".png", "image/png", pngFile(t)},
		{"a.gif", "image/gif", ".gif", "image/gif", gifFile(t)},
		{"a.webp", "image/webp", ".webp", "image/webp", webpFile("VP8 ")},
		{"a.webp", "image/webp", ".webp", "image/webp", webpFile("VP8L")},
		{"a.webp", "image/webp", ".webp", "image/webp", webpFile("VP8X")},
		{"a.pdf", "application/pdf", ".pdf", "application/pdf", []byte("%PDF-1.7\n")},
		{"a.html", "text/plain", ".txt", "text/plain", []byte("hello\n")},
		{"a.MD", "text/plain", ".md", "text/plain", []byte("# hello <svg>\n")},
		{"a.csv", "text/plain", ".csv", "text/plain", []byte("a,b\n1,2\n")},
		{"a.log", "text/plain", ".log", "text/plain", []byte(`{"level":"info"}`)},
		{"a.xml", "text/plain", ".txt", "text/plain", []byte(`<?xml version="1.0"?><note>x</note>`)},
		{"a.txt", "text/plain; charset=utf-8", ".txt", "text/plain", nil},
		{"ünï 😀.txt", "text/plain", ".txt", "text/plain", []byte("grüße")},
	} {
		f := s.stores(toHall, upload(row.name, row.mime, row.data))
		if filepath.Ext(f.Filename) != row.ext || f.Type != row.is || f.OriginalName != row.name || f.Size != int64(len(row.data)) {
			t.Errorf("%s %s: got %+v", row.name, row.mime, f)
		}
	}
}

func TestRefusedFiles(t *testing.T) {
	t.Parallel()
	s := start(t, media.HandlerOptions{})
	html := []byte("<!DOCTYPE html><html><script>alert(1)</script></html>")
	for _, row := range []struct {
		name, mime string
		data       []byte
	}{
		{"a.exe", "application/x-msdownload", []byte("MZ")},
		{"a.html", "text/html", []byte("<x/>")},
		{"a.txt", "", []byte("x")},
		{"a.txt", ";", []byte("x")},
		{"a.svg", "image/svg+xml", []byte("<svg/>")},
		{"a.txt", "application/octet-stream", []byte("x")},
		{"dot.png", "image/png", html},
		{"a.txt", "text/plain", html},
		{"a.txt", "text/plain", append([]byte("\xef\xbb\xbf  \n"), html...)},
		{"a.pdf", "application/pdf", append(html, "%PDF-1.7"...)},
		{"a.mp3", "audio/mpeg", html},
		{"a.jpg", "image/jpeg", append([]byte("\xff\xd8\xff\xe0"), html...)},
		{"a.png", "image/png", pngFile(t)[:20]},
		{"a.png", "image/png", []byte("just text")},
		{"a.png", "image/png", nil},
		{"a.webp", "image/webp", []byte("RIFF\x20\x00\x00\x00WEBPVP8 \x0a\x00\x00\x00<html><script>")},
		{"a.webp", "image/webp", []byte("RIFF\x20\x00\x00\x00WEBP")},
		{"a.txt", "text/plain", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>`)},
		{"a.txt", "text/plain", []byte(`<?xml version="1.0"?><!-- x --><svg xmlns="http://www.w3.org/2000/svg"/>`)},
		{"a.txt", "text/plain", []byte(`<?xml version="1.0"?><x:html xmlns:x="http://www.w3.org/1999/xhtml"/>`)},
		{"a.txt", "text/plain", []byte("#!/opt/own/interpreter\nx")},
		{"a.txt", "text/plain", []byte("#!/bin/sh\nx")},
		{"a.txt", "text/plain", []byte("<?php echo 1;")},
		{"a.txt", "text/plain", append([]byte("MZ"), make([]byte, 200)...)},
		{"a.mp3", "audio/mpeg", append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 200)...)},
		{"a.mp3", "audio/mpeg", []byte("\x00asm\x01\x00\x00\x00")},
		{"a.pdf", "application/pdf", []byte("no document")},
	} {
		if a := s.send(toAda, upload(row.name, row.mime, row.data)); a.Code != 400 || a.code() != "INVALID_FILE_TYPE" {
			t.Errorf("%s %s %.40q = %d %s", row.name, row.mime, row.data, a.Code, a.Body)
		}
	}
	s.empty()
}

func TestRefusedForms(t *testing.T) {
	t.Parallel()
	s := start(t, media.HandlerOptions{MaxUpload: 1000})
	text := part{field: "file", file: "a.txt", mime: "text/plain", data: []byte("hello")}
	field := func(n int) part { return part{field: "f", data: bytes.Repeat([]byte("x"), n)} }
	named := func(name string) []part { return upload(name, "text/plain", []byte("hello")) }
	many := append([]part{text}, make([]part, 21)...)
	for name, row := range map[string]struct {
		path   string
		parts  []part
		status int
		code   string
	}{
		"bad agent":           {"/api/media/agents/nope/upload-media", []part{text}, 400, "INVALID_ID"},
		"bad channel":         {"/api/media/channels/nope/upload-media", []part{text}, 400, "INVALID_ID"},
		"bad channel, alias":  {"/api/messaging/channels/nope/upload-media", []part{text}, 400, "INVALID_ID"},
		"unknown agent":       {"/api/media/agents/" + string(unknown) + "/upload-media", []part{text}, 404, "NOT_FOUND"},
		"no file":             {toAda, []part{field(5)}, 400, "INVALID_REQUEST"},
		"no parts":            {toAda, nil, 400, "INVALID_REQUEST"},
		"file without a name": {toAda, []part{{field: "file", mime: "text/plain", data: []byte("x")}}, 400, "INVALID_REQUEST"},
		"other field":         {toAda, []part{{field: "media", file: "a.txt", mime: "text/plain"}}, 400, "BAD_REQUEST"},
		"second file":         {toAda, []part{text, text}, 400, "BAD_REQUEST"},
		"second, other field": {toAda, []part{text, field(3), {field: "x", file: "b.txt", mime: "text/plain"}}, 400, "BAD_REQUEST"},
		"fields after":        {toAda, many, 400, "BAD_REQUEST"},
		"fields before":       {toAda, append(many[1:len(many):len(many)], text), 400, "BAD_REQUEST"},
		"large fields":        {toAda, []part{field(530 << 10), text, field(530 << 10)}, 413, "PAYLOAD_TOO_LARGE"},
		"large file":          {toAda, upload("a.txt", "text/plain", make([]byte, 1001)), 413, "FILE_TOO_LARGE"},
		"very large file":     {toAda, upload("a.txt", "text/plain", make([]byte, 2<<20)), 413, "FILE_TOO_LARGE"},
		"dots":                {toAda, named("../a.txt"), 400, "BAD_REQUEST"},
		"dots inside":         {toAda, named("a..txt"), 400, "BAD_REQUEST"},
		"NUL":                 {toAda, named("a\x00.txt"), 400, "BAD_REQUEST"},
		"folder only":         {toAda, named("a/"), 400, "BAD_REQUEST"},
	} {
		if a := s.send(row.path, row.parts); a.Code != row.status || a.code() != row.code || a.body["success"] != false {
			t.Errorf("%s = %d %s, want %d %s", name, a.Code, a.Body, row.status, row.code)
		}
	}
	contentType, whole := form(t, []part{text})
	boundary := strings.TrimPrefix(contentType, "multipart/form-data; boundary=")
	for name, row := range map[string]struct{ contentType, body, code string }{
		"JSON":              {"application/json", "{}", "INVALID_REQUEST"},
		"no type":           {"", "x", "INVALID_REQUEST"},
		"no body":           {contentType, "", "INVALID_REQUEST"},
		"no boundary":       {"multipart/form-data", string(whole), "BAD_REQUEST"},
		"cut in the file":   {contentType, string(whole[:bytes.Index(whole, []byte("hello"))+2]), "BAD_REQUEST"},
		"cut at the end":    {contentType, string(whole[:len(whole)-len(boundary)-4]), "BAD_REQUEST"},
		"cut in the header": {contentType, string(whole[:len(boundary)+30]), "INVALID_REQUEST"},
		"huge header":       {contentType, "--" + boundary + "\r\nA: " + strings.Repeat("a", 2<<20), "BAD_REQUEST"},
		"no disposition":    {contentType, "--" + boundary + "\r\n\r\nx\r\n--" + boundary + "--\r\n", "BAD_REQUEST"},
	} {
		a := s.post(toAda, row.contentType, []byte(row.body))
		if name == "huge header" && a.Code == 413 {
			continue
		}
		if a.Code != 400 || a.code() != row.code {
			t.Errorf("%s = %d %s, want %s", name, a.Code, a.Body, row.code)
		}
	}
	s.empty()
}

func TestNamesAreKeptShort(t *testing.T) {
	t.Parallel()
	s := start(t, media.HandlerOptions{})
	f := s.stores(toHall, upload("x/"+strings.Repeat("ü", 300)+".txt", "text/plain", []byte("x")))
	if f.OriginalName != strings.Repeat("ü", 255) {
		t.Errorf("originalName %q", f.OriginalName)
	}
}

// broken is storage that fails.
type broken struct {
	media.Blobs
	err error
}

func (b broken) Save(_ context.Context, _ media.Kind, _ core.UUID, _ string, r io.Reader) (int64, error) {
	_, _ = r.Read(make([]byte, 1))
	return 0, b.err
}

func TestStorageFails(t *testing.T) {
	t.Parallel()
	s := start(t, media.HandlerOptions{})
	s.serve(broken{err: errors.New("secret cause")}, media.HandlerOptions{})
	if a := s.send(toAda, upload("a.png", "image/png", pngFile(t))); a.Code != 500 || a.code() != "UPLOAD_ERROR" || strings.Contains(a.Body.String(), "secret") {
		t.Errorf("got %d %s", a.Code, a.Body)
	}
	check(t, os.MkdirAll(filepath.Dir(s.dirs.Agents), 0o750))
	check(t, os.WriteFile(s.dirs.Agents, nil, 0o600))
	s.serve(s.folder, media.HandlerOptions{})
	if a := s.send(toAda, upload("a.txt", "text/plain", []byte("x"))); a.Code != 500 || a.code() != "UPLOAD_ERROR" {
		t.Errorf("no folder: got %d %s", a.Code, a.Body)
	}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := start(t, media.HandlerOptions{})
	full := readerFunc(func([]byte) (int, error) { return 0, &os.PathError{Op: "write", Err: syscall.ENOSPC} })
	if _, err := s.folder.Save(t.Context(), media.KindAgent, ada, "a.txt", full); core.CodeOf(err) != core.CodeStorageFull {
		t.Errorf("got %v", err)
	}
	s.empty()
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
