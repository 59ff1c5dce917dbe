package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/internal/hosttest"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

// paper is what a program printed.
type paper struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (p *paper) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all.Write(b)
}

func (p *paper) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all.String()
}

func TestMessagesAreAuditedAndFilesAreSealed(t *testing.T) {
	t.Parallel()
	const secret = "the plain text of a file"
	var log paper
	noted := func(ctx context.Context, args []string, out io.Writer) error {
		return run(ctx, args, io.MultiWriter(out, &log))
	}
	data, agent, user := t.TempDir(), core.StringToUUID("Ada"), core.NewUUID()

	base, stop := hosttest.Program(t, noted, data)
	c := elizatest.Client{T: t, Base: base}
	byHTTP, bySocket := core.NewUUID(), core.NewUUID()
	c.Say(byHTTP, user, agent, "I had a strange dream.", "http").Want(201)
	sock := elizatest.Dial(t, base, map[string]any{"entityId": user}, nil)
	sock.Emit("2", map[string]any{
		"channelId": bySocket, "senderId": user, "serverId": core.DefaultServerID, "message": "I am sad.",
		"metadata": map[string]any{"isDm": true, "targetUserId": agent},
	})
	sock.Wait("messageAck", nil)
	for _, channel := range []core.UUID{byHTTP, bySocket} {
		if !strings.Contains(log.String(), string(user)+" wrote") || !strings.Contains(log.String(), "to channel "+string(channel)) {
			t.Errorf("no line about channel %s in %q", channel, log.String())
		}
	}
	if strings.Contains(log.String(), "dream") {
		t.Error("the log has what was said")
	}

	url := upload(t, base+"/api/media/agents/"+string(agent)+"/upload-media", secret)
	if got := string(c.Get(url).Want(200).Raw); got != secret {
		t.Errorf("the file is %q", got)
	}
	stop()
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(secret)) {
			t.Errorf("%s has the file in clear", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	c.Base, stop = hosttest.Program(t, run, data)
	defer stop()
	if got := string(c.Get(url).Want(200).Raw); got != secret {
		t.Errorf("after another start the file is %q", got)
	}
	hosttest.WrongArguments(t, run)
}

// upload sends a text file and returns its address.
func upload(t *testing.T, to, text string) string {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="note.txt"`}, "Content-Type": {"text/plain"},
	})
	if err == nil {
		_, err = io.WriteString(part, text)
	}
	if err = errors.Join(err, form.Close()); err != nil {
		t.Fatal(err)
	}
	c := elizatest.Client{T: t, Header: http.Header{"Content-Type": {form.FormDataContentType()}}}
	url, _ := c.Do(http.MethodPost, to, &body).Want(200).Data()["url"].(string)
	return url
}
