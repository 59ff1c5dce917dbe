package hosttest

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/runtime/core"
)

// RunFunc is a program without its process: it works until ctx ends, by its arguments, and writes to out what people are to read.
type RunFunc func(ctx context.Context, args []string, out io.Writer) error

// Program starts a program on a free port and a folder of data, and returns its address when it has printed it. stop
// ends it and wants it to end without an error; the end of the test stops it too.
func Program(t *testing.T, run RunFunc, data string) (base string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, ended := &printed{address: make(chan string, 1)}, make(chan error, 1)
	go func() { ended <- run(ctx, []string{"-addr", "127.0.0.1:0", "-data", data}, out) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the program ended with %v", err)
		}
	})
	t.Cleanup(stop)
	select {
	case base = <-out.address:
	case err := <-ended:
		ended <- nil
		t.Fatalf("the program ended before it printed its address: %v", err)
	}
	return base, stop
}

// printed finds the address in what a program prints.
type printed struct {
	all     bytes.Buffer
	address chan string
}

var addressed = regexp.MustCompile(`http://127\.0\.0\.1:\d+\b`)

// Write implements [io.Writer].
func (p *printed) Write(b []byte) (int, error) {
	p.all.Write(b)
	if a := addressed.FindString(p.all.String()); a != "" {
		p.all.Reset()
		select {
		case p.address <- a:
		default: // it is known
		}
	}
	return len(b), nil
}

// Example holds a program that mounts a server below /ai, open to everybody, to what it shows: a page of the host, an
// agent that answers, also after another start on the same data, and clear words about wrong arguments.
func Example(t *testing.T, run RunFunc, home string) {
	data, channel, user := t.TempDir(), core.NewUUID(), core.NewUUID()
	for start := range 2 {
		base, stop := Program(t, run, data)
		host, ai := elizatest.Client{T: t, Base: base}, elizatest.Client{T: t, Base: base + "/ai"}
		if a := host.Get("/").Want(200); !strings.Contains(string(a.Raw), home) {
			t.Errorf("the host's page: %s", a.Raw)
		}
		host.Get("/nope").Want(404)
		host.Get("/api/agents").Want(404)
		ai.Get("/api/nope").WantError(404, core.CodeNotFound)
		agents, _ := ai.Get("/api/agents").Want(200).Data()["agents"].([]any)
		if len(agents) != 1 {
			t.Fatalf("agents: %v", agents)
		}
		id, _ := agents[0].(map[string]any)["id"].(string)
		sock := elizatest.Dial(t, ai.Base, nil, nil)
		sock.Emit("1", map[string]any{"channelId": channel})
		sock.Wait("channel_joined", nil)
		answer := ai.Say(channel, user, core.UUID(id), "I had a strange dream.", "http").Want(201)
		if reply, _ := answer.Body["agentResponse"].(map[string]any); reply["text"] == nil || reply["text"] == "" {
			t.Errorf("no answer: %s", answer.Raw)
		}
		sock.Wait("messageComplete", nil)
		if n := len(ai.Messages(channel)); n != 2*(start+1) {
			t.Errorf("start %d: %d messages", start, n)
		}
		stop()
	}
	WrongArguments(t, run)
}

// WrongArguments wants a program to refuse what it cannot use.
func WrongArguments(t *testing.T, run RunFunc) {
	t.Helper()
	for _, args := range [][]string{{"-nope"}, {"-addr", "nowhere", "-data", t.TempDir()}} {
		if err := run(t.Context(), args, io.Discard); err == nil || errors.Is(err, flag.ErrHelp) {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// Main is the TestMain of a program: nothing it started may be left.
func Main(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"),
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"))
}
