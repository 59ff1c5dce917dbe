package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"strings"
	"testing"

	"github.com/eliza-go/eliza/internal/hosttest"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

func TestTheConversationGoesOn(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	say := func(text string) []string {
		t.Helper()
		var out bytes.Buffer
		if err := run(t.Context(), []string{"-data", data}, strings.NewReader(text), &out); err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	}
	first := say("Hello, I am nervous.\n\n")
	if len(first) != 2 || !strings.HasPrefix(first[0], "You: Ada: ") || len(first[0]) < len("You: Ada: ?") || first[1] != "You: You: " {
		t.Fatalf("printed %q", first)
	}
	second := say("I dreamt of my mother.\n")
	said := strings.TrimPrefix(first[0], "You: ")
	if len(second) != 4 || second[0] != "You: Hello, I am nervous." || second[1] != said || !strings.HasPrefix(second[2], "You: Ada: ") {
		t.Errorf("printed %q", second)
	}
}

func TestItEndsWhileItWaitsForALine(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	in, typing := io.Pipe()
	out := &waiting{shown: make(chan struct{})}
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"-data", t.TempDir()}, in, out) }()
	<-out.shown
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	_ = typing.Close()
	if err := run(t.Context(), []string{"-nope"}, in, io.Discard); err == nil || errors.Is(err, flag.ErrHelp) {
		t.Errorf("wrong arguments: %v", err)
	}
}

// waiting tells when somebody is asked for a line.
type waiting struct{ shown chan struct{} }

func (w *waiting) Write(b []byte) (int, error) {
	if string(b) == "You: " {
		close(w.shown)
	}
	return len(b), nil
}
