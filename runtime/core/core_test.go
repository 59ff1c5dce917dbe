package core_test

import (
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza/runtime/core"
)

func TestStringToUUID(t *testing.T) {
	t.Parallel()
	const agent = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
	for in, want := range map[string]core.UUID{
		"Eliza":                                "b850bc30-45f8-0041-a00a-83df46d8555d",
		"héllo wörld":                          "93824064-00f3-05ac-9053-09726326c166",
		"it's (a) *test*!~":                    "b34c47db-d73a-01eb-afd0-0ec2a612bed2",
		"CCCCCCCC-cccc-4ccc-8ccc-cccccccccc02": "cccccccc-cccc-4ccc-8ccc-cccccccccc02",
	} {
		if got := core.StringToUUID(in); got != want {
			t.Errorf("StringToUUID(%q) = %s, want %s", in, got, want)
		}
	}
	for base, want := range map[string]core.UUID{
		string(core.DefaultServerID):           "73002a9b-1751-08e5-8d83-196a268fb3e2",
		"cccccccc-cccc-4ccc-8ccc-cccccccccc02": "e6d71c72-b2eb-084f-9712-ad1bb768ac8b",
		agent:                                  agent,
	} {
		if got := core.ForAgent(agent, base); got != want {
			t.Errorf("ForAgent(%s) = %s, want %s", base, got, want)
		}
	}
}

func TestParseUUID(t *testing.T) {
	t.Parallel()
	for _, ok := range []string{"00000000-0000-0000-0000-000000000000", "B850BC30-45F8-0041-A00A-83DF46D8555D"} {
		if got, err := core.ParseUUID(ok); err != nil || string(got) != strings.ToLower(ok) {
			t.Errorf("ParseUUID(%q) = %q, %v", ok, got, err)
		}
	}
	for _, bad := range []string{
		"", "nope", "b850bc3045f80041a00a83df46d8555d", "{b850bc30-45f8-0041-a00a-83df46d8555d}",
		"urn:uuid:b850bc30-45f8-0041-a00a-83df46d8555d", "g850bc30-45f8-0041-a00a-83df46d8555d", "b850bc30-45f8-0041-a00a-83df46d8555d ",
	} {
		if got, err := core.ParseUUID(bad); core.CodeOf(err) != core.CodeInvalidID {
			t.Errorf("ParseUUID(%q) = %q, %v, want an error of code INVALID_ID", bad, got, err)
		}
	}
}

func FuzzParseUUID(f *testing.F) {
	f.Add("b850bc30-45f8-0041-a00a-83df46d8555d")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := core.ParseUUID(s)
		if err == nil && (len(id) != 36 || string(id) != strings.ToLower(s)) {
			t.Errorf("ParseUUID(%q) = %q", s, id)
		}
		if again, err := core.ParseUUID(string(core.StringToUUID(s))); err != nil || again == "" {
			t.Errorf("StringToUUID(%q) is no UUID", s)
		}
	})
}

func TestNewUUIDsSortByTime(t *testing.T) {
	t.Parallel()
	seen := map[core.UUID]bool{}
	for range 1000 {
		id := core.NewUUID()
		if _, err := core.ParseUUID(string(id)); err != nil || seen[id] || id[14] != '7' {
			t.Fatalf("NewUUID() = %s", id)
		}
		seen[id] = true
	}
}

func TestContentKeepsWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	const in = `{"text":"hi <b>","actions":["REPLY"],"big":12345678901234567890,"attachments":[{"id":"a","url":"/x","size":3}],"nested":{"a":[1,null]}}`
	var c core.Content
	if err := core.DecodeJSON([]byte(in), &c); err != nil {
		t.Fatal(err)
	}
	if c.Text != "hi <b>" || c.Attachments[0].Extra["size"] != json.Number("3") || c.Extra["big"] != json.Number("12345678901234567890") {
		t.Errorf("content = %+v", c)
	}
	out, err := core.EncodeJSON(c)
	if err != nil {
		t.Fatal(err)
	}
	var want, got any
	if core.DecodeJSON([]byte(in), &want) != nil || core.DecodeJSON(out, &got) != nil {
		t.Fatalf("encoded: %s", out)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("round trip (-want +got):\n%s", diff)
	}
	if !strings.Contains(string(out), "hi <b>") {
		t.Errorf("HTML is escaped: %s", out)
	}
}

func TestLogEntriesAreReadBack(t *testing.T) {
	t.Parallel()
	for _, want := range []core.LogEntry{
		{Time: 1, Level: 30, Message: "m"},
		{Time: 1795466261422, Level: 40, Message: "a <b>", AgentID: "b850bc30-45f8-0041-a00a-83df46d8555d", AgentName: "Ada", Fields: map[string]any{"n": json.Number("12345678901234567890"), "o": map[string]any{"p": nil}}},
	} {
		b, err := core.EncodeJSON(want)
		if err != nil {
			t.Fatal(err)
		}
		var got core.LogEntry
		if err := core.DecodeJSON(b, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", b, diff)
		}
	}
	if err := core.DecodeJSON([]byte(`{"level":"info"}`), &core.LogEntry{}); err == nil {
		t.Error("a level that is no number is taken")
	}
}

func TestBioKeepsItsForm(t *testing.T) {
	t.Parallel()
	for _, in := range []string{`"one text"`, `["two","lines"]`, `[]`} {
		var b core.Bio
		if err := json.Unmarshal([]byte(in), &b); err != nil {
			t.Fatal(err)
		}
		if out, err := json.Marshal(b); err != nil || string(out) != in {
			t.Errorf("%s became %s, %v", in, out, err)
		}
	}
}

func TestGuard(t *testing.T) {
	t.Parallel()
	no := errors.New("no")
	for name, tc := range map[string]struct {
		fn       func() error
		is       error
		panicked bool
	}{
		"nothing":             {func() error { return nil }, nil, false},
		"an error":            {func() error { return no }, no, false},
		"a panic":             {func() error { panic("oh") }, nil, true},
		"a panic of an error": {func() error { panic(no) }, no, true},
		"a panic of nil":      {func() error { panic(nil) }, nil, true},
		"an unreadable error": {func() error { return (*core.Error)(nil) }, nil, true},
		"Goexit":              {func() error { runtime.Goexit(); return nil }, nil, true},
	} {
		err := core.Guard(tc.fn)
		p, panicked := errors.AsType[*core.PanicError](err)
		if panicked != tc.panicked || tc.is != nil && !errors.Is(err, tc.is) || !panicked && !errors.Is(err, tc.is) {
			t.Errorf("%s: %v", name, err)
		}
		if panicked && (!strings.Contains(p.Stack, "Guard") || p.Error() == "") {
			t.Errorf("%s: %q, stack %s", name, p, p.Stack)
		}
	}
}

func TestAHookThatPanicsKeepsNoOtherFromRunning(t *testing.T) {
	t.Parallel()
	for _, end := range []func(){func() { panic("oh") }, runtime.Goexit} {
		ctx, scope := core.WithCommitScope(t.Context())
		var ran []int
		for i := range 4 {
			core.AfterCommit(ctx, func() {
				ran = append(ran, i)
				if i%2 == 1 {
					end()
				}
			})
		}
		err := core.Guard(func() error { scope.Run(); return nil })
		if diff := cmp.Diff([]int{0, 1, 2, 3}, ran); diff != "" || err == nil || core.InTransaction(ctx) {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]core.Millis{
		"1795466261422": 1795466261422, "2026-11-23T20:37:41.422Z": 1795466261422, "2026-11-23T21:37:41.422+01:00": 1795466261422,
		"1970-01-01": 0, "1970-01-01T00:00": 0, "1970-01-01T00:00:01.5": 1500,
	} {
		if got, err := core.ParseTime(in); err != nil || got != want {
			t.Errorf("ParseTime(%q) = %d, %v, want %d", in, got, err, want)
		}
	}
	for _, bad := range []string{"yesterday", "2026-13-01", "1e9", " 1"} {
		if _, err := core.ParseTime(bad); core.CodeOf(err) != core.CodeBadRequest {
			t.Errorf("ParseTime(%q): %v, want BAD_REQUEST", bad, err)
		}
	}
	if b, err := json.Marshal(core.ISO(1795466261422)); err != nil || string(b) != `"2026-11-23T20:37:41.422Z"` {
		t.Errorf("ISO = %s, %v", b, err)
	}
}

func TestAfterCommit(t *testing.T) {
	t.Parallel()
	var ran []string
	note := func(s string) func() { return func() { ran = append(ran, s) } }
	core.AfterCommit(t.Context(), note("at once"))
	ctx, scope := core.WithCommitScope(t.Context())
	core.AfterCommit(ctx, note("first"))
	core.AfterCommit(ctx, note("second"))
	if diff := cmp.Diff([]string{"at once"}, ran); diff != "" {
		t.Errorf("before the commit (-want +got):\n%s", diff)
	}
	scope.Run()
	scope.Run()
	if diff := cmp.Diff([]string{"at once", "first", "second"}, ran); diff != "" {
		t.Errorf("after it (-want +got):\n%s", diff)
	}
}

func TestErrorsMatchByCode(t *testing.T) {
	t.Parallel()
	sentinel := &core.Error{Code: core.CodeNotFound, Message: "Agent not found"}
	cause := core.BadRequest("cause")
	err := sentinel.With("Agent 7 not found").Wrap(cause)
	if !err.Is(sentinel) || core.CodeOf(err) != core.CodeNotFound || err.Error() != "Agent 7 not found: cause" || sentinel.Message != "Agent not found" {
		t.Errorf("error = %v", err)
	}
	if core.CodeOf(nil) != core.CodeInternal {
		t.Error("an error without a code is internal")
	}
}

// Others, a database among them, read keys as they are written, and take the first of two.
func TestContentHasOneValueUnderAKey(t *testing.T) {
	t.Parallel()
	var c core.Content
	if err := json.Unmarshal([]byte(`{"Text":5,"text":"a","TEXT":"b","attachments":[{"URL":"x","url":"y"}]}`), &c); err != nil {
		t.Fatal(err)
	}
	if c.Text != "a" || c.Attachments[0].URL != "y" || c.Extra["TEXT"] != "b" {
		t.Errorf("content = %+v", c)
	}
	c = core.Content{Text: "a", Extra: map[string]any{"text": "b", "source": "s", "n": 1}}
	if b, err := json.Marshal(c); err != nil || string(b) != `{"text":"a","n":1,"source":"s"}` {
		t.Errorf("written = %s, %v", b, err)
	}
}

func FuzzContent(f *testing.F) {
	f.Add(`{"text":"a","x":{"text":[1,"}"]},"y":"\"{"}`)
	f.Add(`{"te\u0078t":"a","attachments":[{"id":"1","z":null}]}`)
	f.Fuzz(func(t *testing.T, doc string) {
		var c core.Content
		if core.DecodeJSON([]byte(doc), &c) != nil {
			return
		}
		var all map[string]any
		if err := core.DecodeJSON([]byte(doc), &all); err != nil {
			return // null
		}
		for k := range all {
			switch k {
			case "text", "thought", "actions", "providers", "source", "target", "url", "inReplyTo", "attachments", "channelType", "simple", "responseId":
				delete(all, k)
			}
		}
		if diff := cmp.Diff(all, c.Extra); len(all) > 0 && diff != "" {
			t.Errorf("%q: extra (-want +got):\n%s", doc, diff)
		}
	})
}
