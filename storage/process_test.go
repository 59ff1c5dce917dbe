package storage_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/eliza-go/eliza/agents"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

// child is a second process: it opens the file, stores agents for ever and says the id of each.
func child(path string) int {
	ctx := context.Background()
	db, err := storage.Open(ctx, path, storage.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	for {
		now := core.Now()
		a := &agents.Agent{Character: &core.Character{ID: core.NewUUID(), Name: "child"}, Version: 1, CreatedAt: now, UpdatedAt: now}
		if err := db.Agents().Insert(ctx, a); err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Println(a.Character.ID)
	}
}

func startChild(t *testing.T, path string) (*exec.Cmd, io.Reader) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

func refused(t *testing.T, path string, want ...string) {
	t.Helper()
	db, err := storage.Open(t.Context(), path, storage.Options{Logger: slog.New(slog.DiscardHandler)})
	if err == nil {
		_ = db.Close()
		t.Fatalf("Open(%q) worked, want it refused", path)
	}
	for _, text := range want {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("Open = %q, want it to say %q", err, text)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("Open = %q, want one line", err)
	}
}

func TestSecondOpenInThisProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "eliza.db")
	db := openAt(t, path)
	refused(t, path, "eliza.db", "open in this process already")
	link := filepath.Join(dir, "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	refused(t, link, "open in this process already")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	openAt(t, link)
}

func TestOtherProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "eliza.db")
	cmd, out := startChild(t, path)
	lines := bufio.NewScanner(out)
	var ids []core.UUID
	for len(ids) < 20 && lines.Scan() {
		id, err := core.ParseUUID(lines.Text())
		if err != nil {
			t.Fatalf("the child says %q", lines.Text())
		}
		ids = append(ids, id)
	}
	refused(t, path, "in use by another process", strconv.Itoa(cmd.Process.Pid))
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // what it said before it died
		if id, err := core.ParseUUID(lines.Text()); err == nil {
			ids = append(ids, id)
		}
	}
	_ = cmd.Wait()
	db := openAt(t, path)
	for _, id := range ids {
		if _, err := db.Agents().Agent(t.Context(), id); err != nil {
			t.Errorf("an agent that was acknowledged before the kill: %v", err)
		}
	}
}

func TestOtherProcessIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "eliza.db")
	openAt(t, path)
	cmd, out := startChild(t, path)
	said, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(string(said), "in use by another process (pid "+strconv.Itoa(os.Getpid())+")") {
		t.Errorf("the other process ended with %v and says %q", err, said)
	}
}
