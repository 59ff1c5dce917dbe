package storage

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// fileLock keeps a second process, or a second DB in this one, away from our tables in a database file.
type fileLock struct {
	release func() error
}

// lockFile takes an exclusive lock (flock) on a file beside the database, one for each prefix. The system
// drops it when the process ends, however it ends.
func lockFile(path, prefix string) (*fileLock, error) {
	name := path
	if prefix != "" {
		name += "." + prefix
	}
	f, err := os.OpenFile(name+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("storage: lock file: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if prefix != "" {
			path += " with the prefix " + prefix
		}
		return nil, errors.Join(inUse(f, path, err), f.Close())
	}
	if err := f.Truncate(0); err == nil {
		_, err = fmt.Fprintf(f, "%d\n", os.Getpid())
		if err != nil {
			return nil, errors.Join(fmt.Errorf("storage: lock file: %w", err), f.Close())
		}
	}
	return &fileLock{release: sync.OnceValue(func() error {
		// Said aloud, for a child process that is just being forked holds the file open until it becomes
		// another program.
		return errors.Join(syscall.Flock(int(f.Fd()), syscall.LOCK_UN), f.Close())
	})}, nil
}

// inUse says who has the lock.
func inUse(f *os.File, path string, err error) error {
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("storage: lock %s: %w", path, err)
	}
	b, _ := io.ReadAll(io.LimitReader(f, 20))
	pid := strings.TrimSpace(string(b))
	if pid == strconv.Itoa(os.Getpid()) {
		return fmt.Errorf("storage: %s is open in this process already", path)
	}
	return fmt.Errorf("storage: %s is in use by another process (pid %s)", path, pid)
}
