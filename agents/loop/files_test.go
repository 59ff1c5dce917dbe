package loop

import (
	"context"
	"encoding/base64"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/plugin"

	"github.com/eliza-go/eliza/runtime/core"
)

// cabinet is Files by address.
type cabinet map[string]string

func (c cabinet) Open(_ context.Context, address string) (io.ReadCloser, error) {
	s, ok := c[address]
	if !ok {
		return nil, &core.Error{Code: core.CodeNotFound, Message: "File not found"}
	}
	return io.NopCloser(strings.NewReader(s)), nil
}

func (c cabinet) Keep(_ context.Context, agent core.UUID, name, mime string, content io.Reader) (string, error) {
	b, err := io.ReadAll(content)
	if err != nil {
		return "", err
	}
	address := "/kept/" + string(agent) + "/" + name + " " + mime
	c[address] = string(b)
	return address, nil
}

type filesCase struct {
	url, title, kind string
	text             string
}

func TestDocumentsAreRead(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", maxDocument) // twice the bytes, cut in the middle of a character
	files := cabinet{
		"/media/a.txt": "\xef\xbb\xbfa text", "/media/b.csv": "a,b", "/media/c.txt": "\x00\x01", "/media/d.txt": "\xff\xfe",
		"/media/long.md": "x" + long, "/media/p.pdf": "%PDF-",
	}
	cases := []filesCase{
		{"/media/a.txt", "", "document", "a text"},
		{"/media/b.csv", "", "", "a,b"},
		{"/media/c.txt", "", "document", ""},
		{"/media/d.txt", "", "text/plain", ""},
		{"/media/long.md", "", "document", "x" + long[:maxDocument-2] + "\n[cut]"},
		{"/media/p.pdf", "", "document", ""},
		{"/media/gone.txt", "", "document", ""},
		{"https://example.com/a.txt", "", "document", ""},
		{"data:text/plain,a%20b", "", "document", "a b"},
		{"data:text/plain;base64,YSBi", "", "text/plain", "a b"},
		{"data:text/plain;base64,!", "", "text/plain", ""},
		{"data:;base64,YSBi", "x.json", "application/json", "a b"},
	}
	for from := 0; from < len(cases); from += maxDescribed {
		part := cases[from:min(len(cases), from+maxDescribed)]
		b := build(t, setup{script: []string{xml("a", "REPLY", "", "yes")}, opts: func(o *Options) { o.Files = files }})
		m := message("read")
		for _, c := range part {
			m.Content.Attachments = append(m.Content.Attachments, core.Media{URL: c.url, Title: c.title, ContentType: c.kind})
		}
		b.turn(t, m)
		for i, a := range b.mem.all[core.MemoryID(agentID, m.MessageID)].Content.Attachments {
			if a.Text != part[i].text {
				t.Errorf("%s: %.40q of %d bytes, want %.40q of %d", a.URL, a.Text, len(a.Text), part[i].text, len(part[i].text))
			}
		}
	}
}

func TestTroubleWithAttachmentsCostsNoAnswer(t *testing.T) {
	t.Parallel()
	blind := plugin.Plugin{Name: "eyes", Models: func(core.Runtime) (core.Models, error) { return core.Models{Describer: blind{}}, nil }}
	b := build(t, setup{
		script: []string{xml("a", "REPLY", "", "yes")}, plugins: []plugin.Plugin{blind},
		opts: func(o *Options) { o.Files = brokenFiles{} },
	})
	m := message("look")
	m.Content.Attachments = []core.Media{
		{URL: "data:image/png;base64,AA", ContentType: "image"},
		{URL: "data:image/gif;base64,AA", ContentType: "image"},
		{URL: "/media/x.txt", ContentType: "document"},
		{URL: "data:text/plain,fine", ContentType: "document"},
	}
	if got := said(b.turn(t, m)); got != "yes" {
		t.Errorf("reply = %q", got)
	}
	if a := b.mem.all[core.MemoryID(agentID, m.MessageID)].Content.Attachments; a[0].Description != "" || a[3].Text != "fine" {
		t.Errorf("attachments = %+v", a)
	}
}

// blind fails at one image and panics at another.
type blind struct{}

func (blind) Describe(_ context.Context, url, _ string) (string, string, error) {
	if strings.Contains(url, "png") {
		return "", "", errBroken
	}
	panic("no eyes")
}

type brokenFiles struct{ cabinet }

func (brokenFiles) Open(context.Context, string) (io.ReadCloser, error) { panic("no disk") }

type painter []string

func (p painter) Image(context.Context, string, string, int) ([]string, error) { return p, nil }

func TestImagesOfModelsAreKept(t *testing.T) {
	t.Parallel()
	files := cabinet{}
	draw := func(list ...string) ([]string, error) {
		p := plugin.Plugin{Name: "brush", Models: func(core.Runtime) (core.Models, error) { return core.Models{Imager: painter(list)}, nil }}
		b := build(t, setup{plugins: []plugin.Plugin{p}, opts: func(o *Options) { o.Files = files }})
		return b.rt.Models().Imager.Image(t.Context(), "x", "", 1)
	}
	list, err := draw("https://example.com/x.png", "data:image/png;base64,iVBORw0KGgo=")
	want := []string{"https://example.com/x.png", "/kept/" + string(agentID) + "/image.png image/png"}
	if diff := cmp.Diff(want, list); diff != "" || err != nil || files[want[1]] != "\x89PNG\r\n\x1a\n" {
		t.Errorf("Image = %v, %v, kept %q", list, err, files)
	}
	for _, bad := range []string{"data:", "data:image/png;base64,%%%", "data:x,%zz", "data:image/png,text"} {
		if _, err := draw(bad); core.CodeOf(err) != core.CodeModel {
			t.Errorf("Image that gives %q = %v", bad, err)
		}
	}
}

func TestDataURLsWithLineBreaksAreReadToTheirEnd(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("what is written here ", 100)
	coded := base64.StdEncoding.EncodeToString([]byte(content))
	wrapped := strings.Join(slices.Collect(func(yield func(string) bool) {
		for part := range slices.Chunk([]byte(coded), 76) {
			yield(string(part))
		}
	}), "\r\n")
	for _, limit := range []int{0, 1, 1000, len(content) - 20, len(content) - 1} {
		if _, got, err := dataURL("data:text/plain;base64,"+wrapped, limit); err != nil || len(got) <= limit {
			t.Errorf("with a limit of %d: %d of %d bytes, %v", limit, len(got), len(content), err)
		}
	}
	if _, got, err := dataURL("data:text/plain;base64,"+wrapped, len(content)); err != nil || string(got) != content {
		t.Errorf("%d of %d bytes, %v", len(got), len(content), err)
	}
}

func FuzzDataURL(f *testing.F) {
	for _, s := range []string{"data:text/plain,a%20b", "data:;base64,YSBi", "data:image/png;x=y;base64,YQ==", "data:,", "x"} {
		f.Add(s, 5)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if limit < 0 || limit > 1<<20 {
			return
		}
		if _, content, err := dataURL(s, limit); err == nil && (!strings.HasPrefix(s, "data:") || len(content) > limit+1) {
			t.Errorf("dataURL(%q, %d) = %d bytes", s, limit, len(content))
		}
	})
}
