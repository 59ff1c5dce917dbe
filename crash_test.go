package eliza_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eliza-go/eliza"
	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/media"
	"github.com/eliza-go/eliza/runtime/core"
)

// The tests below kill a server of another process, this test binary run as a child, at the worst moments.
const (
	childMode = "ELIZA_TEST_CHILD"
	childDB   = "ELIZA_TEST_DB"
)

// brain answers, or gets stuck at the point its mode names, which it prints.
type brain struct {
	core.BareRuntime
	mode string
}

func (b brain) Turn(ctx context.Context, t *core.Turn, out core.Out) (core.Outcome, error) {
	answer := core.Content{Text: "answer to " + t.Content.Text}
	switch b.mode {
	case "stuck-in-model":
		out.Stream("answer to")
	case "stuck-after-reply":
		if _, err := out.Send(ctx, &answer); err != nil {
			return core.Outcome{}, err
		}
	case "stuck-in-action":
		if err := out.Acting(ctx); err != nil {
			return core.Outcome{}, err
		}
	default:
		return core.Outcome{Reply: &answer}, nil
	}
	fmt.Println("stuck")
	<-ctx.Done()
	return core.Outcome{}, ctx.Err()
}

// child is a server in a process of its own.
func child() {
	factory := func(_ context.Context, c *core.Character) (core.Runtime, error) {
		return brain{core.BareRuntime{ID: c.ID, Char: c}, os.Getenv(childMode)}, nil
	}
	db := os.Getenv(childDB)
	srv, err := eliza.NewServer(eliza.WithDatabase(db), eliza.WithLogger(elizatest.Quiet()), eliza.WithRuntimeFactory(factory), eliza.WithRateLimits(eliza.Limit{}, eliza.Limit{}, eliza.Limit{}),
		eliza.WithFiles(media.DataDirs(filepath.Dir(db))), eliza.WithEnvFile(filepath.Join(filepath.Dir(db), ".env")))
	if err != nil {
		fmt.Println("failed", err)
		return
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println("failed", err)
		return
	}
	fmt.Println("listening", ln.Addr())
	fmt.Println("ended", srv.Serve(context.Background(), ln))
}

type process struct {
	elizatest.Client
	cmd   *exec.Cmd
	lines chan string
}

// spawn runs a child on a database and waits until it listens.
func spawn(t *testing.T, mode, db string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childMode+"="+mode, childDB+"="+db)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, lines: make(chan string, 100)}
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(io.LimitReader(out, 1<<20)); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	t.Cleanup(p.kill)
	p.Client = elizatest.Client{T: t, Base: "http://" + p.line(t, "listening ")}
	return p
}

// line waits for a line that begins with prefix and returns the rest.
func (p *process) line(t *testing.T, prefix string) string {
	t.Helper()
	limit := time.NewTimer(15 * time.Second)
	defer limit.Stop()
	for {
		select {
		case l, ok := <-p.lines:
			if !ok {
				t.Fatalf("the process ended without saying %q", prefix)
			}
			if rest, ok := strings.CutPrefix(l, prefix); ok {
				return rest
			}
		case <-limit.C:
			t.Fatalf("the process did not say %q", prefix)
		}
	}
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

func TestKilledServerAnswersExactlyOnce(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, mode string
		begun      bool     // killed once the turn has come to its point, else right after the acknowledgement
		answers    []string // what the agent has said in the end
	}{
		{"after the acknowledgement", "stuck-in-model", false, []string{"answer to hello"}},
		{"during the model call", "stuck-in-model", true, []string{"answer to hello"}},
		{"after the reply is stored", "stuck-after-reply", true, []string{"answer to hello"}},
		{"in an action that must not be repeated", "stuck-in-action", true, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			db := t.TempDir() + "/eliza.db"
			channel, user := core.NewUUID(), core.NewUUID()

			first := spawn(t, tc.mode, db)
			agent := makeAgent(first.Client)
			ack := first.Say(channel, user, agent, "hello", "websocket").Want(201).Data()
			if tc.begun {
				first.line(t, "stuck")
			}
			first.kill()

			second := spawn(t, "answer", db)
			// A repetition of the same message is not stored again, and waits for what came of the first.
			again := second.Post("/api/messaging/channels/"+string(channel)+"/messages", map[string]any{
				"author_id": user, "server_id": core.DefaultServerID, "content": "hello", "messageId": ack["id"], "transport": "http",
			}).Want(200)
			if replies, _ := again.Body["agentResponses"].([]any); len(replies) != len(tc.answers) {
				t.Errorf("replies = %v, want %v", replies, tc.answers)
			}
			next := second.Say(channel, user, agent, "again", "http").Want(201)
			if next.Body["agentResponse"] == nil {
				t.Error("the next message was not answered")
			}
			var said []string
			for _, m := range second.Messages(channel) {
				if m["authorId"] == string(agent) && m["inReplyToRootMessageId"] == ack["id"] {
					said = append(said, m["content"].(string))
				}
			}
			if strings.Join(said, "|") != strings.Join(tc.answers, "|") {
				t.Errorf("the agent said %q, want %q", said, tc.answers)
			}
		})
	}
}

// TestKilledServerKeepsNoHalves kills a server that stores messages, an upload and its env file at once.
func TestKilledServerKeepsNoHalves(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := filepath.Join(dir, "eliza.db")
	first := spawn(t, "answer", db)
	agent, channel := makeAgent(first.Client), core.NewUUID()

	var (
		work    sync.WaitGroup
		acked   = make(chan string, 10_000)
		written = make(chan struct{}, 10_000)
	)
	for range 4 {
		work.Go(func() { // until the server is gone
			for {
				id, err := submit(first.Base, channel)
				if err != nil {
					return
				}
				acked <- id
			}
		})
	}
	work.Go(func() {
		for n := 0; ; n++ {
			v := strings.Repeat(fmt.Sprint(n%10), 20_000)
			if _, err := post(first.Base+"/api/system/env/local", "application/json", strings.NewReader(fmt.Sprintf(`{"content":{"FIRST":%q,"LAST":%q}}`, v, v))); err != nil {
				return
			}
			written <- struct{}{}
		}
	})
	half, body := io.Pipe()
	work.Go(func() {
		_, _ = post(first.Base+"/api/media/agents/"+string(agent)+"/upload-media", "multipart/form-data; boundary=b", half)
		_ = half.Close()
	})
	_, _ = body.Write([]byte("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n"))
	_, _ = body.Write(bytes.Repeat([]byte("half a file\n"), 20_000))
	var ids []string
	for len(ids) < 50 {
		ids = append(ids, <-acked)
	}
	for range 5 {
		<-written
	}
	elizatest.Eventually(t, "half an upload is on disk", func() bool { return len(uploaded(t, dir, true)) == 1 })
	first.kill()
	_ = body.Close()
	work.Wait()
	close(acked)
	for id := range acked {
		ids = append(ids, id)
	}

	second := spawn(t, "answer", db)
	for _, id := range ids {
		second.Get("/api/messaging/messages/" + id).Want(200)
	}
	vars := second.Get("/api/system/env/local").Want(200).Data()
	if v, _ := vars["FIRST"].(string); len(v) != 20_000 || vars["LAST"] != v {
		t.Errorf("the env file holds %d bytes of one write, and the same of the other: %v", len(v), vars["LAST"] == v)
	}
	if kept := uploaded(t, dir, false); len(kept) > 0 {
		t.Errorf("half an upload is kept as %v", kept)
	}
}

// uploaded lists uploads that are stored, or those that have begun.
func uploaded(t *testing.T, dir string, begun bool) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(filepath.Join(dir, "data"), func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && strings.HasPrefix(e.Name(), ".") == begun {
			out = append(out, path)
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return out
}

// submit stores a message and returns its id once that is acknowledged.
func submit(base string, channel core.UUID) (string, error) {
	raw, err := post(base+"/api/messaging/submit", "application/json", strings.NewReader(fmt.Sprintf(
		`{"channel_id":%q,"server_id":%q,"author_id":%q,"content":"keep me"}`, channel, core.DefaultServerID, core.NewUUID())))
	if err != nil {
		return "", err
	}
	var answer struct {
		Data struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	err = json.Unmarshal(raw, &answer)
	return answer.Data.ID, err
}

func post(url, kind string, body io.Reader) ([]byte, error) {
	res, err := http.Post(url, kind, body)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("status %d: %s", res.StatusCode, raw)
	}
	return raw, err
}

func makeAgent(c elizatest.Client) core.UUID {
	c.T.Helper()
	id, _ := c.Post("/api/agents", map[string]any{"characterJson": map[string]any{"name": "Ada", "bio": "x"}}).Want(201).Data()["id"].(string)
	c.Post("/api/agents/"+id+"/start", nil).Want(200)
	return core.UUID(id)
}
