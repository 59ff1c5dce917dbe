package storagetest

import (
	"slices"
	"testing"
	"time"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
)

// seqs lists the numbers of a page.
func seqs(page []messaging.Message) []int64 {
	out := make([]int64, len(page))
	for i := range page {
		out[i] = page[i].Seq
	}
	return out
}

var messageTests = []subtest{
	{"Pages", func(t *testing.T, f *fixture) {
		channel := f.channel(t)
		var sent []*messaging.Message
		for range 10 {
			n := newMessage(channel, "hello")
			n.Undeliver = true // numbers 1 to 10
			sent = append(sent, f.accept(t, n).Message)
		}
		f.send(t, f.channel(t))
		for _, test := range []struct {
			name string
			page messaging.Page
			want []int64
			more bool
		}{
			{"newest", messaging.Page{AfterSeq: -1, Limit: 3}, []int64{10, 9, 8}, true},
			{"all", messaging.Page{AfterSeq: -1, Limit: 10}, []int64{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, false},
			{"before", messaging.Page{AfterSeq: -1, Before: sent[4].CreatedAt, Limit: 2}, []int64{4, 3}, true},
			{"before, the end", messaging.Page{AfterSeq: -1, Before: sent[2].CreatedAt, Limit: 2}, []int64{2, 1}, false},
			{"after", messaging.Page{AfterSeq: -1, After: sent[7].CreatedAt, Limit: 5}, []int64{10, 9}, false},
			{"after, the oldest", messaging.Page{AfterSeq: -1, After: sent[3].CreatedAt, Oldest: true, Limit: 2}, []int64{6, 5}, true},
			{"after, the oldest and all", messaging.Page{AfterSeq: -1, After: sent[6].CreatedAt, Oldest: true, Limit: 3}, []int64{10, 9, 8}, false},
			{"between", messaging.Page{AfterSeq: -1, Before: sent[7].CreatedAt, After: sent[3].CreatedAt, Limit: 5}, []int64{7, 6, 5}, false},
			{"after a number, oldest first", messaging.Page{AfterSeq: 7, Limit: 2}, []int64{8, 9}, true},
			{"after number 0", messaging.Page{AfterSeq: 0, Limit: 2}, []int64{1, 2}, true},
			{"after the last", messaging.Page{AfterSeq: 10, Limit: 2}, []int64{}, false},
		} {
			test.page.ChannelID = channel
			page, more, err := f.m.Messages(t.Context(), test.page)
			must(t, err)
			if got := seqs(page); !slices.Equal(got, test.want) || more != test.more {
				t.Errorf("%s: %v, more %v, want %v, %v", test.name, got, more, test.want, test.more)
			}
		}
		page, _, err := f.m.Messages(t.Context(), messaging.Page{ChannelID: channel, AfterSeq: -1, Limit: 1})
		must(t, err)
		if diff := differ(*sent[9], page[0]); diff != "" {
			t.Errorf("message of a page differs (-accepted +page):\n%s", diff)
		}
	}},
	{"Search", func(t *testing.T, f *fixture) {
		channel, author := f.channel(t), core.NewUUID()
		for _, text := range []string{"Red apple", "100% juice", `back\slash`, "under_score", "green APPLE"} {
			n := newMessage(channel, text)
			n.AuthorID, n.Undeliver = author, true
			f.accept(t, n)
		}
		other := newMessage(f.channel(t), "apple elsewhere")
		other.Undeliver = true
		f.accept(t, other)
		for _, test := range []struct {
			name  string
			q     messaging.Search
			want  []int64
			total int
		}{
			{"either case", messaging.Search{Query: "apple", ChannelID: channel, Limit: 9}, []int64{5, 1}, 2},
			{"page", messaging.Search{Query: "apple", ChannelID: channel, Limit: 1, Offset: 1}, []int64{1}, 2},
			{"percent", messaging.Search{Query: "%", ChannelID: channel, Limit: 9}, []int64{2}, 1},
			{"backslash", messaging.Search{Query: `\`, ChannelID: channel, Limit: 9}, []int64{3}, 1},
			{"underscore", messaging.Search{Query: `_`, ChannelID: channel, Limit: 9}, []int64{4}, 1},
			{"author", messaging.Search{Query: "apple", AuthorID: author, Limit: 9}, []int64{5, 1}, 2},
			{"author only", messaging.Search{AuthorID: author, Limit: 2}, []int64{5, 4}, 5},
			{"nothing", messaging.Search{Query: "pear", ChannelID: channel, Limit: 9}, []int64{}, 0},
		} {
			page, total, err := f.m.Search(t.Context(), test.q)
			must(t, err)
			if got := seqs(page); !slices.Equal(got, test.want) || total != test.total {
				t.Errorf("%s: %v of %d, want %v of %d", test.name, got, total, test.want, test.total)
			}
		}
		if _, total, err := f.m.Search(t.Context(), messaging.Search{Query: "apple", Limit: 9}); err != nil || total != 3 {
			t.Errorf("search everywhere: %d, %v, want 3", total, err)
		}
	}},
	{"Events after a number", func(t *testing.T, f *fixture) {
		channel := f.channel(t)
		for range 4 {
			f.send(t, channel) // a message and its completion each
		}
		all := f.dense(t, channel)
		for after := range int64(9) {
			for _, limit := range []int{1, 3, 100} {
				kept, err := f.m.Events(t.Context(), channel, after, limit)
				must(t, err)
				want := all[after:min(int(after)+limit, len(all))]
				if kept.Head != 8 || kept.Gap || !slices.Equal(kinds(kept.Events), kinds(want)) || len(want) > 0 && kept.Events[0].Seq != want[0].Seq {
					t.Errorf("Events(%d, %d) = %+v", after, limit, kept)
				}
			}
		}
		if kept, err := f.m.Events(t.Context(), channel, 0, 0); err != nil || kept.Head != 8 || len(kept.Events) != 0 {
			t.Errorf("Events(0, 0) = %+v, %v, want the head alone", kept, err)
		}
		if kept, err := f.m.Events(t.Context(), channel, 9, 10); err != nil || !kept.Gap {
			t.Errorf("Events after a number that was never given = %+v, %v, want a gap", kept, err)
		}
	}},
	{"Events that were swept leave a gap", func(t *testing.T, f *fixture) {
		channel, other := f.channel(t), f.channel(t)
		msg := f.send(t, channel).Message // 1 and 2
		f.send(t, other)
		get[*messaging.Event](t)(f.m.EditMessage(t.Context(), msg.ID, messaging.Edit{})) // 3
		f.send(t, channel)                                                               // 4 and 5
		must(t, f.m.Sweep(t.Context(), time.Hour, -time.Hour))
		for after, gap := range map[int64]bool{0: true, 2: true, 3: false, 5: false} {
			if kept, err := f.m.Events(t.Context(), channel, after, 10); err != nil || kept.Gap != gap {
				t.Errorf("Events(%d) = %+v, %v, want gap %v", after, kept, err, gap)
			}
		}
		if kept, err := f.m.Events(t.Context(), other, 0, 10); err != nil || kept.Gap {
			t.Errorf("Events of the other channel = %+v, %v, want no gap", kept, err)
		}
	}},
}

var changeTests = []subtest{
	{"Edit", func(t *testing.T, f *fixture) {
		channel, text := f.channel(t), "edited"
		msg := f.send(t, channel).Message
		ev := get[*messaging.Event](t)(f.m.EditMessage(t.Context(), msg.ID, messaging.Edit{Content: &text, Metadata: map[string]any{"k": "v"}}))
		if ev.Seq != 3 || ev.Kind != messaging.KindEdited || ev.Message.Content != text || ev.Message.SourceType != msg.SourceType {
			t.Errorf("event = %+v", ev)
		}
		events := f.dense(t, channel)
		wantKinds(t, events, messaging.KindMessage, messaging.KindComplete, messaging.KindEdited)
		if diff := differ(*ev, events[2]); diff != "" {
			t.Errorf("kept event differs (-returned +kept):\n%s", diff)
		}
		_, err := f.m.EditMessage(t.Context(), core.NewUUID(), messaging.Edit{Content: &text})
		wantErr(t, err, messaging.ErrMessageNotFound)
	}},
	{"Delete completes what is open first", func(t *testing.T, f *fixture) {
		one, two := f.agent(t), f.agent(t)
		channel := f.channel(t, one, two)
		a := f.send(t, channel)
		d := f.claim(t)[0]
		get[*messaging.Ended](t)(f.m.Finish(t.Context(), &d, answer(&d)))
		ended := get[*messaging.Ended](t)(f.m.DeleteMessage(t.Context(), channel, a.Message.ID))
		wantKinds(t, ended.Events, messaging.KindComplete, messaging.KindDeleted)
		got := statuses(completion(t, ended.Events, a.Message.ID))
		if len(got) != 2 || got[d.AgentID] != messaging.StatusResponded {
			t.Errorf("results = %v", got)
		}
		events, head := f.events(t, channel)
		wantKinds(t, events, messaging.KindMessage, messaging.KindComplete, messaging.KindDeleted)
		if diff := differ(ended.Events, events[1:]); diff != "" || head != 4 {
			t.Errorf("head %d, kept events differ (-returned +kept):\n%s", head, diff)
		}
		if got := f.claim(t); len(got) != 0 {
			t.Errorf("claimed %v of a deleted message", got)
		}
	}},
	{"Delete of a complete message", func(t *testing.T, f *fixture) {
		channel := f.channel(t)
		msg := f.send(t, channel).Message
		ended := get[*messaging.Ended](t)(f.m.DeleteMessage(t.Context(), channel, msg.ID))
		wantKinds(t, ended.Events, messaging.KindDeleted)
		_, err := f.m.DeleteMessage(t.Context(), core.NewUUID(), msg.ID)
		wantErr(t, err, messaging.ErrChannelNotFound)
	}},
	{"Delete of no message changes nothing", func(t *testing.T, f *fixture) {
		channel := f.channel(t)
		elsewhere := f.send(t, f.channel(t)).Message
		for _, id := range []core.UUID{core.NewUUID(), elsewhere.ID} {
			_, err := f.m.DeleteMessage(t.Context(), channel, id)
			wantErr(t, err, messaging.ErrMessageNotFound)
		}
		if n := len(f.dense(t, channel)); n != 0 {
			t.Errorf("%d events, want none", n)
		}
		get[*messaging.Message](t)(f.m.Message(t.Context(), elsewhere.ID))
	}},
	{"Clear completes what is open first", func(t *testing.T, f *fixture) {
		channel := f.channel(t, f.agent(t))
		first, second := f.send(t, channel), f.send(t, channel)
		ended := get[*messaging.Ended](t)(f.m.ClearChannel(t.Context(), channel))
		wantKinds(t, ended.Events, messaging.KindComplete, messaging.KindComplete, messaging.KindCleared)
		if ended.Events[0].MessageID != first.Message.ID || ended.Events[1].MessageID != second.Message.ID {
			t.Errorf("completed %v, want the older message first", ended.Events)
		}
		events, head := f.events(t, channel)
		if diff := differ(ended.Events, events); diff != "" || head != 5 {
			t.Errorf("head %d, kept events differ (-returned +kept):\n%s", head, diff)
		}
		if a := f.send(t, channel); a.Message.Seq != 6 {
			t.Errorf("the next message has number %d, want 6", a.Message.Seq)
		}
	}},
	{"Edits of deleted messages do not hide what follows", func(t *testing.T, f *fixture) {
		channel := f.channel(t)
		msg, kept := f.send(t, channel).Message, f.send(t, channel).Message
		for range 5 {
			get[*messaging.Event](t)(f.m.EditMessage(t.Context(), msg.ID, messaging.Edit{}))
		}
		get[*messaging.Ended](t)(f.m.DeleteMessage(t.Context(), channel, msg.ID))
		get[*messaging.Event](t)(f.m.EditMessage(t.Context(), kept.ID, messaging.Edit{}))
		after, err := f.m.Events(t.Context(), channel, 4, 2)
		must(t, err)
		wantKinds(t, after.Events, messaging.KindDeleted, messaging.KindEdited)
	}},
	{"Complete on behalf of another", func(t *testing.T, f *fixture) {
		channel := f.channel(t)
		r := messaging.Result{MessageID: core.NewUUID(), ServerID: core.DefaultServerID}
		ev := get[*messaging.Event](t)(f.m.Complete(t.Context(), channel, r))
		if diff := differ([]messaging.Event{*ev}, f.dense(t, channel)); diff != "" {
			t.Errorf("kept event differs (-returned +kept):\n%s", diff)
		}
		_, err := f.m.Complete(t.Context(), core.NewUUID(), r)
		wantErr(t, err, messaging.ErrChannelNotFound)
	}},
}
