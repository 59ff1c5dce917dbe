package openai

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/eliza-go/eliza/runtime/core"
)

// FuzzStream feeds an endpoint's bytes in one piece and one by one: both ways must give the same, without a
// panic, and every answer ends with a reason or an error.
func FuzzStream(f *testing.F) {
	for _, s := range []string{
		"data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
		": c\r\n\r\ndata:{\"choices\":[{\"delta\":{\"content\":null}}]}\r\n\r\n", "data: {\ndata: }\n\n",
		`{"choices":[{"message":{"content":[{"text":"a"}]}}],"usage":{"prompt_tokens":1}}`,
		`[{"error":{"message":"x","code":400}}]`, "data: {\"error\":{\"type\":\"server_error\"}}\n\n", "data: 1\n\n", "\xef\xbb\xbf",
	} {
		f.Add([]byte(s))
	}
	p := newProvider(endpoint{}, &Options{MaxConcurrent: 1})
	read := func(r io.Reader) (text, finish string, err error) {
		opts := Options{}
		opts.setDefaults()
		a := &answer{Reader: r, watch: newWatch(func(error) {}, &opts)}
		err = p.readText(a, func(d core.TextDelta) bool {
			text += d.Text
			finish = d.FinishReason
			return true
		})
		a.watch.stop()
		return text, finish, err
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		text, finish, err := read(bytes.NewReader(raw))
		text1, finish1, err1 := read(iotest.OneByteReader(bytes.NewReader(raw)))
		if text != text1 || finish != finish1 || (err == nil) != (err1 == nil) {
			t.Errorf("in one piece %q %q %v, in many %q %q %v", text, finish, err, text1, finish1, err1)
		}
		if (err == nil) != (finish != "") {
			t.Errorf("finish %q with error %v", finish, err)
		}
	})
}

// FuzzComplaint checks that any error body is understood or kept.
func FuzzComplaint(f *testing.F) {
	for _, s := range []string{`{"error":{"message":"x","code":1}}`, `{"error":"x"}`, `{"detail":[{"loc":["a",1],"msg":"m"}]}`, `[]`, `[{}]`, `x`, `{"message":"m"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c := parseComplaint(raw)
		for _, name := range optional {
			mentions(c.text, name)
		}
	})
}

func TestDecoderBounds(t *testing.T) {
	t.Parallel()
	for name, input := range map[string][]byte{
		"line":  append([]byte("data: "), bytes.Repeat([]byte("x"), maxLine)...),
		"event": bytes.Repeat([]byte("data: [1,\n"), maxLine/4+1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := decoder{r: bufio.NewReader(bytes.NewReader(input))}
			if _, err := d.next(); !errors.Is(err, errGarbage) {
				t.Errorf("next() = %v, want %v", err, errGarbage)
			}
		})
	}
}
