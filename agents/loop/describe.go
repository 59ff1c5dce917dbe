package loop

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	describeTimeout = 30 * time.Second // of one image
	maxDescribed    = 8                // images of one message
)

// describe says in words what the images of the message show, where the agent can see. Nothing is fetched
// from elsewhere: only images inside the message or kept by this server are looked at.
func (u *turn) describe(ctx context.Context) {
	see := u.r.Models().Describer
	if see == nil || !slices.ContainsFunc(u.memory.Content.Attachments, undescribed) {
		return
	}
	list := slices.Clone(u.memory.Content.Attachments)
	prompt := u.char.Templates[templateImage]
	if prompt == "" {
		prompt = imageText
	}
	var wg sync.WaitGroup
	for i := range list[:min(len(list), maxDescribed)] {
		a := &list[i]
		if !undescribed(*a) {
			continue
		}
		wg.Go(func() {
			type words struct{ title, description string }
			at := place{"", "model", "IMAGE_DESCRIPTION"}
			w, err := bounded(ctx, u.r, describeTimeout, at, func(ctx context.Context) (w words, err error) {
				url, err := u.inline(ctx, a.URL)
				if url == "" || err != nil {
					return words{}, err
				}
				w.title, w.description, err = see.Describe(ctx, url, prompt)
				return w, err
			})
			if err != nil {
				u.r.log.Warn("an image is not described", "run_id", u.run, "err", err)
				return
			}
			a.Description, a.Text = w.description, w.description
			if a.Title == "" {
				a.Title = w.title
			}
		})
	}
	wg.Wait()
	u.memory.Content.Attachments = list
}

func undescribed(a core.Media) bool {
	return a.Description == "" && (a.ContentType == "image" || strings.HasPrefix(a.ContentType, "image/"))
}

// inline returns the image as a data URL, "" when it is none of ours.
func (u *turn) inline(ctx context.Context, url string) (string, error) {
	switch {
	case strings.HasPrefix(url, "data:"):
		return url, nil
	case u.r.opts.Inline == nil:
		return "", nil
	}
	return u.r.opts.Inline(ctx, url)
}
