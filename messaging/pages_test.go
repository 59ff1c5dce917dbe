package messaging_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// contents lists what a page says, newest first, and its head.
func (l *lab) contents(channel core.UUID, limit int) (string, int64) {
	l.t.Helper()
	page, err := l.Messages(l.t.Context(), messaging.Page{ChannelID: channel, AfterSeq: -1, Limit: limit})
	if err != nil {
		l.t.Fatal(err)
	}
	var texts []string
	for _, m := range page.Messages {
		texts = append(texts, m.Content)
	}
	return strings.Join(texts, " "), page.Head
}

func TestAPageIsNeverOlderThanItsChannel(t *testing.T) {
	t.Parallel()
	l := newLab(t, messaging.Options{})
	ch := l.channel(messaging.TypeGroup, user)
	want := func(text string, limit int) {
		t.Helper()
		for range 2 { // the second time it may have been kept
			if got, _ := l.contents(ch, limit); got != text {
				t.Errorf("page = %q, want %q", got, text)
			}
		}
	}
	want("", 10)
	a := l.say(ch, "one")
	want("one", 10)
	l.say(ch, "two")
	want("two one", 10)
	want("two", 1)
	changed := "ONE"
	if _, err := l.EditMessage(t.Context(), a.Message.ID, messaging.Edit{Content: &changed}); err != nil {
		t.Fatal(err)
	}
	want("two ONE", 10)
	if err := l.DeleteMessage(t.Context(), ch, a.Message.ID); err != nil {
		t.Fatal(err)
	}
	want("two", 10)
	if err := l.ClearChannel(t.Context(), ch); err != nil {
		t.Fatal(err)
	}
	want("", 10)
	if err := l.DeleteChannel(t.Context(), ch); err != nil {
		t.Fatal(err)
	}
	want("", 10)
	n := messaging.NewMessage{ChannelID: ch, ServerID: core.DefaultServerID, AuthorID: user, Content: "again", SourceType: "test", Create: &messaging.NewChannel{Name: "x", Type: messaging.TypeGroup}}
	if _, err := l.Accept(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	want("again", 10)
}

func TestAPageReadInATransactionIsNotKept(t *testing.T) {
	t.Parallel()
	l := newLab(t, messaging.Options{})
	ch := l.channel(messaging.TypeGroup, user)
	l.say(ch, "one")
	rolledBack := errors.New("rolled back")
	err := l.db.WithTx(t.Context(), func(ctx context.Context, _ *gorm.DB) error {
		if _, err := l.Accept(ctx, messaging.NewMessage{ChannelID: ch, AuthorID: user, Content: "never", SourceType: "test"}); err != nil {
			return err
		}
		page, err := l.Messages(ctx, messaging.Page{ChannelID: ch, AfterSeq: -1, Limit: 10})
		if err != nil || len(page.Messages) != 2 {
			t.Errorf("inside: %+v, %v", page, err)
		}
		return rolledBack
	})
	if !errors.Is(err, rolledBack) {
		t.Fatal(err)
	}
	l.say(ch, "two") // takes the number the other had
	if got, _ := l.contents(ch, 10); got != "two one" {
		t.Errorf("page = %q", got)
	}
}

func TestLargePagesAreNotKept(t *testing.T) {
	t.Parallel()
	l := newLab(t, messaging.Options{})
	ch := l.channel(messaging.TypeGroup, user)
	for range 12 {
		l.say(ch, strings.Repeat("x", 100_000))
	}
	read := func(limit int) *messaging.MessagePage {
		page, err := l.Messages(t.Context(), messaging.Page{ChannelID: ch, AfterSeq: -1, Limit: limit})
		if err != nil {
			t.Fatal(err)
		}
		return page
	}
	kept := func(limit int) bool {
		first := read(limit)
		return first == read(limit)
	}
	if !kept(5) {
		t.Error("a page of 500 KB was not kept")
	}
	if kept(12) {
		t.Error("a page of 1.2 MB was kept")
	}
	if diff := cmp.Diff(read(5).Messages, read(12).Messages[:5]); diff != "" {
		t.Errorf("kept and read differ:\n%s", diff)
	}
}

func TestAPageIsNotTooLarge(t *testing.T) {
	t.Parallel()
	l := newLab(t, messaging.Options{})
	ch := l.channel(messaging.TypeGroup, user)
	text := strings.Repeat("\U0001F600", 100_000)
	const sent = 50
	for range sent {
		l.say(ch, text)
	}
	first := l.page(messaging.Page{ChannelID: ch, AfterSeq: 0, Limit: 1}).Messages[0]
	for name, asked := range map[string]messaging.Page{
		"newest": {AfterSeq: -1}, "after a number": {AfterSeq: 0}, "the oldest": {AfterSeq: -1, After: first.CreatedAt - 1, Oldest: true},
	} {
		asked.ChannelID, asked.Limit = ch, 1000
		page := l.page(asked)
		n := len(page.Messages)
		if n < 30 || n >= sent || !page.More {
			t.Fatalf("%s: %d messages, more %v", name, n, page.More)
		}
		asked.Limit = n
		want := l.page(asked)
		if page.Messages[0].ID != want.Messages[0].ID || page.Messages[n-1].ID != want.Messages[n-1].ID || page.Head != want.Head {
			t.Errorf("%s: not what a limit of %d gives", name, n)
		}
	}
}

func (l *lab) page(p messaging.Page) *messaging.MessagePage {
	l.t.Helper()
	page, err := l.Messages(l.t.Context(), p)
	if err != nil {
		l.t.Fatal(err)
	}
	return page
}
