package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

func FuzzPacket(f *testing.F) {
	for _, s := range []string{
		`0{"sid":"a"}`, "1", `2["a",{"b":1}]`, `37[{"error":"e","code":"C"}]`, `4{"message":"m"}`, `51-["a",{"_placeholder":true,"num":0}]`, "2/x,[]",
		`{"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := decodePacket(b)
		if err == nil && p != nil {
			_ = decodeEvent(p.name, p.data)
			_, _, _ = markOf(p.data), refusal(p.data), connectError(p.data)
			if len(p.data) > 0 && !json.Valid(p.data) {
				t.Errorf("%q gives %q", b, p.data)
			}
		}
		h, err := decodeHandshake(append([]byte{engineOpen}, b...))
		if err == nil && (h.silent() <= 0 || h.silent() > 10*time.Minute) {
			t.Errorf("%q gives %v", b, h.silent())
		}
	})
}

func FuzzEvent(f *testing.F) {
	for name := range kinds {
		f.Add(name, []byte(`{"id":"x","channelId":"c","seq":3,"actions":["a",1,null],"attachments":[{"url":"u"},7],"updates":{"createdAt":"x"},"payload":{"time":1,"level":2,"msg":"m","x":3}}`))
	}
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		e := decodeEvent(name, b)
		if _, unknown := e.(*Unknown); !unknown && kinds[name] == nil {
			t.Errorf("%q is a %T", name, e)
		}
		_, _ = answerEvent(block{name: name, data: b})
	})
}

func FuzzServerSentEvents(f *testing.F) {
	for _, s := range []string{
		"event: a\ndata: {\"b\":1}\n\n", ": c\n\nid: 7\n\ndata: x\r\ndata:y\r\r", "\xef\xbb\xbfdata: x\n\n", "data\n\n", "id: 1\x00\ndata: z\n\ndata: cut",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		whole, bytewise := newBlocks(bytes.NewReader(b), func() {}), newBlocks(iotest.OneByteReader(bytes.NewReader(b)), func() {})
		for {
			x, err := whole.next()
			y, other := bytewise.next()
			if !errors.Is(other, err) || x.name != y.name || x.id != y.id || !bytes.Equal(x.data, y.data) {
				t.Fatalf("%+v, %v; byte by byte %+v, %v", x, err, y, other)
			}
			if err != nil {
				return
			}
			if x.name == "" || strings.ContainsAny(x.name, "\r\n") || strings.ContainsRune(string(x.data), '\r') {
				t.Fatalf("%+v", x)
			}
		}
	})
}

func FuzzError(f *testing.F) {
	f.Add([]byte(`{"success":false,"error":{"code":"NOT_FOUND","message":"m","details":"d"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if e := decodeError(b); e != nil && e.Code == "" {
			t.Errorf("%q gives %+v", b, e)
		}
		var v envelope[[]core.Memory]
		_ = core.DecodeJSON(b, &v)
	})
}

func TestServerSentEvents(t *testing.T) {
	t.Parallel()
	in := newBlocks(strings.NewReader("\xef\xbb\xbf: hi\nid: 1\n\nevent: a\nretry: 5\ndata: x\ndata:  y\rid\r\n\r\ndata\n\nid: 3\n\nevent: b\n\ndata: z\n\ndata: cut"), func() {})
	for _, want := range []block{{"", "a", []byte("x\n y"), true}, {"", "message", nil, true}, {"3", "message", []byte("z"), true}} {
		got, err := in.next()
		if err != nil || got.id != want.id || got.name != want.name || !bytes.Equal(got.data, want.data) {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
	if b, err := in.next(); !errors.Is(err, io.EOF) {
		t.Errorf("%+v, %v, want the end", b, err)
	}
	endless := newBlocks(io.MultiReader(strings.NewReader("data: "), neverEnding{}), func() {})
	if _, err := endless.next(); !errors.Is(err, errEvent) {
		t.Errorf("an endless line: %v", err)
	}
}

// neverEnding is a reader of one letter.
type neverEnding struct{}

// Read implements [io.Reader].
func (neverEnding) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

func TestPauses(t *testing.T) {
	t.Parallel()
	r, err := Retry{}.filled()
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]time.Duration{1: r.Min, 2: 2 * r.Min, 4: 8 * r.Min, 20: r.Max, 1000: r.Max} {
		for range 100 {
			if d := r.pause(n); d < want/2 || d > want {
				t.Fatalf("pause %d is %v, want up to %v", n, d, want)
			}
		}
	}
}
