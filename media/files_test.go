package media_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/runtime/core"
)

// put writes a file into the folders, as a plugin would.
func (s *server) put(dir string, owner core.UUID, name string, data []byte) string {
	s.t.Helper()
	path := filepath.Join(dir, string(owner), name)
	check(s.t, os.MkdirAll(filepath.Dir(path), 0o750))
	check(s.t, os.WriteFile(path, data, 0o600))
	return path
}

const ofAda = "/media/uploads/agents/" + string(ada) + "/"

func TestServing(t *testing.T) {
	t.Parallel()
	s := start(t, media.HandlerOptions{})
	const sandbox = "sandbox; default-src 'none'"
	for name, want := range map[string]struct{ mime, disposition, csp string }{
		"a.png":          {"image/png", "inline; filename=a.png", sandbox},
		"a.JPG":          {"image/jpeg", "inline; filename=a.JPG", sandbox},
		"a.wav":          {"audio/wav", "inline; filename=a.wav", sandbox},
		"a.mp4":          {"video/mp4", "inline; filename=a.mp4", sandbox},
		"a.txt":          {"text/plain; charset=utf-8", "inline; filename=a.txt", sandbox},
		"a.pdf":          {"application/pdf", "inline; filename=a.pdf", ""},
		"a.html":         {"application/octet-stream", "attachment; filename=a.html", sandbox},
		"a.svg":          {"image/svg+xml", "attachment; filename=a.svg", sandbox},
		"a.js":           {"application/octet-stream", "attachment; filename=a.js", sandbox},
		"a.json":         {"application/json; charset=utf-8", "attachment; filename=a.json", sandbox},
		"none":           {"application/octet-stream", "attachment; filename=none", sandbox},
		"a \";\r\n.bin":  {"application/octet-stream", "attachment; filename*=utf-8''a%20%22%3B%0D%0A.bin", sandbox},
		"%2e%2e%2fx.png": {"image/png", "inline; filename=%2e%2e%2fx.png", sandbox},
	} {
		for dir, prefix := range map[string]string{
			s.dirs.Agents: ofAda, s.dirs.Channels: "/media/uploads/channels/" + string(ada) + "/", s.dirs.Generated: "/media/generated/" + string(ada) + "/",
		} {
			path := s.put(dir, ada, name, []byte("content"))
			target := s.svc.PublicURL(path)
			if !strings.HasPrefix(target, prefix) {
				t.Errorf("the address of %s is %s, want below %s", path, target, prefix)
			}
			a := s.get(http.MethodGet, target)
			h := a.Header()
			got := []string{
				h.Get("Content-Type"), h.Get("Content-Disposition"), h.Get("Content-Security-Policy"), h.Get("X-Content-Type-Options"),
				h.Get("Cache-Control"), h.Get("Accept-Ranges"), h.Get("Content-Length"), a.Body.String(),
			}
			if diff := cmp.Diff([]string{want.mime, want.disposition, want.csp, "nosniff", "public, max-age=31536000, immutable", "bytes", "7", "content"}, got); diff != "" || a.Code != 200 {
				t.Errorf("%s = %d: %s", target, a.Code, diff)
			}
			if h.Get("ETag") == "" || h.Get("Last-Modified") == "" {
				t.Errorf("%s: ETag %q, Last-Modified %q", target, h.Get("ETag"), h.Get("Last-Modified"))
			}
			head := s.get(http.MethodHead, target)
			if head.Code != 200 || head.Body.Len() != 0 || !cmp.Equal(head.Header(), h) {
				t.Errorf("HEAD %s = %d, %d bytes: %s", target, head.Code, head.Body.Len(), cmp.Diff(h, head.Header()))
			}
		}
	}
}

func TestPrivateFilesAreNotCachedByOthers(t *testing.T) {
	t.Parallel()
	s := start(t, media.HandlerOptions{Private: true})
	s.put(s.dirs.Agents, ada, "a.txt", []byte("x"))
	if got := s.get(http.MethodGet, ofAda+"a.txt").Header().Get("Cache-Control"); got != "private, max-age=31536000, immutable" {
		t.Errorf("Cache-Control: %s", got)
	}
}

// deadlines records the deadlines of an answer.
type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

func (d *deadlines) SetWriteDeadline(t time.Time) error {
	d.set = append(d.set, t)
	return nil
}

func TestSlowReadersAreNotWaitedForForever(t *testing.T) {
	t.Parallel()
	s := start(t, media.HandlerOptions{})
	s.put(s.dirs.Agents, ada, "a.txt", make([]byte, 160<<10))
	d := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	began := time.Now()
	s.http.ServeHTTP(d, httptest.NewRequest(http.MethodGet, ofAda+"a.txt", nil))
	if len(d.set) != 2 || d.set[0].Before(began.Add(40*time.Second)) || d.set[0].After(time.Now().Add(40*time.Second)) || !d.set[1].IsZero() {
		t.Errorf("began %s, deadlines %v", began, d.set)
	}
}

func TestRanges(t *testing.T) {
	t.Parallel()
	s := start(t, media.HandlerOptions{})
	digits := bytes.Repeat([]byte("0123456789"), 100)
	f := s.stores(toHall, upload("digits.txt", "text/plain", digits))
	etag := s.get(http.MethodGet, f.URL).Header().Get("ETag")
	modified := s.get(http.MethodGet, f.URL).Header().Get("Last-Modified")
	for _, row := range []struct {
		headers []string
		status  int
		length  int
		body    string
		ranged  string
	}{
		{[]string{"Range", "bytes=5-14"}, 206, 10, "5678901234", "bytes 5-14/1000"},
		{[]string{"Range", "bytes=-3"}, 206, 3, "789", "bytes 997-999/1000"},
		{[]string{"Range", "bytes=998-"}, 206, 2, "89", "bytes 998-999/1000"},
		{[]string{"Range", "bytes=2000-"}, 416, -1, "", "bytes */1000"},
		{[]string{"Range", "bytes=x"}, 416, -1, "", ""},
		{[]string{"Range", "bytes=5-14", "If-Range", etag}, 206, 10, "5678901234", "bytes 5-14/1000"},
		{[]string{"Range", "bytes=5-14", "If-Range", `"old"`}, 200, 1000, string(digits), ""},
		{[]string{"If-None-Match", etag}, 304, 0, "", ""},
		{[]string{"If-Modified-Since", modified}, 304, 0, "", ""},
		{[]string{"If-Match", `"other"`}, 412, 0, "", ""},
	} {
		a := s.get(http.MethodGet, f.URL, row.headers...)
		if a.Code != row.status || row.length >= 0 && (a.Body.Len() != row.length || a.Body.String() != row.body) || a.Header().Get("Content-Range") != row.ranged {
			t.Errorf("%q = %d %q %q", row.headers, a.Code, a.Header().Get("Content-Range"), a.Body)
		}
	}
}

func TestPathAttacks(t *testing.T) {
	t.Parallel()
	s := start(t, media.HandlerOptions{})
	s.put(s.dirs.Agents, ada, "a.txt", []byte("fine"))
	s.put(s.dirs.Agents, ada, ".hidden", []byte("secret"))
	s.put(s.dirs.Agents, unknown, "a.txt", []byte("secret"))
	outside := filepath.Join(filepath.Dir(s.dirs.Agents), "outside.txt")
	check(t, os.WriteFile(outside, []byte("secret"), 0o600))
	own := filepath.Join(s.dirs.Agents, string(ada))
	check(t, os.Mkdir(filepath.Join(own, "folder.txt"), 0o750))
	for name, to := range map[string]string{
		"abs.txt": outside, "rel.txt": "../../outside.txt", "other.txt": "../" + string(unknown) + "/a.txt", "dir.txt": "..", "loop.txt": "loop.txt", "dead.txt": "nothing",
	} {
		check(t, os.Symlink(to, filepath.Join(own, name)))
	}
	linked := core.UUID("22222222-2222-4222-8222-222222222222")
	check(t, os.Symlink(filepath.Dir(outside), filepath.Join(s.dirs.Agents, string(linked))))
	if a := s.get(http.MethodGet, ofAda+"a.txt"); a.Code != 200 || a.Body.String() != "fine" {
		t.Fatalf("the file itself = %d %s", a.Code, a.Body)
	}
	for path, want := range map[string]int{
		"../../outside.txt": 400, "%2e%2e%2f%2e%2e%2foutside.txt": 400, "..%5c..%5coutside.txt": 400, "%2e%2e": 400, "..": 400, "a..txt": 400,
		"..%2f" + string(unknown) + "%2fa.txt": 400, "a.txt%00": 400, "%00": 400, ".hidden": 400, "%2ehidden": 400, "a.txt/": 400, "x/a.txt": 400,
		"x%2fa.txt": 400, "%2fetc%2fpasswd": 400, "a.txt%2f": 400, strings.Repeat("x", 256): 400, strings.Repeat("x", 255): 404,
		"%252e%252e%252fa.txt": 404, "abs.txt": 404, "rel.txt": 404, "other.txt": 404, "dir.txt": 404, "loop.txt": 404, "dead.txt": 404, "folder.txt": 404,
		"b.txt": 404, "a.txt%20": 404, "%ff": 404,
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			a := s.get(method, ofAda+path)
			if a.Code != want || strings.Contains(a.Body.String(), "secret") || a.Header().Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s %s = %d %s, want %d", method, path, a.Code, a.Body, want)
			}
			if code := map[int]string{400: "BAD_REQUEST", 404: "NOT_FOUND"}[want]; a.code() != code {
				t.Errorf("%s %s: %s, want %s", method, path, a.Body, code)
			}
		}
	}
	for path, want := range map[string]int{
		"/media/uploads/agents/nope/a.txt": 400, "/media/uploads/channels/..%2fagents/a.txt": 400, "/media/generated/../a.txt": 400,
		"/media/uploads/agents/" + string(linked) + "/outside.txt": 404, "/media/uploads/channels/" + string(ada) + "/a.txt": 404,
	} {
		if a := s.get(http.MethodGet, path); a.Code != want || a.code() != map[int]string{400: "INVALID_ID", 404: "NOT_FOUND"}[want] {
			t.Errorf("%s = %d %s, want %d", path, a.Code, a.Body, want)
		}
	}
	// An upload does not leave the folder either.
	if a := s.send("/api/media/channels/"+string(linked)+"/upload-media", upload("a.txt", "text/plain", []byte("x"))); a.Code != 200 {
		t.Errorf("a channel with the id of a link elsewhere = %d %s", a.Code, a.Body)
	}
	if _, err := s.folder.Save(t.Context(), media.KindAgent, linked, "a.txt", strings.NewReader("x")); err == nil {
		t.Error("saved through a link")
	}
	for _, name := range []string{"", ".", "..", "../a", "a/b", `a\b`, "a\x00", ".a", "a..b"} {
		if _, err := s.folder.Save(t.Context(), media.KindAgent, ada, name, strings.NewReader("x")); core.CodeOf(err) != core.CodeBadRequest {
			t.Errorf("save %q: %v", name, err)
		}
	}
	for _, id := range []core.UUID{"", "..", "nope", core.UUID(strings.ToUpper(string(ada)))} {
		if err := s.folder.Delete(t.Context(), media.KindAgent, id); core.CodeOf(err) != core.CodeInvalidID {
			t.Errorf("delete %q: %v", id, err)
		}
	}
}

func TestDeletions(t *testing.T) {
	t.Parallel()
	s := start(t, media.HandlerOptions{})
	check(t, s.svc.DeleteAgent(t.Context(), ada)) // before there is any folder
	f := s.stores(toAda, upload("a.txt", "text/plain", []byte("x")))
	kept := s.stores("/api/media/channels/"+string(ada)+"/upload-media", upload("a.txt", "text/plain", []byte("x")))
	made := s.put(s.dirs.Generated, ada, "a.png", pngFile(t))
	check(t, s.svc.DeleteAgent(t.Context(), ada))
	check(t, s.svc.DeleteAgent(t.Context(), ada))
	for url, want := range map[string]int{f.URL: 404, s.svc.PublicURL(made): 404, kept.URL: 200} {
		if a := s.get(http.MethodGet, url); a.Code != want {
			t.Errorf("%s = %d, want %d", url, a.Code, want)
		}
	}
	check(t, s.svc.DeleteChannel(t.Context(), ada))
	s.empty()
	for _, dir := range []string{s.dirs.Agents, s.dirs.Channels, s.dirs.Generated} {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: %v, %v", dir, left, err)
		}
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	s := start(t, media.HandlerOptions{})
	check(t, s.folder.Sweep(t.Context(), 0)) // nothing there
	done := s.put(s.dirs.Agents, ada, "1-a.txt", []byte("x"))
	cut := s.put(s.dirs.Channels, hall, ".upload-aaaa", []byte("x"))
	check(t, s.folder.Sweep(t.Context(), time.Hour))
	if n := len(s.stored()); n != 2 {
		t.Fatalf("%d files after a sweep of old ones, want 2", n)
	}
	old := time.Now().Add(-2 * time.Hour)
	check(t, os.Chtimes(cut, old, old))
	check(t, os.Chtimes(done, old, old))
	check(t, s.folder.Sweep(t.Context(), time.Hour))
	if diff := cmp.Diff([]string{done}, s.stored()); diff != "" {
		t.Error(diff)
	}
}

func TestPublicURL(t *testing.T) {
	t.Parallel()
	dirs := media.DataDirs(t.TempDir())
	svc := media.New(media.NewFolder(dirs), media.Options{PublicPath: "/host/eliza"})
	own := filepath.Join(dirs.Generated, string(ada), "a b.png")
	for in, want := range map[string]string{
		own:                     "/host/eliza/media/generated/" + string(ada) + "/a%20b.png",
		"file://" + own:         "/host/eliza/media/generated/" + string(ada) + "/a%20b.png",
		"":                      "",
		"/etc/passwd":           "/etc/passwd",
		"https://x.example/a":   "https://x.example/a",
		"/media/generated/x":    "/media/generated/x",
		dirs.Generated + "/../": dirs.Generated + "/../",
		filepath.Join(dirs.Generated, string(ada), ".upload-x"): filepath.Join(dirs.Generated, string(ada), ".upload-x"),
		filepath.Join(dirs.Generated, "nope", "a.png"):          filepath.Join(dirs.Generated, "nope", "a.png"),
	} {
		if got := svc.PublicURL(in); got != want {
			t.Errorf("PublicURL(%q) = %q, want %q", in, got, want)
		}
	}
}
