package eliza_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/plugin/doctor"
	"github.com/eliza-go/eliza/runtime/core"
)

// chooses is a model's whole answer with an action.
func chooses(action string) string {
	return "<response><thought>as the test wants</thought><actions>" + action + "</actions><providers></providers><text></text></response>"
}

// reply is the text of the answer to a message, "" when there is none.
func reply(a elizatest.Answer) string {
	a.T.Helper()
	r, _ := a.Want(201).Body["agentResponse"].(map[string]any)
	text, _ := r["text"].(string)
	return text
}

func TestAMutedRoomIsSilentUntilTheAgentIsNamed(t *testing.T) {
	t.Parallel()
	sure := "yes"
	model := elizatest.Model(func(_ context.Context, r core.TextRequest) (string, error) {
		switch text := elizatest.Last(r); {
		case r.Purpose == core.PurposeConfirm:
			return "<response><answer>" + sure + "</answer></response>", nil
		case strings.Contains(text, "be quiet"):
			return chooses("MUTE_ROOM"), nil
		case strings.Contains(text, "speak again"):
			return chooses("UNMUTE_ROOM"), nil
		}
		return elizatest.Respond("here"), nil
	})
	s := elizatest.Start(t, eliza.WithPlugins(model.Plugin()))
	agent, user, channel := s.Agent("Ada"), core.NewUUID(), core.NewUUID()
	say := func(text string) string { t.Helper(); return reply(s.Say(channel, user, agent, text, "http")) }
	sure = "no, why"
	if got := say("be quiet"); got != "" {
		t.Errorf("a question of doubt was answered with %q", got)
	}
	if got := say("hello"); got != "here" {
		t.Errorf("after a no the room got %q", got)
	}
	sure = "yes"
	if got := say("be quiet"); !strings.Contains(got, "silent") {
		t.Errorf("the wish was answered with %q", got)
	}
	if got := say("hello?"); got != "" {
		t.Errorf("a muted agent said %q", got)
	}
	if got := reply(s.Say(core.NewUUID(), user, agent, "hello", "http")); got != "here" {
		t.Errorf("in another room it said %q", got)
	}
	if got := say("hello ADA?"); got != "here" {
		t.Errorf("named, it said %q", got)
	}
	if got := say("still there?"); got != "" {
		t.Errorf("being named once ended the silence: %q", got)
	}
	if got := say("Ada, speak again"); !strings.Contains(got, "again") {
		t.Errorf("unmuting was answered with %q", got)
	}
	if got := say("hello?"); got != "here" {
		t.Errorf("after unmuting it said %q", got)
	}
	if n := len(s.Messages(channel)); n != 13 {
		t.Errorf("%d messages, want all that was said and answered", n)
	}
}

type brush func(ctx context.Context, prompt string) ([]string, error)

func (p brush) Image(ctx context.Context, prompt, _ string, _ int) ([]string, error) {
	return p(ctx, prompt)
}

// aPicture is a real image.
func aPicture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 2, 2))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestImagesAreDrawnAndServed(t *testing.T) {
	t.Parallel()
	raw := aPicture(t)
	data := "data:image/png;base64," + base64.StdEncoding.EncodeToString(raw)
	for name, tt := range map[string]struct {
		images []string
		err    error
		url    string // begins like this
	}{
		"inside the answer": {images: []string{data}, url: "/media/generated/"},
		"elsewhere":         {images: []string{"https://images.example/1.png"}, url: "https://images.example/1.png"},
		"not an image":      {images: []string{"data:image/png;base64,aGVsbG8="}},
		"fails":             {err: errors.New("no colours today")},
		"nothing":           {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model := elizatest.Model(func(_ context.Context, r core.TextRequest) (string, error) {
				switch {
				case r.Purpose == core.PurposeImage:
					return "<response><prompt>a red cat</prompt><text>Look!</text></response>", nil
				case r.Purpose == core.PurposeReply:
					return "<response><thought>t</thought><text>I try.</text></response>", nil
				case elizatest.Last(r) == "draw" && strings.Contains(r.Prompt, "GENERATE_IMAGE"):
					return chooses("REPLY, GENERATE_IMAGE"), nil
				}
				return elizatest.Respond("words"), nil
			})
			draws := plugin.Plugin{Name: "brush", Models: func(core.Runtime) (core.Models, error) {
				return core.Models{Imager: brush(func(_ context.Context, prompt string) ([]string, error) {
					if prompt != "a red cat" {
						t.Errorf("prompt = %q", prompt)
					}
					return tt.images, tt.err
				})}, nil
			}}
			s := elizatest.Start(t, eliza.WithPlugins(model.Plugin(), draws))
			agent, user, channel := s.Agent("Ada"), core.NewUUID(), core.NewUUID()
			a := s.Say(channel, user, agent, "draw", "http").Want(201)
			list, _ := a.Body["agentResponses"].([]any)
			last, _ := list[len(list)-1].(map[string]any)
			if tt.url == "" {
				if len(list) != 1 || last["text"] != "I try." {
					t.Errorf("answers: %s", a.Raw)
				}
			} else {
				files, _ := last["attachments"].([]any)
				file, _ := files[0].(map[string]any)
				url, _ := file["url"].(string)
				if len(list) != 2 || last["text"] != "Look!" || !strings.HasPrefix(url, tt.url) || file["contentType"] != "image" {
					t.Fatalf("answers: %s", a.Raw)
				}
				if strings.HasPrefix(url, "/") {
					if got := s.Get(url).Want(200); !bytes.Equal(got.Raw, raw) || got.Header.Get("Content-Type") != "image/png" {
						t.Errorf("%s serves %d bytes of %s", url, len(got.Raw), got.Header.Get("Content-Type"))
					}
				}
			}
			if got := reply(s.Say(channel, user, agent, "and now?", "http")); got != "words" {
				t.Errorf("the next message got %q", got)
			}
		})
	}
}

// send uploads a file to a channel and returns its address.
func send(s *elizatest.Server, channel core.UUID, name, mime string, content []byte) string {
	s.T.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="` + name + `"`}, "Content-Type": {mime},
	})
	if err != nil {
		s.T.Fatal(err)
	}
	_, _ = part.Write(content)
	_ = form.Close()
	client := s.Client
	client.Header = http.Header{"Content-Type": {form.FormDataContentType()}}
	url, _ := client.Do(http.MethodPost, "/api/messaging/channels/"+string(channel)+"/upload-media", &body).Want(200).Data()["url"].(string)
	return url
}

type eyes func(url string) (string, error)

func (e eyes) Describe(_ context.Context, url, _ string) (string, string, error) {
	d, err := e(url)
	return "A picture", d, err
}

func TestAttachmentsAreReadAndLookedAt(t *testing.T) {
	t.Parallel()
	raw := aPicture(t)
	var mu sync.Mutex
	var looked []string
	sees := plugin.Plugin{Name: "eyes", Models: func(core.Runtime) (core.Models, error) {
		return core.Models{Describer: eyes(func(url string) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			looked = append(looked, url)
			return "four grey dots", nil
		})}, nil
	}}
	var seen string
	model := elizatest.Model(func(_ context.Context, r core.TextRequest) (string, error) {
		if r.Purpose == core.PurposeReply {
			seen = r.Prompt
			return "<response><thought>t</thought><text>I have read it.</text></response>", nil
		}
		return strings.Replace(chooses("REPLY"), "<providers>", "<providers>ATTACHMENTS", 1), nil
	})
	s := elizatest.Start(t, eliza.WithPlugins(model.Plugin(), sees), eliza.WithPublicPath("/host"))
	agent, user, channel := s.Agent("Ada"), core.NewUUID(), core.NewUUID()
	s.Say(channel, user, agent, "hello", "http").Want(201)
	notes := send(s, channel, "notes.md", "text/plain", []byte("# The cellar key is under the mat"))
	picture := send(s, channel, "dots.png", "image/png", raw)
	a := s.Post("/api/messaging/channels/"+string(channel)+"/messages", map[string]any{
		"author_id": user, "server_id": core.DefaultServerID, "content": "see files", "transport": "http",
		"metadata": map[string]any{"isDm": true, "targetUserId": agent, "attachments": []any{
			map[string]any{"id": "1", "url": notes, "title": "notes.md", "contentType": "document"},
			map[string]any{"id": "2", "url": picture, "title": "dots.png", "contentType": "image"},
			map[string]any{"id": "3", "url": s.Base + "/secret.txt", "title": "secret.txt", "contentType": "document"},
			map[string]any{"id": "4", "url": "https://images.example/x.png", "contentType": "image"},
			map[string]any{"id": "5", "url": "/media/uploads/channels/" + string(channel) + "/..%2f..%2f..%2feliza.db.txt", "contentType": "document"},
			map[string]any{"id": "6", "url": "/media/uploads/nobody/" + string(channel) + "/x.txt", "contentType": "document"},
			map[string]any{"id": "7", "url": "file:///etc/hosts.txt", "contentType": "document"},
			map[string]any{"id": "8", "url": "http://[::1", "contentType": "image"},
		}},
	})
	if got := reply(a); got != "I have read it." {
		t.Fatalf("answer: %s", a.Raw)
	}
	for _, part := range []string{"The cellar key is under the mat", "four grey dots"} {
		if !strings.Contains(seen, part) {
			t.Errorf("the prompt lacks %q:\n%s", part, seen)
		}
	}
	want := "data:image/png;base64," + base64.StdEncoding.EncodeToString(raw)
	if len(looked) != 1 || looked[0] != want {
		t.Errorf("looked at %q, want the stored image alone", looked)
	}
}

// factsOf are the texts of what an agent has learned.
func factsOf(s *elizatest.Server, agent core.UUID) (out []string) {
	s.T.Helper()
	list, _ := s.Get("/api/agents/" + string(agent) + "/memories?tableName=facts").Want(200).Data()["memories"].([]any)
	for _, m := range list {
		content, _ := m.(map[string]any)["content"].(map[string]any)
		text, _ := content["text"].(string)
		out = append(out, text)
	}
	slices.Sort(out)
	return out
}

func TestAnAgentLearnsAndRemembers(t *testing.T) {
	t.Parallel()
	var seen string
	model := elizatest.Model(func(ctx context.Context, r core.TextRequest) (string, error) {
		switch {
		case r.Purpose == core.PurposeReflect: // as without any other model
			var b strings.Builder
			for d, err := range doctor.NewModel(doctor.Options{}).Generate(ctx, r) {
				if err != nil {
					return "", err
				}
				b.WriteString(d.Text)
			}
			return b.String(), nil
		case r.Purpose == core.PurposeReply:
			seen = r.Prompt
			return "<response><thought>t</thought><text>In Berlin.</text></response>", nil
		case strings.HasPrefix(elizatest.Last(r), "where"):
			return strings.Replace(chooses("REPLY"), "<providers>", "<providers>FACTS, RELATIONSHIPS, WORLD", 1), nil
		}
		return elizatest.Respond("I see"), nil
	})
	s := elizatest.Start(t, eliza.WithPlugins(model.Plugin()))
	agent, user, channel := s.Agent("Ada"), core.NewUUID(), core.NewUUID()
	say := func(text string) string {
		t.Helper()
		return reply(s.Post("/api/messaging/channels/"+string(channel)+"/messages", map[string]any{
			"author_id": user, "server_id": core.DefaultServerID, "content": text, "transport": "http",
			"metadata": map[string]any{"isDm": true, "targetUserId": agent, "user_display_name": "Bob"},
		}))
	}
	for _, text := range []string{"Hello", "I live in Berlin.", "Do I like tea?", "I like my dog and I live in Berlin", "Well"} {
		say(text)
	}
	elizatest.Eventually(t, "facts", func() bool { return len(factsOf(s, agent)) == 2 })
	if diff := cmp.Diff([]string{"Bob likes their dog.", "Bob lives in Berlin."}, factsOf(s, agent)); diff != "" {
		t.Error(diff)
	}
	for range 10 { // the same again and again
		say("I live in Berlin")
	}
	if got := say("where do I live?"); got != "In Berlin." {
		t.Errorf("answer %q", got)
	}
	for _, part := range []string{"# What you have learned\n- Bob lives in Berlin.", "# In this room\n- ", "Rooms of this place"} {
		if !strings.Contains(seen, part) {
			t.Errorf("the prompt lacks %q:\n%s", part, seen)
		}
	}
	if diff := cmp.Diff([]string{"Bob likes their dog.", "Bob lives in Berlin."}, factsOf(s, agent)); diff != "" {
		t.Error(diff)
	}
}

func TestAFailingReflectionCostsNothing(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	for name, answer := range map[string]func() (string, error){
		"fails":   func() (string, error) { return "", errors.New("no model today") },
		"panics":  func() (string, error) { panic("boom") },
		"garbage": func() (string, error) { return "<response><facts><fact><claim>x</fact></facts>", nil },
	} {
		t.Run(name, func(t *testing.T) {
			model := elizatest.Model(func(_ context.Context, r core.TextRequest) (string, error) {
				if r.Purpose == core.PurposeReflect {
					asked.Add(1)
					return answer()
				}
				return elizatest.Respond("fine"), nil
			})
			bad := plugin.Plugin{Name: "bad", Evaluators: []plugin.Evaluator{
				{Name: "PANICS", Run: func(context.Context, *plugin.Call) (plugin.Result, error) { panic("boom") }},
				{Name: "CANNOT", Validate: func(context.Context, *plugin.Call) (bool, error) { panic("boom") }},
			}}
			s := elizatest.Start(t, eliza.WithPlugins(model.Plugin(), bad))
			agent, user, channel := s.Agent("Ada"), core.NewUUID(), core.NewUUID()
			before := asked.Load()
			for range 6 {
				if got := reply(s.Say(channel, user, agent, "hello", "http")); got != "fine" {
					t.Errorf("answer %q", got)
				}
			}
			elizatest.Eventually(t, "a reflection", func() bool { return asked.Load() > before })
			if got := factsOf(s, agent); len(got) != 0 {
				t.Errorf("facts %q", got)
			}
		})
	}
}

func TestAnAgentAnswersInSteps(t *testing.T) {
	t.Parallel()
	var looked atomic.Int32
	look := plugin.Plugin{Name: "library", Actions: []plugin.Action{{
		Name: "LOOK_UP", Description: "Looks something up.",
		Run: func(_ context.Context, c *plugin.Call) (plugin.Result, error) {
			looked.Add(1)
			return plugin.Result{Text: "the parameters were " + string(c.Params)}, nil
		},
	}}}
	model := elizatest.Model(func(_ context.Context, r core.TextRequest) (string, error) {
		switch {
		case r.Purpose == core.PurposeStep && strings.Contains(r.Prompt, "the parameters were"):
			return "<response><thought>enough</thought><isFinish>true</isFinish></response>", nil
		case r.Purpose == core.PurposeStep:
			return `<response><thought>look</thought><action>LOOK_UP</action><parameters>{"word":"cat"}</parameters><isFinish>false</isFinish></response>`, nil
		case r.Purpose == core.PurposeReply && strings.Contains(r.Prompt, `{"word":"cat"}`):
			return "<response><thought>t</thought><text>A cat is a cat.</text></response>", nil
		}
		return "", errors.New("unexpected request " + r.Purpose)
	})
	for name, opts := range map[string][]eliza.Option{
		"scripted": {eliza.WithPlugins(look, model.Plugin())},
		"offline":  nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := elizatest.Start(t, append(opts, eliza.WithSettings(map[string]string{"USE_MULTI_STEP": "true"}))...)
			agent, user, channel := s.Agent("Ada"), core.NewUUID(), core.NewUUID()
			sock := elizatest.Dial(t, s.Base, nil, nil)
			sock.Emit("1", map[string]any{"channelId": channel})
			sock.Wait("channel_joined", nil)
			got := reply(s.Say(channel, user, agent, "I am sad, what is a cat?", "http"))
			sock.Wait("messageComplete", nil)
			var pieces strings.Builder
			for _, c := range sock.Named("messageStreamChunk") {
				pieces.WriteString(c["chunk"].(string))
			}
			if got == "" || pieces.String() != got || opts != nil && (got != "A cat is a cat." || looked.Load() != 1) {
				t.Errorf("answer %q, streamed %q, looked up %d times", got, pieces.String(), looked.Load())
			}
		})
	}
}
