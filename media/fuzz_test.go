package media_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eliza-go/eliza/media"
)

// FuzzFileNames asks for any name, as text and as it may come over the wire: nothing outside of the folder is
// ever served, and nothing is a failure of the server.
func FuzzFileNames(f *testing.F) {
	s := start(f, media.HandlerOptions{})
	s.put(s.dirs.Agents, ada, "a.txt", []byte("fine"))
	s.put(s.dirs.Agents, unknown, "a.txt", []byte("secret"))
	check(f, os.WriteFile(filepath.Join(filepath.Dir(s.dirs.Agents), "outside.txt"), []byte("secret"), 0o600))
	for _, seed := range []string{
		"a.txt", "../" + string(unknown) + "/a.txt", "..%2f..%2foutside.txt", `..\..\outside.txt`, "%2e%2e/%2e%2e/outside.txt", "a.txt\x00", "%00", "%", "%zz", ".", "a.txt/",
		strings.Repeat("x", 255), "\xff", "%ff", "con", "a:b", "a..b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		paths := []url.URL{{Path: ofAda + name}, {Path: ofAda + name, RawPath: ofAda + url.PathEscape(name)}}
		if u, err := url.ParseRequestURI(ofAda + name); err == nil {
			paths = append(paths, *u)
		}
		for _, u := range paths {
			req := httptest.NewRequest(http.MethodGet, "/", nil)
			req.URL = &u
			rec := httptest.NewRecorder()
			s.http.ServeHTTP(rec, req)
			if rec.Code >= 500 || strings.Contains(rec.Body.String(), "secret") || rec.Code == 200 && rec.Body.String() != "fine" {
				t.Errorf("%q = %d %s", u.String(), rec.Code, rec.Body)
			}
		}
	})
}

// FuzzForms sends any form: the answer is never a failure of the server, and a refusal leaves no file.
func FuzzForms(f *testing.F) {
	s := start(f, media.HandlerOptions{MaxUpload: 4096})
	head := func(name, mime string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + name + "\"\r\nContent-Type: " + mime + "\r\n\r\n"
	}
	for _, seed := range []string{
		head("a.txt", "text/plain") + "hello" + closing, head("a.png", "image/png") + string(pngFile(f)) + closing, head("a.jpg", "image/jpeg") + string(jpegFile(f, 500)) + closing,
		head("a.gif", "image/gif") + string(gifFile(f)) + closing, head("a.webp", "image/webp") + string(webpFile("VP8X")) + closing,
		head("a.wav", "audio/wav") + string(wavFile()) + closing, head("../a", "text/plain") + "x", "--b--", "", "--b\r\n\r\n--b--",
		"--b\r\nContent-Disposition: form-data; name=x\r\n\r\ny\r\n" + head("a.pdf", "application/pdf") + "%PDF-1" + closing,
	} {
		f.Add("multipart/form-data; boundary=b", seed)
	}
	f.Add("multipart/form-data", "x")
	f.Add("application/json", "{}")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		s := &server{t: t, dirs: s.dirs, svc: s.svc, http: s.http}
		req := httptest.NewRequest(http.MethodPost, toAda, strings.NewReader(body))
		req.Header.Set("Content-Type", contentType)
		rec := httptest.NewRecorder()
		s.http.ServeHTTP(rec, req)
		if rec.Code >= 500 || !strings.HasPrefix(rec.Body.String(), "{") {
			t.Errorf("%q %q = %d %s", contentType, body, rec.Code, rec.Body)
		}
		if n := len(s.stored()); (n == 1) != (rec.Code == 200) {
			t.Errorf("%q %q = %d, %d files", contentType, body, rec.Code, n)
		}
		check(t, s.svc.DeleteAgent(t.Context(), ada))
	})
}

// FuzzRange asks for any parts of a file: what comes is parts of it and never more than the file, and nothing
// is a failure of the server.
func FuzzRange(f *testing.F) {
	s := start(f, media.HandlerOptions{})
	const content = "0123456789"
	s.put(s.dirs.Agents, ada, "a.txt", []byte(content))
	for _, seed := range []string{"bytes=0-4", "bytes=-3", "bytes=-0", "bytes=5-", "bytes=9-1", "bytes=0-0,2-3", "bytes=0-,0-,0-", "bytes= 1 - 2", "bytes=99999999999999999999-", "x", "bytes=", "\x00", "lines=1-2"} {
		f.Add(seed, "")
	}
	f.Add("bytes=1-2", `"etag"`)
	f.Add("bytes=1-2", "Tue, 24 Nov 2026 10:00:00 GMT")
	f.Fuzz(func(t *testing.T, ranges, condition string) {
		req := httptest.NewRequest(http.MethodGet, ofAda+"a.txt", nil)
		req.Header["Range"] = []string{ranges}
		if condition != "" {
			req.Header["If-Range"] = []string{condition}
		}
		rec := httptest.NewRecorder()
		s.http.ServeHTTP(rec, req)
		body := rec.Body.String()
		switch kind := rec.Header().Get("Content-Type"); {
		case rec.Code == http.StatusOK:
			if body != content {
				t.Errorf("Range %q: %q", ranges, body)
			}
		case rec.Code == http.StatusPartialContent && strings.HasPrefix(kind, "multipart/"):
			if len(body) > 64*1024 {
				t.Errorf("Range %q: %d bytes", ranges, len(body))
			}
		case rec.Code == http.StatusPartialContent:
			if !strings.Contains(content, body) { // net/http answers -0 with nothing
				t.Errorf("Range %q: %q", ranges, body)
			}
		case rec.Code != http.StatusRequestedRangeNotSatisfiable:
			t.Errorf("Range %q = %d %s", ranges, rec.Code, body)
		}
	})
}
