package loop

import (
	"bytes"
	"context"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	describeTimeout = 30 * time.Second // of one attachment
	maxDescribed    = 8                // attachments of one message
	maxDocument     = 32 << 10         // bytes of a document's text: every turn reads the conversation with it
)

// describe fills in what the attachments of the message contain: of documents the text, of images what they
// show, where the agent can see. Nothing is fetched from elsewhere: only what is inside the message or kept by
// this server is looked at. One that fails is left as it is.
func (u *turn) describe(ctx context.Context) {
	see := u.r.Models().Describer
	wanted := func(a core.Media) bool { return undescribed(a) && see != nil || unread(a) }
	if !slices.ContainsFunc(u.memory.Content.Attachments, wanted) {
		return
	}
	list := slices.Clone(u.memory.Content.Attachments)
	var wg sync.WaitGroup
	for i := range list[:min(len(list), maxDescribed)] {
		a := &list[i]
		if !wanted(*a) {
			continue
		}
		fill := func(ctx context.Context) (core.Media, error) { return u.r.readDocument(ctx, *a) }
		at := place{"", "attachment", a.ID}
		if !unread(*a) {
			at = place{"", "model", "IMAGE_DESCRIPTION"}
			fill = func(ctx context.Context) (core.Media, error) { return u.look(ctx, see, *a) }
		}
		wg.Go(func() {
			filled, err := bounded(ctx, u.r, describeTimeout, at, fill)
			if err != nil {
				u.r.log.Warn("an attachment is not described", "run_id", u.run, "err", err)
				return
			}
			*a = filled
		})
	}
	wg.Wait()
	u.memory.Content.Attachments = list
}

func undescribed(a core.Media) bool {
	return a.Description == "" && (a.ContentType == "image" || strings.HasPrefix(a.ContentType, "image/"))
}

// look asks a model what an image shows.
func (u *turn) look(ctx context.Context, see core.Describer, a core.Media) (core.Media, error) {
	address, err := u.r.inline(ctx, a.URL)
	if address == "" || err != nil {
		return a, err
	}
	prompt := u.char.Templates[templateImage]
	if prompt == "" {
		prompt = imageText
	}
	title, description, err := see.Describe(ctx, address, prompt)
	if err != nil {
		return a, err
	}
	a.Description, a.Text = description, description
	if a.Title == "" {
		a.Title = title
	}
	return a, nil
}

// textual are the extensions of documents that are text.
var textual = map[string]bool{
	".txt": true, ".md": true, ".markdown": true, ".csv": true, ".tsv": true, ".json": true, ".jsonl": true, ".log": true,
	".xml": true, ".yaml": true, ".yml": true, ".toml": true, ".ini": true,
}

// unread tells whether an attachment is a document of text whose text is not known.
func unread(a core.Media) bool {
	if a.Text != "" || a.URL == "" {
		return false
	}
	t, _, _ := strings.Cut(strings.ToLower(a.ContentType), ";")
	switch {
	case strings.HasPrefix(t, "text/"), t == "application/json", t == "application/xml", t == "application/yaml":
		return true
	case t != "" && t != "document" && t != "file" && t != "application/octet-stream":
		return false
	}
	if head, ok := strings.CutPrefix(a.URL, "data:"); ok {
		return strings.HasPrefix(head, "text/") || strings.HasPrefix(head, "application/json")
	}
	u, err := url.Parse(a.URL)
	return err == nil && (textual[strings.ToLower(path.Ext(u.Path))] || textual[strings.ToLower(path.Ext(a.Title))])
}

// readDocument reads a document's text, cut where it is too long. What is no text stays unread.
func (r *Runtime) readDocument(ctx context.Context, a core.Media) (core.Media, error) {
	content, whole, err := r.read(ctx, a.URL, maxDocument)
	if err != nil {
		return a, err
	}
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	text := string(content[:len(content)-cutRune(content)])
	if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
		return a, nil
	}
	if !whole {
		text += "\n[cut]"
	}
	a.Text = text
	return a, nil
}

// cutRune is how many bytes at the end of b are the beginning of a character.
func cutRune(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if tail := b[len(b)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}
